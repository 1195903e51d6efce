"""docs/LEDGER.md sections 10 to 13: event proofs, range bundles, consistency, anchors."""
from . import events, merkle
from .encoding import (
    Broken, base64_of, decimal, members, parse, parse_canonical, text, unbase64, unhex, whole,
)

EVENT_PROOF = "c2sp.org/tlog-proof@v1"
RANGE = "order-history/range@v1"
ANCHORED = "ledger.checkpoint.anchored"


def event_proof(raw, trust):
    """Section 10. Returns the checkpoint, the object in `extra`, and its erased fields (None without content)."""
    try:
        proof = raw.decode()
    except UnicodeDecodeError:
        raise Broken("the proof is not UTF-8") from None
    head, blank, note = proof.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 3 or lines[0] != EVENT_PROOF:
        raise Broken(f"this is no {EVENT_PROOF}")
    if not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise Broken("the proof lacks its lines extra and index")
    index = decimal(lines[2][len("index "):], "the proof's index")
    hashes = [unbase64(line, "a hash of the proof", 32) for line in lines[3:]]
    extra = parse_canonical(unbase64(lines[1][len("extra "):], "the proof's extra"), "the proof's extra")

    checkpoint = trust.checkpoint(note)
    sequence = index + 1
    if isinstance(extra, dict) and list(extra) == ["entry"]:
        leaf, erased = events.check_entry(extra["entry"], checkpoint.origin, sequence), None
    else:
        leaf, erased = events.open_entry(extra, checkpoint.origin, sequence)
    try:
        merkle.check_inclusion(merkle.leaf_hash(leaf), index, checkpoint.size, hashes, checkpoint.root)
    except Broken as broken:
        raise Broken(f"sequence {sequence}: {broken}") from None
    return checkpoint, extra, erased


def statement_text(header, size, root):
    hashes = [bytes.fromhex(header[name]) for name in ("previous_ledger_hash", "ledger_hash")]
    lines = [RANGE, header["origin"], header["from"], header["to"], *map(base64_of, hashes), size, base64_of(root)]
    return "".join(f"{line}\n" for line in lines)


def range_header(raw):
    header = parse_canonical(raw, "the header of the bundle")
    names = ("format", "from", "ledger_hash", "left", "origin", "previous_ledger_hash", "right", "to")
    members(header, names, "the header of the bundle")
    if header["format"] != RANGE:
        raise Broken(f"this is no {RANGE}")
    first = whole(header["from"], "from", 1)
    whole(header["to"], "to", first)
    for name in ("ledger_hash", "previous_ledger_hash"):
        unhex(header[name], name)
    text(header["origin"], "origin")
    for name in ("left", "right"):
        if not isinstance(header[name], list):
            raise Broken(f"{name} is no list")
    return header


def range_bundle(lines, trust, noted=None):
    """Section 11. `lines` with their line ends; `noted`: chain hashes that are known, by sequence.

    Returns the checkpoint, the header, and how many fields are erased (None without content).
    """
    lines = (line_of(raw) for raw in lines)
    header = range_header(next(lines, b""))
    origin, first, last = header["origin"], header["from"], header["to"]
    tree, chain, received_at, erased = merkle.CompactRange(), unhex(header["previous_ledger_hash"], ""), "", None
    put(tree, header["left"], merkle.decompose(0, first - 1), "left")
    if first == 1 and chain != events.genesis(origin):
        raise Broken("sequence 1: previous_ledger_hash is not the hash that the chain starts with")
    noted = dict(noted or {})
    compare(noted.pop(first - 1, chain), chain, first - 1)
    for sequence in range(first, last + 1):
        raw = next(lines, None)
        if raw is None:
            raise Broken(f"sequence {sequence}: the bundle ends before it")
        line = parse_canonical(raw, f"sequence {sequence}: the line")
        is_open = isinstance(line, dict) and "entry" in line
        if sequence > first and is_open != (erased is not None):
            raise Broken(f"sequence {sequence}: entries with and without content are mixed")
        if is_open:
            leaf, fields = events.open_entry(line, origin, sequence)
            erased = (erased or 0) + len(fields)
            entry = line["entry"]
        else:
            leaf, entry = events.check_entry(line, origin, sequence), line
        instant = events.instant(entry["received_at"], f"sequence {sequence}: received_at")
        if instant < received_at:
            raise Broken(f"sequence {sequence}: time goes back")
        received_at = instant
        leaf = merkle.leaf_hash(leaf)
        tree.push(0, leaf)
        chain = events.link(sequence, chain, leaf)
        compare(noted.pop(sequence, chain), chain, sequence)
    if chain.hex() != header["ledger_hash"]:
        raise Broken(f"sequence {last}: the chain does not end with ledger_hash")

    raw = next(lines, None)
    if raw is None:
        raise Broken("the bundle ends before its last line")
    footer = members(parse_canonical(raw, "the last line"), ("checkpoint", "statement"), "the last line")
    if next(lines, None) is not None:
        raise Broken("there is something behind the last line")
    checkpoint = trust.checkpoint(text(footer["checkpoint"], "the checkpoint"), origin)
    if checkpoint.size < last:
        raise Broken(f"sequence {checkpoint.size + 1}: the checkpoint ends before it")
    put(tree, header["right"], merkle.decompose(last, checkpoint.size), "right")
    if tree.root() != checkpoint.root:
        raise Broken(f"sequences {first} to {last} do not lead to the checkpoint's root")
    expected = statement_text(header, checkpoint.size, checkpoint.root)
    trust.statement(text(footer["statement"], "the statement"), origin, expected)
    return checkpoint, header, erased


