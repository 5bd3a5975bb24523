// Checks the pages that skep makes. `node check.mjs BUILDER`, where BUILDER SITE OUT builds a site.
//
// Of each site in sites.mjs: is every page valid HTML? Does each link and image lead somewhere, also where the site lies in
// a folder of a website? Does any page ask another origin for anything? What does axe say of each
// kind of page, light and dark, narrow and wide? Can it be read on a screen of 320 pixels without scrolling sideways?

import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { FileSystemConfigLoader, HtmlValidate } from "html-validate";
import { start } from "./browser.mjs";
import { serve } from "./serve.mjs";
import { make } from "./sites.mjs";

const MOUNT = "/some/where/";
// Of all style sheets together.
const CSS_BYTES = 20 * 1024;
const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;

const builder = process.argv[2];
if (!builder) throw new Error("say with what to build: node check.mjs BUILDER");
const problems = [];
const say = (where, what) => problems.push(`${where}: ${what}`);

const config = JSON.parse(await readFile(join(HERE, ".htmlvalidate.json"), "utf8"));
const validator = new HtmlValidate(new FileSystemConfigLoader(config));
const axe = await readFile(join(HERE, "node_modules/axe-core/axe.min.js"), "utf8");
const scratch = await mkdtemp(join(tmpdir(), "skep-html-"));
const browser = await start();
try {
  await control();
  for (const [name, sources] of Object.entries(await make(scratch))) {
    const out = join(scratch, `${name}-out`);
    await promisify(execFile)(builder, [sources, out], { maxBuffer: 1 << 26 });
    const files = await all(out);
    const pages = files.filter((path) => path.endsWith(".html"));
    await markup(name, out, pages);
    await links(name, out, files, pages);
    await style(name, out);
    const looked = await inBrowser(name, out, pages);
    console.log(`${name}: ${pages.length} pages, ${looked} of them in a browser`);
  }
} finally {
  await browser.close();
  await rm(scratch, { recursive: true, force: true });
}
for (const problem of problems.slice(0, 200)) console.error(problem);
console.log(problems.length === 0 ? "nothing found" : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** The checkers must find what is known to be wrong, or their silence would mean nothing. */
async function control() {
  const bad = `<!DOCTYPE html><html lang="en"><head><title>Bad</title></head><body><img src="data:,"><p id="a"></p><p id="a"></p>
    <p style="color:#999;background:#fff">Too pale</p></body></html>`;
  const { results } = await validator.validateString(bad);
  const rules = results.flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId));
  const page = await browser.open();
  await page.go(`data:text/html,${encodeURIComponent(bad)}`);
  const found = [...rules, ...(await violations(page))].join("\n");
  await page.close();
  for (const wanted of ["wcag/h37", "no-dup-id", "(color-contrast", "(image-alt"]) {
    if (!found.includes(wanted)) throw new Error(`the checkers did not find ${wanted} in a bad page:\n${found}`);
  }
}

