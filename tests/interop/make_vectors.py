#!/usr/bin/env python3
"""Writes vectors.json, from FORMAT.md's rules as records.py and verify.py have them."""

import json
from pathlib import Path

from nacl.signing import SigningKey

from cases import BAD, GOOD
from forge import OTHER_KEY, head
from records import File, Reader, Refused, address, checksum, content_hash, is_reserved, log_root, node_hash, uint
from verify import build_tree, read_branches

ABOUT = (
    "Test vectors for skep's archive format, made by make_vectors.py from publisher/FORMAT.md alone. Byte "
    "strings are hex. addresses: public keys from Ed25519 seeds. log_roots: entries are the raw leaves b'', "
    "00, 0001, 000102, ... of n log entries. heads: encoded, valid or not under the public key. forks: the "
    "entries of a log, and those of its branches in section 8's order; abandoned are the numbers of those that are "
    "not in the log, in that order. uints: values "
    "are decimal strings; what is not valid is to be refused. tree_roots: files posts/{i:06}/index.html, "
    "content hash BLAKE3 of i as four bytes little-endian, size 4, media type text/html; nodes is how many the "
    "tree has. paths: valid by section 3's rules for a path; reserved are those that are valid but in no tree."
)
# Above 2^64 - 1, not in their shortest form, cut off, or with a byte left over.
BAD_UINTS = (
    "80808080808080808002", "ffffffffffffffffff03", "8080808080808080808001", "ffffffffffffffffff81", "8000", "8100",
    "ff00",
    "808000", "ffffffffffffffff8000", "80808080808080808000", "", "80", "ff", "ffff", "0000", "0100", "800101",
)  # fmt: skip
PATHS = [
    "a", "index.html", "posts/2026/a/index.html", ".a", "a/.b", "...a", "a b", " a", "a..b", "a.b.c", "~", "%2F",
    "?#&=*<>|\"'",
    "é", "日本語/ページ.html", "ﬁ", "¹", "ſ", "com", "com10", "comx", "com⁴", "lpt", "con1", "xcon",
    "conx.txt",
    "x" * 255, "é" * 127, "/".join("x" * n for n in (255, 255, 255, 254, 1)),
    "/".join("é" * n for n in (127, 127, 127, 127, 2)),
    "a.con", ".con", "con-", "conin", "conout", "c.on", "\u2028", "a\u200d", "\U0001f41d", "/".join("ab" * 256),
    ".well-known/skep", ".well-known/skep.json", ".well-known/skep/x", ".well-known/skeptic", ".Well-Known/SKEP",
    ".well-known/ske", "x/.well-known/skep",
    "", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "a/..", "../a", "a/../b", "a/./b", "...", "a.", "a./b",
    "a ", "a /b", " ",
    "a\\b", "\\", "a:b", "c:", "c:/a", "a\x00", "a\nb", "a\tb", "a\x1fb", "a\x7f", "a\x80", "a\x9f", "e\u0301",
    "\u212a", "\u212b", "\u2126",
    "\u1100\u1161", "x" * 256, "é" * 128, "a/" + "x" * 256, "x/" * 512 + "x", "con", "CON", "Con", "con.txt", "con.tar.gz", "a/con", "con/a",
    "con .txt", "con  .x", "prn",
    "aux", "AUX.html", "nul", "nul.x/y", "conin$", "CONIN$.txt", "conout$", "com0", "com1", "com9.x", "COM5", "lpt0",
    "lpt9", "Lpt3.html",
    "com¹", "com².txt", "lpt³", "COM¹/x",
]  # fmt: skip
FORKS = {
    "valid": ("two versions", "a mended fork", "a fork that was mended twice", "a branch of a branch"),
    "refused": (
        "other entries than those of the branch", "another root of a branch", "a fork point too early",
        "a part of the log as a branch", "a branch's entry with another number",
    ),
}  # fmt: skip
# Where the valid ones end in the list above.
FIRST_INVALID = PATHS.index("")
BAD_UTF8 = ("ff", "c080", "61c3", "eda080", "f4908080", "80")


def file(i):
    return File(b"posts/%06d/index.html" % i, content_hash(i.to_bytes(4, "little")), 4, "text/html")


def tree_root(count):
    nodes = build_tree([file(i) for i in range(count)])
    return {"files": count, "root": node_hash(nodes[-1]).hex(), "nodes": len(nodes)}


