// A headless Chromium, spoken to over a pipe: no port, no package.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const LIMIT_MS = 60_000;

/** Starts a browser. `open()` gives a page, `close()` ends everything. */
export async function start() {
  const profile = await mkdtemp(join(tmpdir(), "skep-browser-"));
  const flags = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-color-profile=srgb", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank",
  ];
  const child = await spawned(process.env.CHROMIUM ? [process.env.CHROMIUM] : NAMES, flags);
  const [, , , input, output] = child.stdio;
  const waiting = new Map();
  const listeners = new Set();
  let last = 0;
  let rest = "";
  output.setEncoding("utf8");
  output.on("data", (text) => {
    const messages = (rest + text).split("\0");
    rest = messages.pop();
    for (const message of messages.map((json) => JSON.parse(json))) {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) call?.reject(new Error(`${call.method}: ${message.error.message}`));
      else if (call) call.resolve(message.result);
      else for (const listener of listeners) listener(message);
    }
  });
  child.on("exit", () => {
    for (const call of waiting.values()) call.reject(new Error("the browser ended"));
  });

  const send = (method, params = {}, sessionId) => {
    const id = ++last;
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method} took too long`)), LIMIT_MS);
      const done = (act) => (value) => (clearTimeout(timer), act(value));
      waiting.set(id, { method, resolve: done(resolve), reject: done(reject) });
    });
  };

  const open = async () => {
    const { targetId } = await send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page((method, params) => send(method, params, sessionId));
    page.close = () => send("Target.closeTarget", { targetId });
    listeners.add((message) => message.sessionId === sessionId && page.hear(message));
    page.frames = () => textsOfFrames(page, send);
    for (const domain of ["Page", "Network", "Runtime", "Log"]) await page.send(`${domain}.enable`);
    return page;
  };
  const close = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await send("Browser.close").catch(() => child.kill());
    await bounded(ended, "the end of the browser").catch(() => child.kill("SIGKILL"));
    await rm(profile, { recursive: true, force: true });
  };
  return { open, close };
}

/** The value of `promise`, which must be there soon. */
function bounded(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The URL and the text of each frame in a page, be it in the page's own process or in another one. */
async function textsOfFrames(page, send) {
  const found = [];
  const text = "document.body?.innerText ?? ''";
  const { frameTree } = await page.send("Page.getFrameTree");
  for (const { frame } of frameTree.childFrames ?? []) {
    const { executionContextId: contextId } = await page.send("Page.createIsolatedWorld", { frameId: frame.id });
    const { result } = await page.send("Runtime.evaluate", { expression: text, contextId, returnByValue: true });
    found.push({ url: frame.url, text: result.value });
  }
  const { targetInfos } = await send("Target.getTargets", { filter: [{ type: "iframe" }] });
  for (const { targetId, url } of targetInfos) {
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const { result } = await send("Runtime.evaluate", { expression: text, returnByValue: true }, sessionId);
    await send("Target.detachFromTarget", { sessionId });
    found.push({ url, text: result.value });
  }
  return found;
}

class Page {
  constructor(send) {
    this.send = send;
    this.heard = new Map();
    /** The URLs that were asked for since the last `go`. */
    this.requests = [];
    /** What the browser wrote to the console, but for files that are not there. */
    this.console = [];
  }

  hear({ method, params }) {
    if (method === "Log.entryAdded" && params.entry.source !== "network") this.console.push(params.entry.text);
    if (method === "Runtime.consoleAPICalled") this.console.push(params.args.map(({ value }) => value).join(" "));
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    this.heard.get(method)?.();
    this.heard.delete(method);
  }

  /** What the page is shown on: `width` pixels, in the dark or not. */
  async screen({ width = 1280, height = 800, dark = false, media = "" } = {}) {
    const metrics = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.send("Emulation.setDeviceMetricsOverride", metrics);
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.send("Emulation.setEmulatedMedia", { media, features });
  }

  /** Shows `url` on a screen, as `screen` has it. */
  async go(url, screen = {}) {
    await this.screen(screen);
    this.requests = [];
    const loaded = new Promise((resolve) => this.heard.set("Page.loadEventFired", resolve));
    const { errorText } = await this.send("Page.navigate", { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await bounded(loaded, `loading ${url}`);
  }

  /** Waits until the JavaScript `expression` is true, also across pages, and returns its value. */
  async until(expression, limit = LIMIT_MS) {
    const end = Date.now() + limit;
    for (;;) {
      // While one page takes the place of another there is none.
      const value = await this.evaluate(expression).catch(() => false);
      if (value) return value;
      if (Date.now() > end) {
        const shown = await this.evaluate("location.href + '\\n' + document.body?.innerText").catch((error) => error);
        throw new Error(`it never came to: ${expression}\n${shown}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** Clicks in the middle of the first element that `selector` finds. */
  async click(selector) {
    const at = await this.until(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      if (!element) return null;
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const { left, top, width, height } = element.getBoundingClientRect();
      return width > 0 ? { x: left + width / 2, y: top + height / 2 } : null;
    })()`);
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.send("Input.dispatchMouseEvent", { type, ...at, button: "left", clickCount: 1 });
    }
  }

  /** Presses keys, one after the other: names as in KeyboardEvent.key, or single characters. */
  async press(...keys) {
    const codes = { Tab: 9, Enter: 13, " ": 32, ArrowDown: 40, ArrowUp: 38 };
    for (const key of keys) {
      const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
      const event = { key, text, windowsVirtualKeyCode: codes[key] ?? key.toUpperCase().charCodeAt(0) };
      await this.send("Input.dispatchKeyEvent", { type: text ? "keyDown" : "rawKeyDown", ...event });
      await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event, text: undefined });
    }
  }

  /** Types `text` into the field that `selector` finds. */
  async type(selector, text) {
    await this.until(`(() => { const field = document.querySelector(${JSON.stringify(selector)}); field?.focus(); field?.select?.(); return !!field; })()`);
    await this.send("Input.insertText", { text });
  }

  /** The value of the JavaScript `expression`. */
  async evaluate(expression) {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", params);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** PNGs of the whole page, from top to bottom. */
  async pictures(height = 1800) {
    // What is fetched only when it is about to be seen.
    await this.evaluate(`(async () => {
      const images = [...document.images];
      for (const image of images) image.loading = "eager";
      await Promise.all(images.map((image) => image.decode().catch(() => {})));
    })()`);
    const { cssContentSize: page } = await this.send("Page.getLayoutMetrics");
    const pictures = [];
    for (let y = 0; y < page.height; y += height) {
      const clip = { x: 0, y, width: page.width, height: Math.min(height, page.height - y), scale: 1 };
      const { data } = await this.send("Page.captureScreenshot", { clip, captureBeyondViewport: true });
      pictures.push(Buffer.from(data, "base64"));
    }
    return pictures;
  }

  /** A PDF of the page, as it is printed. */
  async print() {
    return Buffer.from((await this.send("Page.printToPDF", { paperWidth: 8.27, paperHeight: 11.69 })).data, "base64");
  }
}

async function spawned(names, flags) {
  for (const name of names) {
    const child = spawn(name, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    const started = await new Promise((resolve) => {
      child.once("spawn", () => resolve(true));
      child.once("error", () => resolve(false));
    });
    if (started) return child;
  }
  throw new Error(`there is no browser: none of ${names.join(", ")} is on the PATH`);
}
