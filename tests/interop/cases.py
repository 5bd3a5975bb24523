"""Archives made by forge.py: what FORMAT.md allows, and what it forbids. name -> function that makes the bytes."""

import unicodedata

from forge import OTHER_KEY, RetractedSite, Site, blob_set, branch, entry, export, frame, pack, ref, tree
from records import FILE, FILE_OBJECT, NODE_OBJECT, BlobRef, content_hash, log_root, node_hash, sized, uint, write_list_blob
from verify import build_tree

S = Site()
TWO = [ref(S.pack2), ref(S.big, FILE)]
NODES = [(NODE_OBJECT, node) for node in S.nodes]


def with_files(contents):
    return Site(contents=contents).export()


def one_leaf(order):
    """A site of one leaf, its files in this order."""
    contents = {path: b"x" for path in order}
    leaf = b"\x01\x00" + uint(len(order)) + b"".join(
        sized(p) + content_hash(b"x") + uint(1) + sized(b"text/plain") for p in order
    )
    packed = pack(frame([(NODE_OBJECT, leaf)]), frame([(FILE_OBJECT, b"x")]))
    return export([entry(1, node_hash(leaf), len(contents), len(contents), [ref(packed)])], [packed])


def tail(extra, count):
    """An empty site whose entry has this after its sets."""
    leaf = b"\x01\x00\x00"
    packed = pack(frame([(NODE_OBJECT, leaf)]))
    return export([entry(1, node_hash(leaf), 0, 0, [ref(packed)], branches=uint(count), **extra)], [packed])


def nodes_change(change):
    return Site(nodes=lambda files: change(build_tree(files))).export()


def own_tree(leaves):
    """Two leaves under a root that the paths don't ask for: one per run of files in `leaves`."""

    def nodes(files):
        parts, start = [], 0
        for n in leaves:
            parts.append((build_tree(files[start : start + n])[-1], files[start + n - 1].path))
            start += n
        root = b"\x01\x01" + uint(len(parts)) + b"".join(sized(last) + node_hash(leaf) for leaf, last in parts)
        return [leaf for leaf, _ in parts] + [root]

    few = {p: b"" for p in (b"a", b"b", b"c", b"d")}
    return Site(contents=few, nodes=nodes).export()


def wrong_last(nodes):
    """The root says another last path of its last child."""
    at = nodes[-1].rindex(b"zz/big.bin")
    return nodes[:-1] + [nodes[-1][:at] + b"zz/bih.bin" + nodes[-1][at + 10 :]]


def wrong_size(nodes):
    """A leaf says another size of its last file."""
    at = nodes[0].rindex(b"\x09text/html") - 1
    leaf = nodes[0][:at] + uint(nodes[0][at] + 1) + nodes[0][at + 1 :]
    return [leaf, *(n.replace(node_hash(nodes[0]), node_hash(leaf)) for n in nodes[1:])]


def lists(where):
    """Version 2 names its blobs in lists: adds in one, keeps in another."""
    adds, keeps = write_list_blob(TWO), write_list_blob([ref(S.pack1)])
    second = S.entry2(adds=blob_set(lists=[(adds, 2)]), keeps=blob_set(lists=[(keeps, 1)]))
    return S.export(where(S.pack1, S.pack2, S.big, adds, keeps), entry2=second)


def listed(blob, count):
    second = S.entry2(adds=blob_set(lists=[(blob, count)]))
    return S.export([S.pack1, blob, S.pack2, S.big], entry2=second)


def dropped(blob):
    """Version 2 has packed all files again, and drops version 1's in a list."""
    whole = pack(frame([(FILE_OBJECT, c) for c in S.contents.values()]))
    second = S.entry2(adds=[*TWO, ref(whole)], keeps=[], drops=blob_set(lists=[(blob, 1)]))
    return S.export([S.pack1, S.pack2, S.big, whole], entry2=second)


def more(n):
    """n versions with the same tree."""
    blob = ref(S.pack1)
    files, nodes = tree(S.contents)
    same = dict(tree=node_hash(nodes[-1]), files=len(files), size=sum(f.size for f in files))
    rest = [entry(i, adds=(), keeps=[blob], **same) for i in range(2, n + 1)]
    return export([S.entry1, *rest], [S.pack1])


SAME = dict(tree=node_hash(tree(S.contents)[1][-1]), files=len(S.contents), size=sum(map(len, S.contents.values())))


def same(number, says, *abandons):
    """An entry of the site's first tree again, which says something of its own and abandons branches."""
    fields = dict(adds=(), keeps=[ref(S.pack1)], message=sized(says.encode()))
    return entry(number, **SAME, **fields, branches=uint(len(abandons)), end=b"".join(abandons))


