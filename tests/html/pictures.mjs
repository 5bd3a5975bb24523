// Pictures of pages, light and dark, narrow and wide: `node pictures.mjs OUT-OF-A-BUILD PICTURES PATH...`

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { start } from "./browser.mjs";
import { serve } from "./serve.mjs";

const [site, out, ...paths] = process.argv.slice(2);
await mkdir(out, { recursive: true });
const server = await serve(site);
const browser = await start();
const page = await browser.open();
for (const path of paths) {
  const name = path.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "home";
  for (const width of (process.env.WIDTHS ?? "390 1280").split(" ").map(Number)) {
    for (const dark of [false, true]) {
      await page.go(server.url + path, { width, dark });
      for (const [at, picture] of (await page.pictures()).entries()) {
        await writeFile(join(out, `${name}-${width}${dark ? "-dark" : ""}-${at + 1}.png`), picture);
      }
    }
  }
  await page.go(server.url + path);
  await writeFile(join(out, `${name}.pdf`), await page.print());
}
await browser.close();
server.close();
