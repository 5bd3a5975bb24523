"""Part "gateway" of browse.py: pages of a site through skep's gateway and through nginx, in turn.

The generator and the server share the cores, so that requests a second say what a machine does; the CPU time of the
server alone says what a request costs it. They take turns, and shares are of one round: a slow moment hits all of them.
"""

import getpass, importlib, os, pathlib, re, shutil, socket, subprocess, sys, time, urllib.request

from run import middle

HERE = pathlib.Path(__file__).resolve().parent
PAGES = 200
ROUNDS = 11
SECONDS = 2
CONNECTIONS = 16

NGINX = """
daemon off;
{user}
worker_processes auto;
pid {dir}/pid;
error_log {dir}/errors;
events {{ worker_connections 512; }}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""

# One page after the other.
ASK = """
local paths = {{ {paths} }}
local n = 0
request = function()
  n = n % #paths + 1
  return wrk.format(nil, paths[n])
end
"""

TAB = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """An nginx that serves a folder, as Debian sets it up but for its log."""

    def __init__(self, root, scratch):
        self.port = free_port()
        scratch.mkdir()
        # Whoever owns the files must be able to read them.
        user = "user root;" if getpass.getuser() == "root" else ""
        config = scratch / "nginx.conf"
        config.write_text(NGINX.format(user=user, dir=scratch, root=root, port=self.port))
        self.child = subprocess.Popen(["nginx", "-c", str(config), "-e", str(scratch / "errors")])
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.child.poll() is not None:
                    sys.exit(f"nginx does not start: {(scratch / 'errors').read_text()}")
                time.sleep(0.02)

    def stop(self):
        self.child.terminate()
        self.child.wait()


def get(port, host, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    return urllib.request.urlopen(request).read()


def cpu_seconds(pid):
    """The CPU time of a process and its children so far."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_seconds(child) for child in children)


def measure(child, port, host, script, headers):
    """Requests a second, and microseconds of CPU a request."""
    before = cpu_seconds(child.pid)
    command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{SECONDS}s", "-s", str(script), "-H", f"Host: {host}"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    out = subprocess.run([*command, f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"not every request was answered:\n{out}")
    count = int(re.search(r"(\d+) requests in", out).group(1))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), (cpu_seconds(child.pid) - before) / count * 1e6


def gateway(browse, skep, scratch, options):
    """Pages from the local store, against nginx with the same files."""
    for tool in ("nginx", "wrk"):
        if shutil.which(tool) is None:
            sys.exit(f"the part `gateway` needs {tool}: install it first (Debian: apt-get install nginx-light wrk)")
    root = scratch / "gateway"
    site = root / "site"
    subprocess.run([sys.executable, str(HERE / "make-site.py"), str(site), "--pages", str(PAGES), "--images", "0"], check=True)
    browse.run(skep, root / "home", "init", "--static", str(site))
    browse.run(skep, root / "home", "publish", str(site), "--yes", "--wait", "0", "--message", "The first")
    address = browse.run(skep, root / "home", "--json", "status", str(site))
    address = re.search(r"skep://([a-z0-9]+)", address).group(1)
    place = importlib.import_module("make-site").place
    paths = ["/" + place(number) for number in range(PAGES)]
    script = root / "ask.lua"
    script.write_text(ASK.format(paths=", ".join(f'"{path}"' for path in paths)))

    node, nginx = browse.Browse(skep, root / "home", scratch), Nginx(site, root / "nginx")
    port = int(node.origin.rsplit(":", 1)[1])
    host = f"{address}.localhost:{port}"
    for path in paths:
        if get(port, host, path) != get(nginx.port, host, path):
            sys.exit(f"{path} differs between skep and nginx")
    figures = {"nginx": [], "skep": [], "skep, in a tab": []}
    for _ in range(ROUNDS):
        figures["nginx"].append(measure(nginx.child, nginx.port, host, script, {}))
        figures["skep"].append(measure(node.child, port, host, script, {}))
        figures["skep, in a tab"].append(measure(node.child, port, host, script, TAB))
    node.stop()
    nginx.stop()
    what = f"{PAGES} pages, {CONNECTIONS} connections, requests/s, median of {ROUNDS}"
    rows = []
    for name, values in figures.items():
        rates = [rate for rate, _ in values]
        share = middle(rate / base for rate, (base, _) in zip(rates, figures["nginx"]))
        cpu = middle(cpu for _, cpu in values)
        bar, met = ("-", None) if name == "nginx" else ("0.5 x", share >= 0.5)
        rows.append((f"{name}: {what} ({min(rates):.0f}–{max(rates):.0f}); CPU a request", f"{middle(rates):.0f}, {share:.2f} x; {cpu:.1f} µs", bar, met))
    return rows
