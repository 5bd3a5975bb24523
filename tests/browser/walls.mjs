// What must not be possible: for one site to get at another, or for anybody else to act in the author's name.

import { readdir } from "node:fs/promises";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { expect } from "./look.mjs";

/** Tries to get through. */
export async function walls({ browser }, { ada, desk, id, page, preview }) {
  const { port } = new URL(desk.gateway);
  const control = `http://localhost:${port}/`;

  // A script of a site: neither the control pages nor another site, whether it is here or not.
  const site = await browser.open();
  await site.go(`http://${id}.localhost:${port}/`);
  const tried = await site.evaluate(`Promise.all([
    "${control}", "${control}sites/${id}/review", "http://127.0.0.1:${port}/", "http://${"y".repeat(56)}.localhost:${port}/",
  ].map((url) => fetch(url, { credentials: "include" }).then((answer) => answer.text()).then((text) => "got " + text.length, () => "refused")))`);
  expect(tried.every((answer) => answer === "refused"), `a site's script got through: ${tried}`);
  const opened = await site.evaluate(`(() => {
    const frame = document.createElement("iframe");
    frame.src = "${control}";
    const done = new Promise((resolve) => { frame.onload = frame.onerror = resolve; });
    document.body.append(frame);
    return done.then(() => { try { return frame.contentDocument?.body.innerText ?? "nothing"; } catch { return "nothing"; } });
  })()`);
  expect(!opened.includes("Library"), `a site framed the library: ${opened}`);

  // What a site keeps in the browser is its own, not that of its old versions.
  await site.evaluate(`localStorage.setItem("secret", "honey")`);
  await site.go(`http://v1-${id}.localhost:${port}/`);
  expect((await site.evaluate(`localStorage.getItem("secret")`)) === null, "an old version sees the site's storage");

  // A page from elsewhere sends the form that makes a website, with the browser's own cookie.
  const websites = join(ada.folder, "Websites");
  const before = await readdir(websites);
  const elsewhere = createServer((request, response) => {
    response.setHeader("content-type", "text/html");
    if (request.url === "/frames") {
      const frames = [`http://${id}.localhost:${port}/`, preview, `${control}sites/${id}/review`];
      return response.end(`<!doctype html><title>Frames</title>${frames.map((url) => `<iframe src="${url}" referrerpolicy="unsafe-url"></iframe>`)}`);
    }
    response.end(`<!doctype html><title>Elsewhere</title><form method="post" action="${control}new"><input name="title" value="Stolen"></form>
      <script>document.forms[0].submit()</script>`);
  });
  await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  try {
    // A page of another website sends no cookie along; one of another program on this machine does.
    for (const [host, answer] of [["127.0.0.1", "Open this from skep"], ["localhost", "Nothing was done"]]) {
      await page.go(`http://${host}:${elsewhere.address().port}/`);
      await page.until(`location.port === "${port}" && document.body.innerText.includes("${answer}")`);
    }
    // Nor does it show the site, its preview or the control pages in a frame, whatever it calls itself.
    for (const host of ["127.0.0.1", "localhost"]) {
      await page.go(`http://${host}:${elsewhere.address().port}/frames`);
      for (const { url, text } of await page.frames()) {
        expect(!/bees|Review/i.test(text), `a page from elsewhere framed ${url}: ${text}`);
      }
    }
  } finally {
    elsewhere.closeAllConnections();
    elsewhere.close();
  }
  expect((await readdir(websites)).join() === before.join(), "a page from elsewhere made a website");

  // A name elsewhere that leads to this machine (DNS rebinding), and old names of the gateway.
  for (const host of ["evil.example", `evil.example:${port}`, `localhost.evil.example:${port}`]) {
    const { status, text } = await ask(port, host);
    expect(status === 421 && !text.includes("Library"), `Host ${host} was answered with ${status}`);
  }
}

/** What the server at `port` answers to somebody who calls it `host`. */
function ask(port, host) {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", path: "/", headers: { host } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, text }));
    });
    asked.setTimeout(60_000, () => asked.destroy(new Error(`no answer for Host ${host}`)));
    asked.on("error", reject).end();
  });
}
