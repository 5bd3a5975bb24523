#!/usr/bin/env python3
"""Checks an exported archive of skep. Written from publisher/FORMAT.md alone, to prove that the page suffices.

    verify.py FILE                      check everything; last line: `OK ADDRESS versions=N files=M bytes=B`
    verify.py --show FILE VERSION PATH  check everything, then write one file's bytes to stdout
    verify.py --address ADDRESS         check an address and print its public key in hex

versions counts those that are completely in FILE; files and bytes are the newest version's. The first violation ends
it: one line `REFUSED: what and where` on stderr, exit code 1.
"""

import argparse
import mmap
import os
import sys
from typing import NamedTuple

from blake3 import blake3

from records import (
    BOUNDARY_CONTEXT,
    FILE,
    MAX_U64,
    NODE_OBJECT,
    RETRACT,
    ListRef,
    Reader,
    Refused,
    address,
    content_hash,
    is_reserved,
    log_root,
    node_hash,
    parse_address,
    path_fault,
    read_entry,
    read_head,
    read_list_blob,
    read_node,
    read_pack,
    sized,
    uint,
    write_list_blob,
)

# --- §12 the file: head, log, blobs -----------------------------------------------------------------------------------


class Archive(NamedTuple):
    key: bytes
    entries: list
    abandoned: list  # entries of branches that are not in the log
    blobs: dict  # content hash -> bytes
    order: dict  # content hash -> place among the blobs


def read_archive(data):
    """Everything that head and log alone prove, and the blobs under the hashes that they really have."""
    r = Reader(data, "archive")
    r.magic(b"skeparch")
    r.version()
    key = r.take(32)
    length, root = read_head(r.sized(), key)
    if r.count(65536, 1) != length:
        r.refuse(f"the head's length is {length}, not the number of entries")
    raw = [r.sized(2048) for _ in range(length)]
    if log_root(raw) != root:
        r.refuse("the head's root is not that of the entries")
    entries = [read_entry(data, f"entry {i}") for i, data in enumerate(raw, 1)]
    for i, entry in enumerate(entries, 1):
        if entry.number != i:
            r.refuse(f"entry {i} says that it is number {entry.number}")
    abandoned = read_branches(raw, r.sized)
    blobs = {}
    while r.left():
        name, blob = r.take(32), r.view(r.uint())
        if name in blobs:
            r.refuse(f"blob {short(name)} is there twice")
        if content_hash(blob) != name:
            r.refuse(f"blob {short(name)} has another hash")
        blobs[name] = blob
    return Archive(key, entries, abandoned, blobs, {name: i for i, name in enumerate(blobs)})


def read_branches(raw, supply):
    """§8: the entries of the branches that a log abandons, each once. `supply` gives the next one's bytes."""
    named = [(raw[:i], b) for i, data in enumerate(raw, 1) for b in read_entry(data, f"entry {i}").branches]
    if not named:
        return []
    known = {log_root(raw[:i]): raw[:i] for i in range(1, len(raw) + 1)}
    supplied, abandoned = 0, []
    for log, (length, root, fork_point) in named:  # which grows meanwhile
        where = f"branch {short(root)} of {length} entries, named by entry {len(log)}"
        if root not in known:
            supplied += length - fork_point
            if supplied > 16384:
                raise Refused(f"more than 16384 entries of branches ({where})")
            branch = log[:fork_point] + [supply(2048) for _ in range(length - fork_point)]
            if log_root(branch) != root:
                raise Refused(f"the entries do not give the root ({where})")
            for i in range(fork_point + 1, length + 1):
                prefix = branch[:i]
                if (prefix_root := log_root(prefix)) in known:
                    continue
                entry = read_entry(prefix[-1], f"{where}, entry {i}")
                if entry.number != i:
                    raise Refused(f"entry {i} says that it is number {entry.number} ({where})")
                known[prefix_root] = prefix
                abandoned.append(entry)
                named += [(prefix, b) for b in entry.branches]
        if len(named) > 1024:
            raise Refused(f"more than 1024 branches ({where})")
        branch = known[root]
        common = branch[:fork_point] == log[:fork_point]
        if len(branch) != length or not common or branch[fork_point] == log[fork_point]:
            raise Refused(f"it does not part from the log where it is said to ({where})")
    return abandoned


