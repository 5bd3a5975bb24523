"""Runs verify.py on what skep exports, on the same with damage, and on archives that forge.py made.

SKEP=path/to/skep python -m unittest            in this folder; without SKEP only what needs no binary runs
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from urllib.parse import quote

import cases
import forge
import make_vectors
from records import (
    NODE_OBJECT,
    PACK,
    Reader,
    Refused,
    address,
    content_hash,
    parse_address,
    path_fault,
    read_head,
    read_pack,
    sized,
)
from verify import read_archive, read_tree, verify

HERE = Path(__file__).parent
SKEP = os.environ.get("SKEP")

# What `skep import` and `skep verify` leave to the writer, or forgive. verify.py has no mercy: the page forbids it.
FORGIVEN = {
    "adds and keeps overlap", "adds what was there", "keeps what was not there", "drops what is kept",
    "drops what was not there", "does not drop", "a list of other drops, which is not there", "the first keeps",
    "kept with another kind", "a prefix too short",
}  # fmt: skip


def tool(*arguments):
    return subprocess.run([sys.executable, HERE / "verify.py", *arguments], capture_output=True)


def skep(home, *arguments):
    command = [SKEP, "--home", home, "--network", "loopback", *arguments]
    return subprocess.run(command, capture_output=True, cwd=home.parent)


@unittest.skipUnless(SKEP, "SKEP is not set")
class Exported(unittest.TestCase):
    """A site of several versions, made by skep."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        cls.home, cls.site, cls.file = cls.root / "home", cls.root / "site", cls.root / "site.skep"
        cls.skep("new", "--example", "site")
        cls.versions = 0
        cls.publish()
        about = cls.site / "about.md"
        about.write_text(about.read_text() + "\nOne more line.\n")
        cls.publish()
        noise = random.Random(7)
        for i in range(24):
            (cls.site / f"assets/noise-{i:02}.png").write_bytes(noise.randbytes(40_000 + 800 * i))
        (cls.site / "assets/large.png").write_bytes(noise.randbytes(700_000))
        # Enough files for a tree of three levels: the boundaries between inner nodes are skep's own here.
        (cls.site / "assets/many").mkdir()
        for i in range(1200):
            (cls.site / f"assets/many/{i:04}.txt").write_text(str(i))
        cls.publish()
        (cls.site / "assets/noise-00.png").rename(cls.site / "assets/Größe & Maß.png")
        (cls.site / "assets/noise-01.png").unlink()
        shutil.rmtree(cls.site / "assets/many")
        cls.publish()
        for i in range(2, 22):
            (cls.site / f"assets/noise-{i:02}.png").unlink()
        cls.publish()
        next(cls.site.glob("_posts/*")).unlink()
        settings = cls.site / "skep.toml"
        settings.write_text("publish_source = true\n" + settings.read_text())
        cls.publish()
        cls.skep("export", "site", str(cls.file))
        cls.data = cls.file.read_bytes()
        cls.archive = read_archive(cls.data)

    @classmethod
    def skep(cls, *arguments):
        done = skep(cls.home, *arguments)
        if done.returncode:
            raise AssertionError(f"skep {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout

    @classmethod
    def publish(cls):
        cls.versions += 1
        cls.skep("publish", "site", "--yes", "--wait", "0", "-m", f"version {cls.versions}")

    def refused(self, data, what):
        with self.subTest(what), self.assertRaises(Refused):
            verify(data)

    def raw_entries(self):
        r = Reader(self.data, "test")
        r.take(41), r.sized()
        return [r.sized() for _ in range(r.uint())]

    def test_everything_is_right(self):
        done = tool(self.file)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), self.versions + 1)
        self.assertIn(f"OK {address(self.archive.key)} versions={self.versions} ", lines[-1])
        self.assertTrue(any(e.adds.lists for e in self.archive.entries), "no version has lists of blobs")
        self.assertGreater(max(e.files for e in self.archive.entries), 1200)
        self.assertTrue(any(e.drops.lists for e in self.archive.entries), "no version drops a list of blobs")

    def test_files_are_those_that_skep_shows(self):
        key, versions = verify(self.data)
        for number in (1, 4):
            for path in versions[number].files:
                name = path.decode()
                with self.subTest(version=number, path=name):
                    ours = tool("--show", self.file, str(number), name)
                    self.assertEqual(ours.returncode, 0, ours.stderr)
                    self.assertEqual(ours.stdout, self.skep("show", f"{address(key)}+{number}/{quote(name)}"))

    def test_sources_are_checked(self):
        newest = self.archive.entries[-1]
        self.assertIsNotNone(newest.source)
        self.assertTrue(all(entry.source is None for entry in self.archive.entries[:-1]))
        added = next(blob for blob in newest.adds.refs if blob.kind == PACK)
        nodes = {name: data for (kind, name), data in read_pack(self.archive.blobs[added.hash], "test").items()
                 if kind == NODE_OBJECT}
        paths = [file.path for file in read_tree(newest.source, nodes, "test")]
        self.assertIn(b"skep.toml", paths)
        self.assertFalse(any(b"_drafts" in path or b"_site" in path for path in paths), paths)

    def test_show_of_what_is_not_there(self):
        for number, path in (("1", "nothing.html"), ("99", "index.html"), ("x", "index.html")):
            done = tool("--show", self.file, number, path)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertTrue(done.stderr.startswith(b"REFUSED: "))

    def test_a_fork_that_skep_mended(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            a, b = root / "a", root / "b"

            def run(home, *arguments):
                done = skep(home, *arguments)
                self.assertEqual(done.returncode, 0, done.stderr)

            def publish(home, site, *allow):
                about = root / site / "about.md"
                about.write_text(about.read_text() + f"\nOne more line of {home.name}.\n")
                run(home, "publish", site, "--yes", "--wait", "0", *allow)

            run(a, "new", "site-a")
            publish(a, "site-a")
            shutil.copytree(a, b)
            shutil.copytree(root / "site-a", root / "site-b")
            publish(a, "site-a")
            publish(b, "site-b")
            publish(b, "site-b")
            run(b, "export", "site-b", "b.skep")
            self.assertIn(b"contradicts", skep(a, "import", "b.skep").stderr)
            publish(a, "site-a", "--allow", "abandons")
            run(a, "export", "site-a", "a.skep")
            lines = []
            data = (root / "a.skep").read_bytes()
            _, versions = verify(data, lines.append)
            self.assertEqual(list(versions), [1, 2, 3, 4])
            self.assertEqual([line.split(":")[0] for line in lines][-1], "abandoned version 2")
            self.assertEqual(verify((root / "b.skep").read_bytes())[1].keys(), {1, 2, 3})
            # Whoever has the abandoned branch takes the mended log in.
            run(b, "import", "a.skep")
            run(b, "verify", "site-b")

    def test_bit_flips(self):
        start = self.data.index(next(iter(self.archive.blobs)))
        # Densely where the records are, and in even steps through the blobs.
        offsets = [*range(0, start + 34, 4), *range(start, len(self.data), len(self.data) // 300), len(self.data) - 1]
        for at in offsets:
            data = bytearray(self.data)
            data[at] ^= 1 << at % 8
            self.refused(bytes(data), f"bit {at % 8} of byte {at}")

    def test_cuts(self):
        for at in [*range(0, 200, 9), *range(200, len(self.data), len(self.data) // 100), len(self.data) - 1]:
            self.refused(self.data[:at], f"cut at {at}")
        self.refused(self.data + b"\x00", "a byte more")

    def test_missing_blobs(self):
        entries, blobs = self.raw_entries(), self.archive.blobs
        self.assertEqual(verify(forge.export(entries, blobs.values()))[1].keys(), set(range(1, self.versions + 1)))
        newest = self.archive.entries[-1]
        for named in (*newest.adds.refs, *newest.adds.lists, *newest.keeps.refs, *newest.keeps.lists):
            rest = [blob for name, blob in blobs.items() if name != named.hash]
            self.refused(forge.export(entries, rest), "a blob is gone")

    def test_swapped_entries_and_other_keys(self):
        entries, blobs = self.raw_entries(), list(self.archive.blobs.values())
        swapped = [entries[1], entries[0], *entries[2:]]
        first, second = sized(entries[0]), sized(entries[1])
        self.refused(self.data.replace(first + second, second + first), "swapped")
        self.refused(forge.export(swapped, blobs), "swapped, and signed as if that were right")
        self.refused(forge.export(entries, blobs, signer=forge.OTHER_KEY), "a head by another key")
        # The head of another key's site, in its own right, but under this site's key.
        other = forge.export(entries, blobs)
        self.refused(self.data[:41] + other[41:], "a head by another site")
        self.refused(other[:9] + self.data[9:41] + other[41:], "another site's archive, renamed")
        self.refused(self.data[:9] + other[9:41] + self.data[41:], "another public key")

    def test_the_command_refuses(self):
        bad = self.root / "bad.skep"
        for data in (b"", self.data[:-1], b"skeparch\x02" + self.data[9:], b"x" * 100):
            bad.write_bytes(data)
            done = tool(bad)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.decode(), r"\AREFUSED: .+\n\Z")


@unittest.skipUnless(SKEP, "SKEP is not set")
class Retracted(unittest.TestCase):
    """A site of which skep has retracted a version."""

    def test_an_export_has_everything_but_that(self):
        with tempfile.TemporaryDirectory() as folder:
            home, site, file = (Path(folder) / name for name in ("home", "site", "site.skep"))
            self.skep(home, "new", "site")
            self.skep(home, "publish", "site", "--yes")
            noise = random.Random(8).randbytes
            (site / "secret.html").write_bytes(secret := noise(3000))
            (site / "secret.png").write_bytes(picture := noise(40_000))
            (site / "stays.html").write_bytes(noise(3000))
            self.skep(home, "publish", "site", "--yes")
            (site / "secret.html").unlink(), (site / "secret.png").unlink()
            self.skep(home, "publish", "site", "--yes")
            self.skep(home, "retract", "2", "site", "--yes")
            self.skep(home, "export", "site", "site.skep")
            data, lines = file.read_bytes(), []
            _, versions = verify(data, lines.append)
            self.assertEqual(list(versions), [1, 3, 4])
            self.assertEqual(lines[1], "version 2: retracted by version 4")
            self.assertIn(b"stays.html", versions[3].files)
            self.assertNotIn(secret[:64], data)
            self.assertNotIn(picture[:64], data)

    def skep(self, home, *arguments):
        done = skep(home, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr.decode())


class Forged(unittest.TestCase):
    """Archives from forge.py: signed, and right or wrong in one thing."""

    def imported(self, data):
        """Whether skep takes this in and then says that all of it is right."""
        with tempfile.TemporaryDirectory() as folder:
            home, file = Path(folder) / "home", Path(folder) / "x.skep"
            file.write_bytes(data)
            site = address(data[9:41])
            return all(skep(home, *a).returncode == 0 for a in (("import", str(file)), ("verify", site)))

    def test_good(self):
        for name, make in cases.GOOD.items():
            with self.subTest(name):
                data = make()
                verify(data)
                if SKEP:
                    self.assertTrue(self.imported(data), "skep refuses it")

    def test_bad(self):
        for name, make in cases.BAD.items():
            with self.subTest(name):
                data = make()
                with self.assertRaises(Refused):
                    verify(data)
                if SKEP and name not in FORGIVEN:
                    self.assertFalse(self.imported(data), "skep takes it in")

    def test_what_is_missing_is_said(self):
        data = cases.GOOD["an older version whose blobs are missing"]()
        lines = []
        self.assertEqual(list(verify(data, lines.append)[1]), [2])
        self.assertEqual(lines[0], "version 1: not in the file")


class Vectors(unittest.TestCase):
    def test_the_file_is_what_the_code_makes(self):
        self.assertEqual(json.loads((HERE / "vectors.json").read_text()), make_vectors.vectors())

    def test_the_code_reads_what_it_makes(self):
        vectors = make_vectors.vectors()
        for case in vectors["uints"]:
            reader = Reader(bytes.fromhex(case["hex"]), "vector")
            with self.subTest(case):
                if case["valid"]:
                    self.assertEqual(reader.uint(), int(case["value"]))
                    reader.end()
                else:
                    with self.assertRaises(Refused):
                        reader.uint()
                        reader.end()
        for case in vectors["addresses"]:
            with self.subTest(case):
                if case["valid"]:
                    self.assertEqual(parse_address(case["address"]).hex(), case["public_key"])
                else:
                    self.assertRaises(Refused, parse_address, case["address"])
        for case in vectors["heads"]:
            key, head = bytes.fromhex(case["public_key"]), bytes.fromhex(case["head"])
            with self.subTest(case):
                if case["valid"]:
                    self.assertEqual(read_head(head, key), (case["length"], bytes.fromhex(case["root"])))
                else:
                    self.assertRaises(Refused, read_head, head, key)
        for case in vectors["paths"]:
            with self.subTest(case):
                self.assertEqual(path_fault(bytes.fromhex(case["hex"])) is None, case["valid"])

    def test_address_command(self):
        for case in make_vectors.vectors()["addresses"]:
            done = tool("--address", case["address"])
            self.assertEqual(done.returncode, 0 if case["valid"] else 1, case)
            self.assertEqual(done.stdout.decode().strip(), case["public_key"] if case["valid"] else "")

    def test_content_hash_is_plain(self):
        # The empty string's BLAKE3 as its authors print it, so that not all of this hangs on one library's word.
        self.assertEqual(content_hash(b"").hex(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")


if __name__ == "__main__":
    unittest.main()
