// The way of a website, in a browser: made, written, published, read elsewhere, forked, published again.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "./look.mjs";
import { person } from "./skep.mjs";

const MAIN = "(document.querySelector('main')?.innerText ?? '')";
const READY = "document.readyState === 'complete'";

/** Tells the story; returns who is there at its end, and where. */
export async function story({ program, scratch, browser, look, running }) {
  const ada = await person(program, join(scratch, "ada"));
  const desk = await ada.start(["browse", "--port", "0"]);
  running.push(desk);
  const page = await browser.open();

  // A browser that skep has not sent here sees nothing.
  await page.go(desk.gateway);
  expect((await page.evaluate(MAIN)).includes("Open this from skep"), "a stranger was let in");
  await look.at(page, "stranger");

  // A new website.
  await page.go(desk.library);
  await page.until(`location.pathname === "/" && ${READY}`);
  await look.at(page, "library-empty");
  await page.click('nav a[href="/new"]');
  await page.until(`location.pathname === "/new" && ${READY}`);
  await look.at(page, "new");
  await page.type("#title", "Bees & Friends");
  await page.press("Enter");
  await page.until(`${MAIN}.includes("is a website now") && ${READY}`);
  await look.at(page, "new-made");
  const preview = await page.evaluate("document.querySelector('a[data-open]').href");
  const reviewUrl = await page.evaluate(`document.querySelector('a[href$="/review"]').href`);
  const folder = join(ada.folder, "Websites", "bees-friends");
  expect((await page.evaluate(MAIN)).includes(folder), "the page of a new website names its folder");

  // A first post: the open preview shows it by itself.
  const draft = await browser.open();
  await draft.go(preview);
  const { file } = await ada.run(["draft", "Why bees dance", folder]);
  expect(file, "skep draft says where the draft is");
  const { file: post } = await ada.run(["post", file]);
  await draft.until(`document.body.innerText.includes("Why bees dance")`);

  // The review; the preview's bar says how much it has, and leads there.
  await page.go(reviewUrl);
  await page.until(`document.querySelector('input[name="complete"]') && ${READY}`);
  const rows = await page.evaluate("document.querySelectorAll('ul.rows > li').length");
  const bar = await barOf(draft, new RegExp(`^${rows} changes`));
  expect(bar.href === reviewUrl, `the bar leads to ${bar.href}`);
  await look.at(page, "review-first");
  // The sources go out too, so that somebody can fork the site.
  await page.click('form[action$="/sources"] button[value="yes"]');
  await page.until(`document.querySelector('input[name="complete"]') && ${MAIN}.includes("Sources") && ${READY}`);
  await page.type("#message", "The first post");
  await page.click("form#publish button.primary");
  await page.until(`${MAIN}.includes("Version 1 is published")`);
  await look.at(page, "published");
  await barOf(draft, /^No changes/);

  // Somebody else reads it, on a node of their own.
  const { address } = await ada.run(["log", folder]);
  const id = address.slice("skep://".length);
  const eve = await person(program, join(scratch, "eve"));
  const away = await eve.start(["browse", address, "--port", "0", "--peer", desk.ticket]);
  running.push(away);
  const reader = await browser.open();
  await reader.go(away.url);
  await reader.until(`document.body.innerText.includes("Why bees dance")`);
  expect(new URL(await reader.evaluate("location.href")).hostname === `${id}.localhost`, "a site has an origin of its own");
  expect(reader.console.length === 0, `a site's page wrote to the console: ${reader.console.join("; ")}`);
  await look.at(reader, "site-read");
  const library = await browser.open();
  await library.go(away.library);
  await library.until(`${MAIN}.includes("Bees & Friends") && ${READY}`);
  await look.at(library, "library-read");
  await eve.run(["follow", address, "--peer", desk.ticket]);
  await library.go(away.gateway);
  await look.at(library, "library-followed");

  // A change, looked at closely, is published; the tab that shows the site reloads by itself.
  await writeFile(post, (await readFile(post, "utf8")) + "\nThey dance to say where the flowers are.\n");
  await page.go(reviewUrl);
  await page.until(`document.querySelector('input[name="complete"]') && ${READY}`);
  await page.evaluate("document.querySelectorAll('ul.rows details').forEach((row) => { row.open = true; })");
  await page.until(`document.querySelector("main").textContent.includes("They dance to say where the flowers are.")`);
  await look.at(page, "review-change");
  // The page as readers see it, before and after.
  const news = "They dance to say where the flowers are.";
  await page.go(await page.evaluate(`document.querySelector('ul.rows a[href$="/pages"]').href`));
  const frames = await both(page, (frames) => frames.length === 2 && frames.every(({ text }) => text.includes("Why bees dance")));
  const [before, after] = [frames.find(({ url }) => url.includes(".localhost:")), frames.find(({ url }) => url.includes("//127.0.0.1:"))];
  expect(before && after, `the frames show ${frames.map(({ url }) => url)}`);
  expect(!before.text.includes(news), "the page before has the change already");
  await look.at(page, "review-pages");
  await reader.go(away.url + "2026/");
  await reader.send("Page.bringToFront");
  await reader.go(new URL(post.replace(/^.*_posts.(\d+)-(\d+)-(\d+)-(.*)\.md$/, "/$1/$2/$3/$4/"), away.url).href);
  expect(!(await reader.evaluate("document.body.innerText")).includes("They dance to say"), "the change is not published yet");
  const published = ada.run(["publish", folder, "--yes", "-m", "Say why"]);
  await published;
  await reader.until(`document.body.innerText.includes("They dance to say where the flowers are.")`);

  // An old version says so.
  await reader.go(new URL(away.url).href.replace("://", "://v1-"));
  await reader.until(`document.body.innerText.includes("Why bees dance")`);
  await look.at(reader, "site-old-version");

  // A fork of it: a site of her own, which builds and is published.
  await library.go(`${away.gateway}sites/${id}`);
  await library.until(`${MAIN}.includes("Fork it") && ${READY}`);
  await look.at(library, "site-read-facts");
  await library.click(`a[href$="/sites/${id}/fork"]`);
  await library.until(`document.querySelector("#version") && ${READY}`);
  await look.at(library, "fork");
  // A folder that is taken comes back with what was typed.
  const copy = join(eve.folder, "Websites", "bees-of-eve");
  await mkdir(copy, { recursive: true });
  await writeFile(join(copy, "mine.txt"), "mine");
  await library.type("#folder", "bees-of-eve");
  await library.press("Enter");
  await library.until(`${MAIN}.includes("is not empty") && ${READY}`);
  expect((await library.evaluate(`document.querySelector("#folder").value`)) === "bees-of-eve", "what was typed is lost");
  await look.at(library, "fork-refused");
  await rm(join(copy, "mine.txt"));
  await library.click("main button.primary");
  await library.until(`${MAIN}.includes("is a website now") && ${READY}`);
  await look.at(library, "fork-made");
  const forked = { address: await library.evaluate(`document.querySelector("main code.address").textContent`) };
  expect(forked.address !== address, "a fork has an address of its own");
  expect((await readFile(join(copy, "skep.toml"), "utf8")).includes(`origin = "${address}+2~`), "a fork says of what it is one");
  const ofFork = await browser.open();
  await ofFork.go(await library.evaluate("document.querySelector('a[data-open]').href"));
  await ofFork.until(`document.body.innerText.includes("They dance to say")`);
  const home = join(copy, "skep.toml");
  await writeFile(home, (await readFile(home, "utf8")).replace("Bees & Friends", "Bees of Eve"));
  await eve.run(["status", copy]);
  await library.go(`${away.gateway}sites/${forked.address.slice("skep://".length)}/review`);
  await library.until(`document.querySelector('input[name="complete"]') && ${READY}`);
  await library.click("form#publish button.primary");
  await library.until(`${MAIN}.includes("Version 1 is published")`);
  await reader.go(`http://${forked.address.slice("skep://".length)}.localhost:${new URL(away.gateway).port}/`);
  await reader.until(`document.title.includes("Bees of Eve")`);
  await library.go(away.gateway);
  await library.until(`${MAIN}.includes("Bees of Eve") && ${READY}`);
  await look.at(library, "library-forked");
  return { ada, desk, eve, away, address, id, folder, page, reader, preview };
}