def short(name):
    return name.hex()[:16]


# --- §5 and §7: which blobs a version needs ---------------------------------------------------------------------------


def members(blob_set, archive, named, where):
    """A set as hash -> BlobRef, and its lists that are not in the file. `named` gets where a hash is first named."""
    refs, missing = list(blob_set.refs), []
    for ref in blob_set.refs + blob_set.lists:
        named[ref.hash] = -1
    for wanted in blob_set.lists:
        place = f"{where}, list {short(wanted.hash)}"
        if wanted.hash not in archive.blobs:
            missing.append(wanted)
            continue
        data = archive.blobs[wanted.hash]
        listed = read_list_blob(data, place)
        if wanted != ListRef(wanted.hash, len(data), len(listed)):
            raise Refused(f"size or count are not what the entry says ({place})")
        for ref in listed:
            named[ref.hash] = min(named.get(ref.hash, MAX_U64), archive.order[wanted.hash])
        refs += listed
    found = {}
    for ref in refs:
        if found.setdefault(ref.hash, ref) != ref:
            raise Refused(f"blob {short(ref.hash)} has two kinds or sizes ({where})")
        if ref.hash in archive.blobs and len(archive.blobs[ref.hash]) != ref.size:
            raise Refused(f"blob {short(ref.hash)} has another size ({where})")
    return found, missing


def check_sets(adds, keeps, drops, dropped_lists, before, where, more=False):
    """`before` is what the version before needed: hash -> BlobRef. With `more`, drops may have others too."""
    if adds.keys() & keeps.keys():
        raise Refused(f"adds and keeps overlap ({where})")
    if adds.keys() & before.keys():
        raise Refused(f"adds what the version before needed ({where})")
    if not keeps.items() <= before.items():
        raise Refused(f"keeps what the version before did not need ({where})")
    dropped = {name: ref for name, ref in before.items() if name not in keeps}
    if more:
        if not dropped.items() <= drops.items():
            raise Refused(f"drops lack what only the version before needed ({where})")
    elif len(dropped_lists) == 1:
        # An export leaves out lists of drops, which no version needs. What is in one follows from the rest.
        rest = write_list_blob(ref for name, ref in dropped.items() if name not in drops)
        if dropped_lists[0] != ListRef(content_hash(rest), len(rest), len(dropped) - len(drops)):
            raise Refused(f"the list of drops is not of what only the version before needed ({where})")
    elif not drops.items() <= dropped.items() or not dropped_lists and drops != dropped:
        raise Refused(f"drops are not what only the version before needed ({where})")


# --- §7: retractions --------------------------------------------------------------------------------------------------


class Retraction(NamedTuple):
    number: int
    adds: dict
    drops: dict


def check_retraction(entry, before, adds, keeps, drops, missing, where):
    """An entry that asks to delete what earlier versions need. `before` is the entry of the version before."""
    if missing:
        raise Refused(f"a list of a retraction's adds or drops is missing ({where})")
    for name in ("tree", "source", "files", "bytes"):
        if getattr(entry, name) != getattr(before, name):
            raise Refused(f"a retraction has other {name} than the version before ({where})")
    if drops.keys() & adds.keys() or keeps is not None and drops.keys() & keeps.keys():
        raise Refused(f"a retraction drops what it needs itself ({where})")


def after_retractions(number, needs, retractions):
    """What a version needs when all retractions after it were obeyed."""
    for later in retractions:
        if later.number > number and needs.keys() & later.drops.keys():
            needs = {name: ref for name, ref in needs.items() if name not in later.drops} | later.adds
    return needs


