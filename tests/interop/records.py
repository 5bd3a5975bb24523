"""The records of publisher/FORMAT.md, §1 to §11: bytes in, values or `Refused` out."""

import re
import unicodedata
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import zstandard
from blake3 import blake3
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

PACK, FILE = 1, 2  # kinds of blobs
PUBLISH, RETRACT = 1, 2  # kinds of entries
KINDS = NODE_OBJECT, FILE_OBJECT = 1, 2  # kinds of objects in packs
MAX_U64 = 2**64 - 1
MAX_TIME = 253402300799
MAX_FRAME = 655360
MAX_WINDOW = 2**20
ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"
NODE_CONTEXT = "skep 2026 archive v1 tree node"
BOUNDARY_CONTEXT = "skep 2026 archive v1 tree boundary"


class Refused(Exception):
    """The file is not a valid archive; the message says why and where."""


# --- §1 records, §2 hashes --------------------------------------------------------------------------------------------


class Reader:
    """Takes a record apart, in order. Nothing is allocated that the bytes left could not fill."""

    def __init__(self, data, where):
        self.data, self.at, self.where = memoryview(data), 0, where

    def refuse(self, what):
        raise Refused(f"{what} ({self.where}, byte {self.at})")

    def left(self):
        return len(self.data) - self.at

    def view(self, n):
        if n > self.left():
            self.refuse(f"ends early: {n} bytes wanted, {self.left()} left")
        self.at += n
        return self.data[self.at - n : self.at]

    def take(self, n):
        return bytes(self.view(n))

    def magic(self, expected):
        if self.left() < len(expected) or self.take(len(expected)) != expected:
            self.refuse(f"not {expected!r}")

    def u8(self, *allowed, what):
        value = self.take(1)[0]
        if value not in allowed:
            self.refuse(f"unknown {what} {value}")
        return value

    def version(self):
        self.u8(1, what="format version (a newer program may know it):")

    def uint(self, least=0, most=MAX_U64):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        else:
            self.refuse("integer of more than ten bytes")
        if byte == 0 and shift:
            self.refuse("integer not in its shortest form")
        if not least <= value <= most:
            self.refuse(f"{value} is not in {least}..{most}")
        return value

    def count(self, most, item_size, least=0):
        n = self.uint(least, most)
        if n * item_size > self.left():
            self.refuse(f"{n} items of at least {item_size} bytes do not fit")
        return n

    def sized(self, most=MAX_U64):
        return self.take(self.uint(0, most))

    def text(self, most):
        try:
            return self.sized(most).decode()
        except UnicodeDecodeError:
            self.refuse("text that is not UTF-8")

    def ascending(self, items, what):
        """Refuses items, or their first fields, that are not strictly ascending."""
        if any(a[0] >= b[0] for a, b in zip(items, items[1:])):
            self.refuse(f"{what} not strictly sorted")
        return items

    def end(self):
        if self.left():
            self.refuse(f"{self.left()} bytes left over")


def uint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def sized(data):
    return uint(len(data)) + data


def u64be(n):
    return n.to_bytes(8, "big")


def content_hash(data):
    return blake3(data).digest()


def node_hash(data):
    return blake3(data, derive_key_context=NODE_CONTEXT).digest()


def log_hash(data):
    return blake2b(data, digest_size=32).digest()


# --- §3 paths, §4 addresses -------------------------------------------------------------------------------------------

DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {d + n for d in ("com", "lpt") for n in "0123456789¹²³"}


def path_fault(raw):
    """What is wrong with a path's bytes, or None. Reserved paths are valid; see `is_reserved`."""
    if not 1 <= len(raw) <= 1024:
        return "is not 1 to 1024 bytes long"
    try:
        path = raw.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    if not unicodedata.is_normalized("NFC", path):
        return "is not in normal form C"
    for segment in path.split("/"):
        if segment in ("", ".", ".."):
            return f"has a segment {segment!r}"
        if len(segment.encode()) > 255:
            return "has a segment of more than 255 bytes"
        if any(c in "\\:" or unicodedata.category(c) == "Cc" for c in segment):
            return "has a character that is not allowed"
        if segment[-1] in ". ":
            return "has a segment that ends in a dot or a space"
        # Lower-casing bytes is ASCII's; str.lower would also fold the Kelvin sign and its like.
        if segment.split(".")[0].rstrip(" ").encode().lower().decode() in DEVICES:
            return "has a segment that is a device's name"
    return None


def is_reserved(path):
    return path.lower().startswith(".well-known/skep")


def checksum(key):
    return log_hash(b"skep address checksum" + b"\x01" + key)[:2]


def address(key):
    bits = int.from_bytes(key + checksum(key) + b"\x01", "big")
    return "skep://" + "".join(ALPHABET[bits >> shift & 31] for shift in range(275, -1, -5))


