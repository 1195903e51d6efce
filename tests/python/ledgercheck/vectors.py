"""docs/LEDGER.md section 14: the golden vectors, all computed anew or checked like the real thing."""
import io
import json

from . import ed25519, events, merkle, proofs
from .encoding import Broken, jcs
from .notes import Key, Note, Trust
from .segments import check_segments
from .tiles import Folder, check_tiles


def expect(found, said, what):
    if found != said:
        raise Broken(f"{what}: {found!r} is computed, the vector says {said!r}")


def read_json(path):
    return json.loads(path.read_text("utf-8"))


def check(folder):
    """How many there are, if all hold."""
    keys = {name: Key.parse(said["vkey"]) for name, said in read_json(folder / "keys.json")["keys"].items()}
    trust = Trust(keys=(keys["checkpoint"],), range_keys=(keys["range"],))
    both = Trust(keys=(keys["checkpoint"], keys["checkpoint_before"]))
    count = sum(check_log(log) for log in read_json(folder / "ledger.json")["logs"])
    count += sum(check_opening(vector) for vector in read_json(folder / "openings.json")["openings"])
    count += check_tree(read_json(folder / "tree.json"))
    count += check_notes(read_json(folder / "notes.json"))
    count += check_files(folder, keys, trust, both)
    count += check_refused(read_json(folder / "refused.json")["refused"], readers(folder, trust))
    return count + check_flips(folder, readers(folder, trust))


def check_log(log):
    chain = events.genesis(log["origin"])
    expect(chain.hex(), log["genesis"], f"{log['origin']}: genesis")
    for sequence, vector in enumerate(log["events"], start=1):
        event, what = vector["event"], f"{log['origin']} sequence {sequence}"
        salts = {"secret": proofs.base64_of(bytes.fromhex(vector["secret"]))}
        content, _ = events.content(event["payload"], event.get("metadata", {}), salts, what)
        entry = jcs(events.entry_of(event, content, log["origin"], sequence, vector["received_at"]))
        leaf = merkle.leaf_hash(entry)
        chain = events.link(sequence, chain, leaf)
        found = {"content": content.hex(), "entry": entry.decode(), "leaf_hash": leaf.hex(), "ledger_hash": chain.hex()}
        for name, value in found.items():
            expect(value, vector[name], f"{what}: {name}")
    return len(log["events"])


def check_opening(vector):
    """The content stays what it was, whatever is erased, and so do the digests."""
    for step in [vector, *(erasure["after"] for erasure in vector["erasures"])]:
        content, _ = events.content(step["payload"], step["metadata"], step, "an opening")
        expect(content.hex(), vector["content"], "an opening: content")
        salt_of, erased = events.opening_of(step, "an opening")
        digests = events.field_digests(step["payload"], step["metadata"], salt_of, erased, "an opening")
        expect({name: digest.hex() for name, digest in digests.items()}, vector["digests"], "an opening: digests")
    return 1 + len(vector["erasures"])


def check_tree(vectors):
    leaves = [bytes.fromhex(leaf) for leaf in vectors["leaf_hashes"]]
    roots = {head["size"]: bytes.fromhex(head["root"]) for head in vectors["heads"]}
    root = lambda size: roots.get(size) or merkle.root_of(leaves[:size])
    for size, said in roots.items():
        expect(merkle.root_of(leaves[:size]).hex(), said.hex(), f"the root of size {size}")
    for vector in vectors["inclusion"]:
        proof = [bytes.fromhex(found) for found in vector["hashes"]]
        merkle.check_inclusion(leaves[vector["index"]], vector["index"], vector["size"], proof, root(vector["size"]))
    for vector in vectors["consistency"]:
        proof, (old, new) = [bytes.fromhex(found) for found in vector["hashes"]], (vector["from"], vector["to"])
        merkle.check_consistency(old, root(old), new, root(new), proof)
    for vector in vectors["decompose"]:
        found = [{"level": level, "first": first} for level, first in merkle.decompose(vector["begin"], vector["end"])]
        expect(found, vector["subtrees"], f"decompose({vector['begin']}, {vector['end']})")
    return sum(len(vectors[name]) for name in ("heads", "inclusion", "consistency", "decompose"))


