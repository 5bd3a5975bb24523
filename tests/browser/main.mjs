// Drives skep with a browser: `node main.mjs SKEP PICTURES`. Fails on the first thing that is not as it should be, or
// if axe finds something on any page; pictures of all pages, light and dark, narrow and wide, are in the folder PICTURES.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "../html/browser.mjs";
import { Look } from "./look.mjs";
import { pages } from "./pages.mjs";
import { story } from "./story.mjs";
import { tabs } from "./tabs.mjs";
import { walls } from "./walls.mjs";

const [program, pictures] = process.argv.slice(2);
const scratch = await mkdtemp(join(tmpdir(), "skep-tests-"));
const browser = await start();
const look = await Look.into(pictures);
const running = [];
let failed;
try {
  const setting = { program, scratch, browser, look, running };
  const published = await story(setting);
  await pages(setting, published);
  await walls(setting, published);
  await tabs(setting, published);
} catch (error) {
  failed = error;
} finally {
  for (const process of running.reverse()) await process.stop().catch(() => {});
  await browser.close();
  await rm(scratch, { recursive: true, force: true });
}
for (const problem of look.problems) console.error(problem);
if (failed) console.error(failed);
console.log(`${look.count} pages looked at, ${look.problems.length} problems; pictures in ${pictures}`);
process.exitCode = failed || look.problems.length > 0 || look.count === 0 ? 1 : 0;
