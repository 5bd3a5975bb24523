"""Writes archives from FORMAT.md, good ones and bad ones: a verifier that has refused nothing has proved nothing."""

import zstandard
from nacl.signing import SigningKey

from records import FILE, FILE_OBJECT, NODE_OBJECT, PACK, BlobRef, File, content_hash, head_message, log_root, node_hash
from records import sized, uint
from verify import build_tree

KEY = SigningKey(b"\x07" * 32)
OTHER_KEY = SigningKey(b"\x08" * 32)


def refs(blobs):
    return uint(len(blobs)) + b"".join(b.hash + bytes([b.kind]) + uint(b.size) for b in blobs)


def blob_set(blobs=(), lists=(), by_hash=True):
    """lists are pairs of an encoded list blob and the count to claim."""
    lists = sorted((content_hash(data), len(data), count) for data, count in lists)
    named = b"".join(name + uint(size) + uint(count) for name, size, count in lists)
    return refs(sorted(blobs) if by_hash else blobs) + uint(len(lists)) + named


def entry(number, tree, files, size, adds, keeps=(), drops=(), **change):
    """Sets are encoded, or lists of BlobRef. `change` has the encoded fields that are to differ."""
    fields = {
        "version": b"\x01", "kind": b"\x01", "number": uint(number), "time": uint(1_800_000_000),
        "as_of": uint(1_800_000_000), "flags": b"\x00", "tree": tree, "source": b"", "files": uint(files),
        "bytes": uint(size), "message": sized(b"forged"),
        "adds": adds, "keeps": keeps, "drops": drops, "origin": b"", "branches": uint(0), "end": b"",
    }  # fmt: skip
    fields = {name: field if isinstance(field, bytes) else blob_set(field) for name, field in fields.items()}
    return b"".join((fields | change).values())


def head(root, length, key=KEY, signer=None, first=b"\x01\x00"):
    message = head_message(bytes(key.verify_key), length, root)
    return first + uint(length) + root + (signer or key).sign(message).signature


def branch(length, root, fork_point):
    """What an entry says of a branch that it abandons."""
    return uint(length) + root + uint(fork_point)


def export(entries, blobs, key=KEY, signer=None, n=None, first=b"\x01\x00", branches=()):
    """An exported archive; entries of branches and blobs are written in the order given."""
    signed = head(log_root(entries), len(entries), key, signer, first)
    out = b"skeparch\x01" + bytes(key.verify_key) + sized(signed) + uint(len(entries) if n is None else n)
    return out + b"".join(map(sized, [*entries, *branches])) + b"".join(content_hash(b) + sized(b) for b in blobs)


def frame(objects, step=0, window=20, more=b""):
    """A frame's bytes and its part of the index. `step` is added to the first object's prefix."""
    window = zstandard.ZstdCompressionParameters(window_log=window, write_content_size=0)
    stream = zstandard.ZstdCompressor(compression_params=window).compressobj()
    data, index = b"", uint(len(objects))
    for kind, content in objects:
        part = stream.compress(content) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        name = (node_hash if kind == NODE_OBJECT else content_hash)(content)
        index += bytes([kind]) + name + uint(len(content)) + uint(len(part) + step)
        data, step = data + part, 0
    data += stream.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH) + more
    return data, uint(len(data)) + index


def pack(*frames, edit=lambda index: index, between=b"", first=b"skeppack\x01\x00" + bytes(6), last=b"skepindx"):
    index = edit(uint(len(frames)) + b"".join(index for _, index in frames))
    return first + b"".join(data for data, _ in frames) + between + index + len(index).to_bytes(4, "big") + last


def ref(blob, kind=PACK):
    return BlobRef(content_hash(blob), kind, len(blob))


def tree(contents, media="text/html"):
    """The files and nodes of path -> bytes."""
    files = [File(p, content_hash(c), len(c), media) for p, c in sorted(contents.items())]
    return files, build_tree(files)


