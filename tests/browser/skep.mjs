// The real program, as a person would run it: a home of its own, and the network of this machine alone.

import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

const LIMIT_MS = 60_000;

/** A person on a machine of their own: `folder` has their home, and `skep`'s in it. */
export async function person(program, folder) {
  await mkdir(folder, { recursive: true });
  const env = { ...process.env, HOME: folder, SKEP_HOME: join(folder, "skep"), NO_COLOR: "1" };
  const everywhere = ["--network", "loopback", "--json"];

  /** Runs a command to its end. Its result is what it has written as JSON, the last line of it. */
  const run = async (args, { cwd = folder, exit = 0 } = {}) => {
    const child = spawn(program, [...args, ...everywhere], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
    const code = await bounded(new Promise((resolve) => child.once("close", resolve)), `skep ${args.join(" ")}`);
    if (code !== exit) throw new Error(`skep ${args.join(" ")} ended with ${code}: ${out}${err}`);
    const last = out.trim().split("\n").pop();
    return last ? JSON.parse(last) : null;
  };

  /** Starts a command that goes on, and waits until it says that it is ready. */
  const start = async (args, { cwd = folder } = {}) => {
    const child = spawn(program, [...args, ...everywhere], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
    const ended = new Promise((resolve) => child.once("close", resolve));
    const lines = createInterface({ input: child.stdout });
    const ready = new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const event = JSON.parse(line);
        if (event.event === "ready") resolve(event);
      });
      ended.then(() => reject(new Error(`skep ${args.join(" ")} ended: ${err}`)));
    });
    const event = await bounded(ready, `skep ${args.join(" ")}`);
    const stop = async () => {
      child.kill("SIGINT");
      await bounded(ended, `the end of skep ${args.join(" ")}`);
    };
    return { ...event, stop };
  };
  return { folder, run, start };
}

/** The value of `promise`, which must be there soon. */
export function bounded(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
