#!/usr/bin/env python3
"""Writes the golden vectors of docs/LEDGER.md section 14 (but ledger.json) into a folder, by default tests/vectors.

The private keys are in keys.json, on purpose: whoever wants to can sign more test data with them. They must never sign
anything else. A format that was published never changes, so this is only run again when vectors are added.
"""
import hashlib
import json
import shutil
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledgercheck import events, merkle, notes, proofs, tiles
from ledgercheck.encoding import base64_of, jcs, sha256
from ledgercheck.refusals import refusals

ORIGIN, ANCHOR, WITNESS = "history.example.com/acme", "history.example.com/~anchor", "witness.example.org/w1"
SIZE = 260


class Signer:
    """A key for tests. Its seed is the SHA-256 of a text that anybody can read here."""

    def __init__(self, name, kind, seed):
        self.seed = hashlib.sha256(f"order-history golden vectors: {seed}".encode()).digest()
        self.private = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.key = notes.Key.of(name, kind, self.private.public_key().public_bytes_raw())

    def line(self, text, time=None):
        return notes.sign(self.private, self.key, text, time)

    def note(self, text):
        return text + "\n" + self.line(text)


SIGNERS = {
    "checkpoint": Signer(ORIGIN, notes.ED25519, "log"),
    "checkpoint_before": Signer(ORIGIN, notes.ED25519, "log, the key before"),
    "range": Signer(f"{ORIGIN}/range", notes.ED25519, "range"),
    "anchor": Signer(ANCHOR, notes.ED25519, "log"),
    "witness": Signer(WITNESS, notes.COSIGNATURE, "witness"),
    "stranger": Signer(ORIGIN, notes.ED25519, "stranger"),
}


class Log:
    """A log that is made up: events with secrets, in segments of three."""

    def __init__(self, origin, size, make_event, erase=None):
        self.origin, self.chains, self.leaves, self.entries, self.opened, self.segments = origin, [], [], [], [], []
        chain = events.genesis(origin)
        self.chains.append(chain)
        for sequence in range(1, size + 1):
            event = make_event(sequence)
            secret = hashlib.sha256(f"the secret of event {sequence} of {origin}".encode()).digest()
            holder = {"secret": base64_of(secret)}
            received_at = instant((sequence - 1) // 3)
            metadata = event.get("metadata", {})
            content, _ = events.content(event["payload"], metadata, holder, "")
            entry = events.entry_of(event, content, origin, sequence, received_at)
            for pointers, by in (erase or {}).get(sequence, ()):
                event["payload"], metadata, holder = erased(event["payload"], metadata, holder, pointers, by)
                if metadata:
                    event["metadata"] = metadata
            leaf = merkle.leaf_hash(jcs(entry))
            chain = events.link(sequence, chain, leaf)
            self.entries.append(entry)
            self.opened.append({"entry": entry, "payload": event["payload"], "metadata": metadata} | holder)
            self.leaves.append(leaf)
            self.chains.append(chain)
            self.keep(sequence, received_at, {"event": event} | holder)

    def keep(self, sequence, received_at, stored):
        if (sequence - 1) % 3 == 0:
            before = self.chains[sequence - 1].hex()
            segment = {"first": sequence, "count": 0, "prev_hash": before, "received_at": received_at}
            self.segments.append(segment | {"origin": self.origin, "entries": []})
        segment = self.segments[-1]
        segment["entries"].append(stored)
        segment |= {"count": len(segment["entries"]), "end_hash": self.chains[sequence].hex()}

    def checkpoint(self, size):
        return notes.Checkpoint(self.origin, size, merkle.root_of(self.leaves[:size])).text()

    def root(self, begin, end):
        return merkle.root_of(self.leaves[begin:end])


def instant(step):
    """Half a second a step, so that some have a fraction and some do not."""
    fraction = ".5" if step % 2 else ""
    return f"2025-08-29T13:{step // 2 // 60:02}:{step // 2 % 60:02}{fraction}Z"


def shop_event(sequence):
    order = f"ord_{sequence % 7}"
    payload = {"total": sequence * 25, "currency": "GBP", "address": {"name": f"Zoë {sequence}", "city": "Leeds"}}
    if sequence % 5 == 0:
        payload |= {"a/b~c": [0.1 * sequence, None, {}, [], True], "note": "\u20ac\u0007\"\\\U0001f600\u007f"}
    event = {"event_id": f"evt_{sequence}", "order_id": order, "occurred_at": "2025-08-29T12:34:56Z"}
    event |= {"source": "shop", "type": "order.changed", "schema_version": "v1", "payload": payload}
    if sequence % 3:
        event["metadata"] = {"actor_id": f"user_{sequence % 4}"}
    if sequence % 11 == 0:
        event["correction_of"] = f"evt_{sequence - 7}"
    return event


def erased(payload, metadata, holder, pointers, by):
    """Section 2.1: erases the fields at and below these pointers."""
    salt_of, gone = events.opening_of(holder, "")
    digests = events.field_digests(payload, metadata, salt_of, gone, "")
    below = {name for name in digests for at in pointers if name == at or name.startswith(at + "/")} - set(gone)
    records = dict(holder.get("opening", {}).get("erased", {}))
    records |= {name: {"digest": digests[name].hex(), "by": by} for name in sorted(below)}
    salts = {name: base64_of(salt_of(name)) for name in digests if name not in records}
    document = json.loads(json.dumps({"metadata": metadata, "payload": payload}))
    for name in sorted(below):
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in name.split("/")[1:]]
        place = document
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        place[int(last) if isinstance(place, list) else last] = None
    return document["payload"], document["metadata"], {"opening": {"salts": salts, "erased": records}}


