// The sites that are checked: folders of sources, made in a scratch folder.

import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const POSTS = 25;
const TAGS = 300;

/** Makes the sites below `folder`; their folders by name. */
export async function make(folder) {
  const sites = { manual: "../../example-site", torture: "torture" };
  for (const [name, from] of Object.entries(sites)) {
    const to = join(folder, name);
    const isOutput = (path) => path.includes("_site");
    await cp(join(HERE, from), to, { recursive: true, filter: (path) => !isOutput(path.slice(HERE.length)) });
    sites[name] = to;
  }
  await manyPosts(sites.torture);
  sites.empty = join(folder, "empty");
  await write(sites.empty, "skep.toml", "");
  sites.one = join(folder, "one");
  await write(sites.one, "skep.toml", 'title = "One post"\nauthor = "Ada"\n');
  await write(sites.one, "_posts/2026-01-02-only.md", "The only one.\n");
  return sites;
}

async function manyPosts(site) {
  const perPost = TAGS / POSTS;
  for (let number = 0; number < POSTS; number += 1) {
    const tags = Array.from({ length: perPost }, (_, at) => `tag number ${number * perPost + at}`);
    const month = String((number % 12) + 1).padStart(2, "0");
    const text = `---\ntitle: Post ${number}\ntags: ${JSON.stringify([...tags, "common"])}\n---\n\nSome words about ${number}.\n`;
    await write(site, `_posts/${2023 + Math.floor(number / 12)}-${month}-11-post-${number}.md`, text);
  }
}

async function write(site, path, text) {
  await mkdir(join(site, path, ".."), { recursive: true });
  await writeFile(join(site, path), text);
}
