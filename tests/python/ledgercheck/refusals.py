"""Golden vectors of what must be refused: each is a genuine text with one thing wrong, signed anew where the signature
would tell otherwise."""
import json

from . import notes, proofs
from .encoding import base64_of, jcs, unbase64


def refusals(folder, signers):
    made = []

    def refuse(kind, why, text):
        made.append({"kind": kind, "why": why, "text": text})

    read = lambda name: (folder / name).read_bytes().decode()
    keys(refuse, signers)
    checkpoints(refuse, signers, read("log/checkpoint"))
    event_proofs(refuse, read("proofs/event-4.tlog-proof"), read("proofs/event-4-content.tlog-proof"), read)
    ranges(refuse, signers, read)
    consistency(refuse, json.loads(read("proofs/consistency-5-260.json")), signers)
    return made


def keys(refuse, signers):
    key = signers["checkpoint"].key
    name, key_id, encoded = key.vkey().split("+", 2)
    refuse("vkey", "the id of another key", f"{name}+{signers['range'].key.key_id.hex()}+{encoded}")
    refuse("vkey", "an upper-case id", f"{name}+{key_id[:-1]}F+{encoded}")
    refuse("vkey", "a type that is not known", f"{name}+{key_id}+{base64_of(bytes([2]) + key.public)}")
    refuse("vkey", "a key that is too short", f"{name}+{key_id}+{base64_of(bytes([1]) + key.public[:31])}")
    weak = notes.Key.of(name, 1, bytes([1]) + bytes(31))
    refuse("vkey", "a key with which anybody can sign", weak.vkey())
    refuse("vkey", "bytes that are no point of the curve", notes.Key.of(name, 1, bytes([2]) + bytes(31)).vkey())
    refuse("vkey", "no name", f"+{key_id}+{encoded}")
    refuse("vkey", "a space in the name", f"history example.com/acme+{key_id}+{encoded}")
    refuse("vkey", "no id", f"{name}+{encoded}")


def checkpoints(refuse, signers, note):
    signer, stranger = signers["checkpoint"], signers["stranger"]
    text, line = note.split("\n\n")
    text += "\n"
    origin, size, root, _ = text.split("\n")
    for why, wrong in (
        ("an extension line", text + "more\n"),
        ("two lines", f"{origin}\n{size}\n"),
        ("a size with a zero in front", f"{origin}\n0{size}\n{root}\n"),
        ("a size with a sign", f"{origin}\n+{size}\n{root}\n"),
        ("a root that is too short", f"{origin}\n{size}\n{root[:-4]}\n"),
        ("a root with bits left over", f"{origin}\n{size}\n{root[:-2]}{'B' if root[-2] != 'B' else 'C'}=\n"),
        ("the origin of another log", f"history.example.com/rival\n{size}\n{root}\n"),
        ("size 0 with a root", f"{origin}\n0\n{root}\n"),
    ):
        refuse("checkpoint", why, signer.note(wrong))
    refuse("checkpoint", "no signature", text + "\n")
    refuse("checkpoint", "no blank line", text + line)
    refuse("checkpoint", "no line feed at the end", note[:-1])
    refuse("checkpoint", "carriage returns", note.replace("\n", "\r\n"))
    refuse("checkpoint", "signed by a stranger under the log's name", stranger.note(text))
    refuse("checkpoint", "a stranger's signature under the key's id", text + "\n" + forged(stranger, signer, text))
    refuse("checkpoint", "the signature of another text", f"{origin}\n259\n{root}\n\n{line}")
    refuse("checkpoint", "a wrong signature of the key beside a right one", note + signer.line(text + "x\n"))
    refuse("checkpoint", "signed by the range key", signers["range"].note(text))
    refuse("checkpoint", "a minus for the dash", note.replace("—", "-"))
    cut = line.rstrip("\n").rsplit(" ", 1)
    refuse("checkpoint", "Base64 without its padding", f"{text}\n{cut[0]} {cut[1].rstrip('=')}\n")
    refuse("checkpoint", "a signature that is too short", f"{text}\n{cut[0]} {base64_of(signer.key.key_id)}\n")