def addresses():
    made = []
    for byte in (0, 1, 7, 42, 255):
        seed = bytes([byte]) * 32
        key = bytes(SigningKey(seed).verify_key)
        case = {"seed": seed.hex(), "public_key": key.hex(), "checksum": checksum(key).hex()}
        made.append({**case, "address": address(key)})
    good = made[2]["address"]
    name = good.removeprefix("skep://")
    forms = [f"skep://{name.upper()}", f"{good}+1", f"{good}+8~ab12cd34/a.html", f"{good}+8~{'0' * 64}"]
    forms += [f"{good}+12/a%20b/%C3%A9.html?y=z&x", f"{good}/", f"{good}?x=y"]
    made += [{"address": form, "public_key": made[2]["public_key"]} for form in forms]
    # Cut, a letter more, not in the alphabet, version 0 or none, another scheme; a letter of key, checksum, number.
    bad = [f"{good}+8~{x}" for x in ("", "ab12cd3", "AB12CD34", "ab12cd3g", "0" * 65)]
    bad += [f"{good}~ab12cd34", f"{good}+~ab12cd34"]
    bad += [good[:-1], good + "y", good[:-1] + "l", f"{good}+0", f"{good}+", f"http://{name}", ""]
    bad += [good[: 7 + i] + ("y" if name[i] != "y" else "b") + good[8 + i :] for i in (0, 52, 55)]
    return [{**case, "valid": True} for case in made] + [{"address": text, "valid": False} for text in bad]


def log_roots():
    leaves = [bytes(range(n)) for n in range(10)]
    return [{"leaves": [leaf.hex() for leaf in leaves[:n]], "root": log_root(leaves[:n]).hex()} for n in range(1, 11)]


def heads():
    made = []
    for byte, length, root in ((7, 1, b"\x11" * 32), (7, 300, bytes(range(32))), (9, 2**64 - 1, b"\xff" * 32)):
        key = SigningKey(bytes([byte]) * 32)
        case = {"seed": bytes(key).hex(), "public_key": bytes(key.verify_key).hex(), "length": length}
        made.append({**case, "root": root.hex(), "head": head(root, length, key).hex(), "valid": True})
    key, good = SigningKey(b"\x07" * 32), bytes.fromhex(made[0]["head"])
    order = 2**252 + 27742317777372353535851937790883648493
    malleable = good[:-32] + (int.from_bytes(good[-32:], "little") + order).to_bytes(32, "little")
    zero = head(b"\x11" * 32, 0, key)
    other = head(b"\x11" * 32, 1, key, OTHER_KEY)
    long = good[:2] + b"\x81\x00" + good[3:]
    bad = [good[:-1], good + b"\x00", b"\x02" + good[1:], b"\x01\x01" + good[2:], good[:-1] + bytes([good[-1] ^ 1])]
    bad += [malleable, zero, other, long]
    cases = [{"public_key": bytes(key.verify_key).hex(), "head": data.hex(), "valid": False} for data in bad]
    # The neutral element signs anything with itself: a key and an R of small order.
    one = b"\x01" + bytes(31)
    neutral = b"\x01\x00\x01" + b"\x11" * 32 + one + bytes(32)
    return made + cases + [{"public_key": one.hex(), "head": neutral.hex(), "valid": False}]


def forks():
    made = []
    for name, cases in (("valid", GOOD), ("refused", BAD)):
        for case in FORKS[name]:
            r = Reader(cases[case](), case)
            r.take(41), r.sized()
            entries = [r.sized() for _ in range(r.uint())]
            branches = []

            def supply(most):
                branches.append(r.sized(most))
                return branches[-1]

            made.append({"name": case, "entries": [data.hex() for data in entries], "valid": name == "valid"})
            try:
                abandoned = read_branches(entries, supply)
            except Refused:
                assert name == "refused", case
            else:
                assert name == "valid", case
                made[-1]["abandoned"] = [entry.number for entry in abandoned]
            made[-1]["branches"] = [data.hex() for data in branches]
    return made


def vectors():
    numbers = [0, 1, 127, 128, 255, 300, 16383, 16384, 2**21 - 1, 2**21, 2**32 - 1, 2**32, 2**40]
    numbers += [2**63 - 1, 2**63, 2**64 - 1]
    uints = [{"value": str(n), "hex": uint(n).hex(), "valid": True} for n in numbers]
    paths = [
        {"path": path, "hex": path.encode().hex(), "valid": i < FIRST_INVALID}
        | ({"reserved": True} if is_reserved(path) else {})
        for i, path in enumerate(PATHS)
    ]
    return {
        "about": ABOUT,
        "addresses": addresses(),
        "log_roots": log_roots(),
        "heads": heads(),
        "forks": forks(),
        "uints": uints + [{"hex": data, "valid": False} for data in BAD_UINTS],
        "tree_roots": [tree_root(n) for n in (0, 1, 17, 100, 1000)],
        "paths": paths + [{"hex": data, "valid": False} for data in BAD_UTF8],
    }


if __name__ == "__main__":
    target = Path(__file__).with_name("vectors.json")
    target.write_text(json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n")
