"""The part `review` of browse.py: the page of what a publish would change, with very many changes."""

import pathlib, socket, subprocess, time, urllib.parse

from run import middle, spread

HERE = pathlib.Path(__file__).resolve().parent


def review(browse, skep, scratch, options):
    """The page of 10,000 changed files of a folder that nobody has to build, and of as many posts that skep builds."""
    rows = []
    for name, make in (("static files", make_static), ("posts, built", make_posts)):
        root = scratch / name.replace(" ", "-").replace(",", "")
        home, site = root / "home", root / "site"
        address = make(browse, skep, home, site, options.changes)
        rows += measure(browse, skep, home, scratch, address, f"{options.changes} {name}", options.rounds)
    return rows


def page(number, word):
    lines = "".join(f"<p>Line {line} of page {number}, about bees and what they {word}.</p>\n" for line in range(40))
    return f"<!doctype html>\n<title>Page {number}</title>\n{lines}"


def make_static(browse, skep, home, site, count):
    for number in range(count):
        folder = site / f"{number // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.html").write_text(page(number, "say"))
    browse.run(skep, home, "init", "--static", str(site))
    browse.run(skep, home, "publish", str(site), "--yes", "--wait", "0")
    for number in range(count):
        (site / f"{number // 100}" / f"{number}.html").write_text(page(number, "dance"))
    return address_of(site)


def make_posts(browse, skep, home, site, count):
    browse.run(skep, home, "new", str(site))
    browse.run(skep, home, "publish", str(site), "--yes", "--wait", "0")
    for number in range(count):
        date = f"2020-{number % 12 + 1:02}-{number % 28 + 1:02}"
        text = "\n\n".join(f"Line {line} of post {number}, about bees and what they dance." for line in range(40))
        (site / "_posts" / f"{date}-post-{number}.md").write_text(f"---\ntitle: Post {number}\n---\n{text}\n")
    return address_of(site)


def address_of(site):
    lines = (site / "skep.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("address"))


def measure(browse, skep, home, scratch, address, what, rounds):
    node = browse.Browse(skep, home, scratch)
    path = f"/sites/{address.removeprefix('skep://')}/review"
    before = memory(node.child.pid)
    answers = [answer(node, path) for _ in range(rounds + 1)]
    after = memory(node.child.pid)
    paints = [paint(node, path) for _ in range(rounds)]
    node.stop()
    first, later = answers[0], answers[1:]
    head, row, whole = ([a[k] for a in later] for k in ("head", "row", "whole"))
    ms = lambda times: f"{middle(times) * 1000:.0f} ms"
    in_ms = lambda times: spread([t * 1000 for t in times])
    peak = (after - before) / 1e6
    return [
        (f"{what}: first paint in Chromium, median of {rounds} ({in_ms(paints)})", ms(paints), "300 ms", middle(paints) < 0.3),
        (f"{what}: to the first bytes ({in_ms(head)})", ms(head), "-", None),
        (f"{what}: to the first row ({in_ms(row)}); {first['row'] * 1000:.0f} ms the first time", ms(row), "-", None),
        (f"{what}: the whole page, {first['size'] / 1e6:.1f} MB ({in_ms(whole)})", ms(whole), "-", None),
        (f"{what}: most memory of the node meanwhile, above what it had ({before / 1e6:.0f} MB)", f"{peak:.0f} MB", "100 MB", peak < 100),
    ]


def memory(pid):
    """The most memory that a process had so far, in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024


def answer(node, path):
    """When parts of the page arrive, in seconds after it was asked for."""
    url = urllib.parse.urlsplit(node.origin)
    cookie = next(line.split("\t")[-2:] for line in node.cookies.read_text().splitlines() if "skep-" in line)
    start = time.monotonic()
    stream = socket.create_connection(("127.0.0.1", url.port))
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nCookie: {'='.join(cookie)}\r\nConnection: close\r\n\r\n".encode())
    times, size, last = {}, 0, b""
    while piece := stream.recv(1 << 16):
        now, size = time.monotonic() - start, size + len(piece)
        seen = last + piece
        if "head" not in times and b"<h1" in seen:
            times["head"] = now
        if "row" not in times and b'<ul class="rows"' in seen:
            times["row"] = now
        last = seen[-64:]
    assert b'</html>' in last, last
    return {**times, "whole": time.monotonic() - start, "size": size}


def paint(node, path):
    """When Chromium says that it has painted first, in seconds."""
    link = node.link + "&to=" + urllib.parse.quote(path, safe="")
    script = HERE / "paint.mjs"
    out = subprocess.run(["node", str(script), link], check=True, capture_output=True, text=True).stdout
    return float(out) / 1000