def logs():
    """A log of three entries, and a branch of two that parts from it after the first."""
    ours = [S.entry1, same(2, "ours"), same(3, "ours")]
    return ours, [S.entry1, same(2, "theirs")]


def mended(length=2, root=None, fork_point=1, branches=None, times=1, extra=()):
    ours, theirs = logs()
    said = branch(length, root or log_root(theirs), fork_point)
    entries = [*ours, same(4, "mended", *[said] * times)]
    return export(entries, [S.pack1, *extra], branches=theirs[1:] if branches is None else branches)


def mended_twice():
    """The branch went on, and abandoned what had abandoned it; a newcomer gets all three."""
    ours, theirs = logs()
    first = [*ours, same(4, "mended", branch(2, log_root(theirs), 1))]
    further = [*theirs, *(same(n, "further") for n in range(3, 6))]
    second = [*further, same(6, "mended again", branch(4, log_root(first), 1))]
    return export(second, [S.pack1], branches=first[1:])


def branch_of_a_branch(last=None):
    """A branch that has abandoned another."""
    ours, theirs = logs()
    third = [S.entry1, same(2, "third"), last or same(3, "third")]
    theirs = [*theirs, same(3, "theirs"), same(4, "theirs too", branch(3, log_root(third), 1))]
    entries = [*ours, *(same(n, "ours") for n in (4, 5)), same(6, "mended", branch(4, log_root(theirs), 1))]
    return export(entries, [S.pack1], branches=[*theirs[1:], *third[1:]])


