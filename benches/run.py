"""What the benchmarks share: a command that is run and measured, and tables."""

import os, statistics, subprocess, sys, tempfile, time


class Run:
    """A command that has ended: wall and CPU seconds, peak memory in bytes, bytes read, and what it said.

    The CPU time is that of the whole tree of processes. The peak is that of the largest process, but never less than
    this Python's own (some 15 MiB), which a child starts with.
    """

    def __init__(self, command, cwd, env=None):
        out = tempfile.TemporaryFile()
        start = time.monotonic()
        child = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        errors = child.stderr.read()
        # Looked at between its end and its burial, when the kernel still knows.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with open(f"/proc/{child.pid}/io") as io:
            self.read = next(int(line.split()[1]) for line in io if line.startswith("rchar"))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        self.wall = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss * 1024
        out.seek(0)
        self.out = out.read()
        if status != 0:
            sys.exit(f"{command} failed:\n{self.out.decode()}{errors.decode()}")


def middle(values):
    return statistics.median(values)


def spread(values):
    return f"{min(values):.3g}–{max(values):.3g}"


def markdown(head, rows):
    """A table in Markdown, its columns as wide as their widest cell."""
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines)


def verdicts(rows):
    """The table of bars, and whether one is missed. A row is (what, figure, bar, whether it is met or None)."""
    words = {True: "yes", False: "**NO**", None: "-"}
    table = markdown(["what", "figure", "bar", "met"], [[what, figure, bar, words[met]] for what, figure, bar, met in rows])
    return table, any(met is False for *_, met in rows)
