#!/usr/bin/env python3
"""How a site gets from node to node, as a table, by parts. Called by sync.sh, in a network namespace of its own.

Figures of other programs and of skep are taken in turn in one run, so that a slow machine slows both.
"""

import argparse, importlib, itertools, json, os, pathlib, queue, random, re, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from run import Run, middle, spread, verdicts

import wire
from browse_gateway import Nginx

place = importlib.import_module("make-site").place


class Skep:
    """The program on a home of its own."""

    def __init__(self, program, home, network="loopback", enter=()):
        self.home = home
        self.command = [*enter, program, "--home", str(home), "--network", network]

    def run(self, *arguments):
        """A command that must succeed, measured."""
        return Run([*self.command, *map(str, arguments)], self.home.parent)

    def node(self):
        return Node([*self.command, "--json", "node"])


class Node:
    """A running `skep node`: how to reach it, and what it says."""

    def __init__(self, command):
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.events = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()
        self.ticket = self.wait("ready")["ticket"]

    def listen(self):
        for line in self.child.stdout:
            self.events.put({"at": time.time(), **json.loads(line)})

    def wait(self, name, patience=60):
        """The next event of that name."""
        while True:
            event = self.events.get(timeout=patience)
            if event.get("event") == name:
                return event

    def stop(self):
        self.child.terminate()
        self.child.wait()


class Bench:
    """What the parts share: the site, who publishes it, and where there is room."""

    def __init__(self, program, scratch, options):
        self.program, self.scratch, self.options = program, scratch, options
        self.homes = 0
        self.site = scratch / "site"
        Run([sys.executable, str(HERE / "make-site.py"), str(self.site)], scratch)
        self.size = sum(path.stat().st_size for path in self.site.rglob("*") if path.is_file())
        self.author = self.fresh()
        self.author.run("init", "--static", self.site)
        self.author.run("publish", self.site, "--yes", "--wait", "0", "--message", "The first")
        self.address = re.search(r"skep://[a-z0-9]+", (self.site / "skep.toml").read_text())[0]
        if options.realtime:
            # Whatever is started from here on inherits it.
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
        self.node = self.author.node()

    def fresh(self, **where):
        """A home on which nothing ever ran. It is deleted at the very end: see README.md."""
        self.homes += 1
        home = self.scratch / f"home-{self.homes}" / "home"
        home.parent.mkdir()
        return Skep(self.program, home, **where)