def inclusion(log, index, begin, end):
    if end - begin == 1:
        return []
    k = begin + merkle.split(end - begin)
    if index < k:
        return inclusion(log, index, begin, k) + [log.root(k, end)]
    return inclusion(log, index, k, end) + [log.root(begin, k)]


def consistency(log, m, begin, end, complete=True):
    if m == end:
        return [] if complete else [log.root(begin, end)]
    k = begin + merkle.split(end - begin)
    if m <= k:
        return consistency(log, m, begin, k, complete) + [log.root(k, end)]
    return consistency(log, m, k, end, False) + [log.root(begin, k)]


def event_proof(log, note, size, sequence, extra):
    hashes = inclusion(log, sequence - 1, 0, size)
    head = [proofs.EVENT_PROOF, f"extra {base64_of(jcs(extra))}", f"index {sequence - 1}", *map(base64_of, hashes)]
    return "\n".join(head) + "\n\n" + note


def range_bundle(log, note, size, first, last, content=False):
    parts = lambda begin, end: [log.root(at, at + (1 << level)).hex() for level, at in merkle.decompose(begin, end)]
    header = {"format": proofs.RANGE, "from": first, "to": last, "origin": log.origin}
    header |= {"previous_ledger_hash": log.chains[first - 1].hex(), "ledger_hash": log.chains[last].hex()}
    header |= {"left": parts(0, first - 1), "right": parts(last, size)}
    statement = proofs.statement_text(header, size, log.root(0, size))
    footer = {"checkpoint": note, "statement": SIGNERS["range"].note(statement)}
    lines = [header, *(log.opened if content else log.entries)[first - 1:last], footer]
    return b"".join(jcs(line) + b"\n" for line in lines)


def consistency_proof(log, note, old, new):
    end = lambda size: {"size": size, "root": log.root(0, size).hex()}
    hashes = [found.hex() for found in (consistency(log, old, 0, new) if old else [])]
    return {"origin": log.origin, "from": end(old), "to": end(new), "hashes": hashes, "checkpoint": note}


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, (dict, list)):
        data = json.dumps(data, indent=2, ensure_ascii=True) + "\n"
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def write_tiles(folder, log):
    for level in ("entries", 0, 1):
        hashes = log.leaves if level != 1 else [log.root(0, tiles.WIDTH)]
        for index, width in enumerate(tiles.widths(SIZE, level)):
            at = index * tiles.WIDTH
            raw = b"".join(hashes[at:at + width])
            if level == "entries":
                found = [jcs(entry) for entry in log.entries[at:at + width]]
                raw = b"".join(len(entry).to_bytes(2, "big") + entry for entry in found)
            write(folder / tiles.tile_path(level, index, width), raw)


def tree_vectors(log):
    heads = [0, *range(1, 18), 31, 32, 33, 64, 255, 256, 257, SIZE]
    pairs = [(old, new) for new in range(1, 9) for old in range(1, new + 1)]
    pairs += [(old, SIZE) for old in (1, 2, 128, 255, 256, 257, 259, SIZE)]
    places = [(index, size) for size in range(1, 9) for index in range(size)]
    places += [(index, SIZE) for index in (0, 1, 127, 128, 255, 256, 257, 259)]
    spans = [(0, 0), (0, 1), (0, 7), (0, 8), (1, 8), (3, 7), (4, 8), (5, SIZE), (7, SIZE), (255, 257), (256, SIZE)]
    hexes = lambda found: [one.hex() for one in found]
    return {
        "leaf_hashes": hexes(log.leaves),
        "heads": [{"size": s, "root": log.root(0, s).hex(), "ledger_hash": log.chains[s].hex()} for s in heads],
        "inclusion": [{"index": i, "size": s, "hashes": hexes(inclusion(log, i, 0, s))} for i, s in places],
        "consistency": [{"from": m, "to": n, "hashes": hexes(consistency(log, m, 0, n))} for m, n in pairs],
        "decompose": [
            {"begin": b, "end": e, "subtrees": [{"level": level, "first": at} for level, at in merkle.decompose(b, e)]}
            for b, e in spans
        ],
    }


