#!/usr/bin/env python3
"""How fast skep builds a blog, against Hugo, Zola and a floor, as tables. Called by build.sh, which builds `skep` first.

All programs take turns in one run, so that a slow machine slows all. What a build made is moved away, never deleted,
until the end: for some minutes ext4 passes over every inode that was just deleted, which makes new files dear.
"""

import argparse, os, pathlib, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from run import Run, markdown, middle, spread, verdicts

COLD, WIPED, SAME, EDITED = "cold", "output wiped", "nothing changed", "one post changed"
SCENARIOS = (COLD, WIPED, SAME, EDITED)
PLAIN, COLOURED = "plain", "highlighted"
MARK = "Edited for the benchmark"


class Program:
    """A generator, its site, and what it leaves in it."""

    def __init__(self, name, command, site, outputs, posts, home):
        self.name, self.command, self.site, self.outputs, self.posts, self.home = name, command, site, outputs, posts, home
        self.sources = {path.name for path in site.iterdir()}
        # Whoever keeps a cache elsewhere shall keep it where it can be taken away.
        self.env = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
        self.edits = 0

    @property
    def out(self):
        return self.site / self.outputs[0]

    def prepare(self, scenario, trash):
        """Brings the site to the state in which a scenario begins; the one before has just been built."""
        self.home.mkdir(exist_ok=True)
        if scenario == COLD:
            made = [path for path in self.site.iterdir() if path.name not in self.sources]
            for path in [*made, self.home]:
                trash.take(path)
            self.home.mkdir()
        elif scenario == WIPED:
            for name in self.outputs:
                trash.take(self.site / name)
        elif scenario == EDITED:
            self.edits += 1
            post = self.posts[len(self.posts) // 2]
            with open(post, "a") as file:
                file.write(f"\n{MARK}, {self.edits}.\n")

    def build(self):
        # What was written before must not be written to the disk at the expense of this one.
        os.sync()
        return Run(self.command, self.site, self.env)

    def check(self, scenario):
        """A build that did not do its work has no time."""
        pages = sum(1 for _ in (self.out / "posts").glob("*/index.html"))
        if pages != len(self.posts):
            sys.exit(f"{self.name} made {pages} pages of {len(self.posts)} posts")
        if scenario == EDITED:
            mark = f"{MARK}, {self.edits}."
            slug = self.posts[len(self.posts) // 2].stem
            slug = slug[11:] if self.name == "skep" else slug
            if mark not in (self.out / "posts" / slug / "index.html").read_text():
                sys.exit(f"{self.name} does not show the change of {slug}")


    def gaps(self, kind):
        """What the templates ask for and the program does not do. Less work is no victory."""
        slug = self.posts[0].stem[11:] if self.name == "skep" else self.posts[0].stem
        page = (self.out / "posts" / slug / "index.html").read_text()
        code = page[page.index("<pre"):page.index("</pre>")]
        done = {
            "highlight": kind == PLAIN or "<span" in code,
            "paginate": len(self.posts) <= 10 or (self.out / "page" / "2" / "index.html").exists(),
            "write a feed": (self.out / "feed.xml").exists(),
            "write a sitemap": (self.out / "sitemap.xml").exists(),
        }
        return [f"{self.name} does not {what}" for what, is_done in done.items() if not is_done]


class Floor:
    """The least that any build must do; see generator/benches/floor.rs."""

    name = "floor"

    def __init__(self, command, site, work):
        self.command, self.site, self.out = command, site, work / "floor-out"

    def prepare(self, _, trash):
        trash.take(self.out)

    def build(self):
        os.sync()
        return Run([self.command, str(self.site), str(self.out)], self.site)

    def check(self, _):
        pass

    def gaps(self, _):
        return []


class Trash:
    """Where things go that are to be deleted in the end."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        folder.mkdir()

    def take(self, path):
        if path.exists():
            self.count += 1
            path.rename(self.folder / str(self.count))


def programs(args, work, count, kind):
    """The blog of so many posts, once for each program."""
    folder = work / f"{kind}-{count}"
    names = ["skep", *(name for name in ("hugo", "zola") if getattr(args, name))]
    make = [sys.executable, str(HERE / "make-blog.py"), str(folder), "--posts", str(count), "--for", *names]
    subprocess.run([*make, "--plain"] if kind == PLAIN else make, check=True)
    commands = {
        "skep": [args.skep, "--home", str(folder / "home-skep"), "build", str(folder / "skep")],
        "hugo": [args.hugo, "--source", str(folder / "hugo"), "--cacheDir", str(folder / "home-hugo" / "cache"), "--quiet"],
        "zola": [args.zola, "--root", str(folder / "zola"), "build"],
    }
    outputs = {"skep": ["_site", "_site.skep.json"], "hugo": ["public"], "zola": ["public"]}
    made = []
    for name in names:
        site = folder / name
        source = site / ("_posts" if name == "skep" else "content/posts")
        posts = sorted(path for path in source.glob("*.md") if path.name != "_index.md")
        made.append(Program(name, commands[name], site, outputs[name], posts, folder / f"home-{name}"))
    made.append(Floor(args.floor, folder / "skep", folder))
    return made


def measure(programs, runs, trash):
    """Every scenario of every program: (program, scenario) -> list of runs."""
    figures = {}
    for number in range(runs):
        for program in programs:
            for scenario in SCENARIOS:
                # Only skep's warm builds have a bar. Those of the others are there to be looked at: one of each.
                is_needed = scenario == COLD or program.name == "skep" or (number == 0 and program.name != "floor")
                if is_needed:
                    program.prepare(scenario, trash)
                    figures.setdefault((program.name, scenario), []).append(program.build())
                    program.check(scenario)
        print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return figures


def figures_table(sites):
    """The measured figures: a row for each site, program and scenario."""
    rows = []
    for (count, kind), (programs, figures) in sites.items():
        for program in programs:
            for scenario in SCENARIOS:
                runs = figures.get((program.name, scenario))
                if runs:
                    wall, cpu, memory = ([getattr(run, of) for run in runs] for of in ("wall", "cpu", "memory"))
                    rows.append([f"{count:,} {kind}", program.name, scenario, f"{middle(wall):.3f} ({spread(wall)})",
                                 f"{middle(cpu):.3f} ({spread(cpu)})", f"{max(memory) / 2**20:.0f}"])
    return markdown(["posts", "program", "build", "wall s", "CPU s", "peak MiB"], rows)


class Bars:
    """The rows of what was wanted."""

    def __init__(self, sites, gaps):
        self.sites, self.gaps, self.rows = sites, gaps, []

    def row(self, sites, what, figure, bar, is_met):
        """Adds a row. It is missed, whatever its figure, if skep did less than the others."""
        gaps = sorted({gap for site in sites for gap in self.gaps[site]})
        self.rows.append((what, "; ".join([figure, *gaps]), bar, is_met and not gaps))

    def value(self, site, program, scenario, of):
        runs = self.sites.get(site, (None, {}))[1].get((program, scenario))
        return middle([getattr(run, of) for run in runs]) if runs else None

    def against(self, site, scenario, others, bar, what):
        """skep's wall and CPU time in a scenario against the least cold build of others."""
        for of, unit in (("wall", "wall"), ("cpu", "CPU")):
            mine = self.value(site, "skep", scenario, of)
            theirs = [value for name in others if (value := self.value(site, name, COLD, of)) is not None]
            if mine is None:
                continue
            if not theirs:
                self.row([], f"{what}, {unit}", f"{mine:.3f} s; no {' or '.join(others)} here", f"{bar:g} x", None)
                continue
            ratio = mine / min(theirs)
            figure = f"{ratio:.3f} x ({mine:.3f} s against {min(theirs):.3f} s)"
            self.row([site], f"{what}, {unit}", figure, f"{bar:g} x", ratio <= bar)

    def all(self):
        for count in sorted({count for count, _ in self.sites}):
            coloured, plain = (count, COLOURED), (count, PLAIN)
            head = f"{count:,} posts"
            bar = 0.4 if count <= 1_000 else 0.25
            for other in ("zola", "hugo"):
                self.against(coloured, COLD, [other], bar, f"{head}, highlighted, cold, against {other}")
            self.against(plain, COLD, ["zola", "hugo"], 0.35, f"{head}, plain, cold, against the better of zola and hugo")
            self.against(plain, COLD, ["floor"], 4, f"{head}, plain, cold, against the floor")
            for scenario, bar in ((WIPED, 0.1), (SAME, 0.06), (EDITED, 0.08)):
                self.against(coloured, scenario, ["zola"], bar, f"{head}, highlighted, {scenario}, against zola, cold")
        for (count, kind), (_, figures) in self.sites.items():
            if count >= 10_000:
                peak = max(run.memory for (name, _), runs in figures.items() if name == "skep" for run in runs)
                self.row([(count, kind)], f"{count:,} posts, {kind}, peak memory", f"{peak / 1e6:.0f} MB", "300 MB", peak <= 300e6)
        for kind in (COLOURED, PLAIN):
            both = [(1_000, kind), (10_000, kind)]
            each = [self.value(site, "skep", COLD, "cpu") for site in both]
            if None not in each:
                small, large = each[0] / 1_000, each[1] / 10_000
                figure = f"{large / small:.2f} x ({large * 1e6:.0f} µs against {small * 1e6:.0f} µs)"
                self.row(both, f"growth, {kind}: CPU a post at 10,000 against 1,000", figure, "1.1 x", large / small <= 1.1)
        return self.rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("skep", type=os.path.abspath)
    parser.add_argument("floor", type=os.path.abspath)
    parser.add_argument("--hugo", type=os.path.abspath)
    parser.add_argument("--zola", type=os.path.abspath)
    parser.add_argument("--posts", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=(COLOURED, PLAIN), default=(COLOURED, PLAIN))
    parser.add_argument("--quick", action="store_true", help="1,000 posts and two runs only")
    parser.add_argument("--work", type=os.path.abspath, help="the folder for all of it, on the disk to measure")
    args = parser.parse_args()
    if args.quick:
        args.posts, args.runs = [1_000], 2
    sites = {}
    with tempfile.TemporaryDirectory(prefix="skep-bench-", dir=args.work) as work:
        work = pathlib.Path(work)
        trash = Trash(work / "trash")
        for count in args.posts:
            for kind in args.kinds:
                print(f"{count:,} posts, {kind}", end=" ", flush=True, file=sys.stderr)
                made = programs(args, work, count, kind)
                sites[count, kind] = made, measure(made, args.runs, trash)
        print(f"{args.runs} runs, the median of each (least–most); {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n")
        print(figures_table(sites) + "\n")
        for (count, kind), (made, _) in sites.items():
            files = {program.name: sum(len(names) for *_, names in os.walk(program.out)) for program in made}
            print(f"files of {count:,} posts, {kind}: " + ", ".join(f"{name} {number:,}" for name, number in files.items()))
        gaps = {(count, kind): [gap for program in made for gap in program.gaps(kind) if program.name == "skep"]
                for (count, kind), (made, _) in sites.items()}
        others = {gap for (count, kind), (made, _) in sites.items() for program in made for gap in program.gaps(kind)}
        for gap in sorted(others - {gap for each in gaps.values() for gap in each}):
            print(f"note: {gap}")
    table, missed = verdicts(Bars(sites, gaps).all())
    print()
    print(table)
    sys.exit(missed)


if __name__ == "__main__":
    main()