def forged(signer, claimed, text):
    signature = signer.private.sign(text.encode())
    return f"— {claimed.key.name} {base64_of(claimed.key.key_id + signature)}\n"


def event_proofs(refuse, proof, opened, read):
    lines = proof.split("\n")
    blank = lines.index("")
    swap = lambda at, line: "\n".join(lines[:at] + [line] + lines[at + 1:])
    refuse("proof", "another format", swap(0, "c2sp.org/tlog-proof@v2"))
    refuse("proof", "no extra", "\n".join(lines[:1] + lines[2:]))
    refuse("proof", "the index of the next event", swap(2, "index 4"))
    refuse("proof", "an index with a zero in front", swap(2, "index 03"))
    refuse("proof", "a hash is missing", "\n".join(lines[:3] + lines[4:]))
    refuse("proof", "a hash too many", "\n".join(lines[:blank] + lines[3:4] + lines[blank:]))
    refuse("proof", "two hashes are swapped", "\n".join(lines[:3] + [lines[4], lines[3]] + lines[5:]))
    refuse("proof", "no checkpoint", "\n".join(lines[:blank + 1]))
    refuse("proof", "the checkpoint of another history", "\n".join(lines[:blank + 1]) + read("checkpoints/7-fork"))
    refuse("proof", "an older checkpoint", "\n".join(lines[:blank + 1]) + read("checkpoints/5"))

    def extra(why, base, change):
        head, line, rest = base.split("\n", 2)
        value = json.loads(unbase64(line[len("extra "):], ""))
        change(value)
        refuse("proof", why, f"{head}\nextra {base64_of(jcs(value))}\n{rest}")

    plain = json.loads(unbase64(lines[1][len("extra "):], ""))
    refuse("proof", "an extra that is not canonical", swap(1, f"extra {base64_of(json.dumps(plain).encode())}"))
    extra("an entry with another type", proof, lambda v: v["entry"].update(type="order.paid"))
    extra("an entry of another log", proof, lambda v: v["entry"].update(origin="history.example.com/rival"))
    extra("an entry with another sequence", proof, lambda v: v["entry"].update(seq=5))
    extra("an entry of another version", proof, lambda v: v["entry"].update(v=2))
    extra("an entry with one member more", proof, lambda v: v["entry"].update(x=1))
    extra("one member more", proof, lambda v: v.update(x=1))
    extra("a payload without an opening", opened, lambda v: v.pop("opening"))
    extra("another value", opened, lambda v: v["payload"].update(total=101))
    extra("one field more", opened, lambda v: v["payload"].update(extra=1))
    extra("a field is gone without a reason", opened, lambda v: v["payload"].pop("currency"))
    extra("an erased field that has a value", opened, lambda v: v["payload"]["address"].update(name="Zoë 4"))
    extra("a salt is missing", opened, lambda v: v["opening"]["salts"].pop("/payload/total"))
    extra("the record of an erasure is missing", opened, lambda v: v["opening"]["erased"].clear())
    extra("another digest of an erased field", opened, lambda v: other_digest(v["opening"]["erased"]))
    extra("a secret beside the opening", opened, lambda v: v.update(secret=base64_of(bytes(32))))
    extra("a salt of an erased field", opened, lambda v: v["opening"]["salts"].update(erased_salt(v)))


def other_digest(erased):
    for record in erased.values():
        record["digest"] = "00" + record["digest"][2:]


def erased_salt(opened):
    return {name: base64_of(bytes(16)) for name in opened["opening"]["erased"]}


