"""docs/LEDGER.md section 7: a log as a folder of tiles."""
import re
from pathlib import Path

from . import events, merkle
from .encoding import Broken, parse_canonical

WIDTH = 256


def tile_path(level, index, width=WIDTH):
    """`tile/0/x001/x234/067.p/5`"""
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at:at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < WIDTH else "")


def widths(size, level):
    """The widths of the tiles of a level in a tree of this size: full ones, then a partial one."""
    hashes = size if level == "entries" else size >> 8 * level
    return [WIDTH] * (hashes // WIDTH) + ([hashes % WIDTH] if hashes % WIDTH else [])


def bundle_entries(raw, what):
    entries = []
    while raw:
        length = int.from_bytes(raw[:2], "big")
        if len(raw) < 2 + length:
            raise Broken(f"{what} ends in the middle of an entry")
        entries.append(raw[2:2 + length])
        raw = raw[2 + length:]
    return entries


def check_entries(raw, there, count, what):
    """The first `count` entries of a bundle of `there`, which may be fuller than the tree is."""
    entries = bundle_entries(raw, what)
    if len(entries) != there:
        raise Broken(f"{what} holds {len(entries)} entries, not {there}")
    return entries[:count]


class Folder:
    """The files of a log."""

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.is_dir():
            raise FileNotFoundError(f"there is no folder {path}")

    def checkpoint(self):
        return (self.path / "checkpoint").read_bytes()

    def tile(self, level, index, width):
        """A tile of this width, or the full one where a partial one has made way for it; and its width."""
        for there in (width, WIDTH):
            file = self.path / tile_path(level, index, there)
            if file.is_file():
                raw = file.read_bytes()
                if level != "entries" and len(raw) != there * 32:
                    name = f"sequence {self.first(level, index)}: {tile_path(level, index, there)}"
                    raise Broken(f"{name} is {len(raw)} bytes long, not {there * 32}")
                return raw, there
        raise Broken(f"sequence {self.first(level, index)}: {tile_path(level, index, width)} is missing")

    @staticmethod
    def first(level, index):
        """The sequence of the first event below a tile."""
        return index * WIDTH ** (1 if level == "entries" else level + 1) + 1

    def partials(self):
        """Every partial tile that is there: level, index, width, bytes."""
        for file in sorted(self.path.glob("tile/**/*.p/*")):
            name = file.relative_to(self.path).as_posix()
            match = re.fullmatch(r"tile/(entries|[0-9]+)/((?:x\d{3}/)*\d{3})\.p/([1-9]\d*)", name, re.ASCII)
            if not match:
                raise Broken(f"{name} is not the name of a tile")
            level = match[1] if match[1] == "entries" else int(match[1])
            yield level, int(match[2].replace("x", "").replace("/", "")), int(match[3]), file.read_bytes()


def check_tiles(folder, trust, since=None):
    """A whole log: entries, tiles, root, checkpoint. `since` is a checkpoint that it must extend.

    Returns the checkpoint, the chain's hash at its size, and the leaf hashes.
    """
    checkpoint = trust.checkpoint(folder.checkpoint())
    origin, size = checkpoint.origin, checkpoint.size
    if since is not None and (since.origin != origin or since.size > size):
        raise Broken(f"the log is at size {size} of {origin}; a checkpoint of {since.origin} at {since.size} is known")
    tree, chain, received_at, old_root, leaves = merkle.CompactRange(), events.genesis(origin), "", None, []
    if since is not None and since.size == 0:
        old_root = tree.root()
    for index, width in enumerate(widths(size, "entries")):
        name = tile_path("entries", index, width)
        first = index * WIDTH + 1
        entries = check_entries(*folder.tile("entries", index, width), width, f"sequence {first}: {name}")
        hashes, _ = folder.tile(0, index, width)
        for place, raw in enumerate(entries):
            sequence = first + place
            entry = parse_canonical(raw, f"sequence {sequence}: the entry in {name}")
            events.check_entry(entry, origin, sequence)
            instant = events.instant(entry["received_at"], f"sequence {sequence}: received_at")
            if instant < received_at:
                raise Broken(f"sequence {sequence}: time goes back")
            received_at = instant
            leaf = merkle.leaf_hash(raw)
            if hashes[place * 32:place * 32 + 32] != leaf:
                raise Broken(f"sequence {sequence}: {tile_path(0, index, width)} has another hash than the entry")
            tree.push(0, leaf)
            leaves.append(leaf)
            chain = events.link(sequence, chain, leaf)
            if since is not None and tree.size == since.size:
                old_root = tree.root()
    check_upper(folder, leaves)
    check_partials(folder, size)
    if tree.root() != checkpoint.root:
        raise Broken(f"the tree of the {size} entries has another root than the checkpoint")
    if since is not None and old_root != since.root:
        raise Broken(f"sequence {since.size} or one before: the log does not extend the checkpoint of size {since.size}")
    return checkpoint, chain, leaves


def check_upper(folder, leaves):
    """Every hash of every tile above the leaves is the root of a full tile below it."""
    level, hashes, size = 0, leaves, len(leaves)
    while widths(size, level + 1):
        hashes = [merkle.root_of(hashes[at:at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        level += 1
        for index, width in enumerate(widths(size, level)):
            raw, _ = folder.tile(level, index, width)
            for place in range(width):
                if raw[place * 32:place * 32 + 32] != hashes[index * WIDTH + place]:
                    first = (index * WIDTH + place) * WIDTH**level + 1
                    name = tile_path(level, index, width)
                    raise Broken(f"sequence {first}: {name} has another hash than the tile below it")


def check_partials(folder, size):
    """A partial tile of an earlier checkpoint is the beginning of what stands in its place now."""
    for level, index, width, raw in folder.partials():
        now = widths(size, level)
        if index >= len(now) or width >= now[index]:
            # It was put there for a checkpoint that is not published yet, or it was looked at already.
            continue
        fuller, _ = folder.tile(level, index, now[index])
        name = f"sequence {folder.first(level, index)}: {tile_path(level, index, width)}"
        if not fuller.startswith(raw):
            raise Broken(f"{name} is not the beginning of the fuller tile")
        found = len(bundle_entries(raw, name)) if level == "entries" else len(raw) / 32
        if found != width:
            raise Broken(f"{name} holds {found:g} hashes or entries")