# --- §10 tree: from the root down, and its shape from the paths up ----------------------------------------------------


def read_tree(root, nodes, where):
    """The files of a tree, all of whose nodes are in `nodes`: node hash -> bytes that have it."""

    def visit(name, parent_level=None, last=None):
        place = f"{where}, node {name.hex()[:16]}"
        if name not in nodes:
            raise Refused(f"a tree node is in none of the version's packs ({place})")
        level, items = read_node(nodes[name], place)
        if last is not None and (level != parent_level - 1 or not items or items[-1][0] != last):
            raise Refused(f"level or last path are not what the parent says ({place})")
        for item in items:
            if level:
                visit(item[1], level, item[0])
            elif files and files[-1].path >= item.path:
                raise Refused(f"paths not strictly sorted over the tree ({place})")
            else:
                files.append(item)

    files = []
    visit(root)
    return files


def build_tree(files):
    """The nodes that these sorted files make, the root last: the shape follows from the paths alone."""
    tree = []
    items = [(f.path, sized(f.path) + f.hash + uint(f.size) + sized(f.media.encode())) for f in files]
    level = 0
    while True:
        nodes, node = [], []
        for path, item in items:
            node.append((path, item))
            cut = blake3(bytes([level]) + path, derive_key_context=BOUNDARY_CONTEXT).digest()[0] & 15 == 0
            if len(node) == 64 or cut and len(node) > 1:
                nodes.append(node)
                node = []
        if node or not nodes:
            nodes.append(node)
        encoded = [bytes([1, level]) + uint(len(node)) + b"".join(item for _, item in node) for node in nodes]
        tree += encoded
        if len(nodes) == 1:
            return tree
        items = [(node[-1][0], sized(node[-1][0]) + node_hash(data)) for node, data in zip(nodes, encoded)]
        level += 1


def check_paths(files, where):
    seen = set()
    for file in files:
        fault = path_fault(file.path)
        if fault:
            raise Refused(f"path {file.path!r} {fault} ({where})")
        path = file.path.decode()
        if is_reserved(path):
            raise Refused(f"path {path!r} is reserved ({where})")
        if path.lower() in seen:
            raise Refused(f"path {path!r} is there twice but for case ({where})")
        seen.add(path.lower())


# --- versions ---------------------------------------------------------------------------------------------------------


class Version(NamedTuple):
    files: dict  # path -> File
    content: dict  # content hash -> bytes
    blobs: int


def check_version(entry, needs, blobs, packs, where):
    """A version all of whose blobs are in the file, from its entry down to each file's bytes."""
    nodes, content = {}, {}
    for ref in needs.values():
        if ref.kind == FILE:
            content[ref.hash] = blobs[ref.hash]
            continue
        if ref.hash not in packs:
            packs[ref.hash] = read_pack(blobs[ref.hash], f"pack {short(ref.hash)}")
        for (kind, name), data in packs[ref.hash].items():
            (nodes if kind == NODE_OBJECT else content)[name] = data
    # The site's files last: they are what the entry counts.
    for root in filter(None, (entry.source, entry.tree)):
        files = read_tree(root, nodes, where)
        check_paths(files, where)
        if node_hash(build_tree(files)[-1]) != root:
            raise Refused(f"the tree has not the shape that its paths ask for ({where})")
        for file in files:
            if file.hash not in content:
                raise Refused(f"{file.path!r} is in none of the version's blobs ({where})")
            if len(content[file.hash]) != file.size:
                raise Refused(f"{file.path!r} has another size ({where})")
    total = sum(file.size for file in files)
    if (len(files), total) != (entry.files, entry.bytes):
        raise Refused(f"{len(files)} files of {total} bytes, not {entry.files} of {entry.bytes} ({where})")
    return Version({file.path: file for file in files}, content, len(needs))