def files(folder):
    """The files of a site by path, without its settings, which are not published."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "skep.toml")
    return {str(path.relative_to(folder)): path for path in paths}


def same(bench, folder):
    """Fails if a folder does not have the files of the site, and no others."""
    there, wanted = files(folder), files(bench.site)
    if set(there) != set(wanted) or any(there[path].read_bytes() != wanted[path].read_bytes() for path in wanted):
        sys.exit(f"{folder} does not have the files of {bench.site}")


def clone(bench):
    """A fresh clone into a folder, against one tar over HTTP, unpacked."""
    tar = bench.scratch / "www" / "site.tar"
    tar.parent.mkdir()
    subprocess.run(["tar", "-cf", tar, "-C", bench.site, "."], check=True)
    nginx = Nginx(tar.parent, bench.scratch / "nginx")
    folders = (bench.scratch / f"copy-{n}" for n in itertools.count())

    def skep():
        folder, reader = next(folders), bench.fresh()
        run = reader.run("clone", bench.address, folder, "--peer", bench.node.ticket)
        return run, folder

    def http():
        folder = next(folders)
        folder.mkdir()
        return Run(["sh", "-c", f"curl -s --fail http://127.0.0.1:{nginx.port}/site.tar | tar -x -C '{folder}'"], bench.scratch), folder

    ours, theirs = [], []
    for _ in range(bench.options.rounds):
        for program, runs in (skep, ours), (http, theirs):
            # What is still to be written to the disk would be written at somebody's cost.
            os.sync()
            run, folder = program()
            same(bench, folder)
            runs.append(run)
    nginx.stop()
    with wire.Packets():
        before = wire.received()
        skep()
        bytes_ = wire.received() - before
    ratios = [a.wall / b.wall for a, b in zip(ours, theirs)]
    seconds = lambda runs: f"{middle(run.wall for run in runs):.2f} s ({spread([run.wall for run in runs])})"
    memory = max(run.memory for run in ours)
    return [
        ("tar over HTTP, unpacked", f"{seconds(theirs)}; CPU {middle(r.cpu for r in theirs):.2f} s", "-", None),
        ("fresh clone", f"{seconds(ours)}; CPU {middle(r.cpu for r in ours):.2f} s", "-", None),
        ("fresh clone against the tar, time", f"{middle(ratios):.2f} x ({spread(ratios)})", "1.0 x", middle(ratios) <= 1),
        ("fresh clone, bytes on the wire against the site", f"{bytes_ / bench.size:.3f} x, {bytes_ / 1e6:.1f} MB", "0.48 x", bytes_ <= 0.48 * bench.size),
        ("fresh clone, peak memory", f"{memory / 1e6:.0f} MB", "60 MB", memory <= 60e6),
    ]


def page(bench):
    """One page by a reader that has nothing: a whole process on a home that did not exist."""
    rng = random.Random(2026)
    times, sizes = [], []
    with wire.Packets():
        for number in rng.sample(range(10_000), bench.options.pages):
            path, reader = place(number), bench.fresh()
            before = wire.received()
            run = reader.run("show", f"{bench.address}/{path}", "--peer", bench.node.ticket)
            # What ends a connection comes after its end.
            time.sleep(0.02)
            sizes.append(wire.received() - before)
            times.append(run.wall * 1e3)
            if run.out != (bench.site / path).read_bytes():
                sys.exit(f"{path} is another than the published one")
    what = f"one page by a fresh reader, median of {len(times)}"
    return [
        (f"{what}, from the start of the process to its end", f"{middle(times):.0f} ms ({spread(times)})", "150 ms", middle(times) <= 150),
        (f"{what}, on the wire", f"{middle(sizes) / 1e3:.1f} KB (most {max(sizes) / 1e3:.1f})", "60 KB", middle(sizes) <= 60e3),
    ]


def signing(author, *arguments):
    """Publishes, and returns when it was said that the head is signed: the times of files are those of the last tick."""
    command = subprocess.Popen([*author.command, "--verbose", *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    signed = None
    for line in command.stderr:
        if line.strip() == "signed":
            signed = time.time()
    if command.wait() or signed is None:
        sys.exit("a version was not published")
    return signed


def push(bench):
    """A change and a new page, from the author to a reader that is connected."""
    reader = bench.fresh()
    reader.run("follow", bench.address, "--peer", bench.node.ticket)
    node = reader.node()
    # Until it is connected.
    time.sleep(5)
    times, excess = [], []
    for edit in range(bench.options.edits):
        # Who publishes as fast as he can is made to wait: see `swarm/pace`.
        time.sleep(bench.options.pause)
        changed, new = bench.site / place(edit * 419 % 10_000), bench.site / "notes" / f"{edit:03}.html"
        text = changed.read_text()
        changed.write_text(text.replace("<p>", f"<p>Edit {edit}. ", 1))
        new.parent.mkdir(exist_ok=True)
        new.write_text(text.replace("<h1>", f"<h1>Note {edit}: ", 1))
        packed = sum(len(subprocess.run(["zstd", "-3", "-q", "-c", str(f)], capture_output=True, check=True).stdout) for f in (changed, new))
        with wire.Packets():
            before = wire.received()
            signed = signing(bench.author, "publish", bench.site, "--yes", "--wait", "0", "--message", "An edit")
            came = node.wait("version")["at"]
            # What is said about it afterwards.
            time.sleep(0.5)
            excess.append(wire.received() - before - 1.3 * packed)
        times.append((came - signed) * 1e3)
    for file in changed, new:
        if reader.run("show", f"{bench.address}/{file.relative_to(bench.site)}").out != file.read_bytes():
            sys.exit(f"{file} is another at the reader")
    node.stop()
    what = f"two changed files, to a connected reader that has them, median of {len(times)}"
    return [
        (f"{what}, after the signature", f"{middle(times):.0f} ms ({spread(times)})", "20 ms", middle(times) <= 20),
        (f"{what}, on the wire over 1.3 x the two, compressed", f"{middle(excess) / 1e3:.1f} KB (most {max(excess) / 1e3:.1f})", "6 KB", middle(excess) <= 6e3),
    ]


def crowd(bench):
    """Many readers at once, and what the author sends for that."""
    island = wire.Island()
    author = Skep(bench.program, bench.author.home, "lan", island.enter)
    bench.node.stop()
    node = author.node()
    readers = [bench.fresh(network="lan") for _ in range(bench.options.readers)]
    nodes = [reader.node() for reader in readers]
    time.sleep(2)
    before, begun = island.sent(), time.monotonic()
    commands = [subprocess.Popen([*reader.command, "follow", bench.address, "--peer", node.ticket], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for reader in readers]
    if any(command.wait() for command in commands):
        sys.exit("a reader did not get the site")
    took, sent = time.monotonic() - begun, island.sent() - before
    archive = sum(path.stat().st_size for path in bench.author.home.glob("store/blobs/data/*.data"))
    for node in [node, *nodes]:
        node.stop()
    island.stop()
    bench.node = bench.author.node()
    what = f"{len(readers)} readers at once"
    return [
        (f"{what}, until the last has all", f"{took:.2f} s", "-", None),
        (f"{what}, sent by the author against the archive", f"{sent / archive:.2f} x, {sent / 1e6:.0f} MB", "2 x", sent <= 2 * archive),
    ]


def idle(bench):
    """What a followed site costs while nothing happens, one and ten."""
    addresses = [bench.address]
    for number in range(1, 10):
        site = bench.scratch / f"small-{number}"
        site.mkdir()
        (site / "index.html").write_text(f"<!doctype html><title>{number}</title>")
        bench.author.run("init", "--static", site)
        bench.author.run("publish", site, "--yes", "--wait", "0", "--message", "The first")
        addresses.append(re.search(r"skep://[a-z0-9]+", (site / "skep.toml").read_text())[0])
    rows = []
    for what, some, bar in ("followed site", addresses[:1], 300), ("ten followed sites", addresses, 400):
        reader = bench.fresh()
        for address in some:
            reader.run("follow", address, "--peer", bench.node.ticket)
        node = reader.node()
        # Until it has asked for all of them, and the path is found.
        time.sleep(15)
        with wire.Packets():
            before, begun = wire.received(), time.monotonic()
            time.sleep(bench.options.idle)
            rate = (wire.received() - before) / (time.monotonic() - begun)
        node.stop()
        rows.append((f"idle {what}, both ends together, over {bench.options.idle} s", f"{rate:.0f} B/s", f"{bar} B/s", rate <= bar))
    return rows


# A part makes rows of the table: what, figure, bar, and whether it is met.
PARTS = {"clone": clone, "page": page, "crowd": crowd, "push": push, "idle": idle}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("skep")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"{', '.join(PARTS)}; all if none is given")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--pause", type=int, default=6, help="seconds between edits")
    parser.add_argument("--idle", type=int, default=60)
    parser.add_argument("--realtime", action="store_true", help="for a machine that has other work: all that is measured goes before it (needs root)")
    options = parser.parse_args()
    start = time.monotonic()
    wire.up()
    with tempfile.TemporaryDirectory(prefix="skep-sync-") as scratch:
        bench = Bench(options.skep, pathlib.Path(scratch), options)
        print(f"site: {len(files(bench.site))} files, {bench.size / 1e6:.1f} MB; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}", flush=True)
        rows = [row for part in options.parts or PARTS for row in PARTS[part](bench)]
        bench.node.stop()
    table, missed = verdicts(rows)
    print(table)
    print(f"\nTook {time.monotonic() - start:.0f} s.", file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
