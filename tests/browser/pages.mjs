// The other pages: what a person does now and then, and what they see when something is not there.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "./look.mjs";

const MAIN = "(document.querySelector('main')?.innerText ?? '')";
const READY = "document.readyState === 'complete'";
const WHOLE = `document.querySelector('input[name="complete"]') && ${READY}`;

/** Looks at them all, and publishes by keyboard alone and without scripts. */
export async function pages({ browser, look }, { ada, desk, away, id, folder, page }) {
  const own = `${desk.gateway}sites/${id}`;
  const read = `${away.gateway}sites/${id}`;
  const reader = await browser.open();

  // A change is taken back: the page asks first, and says where a copy is.
  const about = join(folder, "about.md");
  const before = await readFile(about, "utf8");
  await writeFile(about, before.replace(/$/, "\nWords that are not meant to stay.\n"));
  await page.go(`${own}/review`);
  await page.until(WHOLE);
  const revert = await page.evaluate(`[...document.querySelectorAll("ul.rows > li")]
    .find((row) => row.textContent.includes("about/index.html")).querySelector('a[href$="/restore"]').href`);
  await page.go(revert);
  await look.at(page, "revert");
  await page.click("main button.primary");
  await page.until(`${MAIN}.includes("is as it was published") && ${WHOLE}`);
  await look.at(page, "reverted");
  expect((await readFile(about, "utf8")) === before, "the file is not as it was published");
  const kept = await page.evaluate(`${MAIN}.match(/a copy of what was there is (\\S+)/)[1].replace(/\\.$/, "")`);
  expect((await readFile(kept, "utf8")).includes("not meant to stay"), "the copy is not what was there");

  // A secret stops a publish until it is allowed by its name.
  await writeFile(join(folder, "notes.txt"), "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n-----END OPENSSH PRIVATE KEY-----\n");
  await page.go(`${own}/review`);
  await page.until(WHOLE);
  await look.at(page, "review-warning");
  await page.click("form#publish button.primary");
  await page.until(`${MAIN}.includes("Nothing was published") && ${READY}`);
  await look.at(page, "refused");
  await writeFile(join(folder, "notes.txt"), "Nothing secret.\n");

  // By keyboard alone, and where no script runs.
  await page.send("Emulation.setScriptExecutionDisabled", { value: true });
  await page.go(`${own}/review`);
  await page.until(WHOLE);
  await page.send("Page.bringToFront");
  for (let stops = 0; ; stops += 1) {
    expect(stops < 40, "the button to publish is not reached by the Tab key");
    await page.press("Tab");
    if (await page.evaluate(`document.activeElement.matches("form#publish button.primary")`)) break;
  }
  await page.press("Enter");
  await page.until(`${MAIN}.includes("Version 3 is published")`);
  await page.send("Emulation.setScriptExecutionDisabled", { value: false });

  // A site's own page, its news, and what is asked before it is removed.
  for (const [name, url] of [
    ["site-own", own], ["site-followed", read], ["news", `${away.gateway}feed`], ["remove", `${read}/remove`],
    ["open", `${away.gateway}open?address=web%2Bskep%3A%2F%2F${id}`], ["nothing-there", `${own}/nothing`],
  ]) {
    await reader.go(url);
    await reader.until(READY);
    await look.at(reader, name);
  }
  expect((await text(reader, `${away.gateway}feed`)).includes("Why bees dance"), "the news do not have the post");

  // Nobody has a site: the page says so.
  const { address } = await ada.run(["new", "unseen"]);
  await reader.go(away.gateway.replace("localhost", `${address.slice("skep://".length)}.localhost`));
  await reader.until(READY);
  await look.at(reader, "nobody-has-it");
}

async function text(page, url) {
  await page.go(url);
  return await page.until(`${READY} && ${MAIN}`);
}
