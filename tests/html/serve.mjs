// A web server for a folder of files, on this machine only.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png",
  ".xml": "application/xml", ".json": "application/json", ".txt": "text/plain",
};

/** Serves `folder` below the path `mount` (such as `/` or `/some/where/`); `url` is where, `missed` what was not there. */
export async function serve(folder, mount = "/") {
  const missed = [];
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://x").pathname);
    const inside = path.startsWith(mount) ? normalize(path.slice(mount.length)) : "..";
    const file = join(folder, inside.endsWith("/") || inside === "." ? join(inside, "index.html") : inside);
    const bytes = inside.startsWith("..") ? null : await readFile(file).catch(() => null);
    if (bytes === null) missed.push(path);
    response.writeHead(bytes === null ? 404 : 200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    response.end(bytes ?? "not here");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { url: origin + mount, origin, missed, close: () => server.closeAllConnections() ?? server.close() };
}