def verify(data, say=lambda line: None):
    """The site's key, and number -> Version of all that are completely in the file."""
    archive = read_archive(data)
    blobs, named, packs, versions = archive.blobs, {}, {}, {}
    all_needs, retractions, retracted, before = [], [], {}, {}
    for entry in archive.entries:
        where = f"version {entry.number}"
        (adds, no_adds), (keeps, no_keeps), (drops, no_drops) = (
            members(getattr(entry, name), archive, named, f"{where}, {name}") for name in ("adds", "keeps", "drops")
        )
        # Without a list of them it is not known what the version needs, and it can't be in the file.
        needs = None if no_adds or no_keeps else adds | keeps
        if entry.kind == RETRACT:
            missing = no_adds + no_drops
            last = archive.entries[entry.number - 2]
            check_retraction(entry, last, adds, None if no_keeps else keeps, drops, missing, where)
            retractions.append(Retraction(entry.number, adds, drops))
            for version in entry.retracts:
                retracted.setdefault(version, entry.number)
        if needs is not None and before is not None:
            check_sets(adds, keeps, drops, no_drops, before, where, entry.kind == RETRACT)
        all_needs.append(needs)
        before = needs
    if len(retractions) > 1024:
        raise Refused(f"{len(retractions)} retractions (archive)")
    for entry, needs in zip(archive.entries, all_needs):
        where = f"version {entry.number}"
        if entry.number in retracted:
            say(f"{where}: retracted by version {retracted[entry.number]}")
            continue
        if needs is not None:
            needs = after_retractions(entry.number, needs, retractions)
        if needs is not None and needs.keys() <= blobs.keys():
            version = versions[entry.number] = check_version(entry, needs, blobs, packs, where)
            say(f"{where}: {entry.files} files, {entry.bytes} bytes, {version.blobs} blobs")
        else:
            say(f"{where}: not in the file")
    for entry in archive.abandoned:
        where = f"abandoned version {entry.number}"
        (adds, no_adds), (keeps, no_keeps) = (
            members(getattr(entry, name), archive, named, f"{where}, {name}") for name in ("adds", "keeps")
        )
        needs = adds | keeps
        if not no_adds and not no_keeps and needs.keys() <= blobs.keys():
            check_version(entry, needs, blobs, packs, where)
            say(f"{where}: {entry.files} files, {entry.bytes} bytes, {len(needs)} blobs")
        else:
            say(f"{where}: not in the file")
    # Of the lists that name a blob the first has to be before it, so that who reads in order knows what it is.
    for name, place in archive.order.items():
        if named.get(name, -1) > place:
            raise Refused(f"blob {short(name)} comes before the lists that name it (archive)")
    if len(archive.entries) not in versions:
        raise Refused(f"the newest version is not completely in the file (version {len(archive.entries)})")
    return archive.key, versions


# --- command line -----------------------------------------------------------------------------------------------------


def read_file(path):
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return b""  # which can't be mapped
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def show(path, number, name):
    _, versions = verify(read_file(path))
    version = versions.get(int(number)) if number.isdecimal() else None
    if version is None:
        raise Refused(f"no version {number} ({path})")
    file = version.files.get(os.fsencode(name))
    if file is None:
        raise Refused(f"no file {name!r} (version {number})")
    sys.stdout.buffer.write(version.content[file.hash])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="FILE", help="the exported archive to check")
    what.add_argument("--show", nargs=3, metavar=("FILE", "VERSION", "PATH"), help="check, then write a file to stdout")
    what.add_argument("--address", metavar="ADDRESS", help="check an address, print its public key in hex")
    arguments = parser.parse_args()
    try:
        if arguments.address is not None:
            print(parse_address(arguments.address).hex())
        elif arguments.show:
            show(*arguments.show)
        else:
            key, versions = verify(read_file(arguments.file), print)
            newest = versions[max(versions)]
            total = sum(file.size for file in newest.files.values())
            print(f"OK {address(key)} versions={len(versions)} files={len(newest.files)} bytes={total}")
    except Refused as refusal:
        print(f"REFUSED: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