def endless(named):
    """A log that abandons more branches than are ever looked at, or longer ones."""
    ours, theirs = logs()
    entries = ours[:1]
    for n in range(2, 2 + named // 4):
        said = branch(1, log_root([same(1, "other")]), 0)
        entries.append(same(n, "mended", *[said] * 4))
    return export(entries, [S.pack1], branches=[same(1, "other")])


def with_own_pack():
    """The abandoned version has a blob of its own, which is in the file."""
    whole = pack(frame([(FILE_OBJECT, b"only there")]))
    theirs = entry(2, **SAME, adds=[ref(whole)], keeps=[ref(S.pack1)])
    root = log_root([S.entry1, theirs])
    return mended(root=root, branches=[theirs], extra=[whole])


def damaged_own_pack():
    whole = pack(frame([(FILE_OBJECT, b"only there")]))
    theirs = entry(2, **(SAME | dict(files=7)), adds=[ref(whole)], keeps=[ref(S.pack1)])
    return mended(root=log_root([S.entry1, theirs]), branches=[theirs], extra=[whole])


def changed(**change):
    return lambda: Site(**change).export()


def paths(*names):
    return lambda: with_files({name if isinstance(name, bytes) else name.encode(): b"x" for name in names})


def packed(*parts, **change):
    return lambda: Site().with_pack(pack(*parts, **change))


def retraction(**change):
    return lambda: RetractedSite(**change).export()


def retracted_lists(drop):
    """A retraction that names what it deletes in a list, which `drop` may leave out of the file."""
    r = RetractedSite()
    names = write_list_blob([ref(r.packs[1])])
    r = RetractedSite(drops=blob_set(lists=[(names, 1)]))
    return r.export(r.blobs if drop else [*r.blobs, names])


def published_again():
    """After the retraction, a version that needs the deleted blob again."""
    r = RetractedSite()
    again = entry(6, *r.facts, [ref(r.packs[1])], [ref(r.packs[0]), ref(r.packs[3])], [ref(r.saved)])
    return r.export([*r.blobs, r.packs[1]], [again])


def retracted_twice():
    """A second retraction, of the third version and of the first retraction, which drops what that has added."""
    r = RetractedSite()
    then = entry(6, *r.facts, [], [ref(r.packs[0]), ref(r.packs[3])], [ref(r.saved)])
    last = entry(
        7, *r.facts, [], [ref(r.packs[0]), ref(r.packs[3])], [ref(r.saved), ref(r.packs[2])], kind=b"\x02",
        end=uint(2) + uint(3) + uint(5),
    )  # fmt: skip
    return r.export([r.packs[0], r.packs[3]], [then, last])


NODE_FRAME = frame(NODES)
# An object that no tree names: what is wrong with it must be found without asking for it.
SPARE = frame([(FILE_OBJECT, b"spare")])



def with_empty_blocks(count):
    """The frame of nodes, with so many blocks of nothing behind its header of six bytes."""
    data, index = frame(NODES, step=3 * count)
    index = index[len(uint(len(data))) :]
    data = data[:6] + bytes(3 * count) + data[6:]
    return data, uint(len(data)) + index


GOOD = {
    "blocks of nothing": packed(with_empty_blocks(10)),
    "two versions": S.export,
    "no files": lambda: tail({}, 0),
    "many versions": lambda: more(21),
    "a large tree": lambda: with_files({b"posts/%06d/index.html" % i: b"%d" % i for i in range(5000)}),
    "lists": lambda: lists(lambda p1, p2, big, adds, keeps: [p1, adds, p2, big, keeps]),
    "a blob that no entry names": lambda: S.export([S.pack1, b"stray", S.pack2, S.big]),
    "an object that no tree names": packed(NODE_FRAME, SPARE),
    "an older version whose blobs are missing": lambda: S.export(
        [S.pack2, S.big, whole := pack(frame([(FILE_OBJECT, c) for c in S.contents.values()]))],
        entry2=S.entry2(adds=[*TWO, ref(whole)], keeps=[], drops=[ref(S.pack1)]),
    ),
    "a list of drops, which is not there": lambda: dropped(write_list_blob([ref(S.pack1)])),
    "a message with a line feed": changed(message=sized("é\nü".encode())),
    "a time before the one before": changed(time=uint(0)),
    "the last second": changed(time=uint(253402300799), as_of=uint(253402300799)),
    "an origin": changed(flags=b"\x02", origin=bytes(OTHER_KEY.verify_key) + uint(7)),
    "a retraction": retraction(),
    "a retraction whose drops are in a list": lambda: retracted_lists(False),
    "a retraction, and the same published again": published_again,
    "a retraction of a retraction": retracted_twice,
    "a retraction of two": retraction(kept=(), adds=[], retracts=uint(2) + uint(2) + uint(3)),
    "a mended fork": mended,
    "a fork that was mended twice": mended_twice,
    "a branch of a branch": branch_of_a_branch,
    "a branch that is named four times": lambda: mended(times=4),
    "an abandoned version with a blob of its own": with_own_pack,
    "1024 branches": lambda: endless(1024),
    "devices' names with more to them": paths("com/x", "connect", "com10", "COM.x", "a.con"),
}

BAD = {
    # §12
    "a head by another key": lambda: S.export(signer=OTHER_KEY),
    "another number of entries": lambda: S.export(n=1),
    "swapped entries": lambda: export([S.entry2(), S.entry1], [S.pack1, S.pack2, S.big]),
    "a blob twice": lambda: S.export([S.pack1, S.pack2, S.big, S.big]),
    "the newest version is missing": lambda: S.export([S.pack1, S.pack2]),
    "the newest version's list is missing": lambda: lists(lambda p1, p2, big, adds, keeps: [p1, p2, big, keeps]),
    "a list after its blobs": lambda: lists(lambda p1, p2, big, adds, keeps: [p1, p2, big, adds, keeps]),
    "another head version": lambda: S.export(first=b"\x02\x00"),
    "another signer": lambda: S.export(first=b"\x01\x01"),
    # §7
    "another entry version": changed(version=b"\x02"),
    "another kind of entry": changed(kind=b"\x03"),
    "a retraction without versions": changed(kind=b"\x02"),
    "a retraction of none": retraction(retracts=uint(0)),
    "a retraction of version 0": retraction(retracts=uint(1) + uint(0)),
    "a retraction of the newest": retraction(retracts=uint(1) + uint(4)),
    "a retraction of itself": retraction(retracts=uint(1) + uint(5)),
    "a retraction in disorder": retraction(retracts=uint(2) + uint(2) + uint(1)),
    "a retraction of one twice": retraction(retracts=uint(2) + uint(2) + uint(2)),
    "a retraction with another tree": retraction(tree=bytes(32)),
    "a retraction with another number of files": retraction(files=40),
    "a retraction with other bytes": retraction(size=1),
    "a retraction that drops what it needs": retraction(
        drops=[ref(RetractedSite().packs[1]), ref(RetractedSite().packs[0])]
    ),
    "a retraction that keeps what it drops": retraction(
        keeps=[ref(RetractedSite().packs[i]) for i in (0, 1, 3)]
    ),
    "a retraction after which the newest lacks a pack": retraction(
        keeps=[ref(RetractedSite().packs[3])], drops=[ref(RetractedSite().packs[0]), ref(RetractedSite().packs[1])]
    ),
    "a retraction after which an older version lacks a file": retraction(kept=(b"other",)),
    "a retraction whose list of drops is missing": lambda: retracted_lists(True),
    "a number twice": changed(number=1),
    "an unknown flag": changed(flags=b"\x04"),
    "a time too late": changed(time=uint(253402300800)),
    "an as_of too late": changed(as_of=uint(253402300800)),
    "a time not in its shortest form": changed(time=b"\x80\x00"),
    "a long message": changed(message=sized(b"x" * 513)),
    "a control character": changed(message=sized(b"a\tb")),
    "a C1 control character": changed(message=sized("a\x85b".encode())),
    "a message that is not UTF-8": changed(message=sized(b"\xff")),
    "a byte left over": changed(end=b"\x00"),
    "a flag without its field": changed(flags=b"\x02"),
    "a branch that is not shorter": lambda: tail({"end": uint(1) + bytes(32) + uint(0)}, 1),
    "five branches": lambda: tail({"end": (uint(3) + bytes(32) + uint(2)) * 5}, 5),
    "one file more": changed(files=S.files + 1),
    "one byte more": changed(size=S.size + 1),
    "another tree": changed(tree=bytes(32)),
    # §8
    "other entries than those of the branch": lambda: mended(branches=[same(2, "ours")]),
    "no entries of the branch": lambda: mended(branches=[]),
    "more entries than those of the branch": lambda: mended(branches=[*logs()[1][1:], same(3, "theirs")]),
    "the branch's common entries too": lambda: mended(branches=logs()[1]),
    "another root of a branch": lambda: mended(root=bytes(32)),
    "a fork point too early": lambda: mended(fork_point=0, branches=logs()[1]),
    "a part of the log as a branch": lambda: mended(root=log_root(logs()[0][:2]), branches=[]),
    "a branch's entry with another number": lambda: mended(
        root=log_root([S.entry1, same(3, "theirs")]), branches=[same(3, "theirs")]
    ),
    "a branch's entry that is none": lambda: mended(root=log_root([S.entry1, b"none"]), branches=[b"none"]),
    "a branch of a branch with another number": lambda: branch_of_a_branch(last=same(4, "third")),
    "1028 branches": lambda: endless(1028),
    "an abandoned version that is not what it says": damaged_own_pack,
    # §5
    "adds and keeps overlap": changed(adds=[*TWO, ref(S.pack1)]),
    "adds what was there": changed(adds=[*TWO, ref(S.pack1)], keeps=[]),
    "keeps what was not there": changed(adds=TWO[:1], keeps=[ref(S.pack1), TWO[1]]),
    "drops what is kept": changed(drops=[ref(S.pack1)]),
    "drops what was not there": changed(drops=[BlobRef(b"\x01" * 32, FILE, 1)]),
    "does not drop": lambda: S.export(entry2=S.entry2(keeps=[])),
    "a list of other drops, which is not there": lambda: dropped(write_list_blob([ref(S.big, FILE)])),
    "the first keeps": lambda: S.export(
        entry1=entry(1, node_hash(tree(S.contents)[1][-1]), 40, 270, [], keeps=[ref(S.pack1)])
    ),
    "blobs not sorted": changed(adds=blob_set(sorted(TWO)[::-1], by_hash=False)),
    "a blob twice in a set": changed(adds=blob_set([*sorted(TWO), sorted(TWO)[1]], by_hash=False)),
    "another size": changed(adds=[TWO[0], TWO[1]._replace(size=1)]),
    "a size over its bound": changed(adds=[TWO[0], TWO[1]._replace(size=2**40 + 1)]),
    "an unknown kind of blob": changed(adds=[TWO[0], TWO[1]._replace(kind=3)]),
    "kept with another kind": changed(keeps=[ref(S.pack1, FILE)]),
    "seventeen blobs in clear": changed(adds=sorted([*TWO, *(BlobRef(bytes([i]) * 32, FILE, 1) for i in range(15))])),
    "a list's count": lambda: listed(write_list_blob(TWO), 1),
    "a list with a byte left over": lambda: listed(write_list_blob(TWO) + b"\x00", 2),
    "a list that is not sorted": lambda: listed(b"\x01" + blob_set(sorted(TWO)[::-1], by_hash=False)[:-1], 2),
    "another list version": lambda: listed(b"\x02" + write_list_blob(TWO)[1:], 2),
    # §3
    **{
        f"path {name!r}": paths(name)
        for name in (
            "a//b", "/a", "a/", "a/../b", ".", "a\\b", "c:d", "a\x01", "a\x7f", "a\x85", "a.", "a ", "a./b", "con",
            "x/AUX.txt",
            "nul .txt", "COM¹", "lpt0.x", "conin$", unicodedata.normalize("NFD", "é"), "x" * 1025, b"\xff",
            b"\xed\xa0\x80",
            ".well-known/skep.json", ".Well-Known/SKEPTIC",
        )
    },
    "case twins": paths("a/B", "a/b"),
    "case twins beyond ASCII": paths("É", "é"),
    # §10
    "paths not sorted": lambda: one_leaf([b"b", b"a"]),
    "a path twice": lambda: one_leaf([b"a", b"a"]),
    "a path of no bytes": lambda: one_leaf([b""]),
    "two leaves for one": lambda: own_tree([2, 3]),
    "an inner node for one leaf": lambda: own_tree([5]),
    "an inner node too much": lambda: nodes_change(
        lambda nodes: [*nodes, b"\x01\x02\x01" + sized(b"zz/big.bin") + node_hash(nodes[-1])]
    ),
    "a level that is skipped": lambda: nodes_change(lambda nodes: [*nodes[:-1], b"\x01\x02" + nodes[-1][2:]]),
    "level 25": lambda: nodes_change(lambda nodes: [*nodes[:-1], b"\x01\x19" + nodes[-1][2:]]),
    "another last path": lambda: nodes_change(wrong_last),
    "another size of a file": lambda: nodes_change(wrong_size),
    "a node with a byte left over": lambda: nodes_change(lambda nodes: [*nodes[:-1], nodes[-1] + b"\x00"]),
    "a node of another version": lambda: nodes_change(lambda nodes: [*nodes[:-1], b"\x02" + nodes[-1][1:]]),
    "no media type": lambda: Site(media="").export(),
    "a media type with a line feed": lambda: Site(media="text/html\n").export(),
    "a media type beyond ASCII": lambda: Site(media="text/é").export(),
    "a long media type": lambda: Site(media="x" * 128).export(),
    "a node that is missing": packed(frame(NODES[:-1])),
    "a file that is missing": lambda: S.export([S.pack1, S.pack2, S.big], entry2=S.entry2(adds=[ref(S.pack2)])),
    # §11
    "another pack version": packed(NODE_FRAME, first=b"skeppack\x02\x00" + bytes(6)),
    "an encrypted pack": packed(NODE_FRAME, first=b"skeppack\x01\x01" + bytes(6)),
    "a pack's spare bytes": packed(NODE_FRAME, first=b"skeppack\x01\x00" + bytes(5) + b"\x01"),
    "a pack's last bytes": packed(NODE_FRAME, last=b"skepinds"),
    "bytes between frames and index": packed(NODE_FRAME, between=b"\x00"),
    "an index with a byte left over": packed(NODE_FRAME, edit=lambda index: index + b"\x00"),
    "an index that ends early": packed(NODE_FRAME, edit=lambda index: index[:-1]),
    "no index": packed(NODE_FRAME, edit=lambda index: b""),
    "a frame without objects": packed(NODE_FRAME, (SPARE[0], uint(len(SPARE[0])) + uint(0))),
    "a frame of no bytes": packed(NODE_FRAME, (b"", uint(0) + uint(1) + SPARE[1][2:])),
    "a prefix too short": packed(frame(NODES, step=-1)),
    "a prefix longer than the frame": packed(frame(NODES, step=1000)),
    "a frame longer than its content": packed(frame(NODES, more=b"\x00")),
    "a frame of many blocks of nothing": packed(with_empty_blocks(700_000)),
    "two zstd frames in one": packed((NODE_FRAME[0] * 2, uint(2 * len(NODE_FRAME[0])) + NODE_FRAME[1][2:])),
    "a frame that is cut": packed((NODE_FRAME[0][:-3], uint(len(NODE_FRAME[0]) - 3) + NODE_FRAME[1][2:])),
    "a window of 2^21": packed(frame(NODES, window=21)),
    "a frame that is too large": packed(NODE_FRAME, frame([(FILE_OBJECT, bytes([i]) * 2**18) for i in range(3)])),
    "an object that is too large": packed(NODE_FRAME, frame([(FILE_OBJECT, bytes(2**19 + 1))])),
    "an unknown kind of object": packed(NODE_FRAME, (SPARE[0], SPARE[1].replace(b"\x01\x02", b"\x01\x03"))),
    "an object with another hash": packed(NODE_FRAME, (SPARE[0], SPARE[1].replace(content_hash(b"spare"), bytes(32)))),
    "an object with another size": packed(NODE_FRAME, (SPARE[0], SPARE[1].replace(b"\x05", b"\x06"))),
    "a node called a file": packed(frame([(FILE_OBJECT, node) for node in S.nodes])),
    "a pack called a file": changed(adds=[ref(S.pack2, FILE), TWO[1]]),
    "a file called a pack": changed(adds=[TWO[0], ref(S.big)]),
}
