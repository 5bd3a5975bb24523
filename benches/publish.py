#!/usr/bin/env python3
"""How fast and how large publishing is, as one table. Called by publish.sh, which builds `skep` first.

Figures of other programs and of skep are taken in turn in one run, so that a slow machine slows both.
"""

import argparse, importlib, json, os, pathlib, shutil, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from run import Run, middle, spread

place = importlib.import_module("make-site").place


def tree_bytes(folder):
    """What the files below a folder take up on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


class Site:
    """A fresh site whose output lies in _site, and its home."""

    def __init__(self, skep, made, work, folders=False):
        self.folders = folders
        self.dir, self.home = work / "site", work / "home"
        for folder in (self.dir, self.home):
            shutil.rmtree(folder, ignore_errors=True)
        self.skep = [skep, "--home", str(self.home), "--network", "loopback"]
        self.work = work
        Run([*self.skep, "new", str(self.dir)], work)
        subprocess.run(["cp", "-a", str(made), str(self.dir / "_site")], check=True)
        self.edits = 0

    def publish(self):
        command = ["--json", "publish", str(self.dir), "--no-build", "--yes", "--wait", "0"]
        run = Run([*self.skep, *command], self.work)
        # The lines before the last tell of progress.
        run.json = json.loads(run.out.splitlines()[-1])
        return run

    def edit(self, new_file=True):
        """Changes one page and adds one; returns both files."""
        self.edits += 1
        out, n = self.dir / "_site", self.edits
        changed = out / place((n * 7919) % 10_000, self.folders)
        text = changed.read_text()
        changed.write_text(text.replace("<p>", f"<p>Edit {n}. ", 1))
        if not new_file:
            return [changed]
        new = out / "notes" / f"{n:05}.html"
        new.parent.mkdir(exist_ok=True)
        new.write_text(text.replace("<h1>", f"<h1>Note {n}: ", 1))
        return [changed, new]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("skep")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--versions", type=int, default=1000)
    args = parser.parse_args()
    rows = []
    row = lambda what, figure, bar, ok: rows.append((what, figure, bar, "yes" if ok else "NO"))
    with tempfile.TemporaryDirectory(prefix="skep-bench-") as work:
        work = pathlib.Path(work)
        made = work / "made"
        Run([sys.executable, str(HERE / "make-site.py"), str(made)], work)
        files = [path for path in made.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(f"site: {len(files)} files, {size / 1e6:.1f} MB; {args.runs} runs of each; {os.cpu_count()} CPUs", flush=True)

        first, tar = [], []
        for _ in range(args.runs):
            site = Site(os.path.abspath(args.skep), made, work)
            # Times of files that are this young are not trusted: see the stat cache.
            time.sleep(2.1)
            first.append(site.publish())
            tar.append(Run(["sh", "-c", f"tar -cf - -C '{made}' . | zstd -3 -q >/dev/null"], work))
        ratios = [a.cpu / b.cpu for a, b in zip(first, tar)]
        row("first publish, CPU against tar | zstd -3",
            f"{middle(ratios):.2f} x ({spread(ratios)}); {middle([r.cpu for r in first]):.2f} s against {middle([r.cpu for r in tar]):.2f} s",
            "1.5 x", middle(ratios) <= 1.5)
        row("first publish, wall", f"{middle([r.wall for r in first]):.2f} s", "", True)
        memory = max(r.memory for r in first)
        row("first publish, peak memory", f"{memory / 2**20:.0f} MiB", "64 MiB", memory <= 64 * 2**20)
        disk = tree_bytes(site.home / "store")
        row("archive on disk against the site", f"{disk / size:.2f} x", "0.5 x", disk <= size / 2)

        seconds, excess = [], []
        for _ in range(4 * args.runs):
            changed = site.edit()
            time.sleep(0.05)
            run = site.publish()
            seconds.append(run)
            packed = sum(len(subprocess.run(["zstd", "-3", "-q", "-c", str(f)], capture_output=True, check=True).stdout) for f in changed)
            excess.append(run.json["added_bytes"] - 1.3 * packed)
        wall, cpu = [r.wall * 1e3 for r in seconds], [r.cpu * 1e3 for r in seconds]
        row("one change and one new file, wall", f"{middle(wall):.0f} ms ({spread(wall)})", "150 ms", middle(wall) <= 150)
        row("the same, CPU", f"{middle(cpu):.0f} ms ({spread(cpu)})", "60 ms", middle(cpu) <= 60)
        read = max(r.read for r in seconds)
        row("the same, bytes read", f"{read / 1e6:.1f} MB", "5 MB", read <= 5e6)
        row("the same, new bytes over 1.3 x the two files, compressed", f"{middle(excess) / 1024:.1f} KiB", "8 KiB", max(excess) <= 8192)

        times, growth = [], []
        before = tree_bytes(site.home / "store")
        for version in range(args.versions):
            site.edit(new_file=False)
            run = site.publish()
            times.append(run.cpu)
            growth.append(run.json["added_bytes"])
        grown = tree_bytes(site.home / "store") - before
        part = max(1, args.versions // 10)
        ratio = middle(times[-part:]) / middle(times[:part])
        row(f"{args.versions} versions: CPU of the last tenth against the first", f"{ratio:.2f} x", "1.3 x", ratio <= 1.3)
        ratio = middle(growth[-part:]) / middle(growth[:part])
        row("the same, new bytes a version", f"{ratio:.2f} x ({middle(growth) / 1e3:.1f} KB; on disk {grown / args.versions / 1e3:.1f} KB)", "1.3 x", ratio <= 1.3)

        made = work / "folders"
        Run([sys.executable, str(HERE / "make-site.py"), str(made), "--folders"], work)
        site = Site(args.skep, made, work, folders=True)
        time.sleep(2.1)
        site.publish()
        seconds = []
        for _ in range(4 * args.runs):
            site.edit()
            seconds.append(site.publish())
        wall, cpu = [r.wall * 1e3 for r in seconds], [r.cpu * 1e3 for r in seconds]
        row("one change and one new file, each page in a folder of its own", f"{middle(wall):.0f} ms wall, {middle(cpu):.0f} ms CPU ({spread(cpu)})", "", True)

    widths = [max(len(r[n]) for r in rows) for n in range(4)]
    for line in [("what", "figure", "bar", "met"), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    sys.exit(any(r[3] == "NO" for r in rows))


main()