/** What axe finds on `page`. */
async function violations(page) {
  await page.evaluate(axe);
  return await page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, help, impact, nodes }) => nodes.map(({ html, any }) =>
      help + " (" + id + ", " + impact + "): " + html.slice(0, 160) + " " + any.map(({ message }) => message).join("; "))))`);
}

/** What is wrong with the stops of the Tab key: the first leads to the content, and each has a ring. */
async function unseenStops(page) {
  const wrong = [];
  for (let stop = 1; stop <= 12; stop += 1) {
    for (const type of ["rawKeyDown", "keyUp"]) {
      await page.send("Input.dispatchKeyEvent", { type, key: "Tab", code: "Tab", windowsVirtualKeyCode: 9 });
    }
    const { html, ring, isFirst } = await page.evaluate(`(() => {
      const { outerHTML, className } = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return { html: outerHTML.slice(0, 120), ring: outlineStyle === "solid" ? parseFloat(outlineWidth) : 0, isFirst: className === "skip-link" };
    })()`);
    // After the last stop it begins anew.
    if (stop > 1 && (isFirst || html.startsWith("<body"))) break;
    if (stop === 1 && !isFirst) wrong.push(`the first stop of the Tab key is ${html}`);
    if (ring < 2) wrong.push(`has the focus, and one does not see it: ${html}`);
  }
  return wrong;
}

/** Every file below a folder, by its path from there. */
async function all(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile());
  return paths.map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1)).sort();
}

/** What html-validate finds, with its recommended rules and those for WCAG. */
async function markup(site, out, pages) {
  for (const page of pages) {
    const report = await validator.validateString(await readFile(join(out, page), "utf8"));
    for (const { messages } of report.results) {
      for (const { line, column, ruleId, message } of messages) {
        say(`${site}/${page}:${line}:${column}`, `${message} (${ruleId})`);
      }
    }
  }
}

/** Every link, image and style sheet of the site's own, from where the page lies below MOUNT. */
async function links(site, out, files, pages) {
  const there = new Set(files);
  const ids = new Map();
  for (const page of pages) {
    const html = await readFile(join(out, page), "utf8");
    ids.set(page, new Set([...html.matchAll(/\sid="([^"]*)"/g)].map((match) => decode(match[1]))));
  }
  for (const page of pages) {
    // It is shown at any depth, so that its links start at the root.
    const base = page === "404.html" ? "http://site/" : `http://site${MOUNT}${page}`;
    const html = (await readFile(join(out, page), "utf8")).replace(/<script type="application\/ld\+json">[^]*?<\/script>/g, "");
    if (html.includes("<script")) say(`${site}/${page}`, "has a script");
    for (const [tag, name] of html.matchAll(/<([a-z]+)\b[^>]*>/g)) {
      for (const [, attribute, value] of tag.matchAll(/\s(href|src|action|poster)="([^"]*)"/g)) {
        const url = new URL(decode(value), base);
        const isLink = name === "a" || ["canonical", "me"].some((rel) => tag.includes(`rel="${rel}"`));
        if (url.origin !== "http://site") {
          if (!isLink && url.protocol !== "data:") say(`${site}/${page}`, `asks another origin: ${tag}`);
          continue;
        }
        const root = page === "404.html" ? "/" : MOUNT;
        if (!url.pathname.startsWith(root)) {
          say(`${site}/${page}`, `${attribute} leads out of the site: ${tag}`);
          continue;
        }
        let path = decodeURIComponent(url.pathname.slice(root.length));
        if (path === "" || path.endsWith("/")) path += "index.html";
        const id = decodeURIComponent(url.hash.slice(1));
        if (!there.has(path)) say(`${site}/${page}`, `leads nowhere: ${tag}`);
        else if (id && ids.has(path) && !ids.get(path).has(id)) say(`${site}/${page}`, `no such anchor: ${tag}`);
      }
    }
  }
}

/** The style sheets: small, and with no request in them. */
async function style(site, out) {
  let bytes = 0;
  for (const file of (await all(out)).filter((path) => path.endsWith(".css"))) {
    const css = await readFile(join(out, file), "utf8");
    bytes += Buffer.byteLength(css);
    if (/@import|url\(/.test(css)) say(`${site}/${file}`, "asks for another file");
  }
  if (bytes === 0 || bytes > CSS_BYTES) say(site, `has ${bytes} bytes of CSS`);
}

/** One page of each kind, as a person meets it. How many were looked at. */
async function inBrowser(site, out, pages) {
  const server = await serve(out, MOUNT);
  const page = await browser.open();
  const kinds = new Map(pages.filter((path) => path !== "404.html").map((path) => [kind(path), path]));
  const chosen = site === "manual" || pages.length < 40 ? pages.filter((path) => path !== "404.html") : kinds.values();
  let looked = 0;
  for (const path of chosen) {
    looked += 1;
    for (const [width, dark] of [[1280, false], [1280, true], [320, false], [320, true]]) {
      const where = `${site}/${path} (${width}px, ${dark ? "dark" : "light"})`;
      await page.go(server.url + path, { width, dark });
      if (new URL(await page.evaluate("location.href")).pathname !== new URL(server.url + path).pathname) break;
      for (const url of page.requests.filter((url) => !url.startsWith(server.origin) && !url.startsWith("data:"))) {
        say(where, `asks another origin: ${url}`);
      }
      const wide = await page.evaluate("document.documentElement.scrollWidth");
      if (wide > width) say(where, `is ${wide} pixels wide`);
      for (const what of await violations(page)) say(where, what);
      if (width === 1280) for (const what of await unseenStops(page)) say(where, what);
    }
  }
  for (const path of new Set(server.missed)) if (!path.endsWith("favicon.ico")) say(site, `a browser did not get ${path}`);
  await page.close();
  server.close();
  return looked;
}

/** Pages of one kind have one layout; those with words of their own in the path are kinds of their own. */
function kind(path) {
  if (/post-\d+|tag-number/.test(path)) return path.replace(/.*(post|tag)-.*/, "$1");
  return path.replace(/\d+/g, "N");
}

function decode(text) {
  const entities = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#x27;": "'" };
  return text.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (entity) => entities[entity]);
}