def parse_address(text):
    """The public key of an address. Version, path and query are checked only for their form."""
    parts = re.fullmatch(r"skep://([^/+?]*)(?:\+([1-9][0-9]*)(?:~[0-9a-f]{8,64})?)?(/[^?#]*)?(?:\?[^#]*)?", text, re.A)
    if not parts:
        raise Refused("not skep://ID[+VERSION[~HASH]][/PATH][?via=TICKET] (address)")
    name = parts[1].lower()
    if len(name) != 56 or not parts[1].isascii() or any(c not in ALPHABET for c in name):
        raise Refused("the ID is not 56 characters of z-base-32 (address)")
    bits = 0
    for c in name:
        bits = bits << 5 | ALPHABET.index(c)
    raw = bits.to_bytes(35, "big")
    if raw[34] != 1:
        raise Refused(f"unknown address version {raw[34]} (address)")
    if raw[32:34] != checksum(raw[:32]):
        raise Refused("the checksum is wrong (address)")
    try:
        unquote_to_bytes(parts[3] or "").decode()
    except UnicodeError:
        raise Refused("the path is not UTF-8 (address)") from None
    return raw[:32]


# --- §5 blob lists, §6 log, §7 entry, §8 head -------------------------------------------------------------------------


class BlobRef(NamedTuple):
    hash: bytes
    kind: int
    size: int


class ListRef(NamedTuple):
    hash: bytes
    size: int
    count: int


class BlobSet(NamedTuple):
    refs: list
    lists: list


class Branch(NamedTuple):
    length: int
    root: bytes
    fork_point: int


class Entry(NamedTuple):
    kind: int
    number: int
    tree: bytes
    source: bytes | None
    files: int
    bytes: int
    adds: BlobSet
    keeps: BlobSet
    drops: BlobSet
    retracts: list
    branches: list


def read_refs(r, most):
    n = r.count(most, 34)
    refs = [BlobRef(r.take(32), r.u8(PACK, FILE, what="kind of blob"), r.uint(0, 2**40)) for _ in range(n)]
    return r.ascending(refs, "blobs")


def read_set(r):
    refs = read_refs(r, 16)
    lists = [ListRef(r.take(32), r.uint(0, 2**22), r.uint(0, 65536)) for _ in range(r.count(16, 34))]
    return BlobSet(refs, r.ascending(lists, "lists"))


def read_list_blob(data, where):
    r = Reader(data, where)
    r.version()
    refs = read_refs(r, 65536)
    r.end()
    return refs


def write_list_blob(refs):
    refs = [ref.hash + bytes([ref.kind]) + uint(ref.size) for ref in sorted(refs)]
    return b"\x01" + uint(len(refs)) + b"".join(refs)


def log_root(entries):
    """RFC 9162's recursive definition, on purpose: skep keeps peaks, and the two must agree."""

    def mth(start, end):
        if end - start == 1:
            return log_hash(b"\x00" + entries[start])
        k = 1 << (end - start - 1).bit_length() - 1  # the largest power of two below the length
        return log_hash(b"\x01" + mth(start, start + k) + mth(start + k, end))

    return log_hash(b"\x02" + u64be(len(entries)) + mth(0, len(entries)))


def read_entry(data, where):
    r = Reader(data, where)
    r.version()
    kind = r.u8(PUBLISH, RETRACT, what="kind of entry")
    number = r.uint(1)
    r.uint(0, MAX_TIME), r.uint(0, MAX_TIME)  # time, as_of
    flags = r.u8(0, 1, 2, 3, what="flags")
    tree = r.take(32)
    source = r.take(32) if flags & 1 else None
    files, size = r.uint(0, 2**20), r.uint()
    if any(unicodedata.category(c) == "Cc" and c != "\n" for c in r.text(512)):
        r.refuse("a control character in the message")
    sets = read_set(r), read_set(r), read_set(r)
    if flags & 2:
        r.take(32), r.uint()  # origin
    branches = [Branch(r.uint(), r.take(32), r.uint()) for _ in range(r.count(4, 34))]
    for branch in branches:
        if not branch.fork_point < branch.length < number:
            r.refuse("an abandoned branch that is not shorter than its log")
    retracts = []
    if kind == RETRACT:
        retracts = [r.uint(1) for _ in range(r.count(64, 1, least=1))]
        r.ascending([(version,) for version in retracts], "retracted versions")
        if retracts[-1] >= number - 1:
            r.refuse(f"version {number} retracts version {retracts[-1]}")
    r.end()
    return Entry(kind, number, tree, source, files, size, *sets, retracts, branches)


def head_message(key, length, root):
    return b"skep head\x00\x01" + key + u64be(length) + root


