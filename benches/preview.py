#!/usr/bin/env python3
"""How fast a saved post is served again, by skep, Hugo and Zola, as tables. Called by preview.sh.

Measured is the time from the return of the editor's last system call until the changed page is read whole. skep is listened to as a
browser listens: a server-sent event says that the page changed, then the page is asked for. Of the others, which tell by
WebSocket, the page itself is asked for every few milliseconds: that finds the change no later than their message would.
"""

import argparse, http.client, json, os, pathlib, re, socket, statistics, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from run import markdown, middle, verdicts

# How long a change may take before it is given up, and how long nothing happens between two.
PATIENCE, PAUSE = 120, 0.4
# How often a page is asked for whose server does not tell.
EVERY = 0.004


class Server:
    """A preview that runs, and how long it took until its first page came."""

    def __init__(self, name, command, port, site, home):
        self.name, self.port, self.site = name, port, site
        home.mkdir(exist_ok=True)
        start = time.monotonic()
        env = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
        self.child = subprocess.Popen(command, cwd=site, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        threading.Thread(target=self.listen, daemon=True).start()
        while not self.answers():
            if self.child.poll() is not None or time.monotonic() - start > PATIENCE:
                self.stop()
                sys.exit(f"{command} shows no page:\n" + "".join(self.lines))
            time.sleep(0.002)
        self.first = time.monotonic() - start

    def answers(self):
        try:
            return self.get("/")[0] == 200
        except OSError:
            return False

    def listen(self):
        for line in self.child.stdout:
            self.lines.append(line.decode(errors="replace"))

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def peak(self):
        """The most memory that it has had, in bytes."""
        with open(f"/proc/{self.child.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    def stop(self):
        self.child.terminate()
        self.child.wait()


class Events:
    """A browser's ear: the server-sent events of one page, which is loaded first as a browser loads it."""

    def __init__(self, server, page):
        html = server.get(page)[1].decode()
        script = re.search(r'/\.skep/preview\.js[^>]*data-seen="([0-9a-f]+)"', html)
        if not script:
            sys.exit(f"skep's script is not in {page}:\n{html}")
        seen = script[1]
        self.socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        self.socket.sendall(f"GET /.skep/events?path={page}&seen={seen} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                            "Accept: text/event-stream\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        if b" 200 " not in self.stream.readline():
            sys.exit("skep does not let its events be listened to")

    def wait(self):
        """Returns when the page is to be loaded again."""
        while line := self.stream.readline():
            if line.strip() == b"event: reload":
                return
        sys.exit("skep closed the stream of events")

    def close(self):
        self.stream.close()
        self.socket.close()


def in_place(path, text):
    with open(path, "w") as file:
        file.write(text)


def by_rename(path, text):
    """As vim and many others do: a new file that takes the old one's name."""
    new = path.with_name(f".{path.name}.tmp")
    new.write_text(text)
    new.rename(path)


def save(server, write, post, page, mark):
    """Saves a post; returns how long it took until its page was served anew."""
    text = post.read_text().split("\nSaved for the benchmark")[0] + f"\nSaved for the benchmark: {mark}.\n"
    mark = f"Saved for the benchmark: {mark}."
    events = Events(server, page) if server.name == "skep" else None
    time.sleep(PAUSE)
    write(post, text)
    start = time.monotonic()
    while True:
        if events:
            events.wait()
        try:
            served = mark.encode() in server.get(page)[1]
        except OSError:
            served = False  # Zola closes its server while it builds.
        if served:
            break
        if time.monotonic() - start > PATIENCE:
            sys.exit(f"{server.name} did not show a change for {PATIENCE} s")
        if not events:
            time.sleep(EVERY)
    took = time.monotonic() - start
    if events:
        events.close()
    return took


def own_share(server):
    """What skep says that its own part of each change took, in seconds: from the last event of the file until browsers were told."""
    shares = []
    for line in server.lines:
        if line.startswith("{") and (event := json.loads(line)).get("event") == "changed":
            shares.append((event["reading"] + event["telling"]) / 1e3)
    return shares


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def commands(args, work):
    """The previews that there are to measure: label -> (generator, command)."""
    home = lambda name: str(work / f"home-{name}")
    found = {"skep": ("skep", lambda port, site: [args.skep, "--home", home("skep"), "--json", "serve", str(site), "--port", str(port)])}
    if args.hugo:
        hugo = [args.hugo, "server", "--bind", "127.0.0.1", "--cacheDir", home("hugo")]
        found["hugo server"] = ("hugo", lambda port, site: [*hugo, "--source", str(site), "--port", str(port)])
    if args.zola:
        zola = lambda port, site: [args.zola, "--root", str(site), "serve", "--interface", "127.0.0.1", "--port", str(port)]
        found["zola serve"] = ("zola", zola)
        found["zola serve --fast"] = ("zola", lambda port, site: [*zola(port, site), "--fast"])
    return found


def measure(label, generator, command, args, work):
    """A row of figures, and for skep the bars."""
    site = work / generator
    folder = site / ("_posts" if generator == "skep" else "content/posts")
    posts = sorted(path for path in folder.glob("*.md") if path.name != "_index.md")
    post = posts[len(posts) // 2]
    slug = post.stem[11:] if generator == "skep" else post.stem
    port = free_port()
    server = Server(generator, command(port, site), port, site, work / f"home-{generator}")
    try:
        saves = args.saves if generator == "skep" else args.others_saves
        times = {}
        for way in (in_place, by_rename):
            # The first save finds caches cold that all others find warm; nobody notices one of many.
            times[way] = [save(server, way, post, f"/posts/{slug}/", f"{label}, {way.__name__}, {n}") for n in range(saves)]
        peak = server.peak()
        shares = own_share(server)
    finally:
        server.stop()
    both = times[in_place] + times[by_rename]
    ms = lambda values: f"{middle(values) * 1e3:.1f} / {percentile(values, 95) * 1e3:.1f} / {max(values) * 1e3:.1f}"
    row = [label, f"{server.first:.2f} s", ms(times[in_place]), ms(times[by_rename]), ms(shares) if shares else "-", f"{peak / 2**20:.0f}"]
    bars = []
    if generator == "skep":
        bars.append((f"{args.posts:,} posts: until the first page answers", f"{server.first:.2f} s", "1.5 s", server.first <= 1.5))
        bars.append(("save until new bytes, median", f"{middle(both) * 1e3:.1f} ms", "30 ms", middle(both) <= 0.030))
        if shares:
            bars.append(("the same, skep's own share, median", f"{middle(shares) * 1e3:.1f} ms", "5 ms", middle(shares) <= 0.005))
        bars.append(("peak memory while serving", f"{peak / 1e6:.0f} MB", "300 MB", peak <= 300e6))
    return row, bars


def percentile(values, percent):
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("skep", type=os.path.abspath)
    parser.add_argument("--hugo", type=os.path.abspath)
    parser.add_argument("--zola", type=os.path.abspath)
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--saves", type=int, default=40, help="in each of the two ways, in skep")
    parser.add_argument("--others-saves", type=int, default=3, help="the same in the others, which take their time")
    parser.add_argument("--plain", action="store_true", help="without highlighting")
    parser.add_argument("--work", type=os.path.abspath, help="the folder for all of it, on the disk to measure")
    args = parser.parse_args()
    rows, bars = [], []
    with tempfile.TemporaryDirectory(prefix="skep-bench-", dir=args.work) as work:
        work = pathlib.Path(work)
        found = commands(args, work)
        make = [sys.executable, str(HERE / "make-blog.py"), str(work), "--posts", str(args.posts), "--for"]
        make += sorted({generator for generator, _ in found.values()})
        subprocess.run([*make, "--plain"] if args.plain else make, check=True)
        for label, (generator, command) in found.items():
            print(label, file=sys.stderr, flush=True)
            row, more = measure(label, generator, command, args, work)
            rows.append(row)
            bars += more
    print(f"{args.posts:,} posts; median / 95th percentile / most, in ms; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n")
    print(markdown(["preview", "first page", "saved in place", "saved by rename", "own share", "peak MiB"], rows) + "\n")
    table, missed = verdicts(bars)
    print(table)
    sys.exit(missed)


if __name__ == "__main__":
    main()