/** The frames of a page, once they are as wanted. */
async function both(page, wanted) {
  const end = Date.now() + 60_000;
  for (;;) {
    // While one document takes the place of another there is none.
    const frames = await page.frames().catch(() => []);
    if (wanted(frames)) return frames;
    if (Date.now() >= end) throw new Error(`the frames never showed what they should: ${JSON.stringify(frames)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The link in the bar of a preview, once its text is as wanted. */
async function barOf(page, wanted) {
  await page.send("Page.bringToFront");
  const end = Date.now() + 60_000;
  for (let last = "nothing"; Date.now() < end; ) {
    // Scripts of the page can't look into the bar; the browser's own tools can.
    const { root } = await page.send("DOM.getDocument", { depth: -1, pierce: true });
    const link = find(root, (node) => node.localName === "a" && String(node.attributes).includes("/review"));
    if (link) {
      const at = link.attributes.indexOf("href");
      last = find(link, (node) => node.nodeName === "#text")?.nodeValue ?? "";
      if (wanted.test(last)) return { href: link.attributes[at + 1], text: last };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (Date.now() >= end) throw new Error(`the bar never said ${wanted}, but ${last}`);
  }
}

function find(node, test) {
  if (test(node)) return node;
  for (const child of [...(node.shadowRoots ?? []), ...(node.children ?? [])]) {
    const found = find(child, test);
    if (found) return found;
  }
  return null;
}