def opening_vectors():
    found = []
    for sequence, steps in ((5, [(["/payload/address"], "dsr_1")]), (10, [
        (["/payload/a~1b~0c/0", "/payload/note"], "dsr_1"), (["/metadata", "/payload/a~1b~0c"], "dsr_2"),
    ])):
        event, vector = shop_event(sequence), {}
        holder = {"secret": base64_of(sha256(b"a secret for openings", bytes([sequence])))}
        payload, metadata = event["payload"], event.get("metadata", {})
        content, _ = events.content(payload, metadata, holder, "")
        digests = events.field_digests(payload, metadata, events.opening_of(holder, "")[0], {}, "")
        vector = {"payload": payload, "metadata": metadata} | holder | {"content": content.hex()}
        vector |= {"digests": {name: digest.hex() for name, digest in sorted(digests.items())}, "erasures": []}
        for pointers, by in steps:
            payload, metadata, holder = erased(payload, metadata, holder, pointers, by)
            after = {"payload": payload, "metadata": metadata} | holder
            vector["erasures"].append({"pointers": pointers, "by": by, "after": after})
        found.append(vector)
    return {"openings": found}


def main(folder):
    signer, witness = SIGNERS["checkpoint"], SIGNERS["witness"]
    erase = {4: [(["/payload/address/name"], "dsr_7")], 9: [(["/payload/address"], "dsr_7")]}
    log = Log(ORIGIN, SIZE, shop_event, erase)
    note = signer.note(log.checkpoint(SIZE))
    for made in ("log", "proofs", "checkpoints", "anchor"):
        shutil.rmtree(folder / made, ignore_errors=True)
    described = {name: {"vkey": s.key.vkey(), "seed": s.seed.hex()} for name, s in SIGNERS.items()}
    write(folder / "keys.json", {"keys": described})
    write(folder / "tree.json", tree_vectors(log))
    write(folder / "openings.json", opening_vectors())
    write(folder / "segments.ndjson", b"".join(jcs(segment) + b"\n" for segment in log.segments))
    write(folder / "log/checkpoint", note)
    write_tiles(folder / "log", log)

    text = log.checkpoint(SIZE)
    rotated = note + SIGNERS["checkpoint_before"].line(text)
    write(folder / "checkpoints/5", signer.note(log.checkpoint(5)))
    write(folder / "checkpoints/256", SIGNERS["checkpoint_before"].note(log.checkpoint(256)))
    write(folder / "checkpoints/260-two-keys", rotated)
    write(folder / "checkpoints/260-witnessed", note + witness.line(text, 1756473600))
    fork = Log(ORIGIN, 7, lambda sequence: shop_event(sequence + (sequence == 3)))
    write(folder / "checkpoints/7-fork", signer.note(fork.checkpoint(7)))

    for sequence in (1, 4, 256, SIZE):
        plain = {"entry": log.entries[sequence - 1]}
        write(folder / f"proofs/event-{sequence}.tlog-proof", event_proof(log, note, SIZE, sequence, plain))
        opened = event_proof(log, note, SIZE, sequence, log.opened[sequence - 1])
        write(folder / f"proofs/event-{sequence}-content.tlog-proof", opened)
    for first, last in ((1, 1), (3, 7), (1, SIZE), (255, 258), (SIZE, SIZE)):
        for content in (False, True) if last < SIZE else (False,):
            name = f"proofs/range-{first}-{last}{'-content' if content else ''}.ndjson"
            write(folder / name, range_bundle(log, note, SIZE, first, last, content))
    for old, new in ((0, 5), (5, 256), (5, SIZE), (256, SIZE), (SIZE, SIZE)):
        write(folder / f"proofs/consistency-{old}-{new}.json", consistency_proof(log, note, old, new))

    def anchored(sequence):
        of = SIZE if sequence == 2 else 5
        payload = {"checkpoint": signer.note(log.checkpoint(of)), "origin": ORIGIN, "size": of}
        event = {"event_id": f"acme@{of}", "order_id": "acme", "occurred_at": "2025-08-31T03:00:00Z"}
        event |= {"source": "ledger-anchor", "type": proofs.ANCHORED, "schema_version": "v1"}
        return event | {"payload": payload | {"root": log.root(0, of).hex()}}

    anchor = Log(ANCHOR, 2, anchored)
    outer = SIGNERS["anchor"].note(anchor.checkpoint(2)) + witness.line(anchor.checkpoint(2), 1756609260)
    write(folder / "anchor/acme-260.tlog-proof", event_proof(anchor, outer, 2, 2, anchor.opened[1]))
    write(folder / "refused.json", {"refused": refusals(folder, SIGNERS)})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "vectors")
