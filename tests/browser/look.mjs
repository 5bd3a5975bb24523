// What every page is looked at for.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;

/** Looks at pages: what axe finds, what they ask other origins for, whether they fit; and takes pictures. */
export class Look {
  problems = [];
  count = 0;

  static async into(folder) {
    const look = new Look();
    look.folder = folder;
    look.axe = await readFile(join(HERE, "../html/node_modules/axe-core/axe.min.js"), "utf8");
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    return look;
  }

  /** Looks at what `page` shows now, under the name `name`. Its state stays as it is. */
  async at(page, name) {
    this.count += 1;
    // Of a tab behind another one there is no picture.
    await page.send("Page.bringToFront");
    for (const width of [1280, 390]) {
      for (const dark of [false, true]) {
        await again(() => this.once(page, name, width, dark));
      }
    }
    await page.screen({});
  }

  async once(page, name, width, dark) {
    const where = `${name} (${width}px, ${dark ? "dark" : "light"})`;
    await page.screen({ width, dark });
    const wide = await page.evaluate("document.documentElement.scrollWidth");
    if (wide > width) this.problems.push(`${where}: is ${wide} pixels wide`);
    for (const what of await this.violations(page)) this.problems.push(`${where}: ${what}`);
    const file = `${name}-${width}${dark ? "-dark" : ""}`;
    for (const [at, picture] of (await page.pictures()).entries()) {
      await writeFile(join(this.folder, `${file}${at ? `-${at + 1}` : ""}.png`), picture);
    }
  }

  async violations(page) {
    // The pages' own policy is for their scripts; what is evaluated from here may run.
    await page.evaluate(this.axe);
    return await page.evaluate(`axe.run(document, { resultTypes: ["violations"], iframes: false }).then(({ violations }) =>
      violations.flatMap(({ id, help, impact, nodes }) => nodes.map(({ html, any }) =>
        help + " (" + id + ", " + impact + "): " + html.slice(0, 160) + " " + any.map(({ message }) => message).join("; "))))`);
  }
}

/** Does something again that a page has broken off by loading anew, as one that waits does; a few times at most. */
async function again(act) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await act();
    } catch (error) {
      if (tries === 4 || !/context|navigat/i.test(error.message)) throw error;
    }
  }
}

/** Fails with `message` unless `condition`. */
export function expect(condition, message) {
  if (!condition) throw new Error(message);
}