def objects(nodes, contents):
    return [(NODE_OBJECT, n) for n in nodes], [(FILE_OBJECT, c) for c in dict.fromkeys(contents.values())]


class Site:
    """A good archive of two versions, kept in parts for whoever changes one of them."""

    def __init__(self, contents=None, nodes=None, media="text/html", big=b"\x5a" * 600_000, **change):
        self.contents = contents or {f"posts/{i:03}.html".encode(): b"post %d" % i for i in range(40)}
        # Version 1: all files in one pack. Version 2: one more, in a blob of its own.
        files, before = tree(self.contents)
        self.pack1 = pack(*(frame(o) for o in objects(before, self.contents)))
        self.entry1 = entry(1, node_hash(before[-1]), len(files), sum(f.size for f in files), [ref(self.pack1)])
        self.big = big
        files, made = tree(self.contents | {b"zz/big.bin": big}, media)
        self.nodes = nodes(files) if nodes else made
        self.root = node_hash(self.nodes[-1])
        self.files, self.size = len(files), sum(f.size for f in files)
        self.pack2 = pack(frame([(NODE_OBJECT, n) for n in dict.fromkeys(self.nodes)]))
        self.change = change

    def entry2(self, **change):
        fields = dict(
            number=2, tree=self.root, files=self.files, size=self.size,
            adds=[ref(self.pack2), ref(self.big, FILE)], keeps=[ref(self.pack1)],
        )  # fmt: skip
        return entry(**(fields | self.change | change))

    def export(self, blobs=None, entry1=None, entry2=None, **change):
        entries = [entry1 or self.entry1, entry2 or self.entry2()]
        return export(entries, blobs or [self.pack1, self.pack2, self.big], **change)

    def with_pack(self, packed):
        """With another second pack."""
        self.pack2 = packed
        return self.export()


class RetractedSite:
    """Four versions, and a fifth that retracts the second: `secret.html` was in it. Beside it in that version's pack lies
    what the third still needs."""

    def __init__(self, kept=(b"new",), retracts=uint(1) + uint(2), **change):
        posts = {f"posts/{i:03}.html".encode(): b"post %d" % i for i in range(40)}
        versions = [
            posts,
            posts | {b"new.html": b"new", b"secret.html": b"secret"},
            posts | {b"new.html": b"new"},
            posts | {b"last.html": b"last"},
        ]
        self.packs, self.entries, there = [], [], set()
        for contents in versions:
            files, nodes = tree(contents)
            fresh = {path: content for path, content in contents.items() if content not in there}
            there |= set(fresh.values())
            self.packs.append(pack(*(frame(o) for o in objects(nodes, fresh) if o)))
            facts = (node_hash(nodes[-1]), len(files), sum(f.size for f in files))
            number = len(self.packs)
            # The last one needs nothing of the second: its keeps and drops are not those of the others.
            keeps = self.packs[:-1] if number < 4 else [self.packs[0]]
            drops = self.packs[1:-1] if number == 4 else []
            self.entries.append(
                entry(number, *facts, [ref(self.packs[-1])], [ref(p) for p in keeps], [ref(p) for p in drops])
            )
        self.facts = facts
        # What the third version needs of what is deleted.
        self.saved = pack(frame([(FILE_OBJECT, content) for content in kept]))
        root, count, size = facts
        fields = dict(
            tree=root, files=count, size=size, kind=b"\x02", adds=[ref(self.saved)], keeps=[ref(self.packs[0]), ref(self.packs[3])],
            drops=[ref(self.packs[1])], end=retracts,
        )  # fmt: skip
        self.retraction = entry(5, **(fields | change))
        self.blobs = [self.packs[0], self.packs[2], self.packs[3], self.saved]

    def export(self, blobs=None, more=()):
        return export([*self.entries, self.retraction, *more], self.blobs if blobs is None else blobs)