def check_notes(vectors):
    """The examples of C2SP's own pages."""
    for vector in vectors["notes"]:
        note, key = Note.parse(vector["note"]), Key.parse(vector["vkey"])
        expect(key.vkey(), vector["vkey"], "a vkey")
        expect(note.signers([key]), {key}, f"the note of {key.name}")
    return len(vectors["notes"])


def check_files(folder, keys, trust, both):
    """Everything that the API gives out, for one log."""
    checkpoint, chain, leaves = check_tiles(Folder(folder / "log"), trust, both.checkpoint(read(folder, "256")))
    with open(folder / "segments.ndjson", encoding="utf-8") as file:
        origin, kept, head = check_segments(map(json.loads, file), None)
    expect((origin, kept, head), (checkpoint.origin, leaves, chain), "the segments")
    count = 2
    for name in ("5", "256", "260-two-keys", "260-witnessed", "7-fork"):
        found = both.checkpoint(read(folder, name))
        fits = merkle.root_of(leaves[:found.size]) == found.root
        expect(fits, name != "7-fork", f"whether the checkpoint {name} is one of the log")
        count += 1
    Trust(keys=(keys["checkpoint"],), witnesses=(keys["witness"],), quorum=1).checkpoint(read(folder, "260-witnessed"))
    known = [both.checkpoint(read(folder, name)) for name in ("5", "256")]
    for file in sorted((folder / "proofs").iterdir()):
        raw = file.read_bytes()
        if file.suffix == ".tlog-proof":
            _, extra, erased = proofs.event_proof(raw, trust)
            expect(merkle.leaf_hash(jcs(extra["entry"])), leaves[extra["entry"]["seq"] - 1], file.name)
            expect(erased is None, "content" not in file.name, f"{file.name}: whether there is no content")
        elif file.suffix == ".ndjson":
            proofs.range_bundle(io.BytesIO(raw), trust)
        else:
            proofs.consistency(raw, trust, known)
        count += 1
    anchor = Trust(keys=(keys["anchor"],), witnesses=(keys["witness"],), quorum=1)
    inner, _ = proofs.anchored((folder / "anchor/acme-260.tlog-proof").read_bytes(), anchor, trust)
    expect(inner, checkpoint, "the anchored checkpoint")
    return count + 1


def read(folder, name):
    return (folder / "checkpoints" / name).read_bytes()


def readers(folder, trust):
    """What reads each kind of file, and stops at what is wrong with it."""
    known = [trust.checkpoint(read(folder, "5"))]
    return {
        "vkey": lambda raw: Key.parse(raw.decode()),
        "checkpoint": trust.checkpoint,
        "proof": lambda raw: proofs.event_proof(raw, trust),
        "range": lambda raw: proofs.range_bundle(io.BytesIO(raw), trust),
        "consistency": lambda raw: proofs.consistency(raw, trust, known),
    }


def check_refused(vectors, read_as):
    for vector in vectors:
        must_refuse(read_as[vector["kind"]], vector["text"].encode(), f"a {vector['kind']} with {vector['why']}")
    return len(vectors)


def must_refuse(reader, raw, what):
    try:
        reader(raw)
    except Broken:
        return
    raise Broken(f"{what} is accepted")


FLIPPED = {
    "log/checkpoint": "checkpoint",
    "proofs/event-256.tlog-proof": "proof",
    "proofs/event-1-content.tlog-proof": "proof",
    "proofs/range-1-1.ndjson": "range",
    "proofs/range-255-258-content.ndjson": "range",
    "proofs/consistency-5-260.json": "consistency",
}


def check_flips(folder, read_as):
    """No byte of these can be another one."""
    step = 1 if ed25519.Ed25519PublicKey else 41
    for name, kind in FLIPPED.items():
        genuine = (folder / name).read_bytes()
        for at in range(0, len(genuine), step):
            raw = bytearray(genuine)
            raw[at] ^= (0x01, 0x20)[at % 2]
            must_refuse(read_as[kind], bytes(raw), f"{name} with another byte at {at}")
    return len(FLIPPED)
