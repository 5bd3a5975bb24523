#!/usr/bin/env python3
"""How fast a node answers a browser, as tables, by parts. Called by browse.sh.

Measured is the time that curl needs for a whole answer, from a connection of its own to the last byte.
"""

import argparse, json, pathlib, re, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from run import middle, spread, verdicts

import browse_gateway
import browse_review


class Browse:
    """A running `skep browse` on a home, with a browser that was let in."""

    def __init__(self, skep, home, scratch):
        self.cookies = scratch / "cookies"
        command = [skep, "--home", str(home), "--network", "loopback", "--json", "browse", "--port", "0"]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        lines = map(json.loads, self.child.stdout)
        ready = next(line for line in lines if line["event"] == "ready")
        self.origin = ready["gateway"].rstrip("/")
        self.link = ready["library"]
        curl("-c", str(self.cookies), "-o", "/dev/null", ready["library"])

    def seconds(self, path):
        """How long a page takes, and how many bytes it has."""
        out = curl("-b", str(self.cookies), "-o", "/dev/null", "--fail", "-w", "%{time_total} %{size_download}", self.origin + path)
        seconds, size = out.split()
        return float(seconds), int(size)

    def stop(self):
        self.child.terminate()
        self.child.wait()


def curl(*arguments):
    return subprocess.run(["curl", "--silent", "--show-error", *arguments], check=True, capture_output=True, text=True).stdout


def run(skep, home, *arguments):
    command = [skep, "--home", str(home), "--network", "loopback", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def make_sites(skep, root, count):
    """A home that knows so many small sites: of one half the author, of one quarter a follower of its feed, of the rest a reader."""
    home, other = root / "home", root / "other"
    for number in range(count):
        site = root / f"site-{number}"
        site.mkdir(parents=True)
        html = f"<!doctype html>\n<title>Site {number}: on bees</title>\n<p>They dance.</p>\n"
        (site / "index.html").write_text(html)
        (site / "about.html").write_text(html)
        items = "".join(f"<item><title>Post {n}</title><link>/about.html</link><guid>{n}</guid></item>" for n in range(20))
        (site / "feed.xml").write_text(f"<rss version='2.0'><channel>{items}</channel></rss>")
        author = home if number % 2 == 0 else other
        run(skep, author, "init", "--static", str(site))
        run(skep, author, "publish", str(site), "--yes", "--wait", "0", "--message", "The first")
        if author == other:
            archive = root / f"{number}.skep"
            run(skep, other, "export", str(site), str(archive))
            run(skep, home, "import", str(archive))
            if number % 4 == 1:
                address = re.search(r"skep://[a-z0-9]+", (site / "skep.toml").read_text())[0]
                run(skep, home, "follow", address)
    return home


def library(skep, scratch, options):
    """The library page."""
    home = make_sites(skep, scratch / "library", options.sites)
    node = Browse(skep, home, scratch)
    first, size = node.seconds("/")
    times = [node.seconds("/")[0] for _ in range(options.requests)]
    node.stop()
    what = f"library page, {options.sites} sites, {size / 1000:.0f} KB"
    return [
        (f"{what}: median of {options.requests} ({spread([t * 1000 for t in times])})", f"{middle(times) * 1000:.1f} ms", "50 ms", middle(times) < 0.05),
        (f"{what}: the first since the node started", f"{first * 1000:.1f} ms", "-", None),
    ]


def gateway(skep, scratch, options):
    """Pages of a site, against nginx."""
    return browse_gateway.gateway(sys.modules[__name__], skep, scratch, options)


def review(skep, scratch, options):
    """The page of what a publish would change."""
    return browse_review.review(sys.modules[__name__], skep, scratch, options)


# A part makes rows of the table: what, figure, bar, and whether it is met.
PARTS = {"library": library, "gateway": gateway, "review": review}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("skep")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"{', '.join(PARTS)}; all if none is given")
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="skep-browse-") as scratch:
        rows = [row for part in options.parts or PARTS for row in PARTS[part](options.skep, pathlib.Path(scratch), options)]
    table, missed = verdicts(rows)
    print(table)
    print(f"\nTook {time.monotonic() - start:.0f} s.", file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