def ranges(refuse, signers, read):
    bundle = read("proofs/range-3-7.ndjson")
    lines = bundle.rstrip("\n").split("\n")

    def joined(why, parts):
        refuse("range", why, "\n".join(parts) + "\n")

    def line(why, at, change):
        value = json.loads(lines[at])
        change(value)
        joined(why, [jcs(value).decode() if number == at % len(lines) else one for number, one in enumerate(lines)])

    header, footer = json.loads(lines[0]), json.loads(lines[-1])
    joined("an entry is missing", lines[:2] + lines[3:])
    joined("an entry stands twice", lines[:2] + lines[1:])
    joined("two entries are swapped", lines[:1] + [lines[2], lines[1]] + lines[3:])
    joined("the last line is missing", lines[:-1])
    joined("a line behind the last", [*lines, "{}"])
    joined("a header that is not canonical", [json.dumps(header), *lines[1:]])
    refuse("range", "no line feed at the end", bundle[:-1])
    opened = read("proofs/range-3-7-content.ndjson").split("\n")
    joined("entries with and without content", lines[:2] + opened[2:3] + lines[3:])
    line("another format", 0, lambda v: v.update(format="order-history/range@v2"))
    line("one member more", 0, lambda v: v.update(x=1))
    line("another origin", 0, lambda v: v.update(origin="history.example.com/rival"))
    line("a start that is earlier", 0, lambda v: v.update({"from": 2}))
    line("an end that is later", 0, lambda v: v.update(to=8))
    line("from is 0", 0, lambda v: v.update({"from": 0}))
    line("a hash of the left is missing", 0, lambda v: v["left"].pop())
    line("a hash of the right is missing", 0, lambda v: v["right"].pop())
    line("two hashes of the right are swapped", 0, lambda v: v["right"].insert(0, v["right"].pop(1)))
    line("a hash too many on the right", 0, lambda v: v["right"].append(v["right"][0]))
    line("a hash in upper case", 0, lambda v: v.update(left=[v["left"][0].upper()]))
    line("another chain hash at the end", 0, lambda v: v.update(ledger_hash=v["previous_ledger_hash"]))
    line("another chain hash at the start", 0, lambda v: v.update(previous_ledger_hash=v["ledger_hash"]))
    line("an entry with another source", 3, lambda v: v.update(source="warehouse"))
    line("a checkpoint of another history", -1, lambda v: v.update(checkpoint=read("checkpoints/7-fork")))
    line("a checkpoint that ends before the range", -1, lambda v: v.update(checkpoint=read("checkpoints/5")))
    line("the statement of another range", -1, lambda v: v.update(statement=footer_of(read, "1-1")["statement"]))
    text = proofs.statement_text(header, 260, proofs.unbase64(footer["checkpoint"].split("\n")[2], ""))
    for why, signer in (("the checkpoint's key", "checkpoint"), ("a stranger", "stranger")):
        note = signers[signer].note(text)
        line(f"a statement signed by {why}", -1, lambda v, note=note: v.update(statement=note))
    whole = read("proofs/range-1-1.ndjson").split("\n")
    start = json.loads(whole[0]) | {"previous_ledger_hash": header["ledger_hash"]}
    joined("a log that starts with another hash", [jcs(start).decode(), *whole[1:-1]])


def footer_of(read, name):
    return json.loads(read(f"proofs/range-{name}.ndjson").rstrip("\n").split("\n")[-1])


def consistency(refuse, proof, signers):
    def wrong(why, change):
        value = json.loads(json.dumps(proof))
        change(value)
        refuse("consistency", why, json.dumps(value))

    wrong("a hash is missing", lambda v: v["hashes"].pop())
    wrong("a hash too many", lambda v: v["hashes"].append(v["hashes"][0]))
    wrong("two hashes are swapped", lambda v: v["hashes"].insert(0, v["hashes"].pop(1)))
    wrong("another size at the start", lambda v: v["from"].update(size=6))
    wrong("another root at the start", lambda v: v["from"].update(root=v["to"]["root"]))
    wrong("another root at the end", lambda v: v["to"].update(root=v["from"]["root"]))
    wrong("the ends are swapped", lambda v: v.update({"from": v["to"], "to": v["from"]}))
    wrong("another origin", lambda v: v.update(origin="history.example.com/rival"))
    wrong("one member more", lambda v: v.update(x=1))
    note = signers["stranger"].note(proof["checkpoint"].split("\n\n")[0] + "\n")
    wrong("a checkpoint signed by a stranger", lambda v: v.update(checkpoint=note))