def read_head(data, key):
    """Length and root, which the site's key has signed."""
    r = Reader(data, "head")
    r.version()
    r.u8(0, what="signer")
    length, root, signature = r.uint(1), r.take(32), r.take(64)
    r.end()
    try:
        # libsodium refuses keys and R of small order, keys that are not canonical, and S that is not reduced.
        VerifyKey(key).verify(head_message(key, length, root), signature)
    except BadSignatureError:
        raise Refused("the signature is not the site key's (head)") from None
    return length, root


# --- §10 tree ---------------------------------------------------------------------------------------------------------


class File(NamedTuple):
    path: bytes
    hash: bytes
    size: int
    media: str


def read_node(data, where):
    """Level, and the items: files on level 0, else pairs of last path and node hash."""
    r = Reader(data, where)
    r.version()
    level = r.u8(*range(25), what="level")
    if level:
        items = [(r.sized(1024), r.take(32)) for _ in range(r.count(64, 33, least=1))]
    else:
        items = [File(r.sized(1024), r.take(32), r.uint(0, 2**40), r.text(127)) for _ in range(r.count(64, 36))]
        for file in items:
            if not re.fullmatch(r"[\x20-\x7e]+", file.media):
                r.refuse(f"media type {file.media!r}")
    r.end()
    return level, r.ascending(items, "paths")


# --- §11 pack ---------------------------------------------------------------------------------------------------------

ZSTD = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)


class Object(NamedTuple):
    kind: int
    hash: bytes
    size: int
    step: int


def open_frame(frame, objects, where):
    """The content of a frame, after everything that can be checked of it."""
    size = sum(o.size for o in objects)
    if size > MAX_FRAME:
        raise Refused(f"a frame of {size} bytes ({where})")
    try:
        header = zstandard.get_frame_parameters(frame)
        if frame[:4] != b"\x28\xb5\x2f\xfd" or header.window_size > MAX_WINDOW or header.dict_id:
            raise Refused(f"not a zstd frame without dictionary and with a window of at most 2^20 ({where})")
        content = ZSTD.stream_reader(frame).read(size + 1)  # never more than the index claims
        if len(content) != size:
            raise Refused(f"the frame's content is not as long as its objects ({where})")
        # Fed step by step, the decompressor has seen an object's prefix and nothing else when the object is compared.
        stream, seen, at, end = ZSTD.decompressobj(), bytearray(), 0, 0
        for o in [*objects, None]:
            step = frame[at : at + o.step] if o else frame[at:]
            at += len(step)
            if step:
                if stream.eof or o and len(step) < o.step:
                    raise Refused(f"a prefix is longer than the frame ({where})")
                seen += stream.decompress(step)
            if o:
                start, end = end, end + o.size
                if seen[start:end] != content[start:end]:
                    raise Refused(f"a prefix does not hold object {o.hash.hex()[:16]} ({where})")
        if not stream.eof or stream.unused_data or seen != content:
            raise Refused(f"the frame is not as long as the index says ({where})")
    except zstandard.ZstdError as error:
        raise Refused(f"{error} ({where})") from None
    return content


def read_pack(data, where):
    """(kind, hash) -> bytes of every object of a pack, each with that hash."""
    r = Reader(data, where)
    r.magic(b"skeppack")
    r.version()
    r.u8(0, what="encryption")
    r.magic(bytes(6))
    if r.left() < 12:
        r.refuse("ends early")
    tail = Reader(data[-12:], f"{where}, footer")
    length = int.from_bytes(tail.take(4), "big")
    tail.magic(b"skepindx")
    if length > min(2**26, r.left() - 12):
        r.refuse(f"an index of {length} bytes")
    frames = r.view(r.left() - 12 - length)
    index = Reader(data[-12 - length : -12], f"{where}, index")
    at, found = 0, {}
    for number in range(index.count(2**20, 37)):
        size = index.uint(1, 2**21)
        objects = [
            Object(index.u8(*KINDS, what="kind of object"), index.take(32), index.uint(0, 2**19), index.uint())
            for _ in range(index.count(131072, 35, least=1))
        ]
        if at + size > len(frames):
            index.refuse("the frames are shorter than the index says")
        content, start = open_frame(bytes(frames[at : at + size]), objects, f"{where}, frame {number}"), 0
        at += size
        for o in objects:
            found[o.kind, o.hash] = content[start : start + o.size]
            start += o.size
            if o.hash != (node_hash if o.kind == NODE_OBJECT else content_hash)(found[o.kind, o.hash]):
                index.refuse(f"object {o.hash.hex()[:16]} has another hash")
    index.end()
    if at != len(frames):
        r.refuse("the frames are longer than the index says")
    return found