def line_of(raw):
    if not raw.endswith(b"\n"):
        raise Broken("the bundle ends in the middle of a line")
    return raw[:-1]


def put(tree, hashes, parts, what):
    if len(hashes) != len(parts):
        raise Broken(f"{what} has {len(hashes)} hashes, not {len(parts)}")
    for found, (level, _) in zip(hashes, parts, strict=True):
        tree.push(level, unhex(found, what))


def compare(noted, chain, sequence):
    if noted != chain:
        raise Broken(f"sequence {sequence}: its ledger_hash is not the one that was noted")


def consistency(raw, trust, known=()):
    """Section 12. `known`: checkpoints that were verified before. Returns both ends."""
    names = ("checkpoint", "from", "hashes", "origin", "to")
    proof = members(parse(raw, "the proof"), names, "the proof")
    origin = text(proof["origin"], "origin")
    checkpoint = trust.checkpoint(text(proof["checkpoint"], "the checkpoint"), origin)
    ends = []
    for name in ("from", "to"):
        end = members(proof[name], ("root", "size"), name)
        ends.append((whole(end["size"], f"the size of {name}"), unhex(end["root"], f"the root of {name}")))
    (old_size, old_root), (new_size, new_root) = ends
    if not isinstance(proof["hashes"], list):
        raise Broken("hashes is no list")
    hashes = [unhex(found, "a hash of the proof") for found in proof["hashes"]]
    merkle.check_consistency(old_size, old_root, new_size, new_root, hashes)
    if new_size > checkpoint.size:
        raise Broken(f"the proof goes to size {new_size}, beyond the checkpoint")
    for size, root in ends:
        signed = [head for head in (checkpoint, *known) if head.origin == origin and head.size == size]
        if size and not signed:
            raise Broken(f"no checkpoint is known that has signed the root of size {size}")
        if any(head.root != root for head in signed):
            raise Broken(f"two roots for the size {size}: the log shows two histories")
    return origin, ends, checkpoint


def anchored(raw, anchor_trust, trust):
    """Section 13: the event proof of a leaf of the anchor log. Returns the tenant's checkpoint and the anchor's."""
    outer, extra, erased = event_proof(raw, anchor_trust)
    if erased is None or erased:
        raise Broken("an anchor's proof must come with its whole content")
    entry, payload = extra["entry"], extra["payload"]
    members(payload, ("checkpoint", "origin", "root", "size"), "the anchored payload")
    inner = trust.checkpoint(text(payload["checkpoint"], "the anchored checkpoint"))
    if (payload["origin"], payload["size"], payload["root"]) != (inner.origin, inner.size, inner.root.hex()):
        raise Broken("the anchored payload says other things than its checkpoint")
    tenant = inner.origin.rpartition("/")[2]
    said = (entry["type"], entry["order_id"], entry["event_id"])
    if said != (ANCHORED, tenant, f"{tenant}@{inner.size}"):
        raise Broken("the anchored entry is not that of its checkpoint")
    return inner, outer
