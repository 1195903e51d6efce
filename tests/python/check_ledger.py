#!/usr/bin/env python3
"""Checks what a ledger gives out, written from docs/LEDGER.md alone: none of our code is in it.

    check_ledger.py SEGMENTS.ndjson [EVENTS.ndjson] [--tiles FOLDER]   a whole log as it is kept (section 5)
    check_ledger.py tiles FOLDER [--since CHECKPOINT]                  a log as a folder of tiles (section 7)
    check_ledger.py proof FILE                                         a proof of one event (section 10)
    check_ledger.py range FILE [--ledger-hash SEQUENCE:HEX]...         a range bundle (section 11)
    check_ledger.py consistency FILE [--since CHECKPOINT]...           a consistency proof (section 12)
    check_ledger.py anchor FILE --anchor-key VKEY                      an anchored checkpoint (section 13)
    check_ledger.py keys VKEY...                                       whether these are verifier keys, and of whom
    check_ledger.py vectors FOLDER                                     the golden vectors (section 14)

Keys are given as `--key VKEY`, `--range-key VKEY` and `--witness VKEY`, each as often as there are keys, with
`--quorum N` for how many witnesses must have signed; `@FILE` stands for the text in a file. CHECKPOINT is the file of an
older checkpoint that the log must extend.

SEGMENTS.ndjson: the items of the Segments table, one JSON object a line: first, count, prev_hash and end_hash in
hexadecimal, received_at, origin, and entries, a list of the objects in the unpacked `data`.
EVENTS.ndjson: what the API says of each event: sequence, id, sha256, ledger_hash.

Exit codes: 0 all is well; 1 something is not, named with its sequence; 2 the files cannot be read.
"""
import argparse
import json
import sys
from pathlib import Path

from ledgercheck import proofs, vectors
from ledgercheck.encoding import Broken, unhex
from ledgercheck.notes import Key, Trust
from ledgercheck.segments import check_segments
from ledgercheck.tiles import Folder, check_tiles


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def segments(options, trust):
    said = {event["sequence"]: event for event in lines(options.events)} if options.events else None
    origin, leaves, chain = check_segments(lines(options.file), said)
    if options.tiles:
        in_tree(origin, leaves, *check_tiles(Folder(options.tiles), trust))
    return f"{len(leaves)} events verify; ledger_hash {chain.hex() if chain else 'none'}"


def in_tree(origin, leaves, checkpoint, _, in_tiles):
    """The log and its tree are the same as far as the tree goes, and the tree does not go further than the log."""
    if checkpoint.origin != origin:
        raise Broken(f"the tiles are those of the log {checkpoint.origin}, not {origin}")
    for sequence, (kept, shown) in enumerate(zip(leaves, in_tiles, strict=False), start=1):
        if kept != shown:
            raise Broken(f"sequence {sequence}: the log and its tree have different events")
    if len(leaves) < checkpoint.size:
        raise Broken(f"sequence {len(leaves) + 1}: the log ends before it, and the checkpoint does not")


def tiles(options, trust):
    since = trust.checkpoint(Path(options.since[0]).read_bytes()) if options.since else None
    checkpoint, chain, _ = check_tiles(Folder(options.file), trust, since)
    return f"{checkpoint.size} entries verify; root {checkpoint.root.hex()}; ledger_hash {chain.hex()}"


def proof(options, trust):
    checkpoint, extra, erased = proofs.event_proof(Path(options.file).read_bytes(), trust)
    entry = extra["entry"]
    content = "" if erased is None else f", with content ({len(erased)} fields erased)"
    return f"event {entry['event_id']} is sequence {entry['seq']} of {checkpoint.origin}{content}"


def bundle(options, trust):
    noted = {}
    for pair in options.ledger_hash:
        sequence, _, found = pair.partition(":")
        noted[int(sequence)] = unhex(found, "the noted ledger_hash")
    with open(options.file, "rb") as file:
        checkpoint, header, erased = proofs.range_bundle(file, trust, noted)
    content = "" if erased is None else f", with content ({erased} fields erased)"
    return f"sequences {header['from']} to {header['to']} of {checkpoint.origin} verify{content}"


def consistency(options, trust):
    known = [trust.checkpoint(Path(file).read_bytes()) for file in options.since]
    origin, ((old, _), (new, _)), _ = proofs.consistency(Path(options.file).read_bytes(), trust, known)
    for checkpoint in known:
        if checkpoint.size not in (old, new):
            raise ValueError(f"the proof says nothing of the checkpoint of size {checkpoint.size}")
    return f"{origin}: the tree of size {new} extends that of size {old}"


def anchor(options, trust):
    keys = tuple(key(text) for text in options.anchor_key)
    outer = Trust(keys=keys, witnesses=trust.witnesses, quorum=trust.quorum)
    inner = Trust(keys=trust.keys)
    checkpoint, of = proofs.anchored(Path(options.file).read_bytes(), outer, inner)
    return f"the checkpoint of {checkpoint.origin} at size {checkpoint.size} is in {of.origin} at size {of.size}"


def golden(options, _):
    return f"{vectors.check(Path(options.file))} vectors hold"


def key(text):
    return Key.parse(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)


COMMANDS = {"tiles": tiles, "proof": proof, "range": bundle, "consistency": consistency, "anchor": anchor}
COMMANDS |= {"vectors": golden, "segments": segments}


def arguments(given):
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("file")
    parser.add_argument("events", nargs="?")
    for name in ("--key", "--range-key", "--witness", "--anchor-key", "--since", "--ledger-hash"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("--quorum", type=int, default=0)
    parser.add_argument("--tiles")
    return parser.parse_args(given)


def main(given):
    try:
        if given[:1] == ["keys"]:
            for text in given[1:]:
                print(key(text).name)
            return 0
        # A file alone is that of the segments.
        options = arguments(given if given[:1] and given[0] in COMMANDS else ["segments", *given])
        trust = Trust(
            keys=tuple(key(text) for text in options.key),
            range_keys=tuple(key(text) for text in options.range_key),
            witnesses=tuple(key(text) for text in options.witness),
            quorum=options.quorum,
        )
        print(COMMANDS[options.command](options, trust))
        return 0
    except Broken as broken:
        print(broken)
        return 1
    except (OSError, ValueError, KeyError, IndexError, TypeError) as unreadable:
        print(f"cannot be read: {unreadable!r}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
