"""Other people's programs read the backups that skep makes of a key, and skep reads theirs: age's format by pyrage,
the words of BIP 39 by its reference implementation.

SKEP=path/to/skep python -m unittest            in this folder
"""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import mnemonic
from pyrage import passphrase

SKEP = os.environ.get("SKEP")
WORDS = "correct horse battery"


@unittest.skipUnless(SKEP, "SKEP is not set")
class Backups(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "passphrase").write_text(WORDS + "\n")
        self.address = self.skep("home", "new", "site")["address"]
        self.key = self.skep("home", "key", "export", "site", "--plain")["key"]

    def skep(self, home, *arguments):
        command = [SKEP, "--home", home, "--json", *arguments]
        done = subprocess.run(command, capture_output=True, cwd=self.root)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def imports(self, home, file):
        result = self.skep(home, "key", "import", file, "--passphrase-file", "passphrase")
        self.assertEqual(result["address"], self.address)

    def test_age_opens_what_skep_locked(self):
        self.skep("home", "key", "export", "site", "k.age", "--passphrase-file", "passphrase")
        locked = (self.root / "k.age").read_bytes()
        self.assertEqual(passphrase.decrypt(locked, WORDS).decode(), self.key)

    def test_skep_opens_what_age_locked(self):
        for armored in (False, True):
            locked = passphrase.encrypt(self.key.encode(), WORDS, armored)
            (self.root / f"{armored}.age").write_bytes(locked)
            self.imports(f"home-{armored}", f"{armored}.age")

    def test_the_words_are_the_key(self):
        words = self.skep("home", "key", "export", "site", "--phrase")["words"]
        secret = mnemonic.Mnemonic("english").to_entropy(" ".join(words))
        self.assertIn(f"skep-secret-1:{secret.hex()}\n", self.key)


if __name__ == "__main__":
    unittest.main()
