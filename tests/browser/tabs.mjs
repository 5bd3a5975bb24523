// Open tabs: they show newer versions by themselves, many at a time, and lose nothing that was written into them; a page
// of a site that nobody has turns into it.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "./look.mjs";

/** More than a browser has connections to one origin. */
const TABS = 8;

const shows = (text) => `document.body?.innerText.includes(${JSON.stringify(text)})`;

/** Opens tabs of a site of Ada's at her own node and at Eve's. */
export async function tabs({ browser, look, running }, { ada, desk, eve, away }) {
  const folder = join(ada.folder, "tabs");
  const write = (text) => writeFile(join(folder, "index.html"), page(text));
  await mkdir(folder);
  await write("one");
  await ada.run(["init", "--static", folder]);
  const { address } = await ada.run(["status", folder]);
  const at = (node) => `http://${address.slice("skep://".length)}.localhost:${new URL(node.gateway).port}/`;

  // Nobody has it yet: the page says whom it asked, and turns into the site when it is published.
  const waiting = await browser.open();
  await waiting.go(at(away));
  expect(await waiting.evaluate(shows("Nobody who has this site could be reached")), "a site that nobody has is explained");
  expect(await waiting.evaluate(shows("Asked ")), "the page says whom it asked");
  await look.at(waiting, "site-waiting");
  await ada.run(["publish", folder, "--yes", "--wait", "0"]);
  await waiting.until(shows("version one"));

  // All tabs together hold one connection, and all show what is new, but the one that was written into.
  const open = [];
  for (let n = 0; n < TABS; n += 1) {
    const tab = await browser.open();
    await tab.go(at(desk));
    open.push(tab);
  }
  const streams = (list) => list.filter((tab) => tab.requests.some((url) => url.endsWith("/skep/live")));
  await open[0].until("performance.getEntriesByType('resource').some((entry) => entry.name.endsWith('live.js'))");
  const [written, ...rest] = open.slice(1);
  await written.send("Page.bringToFront");
  await written.type("#name", "Ada");
  const heard = streams(open);
  expect(heard.length === 1 && heard[0] === open[0], `${heard.length} tabs listen`);
  await write("two");
  await ada.run(["publish", folder, "--yes", "--wait", "0"]);
  for (const tab of [open[0], ...rest]) await tab.until(shows("version two"));
  await written.until(shows("There is a newer version of this page."));
  expect(await written.evaluate(shows("version one")), "the page with the text has stayed");
  expect((await written.evaluate("document.querySelector('#name').value")) === "Ada", "what was written is lost");
  await look.at(written, "site-newer-version");
  await written.click(".skep-bar a");
  await written.until(shows("version two"));

  // The tab that listens goes; another takes its place.
  await open.shift().close();
  await write("three");
  await ada.run(["publish", folder, "--yes", "--wait", "0"]);
  for (const tab of rest) await tab.until(shows("version three"));
  for (const tab of open) await tab.close();
}

function page(text) {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Tabs</title></head>
<body><main><h1>Tabs</h1><p>This is version ${text}.</p>
<form><label for="name">Name</label> <input id="name" name="name"></form></main></body>
</html>
`;
}
