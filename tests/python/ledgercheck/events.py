"""docs/LEDGER.md sections 2 to 4: the content commitment, the leaf entry, the chain."""
import hmac
import re

from .encoding import Broken, jcs, mapping, members, sha256, text, u64be, unbase64, unhex, whole

INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?)Z", re.ASCII)

ENTRY = ("content", "event_id", "occurred_at", "order_id", "origin", "received_at", "schema_version", "seq", "source")
ENTRY += ("type", "v")


def fields(value, pointer):
    """Every scalar and every empty container, with its JSON Pointer."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from fields(inner, pointer + "/" + key.replace("~", "~0").replace("/", "~1"))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from fields(inner, f"{pointer}/{index}")
    else:
        yield pointer, value


def opening_of(holder, what):
    """What `secret` or `opening` of this object says: a function from a pointer to its salt, and the erased fields."""
    if ("secret" in holder) == ("opening" in holder):
        raise Broken(f"{what}: there must be a secret or an opening, and not both")
    if "secret" in holder:
        secret = unbase64(holder["secret"], f"{what}: the secret", 32)
        return lambda pointer: hmac.digest(secret, pointer.encode(), "sha256")[:16], {}
    opening = members(holder["opening"], ("salts", "erased"), f"{what}: the opening")
    salts = mapping(opening["salts"], f"{what}: salts")
    salts = {name: unbase64(salt, f"{what}: the salt of {name}", 16) for name, salt in salts.items()}
    erased = {}
    for name, record in mapping(opening["erased"], f"{what}: erased").items():
        members(record, ("digest", "by"), f"{what}: the record of {name}")
        text(record["by"], f"{what}: who erased {name}")
        erased[name] = unhex(record["digest"], f"{what}: the digest of {name}")
        if name in salts:
            raise Broken(f"{what}: {name} is erased, and its salt is still there")
    return salts.get, erased


def field_digests(payload, metadata, salt_of, erased, what):
    """The digest of each field, by its pointer."""
    digests = {}
    for pointer, value in fields({"metadata": metadata, "payload": payload}, ""):
        if pointer in erased:
            if value is not None:
                raise Broken(f"{what}: {pointer} is said to be erased, and has a value")
            digests[pointer] = erased[pointer]
            continue
        salt = salt_of(pointer)
        if salt is None:
            raise Broken(f"{what}: {pointer} has no salt and was not erased: it is missing without a reason")
        name = pointer.encode()
        digests[pointer] = sha256(b"oh:field:v1\0", salt, u64be(len(name)), name, jcs(value))
    return digests


def content(payload, metadata, holder, what):
    """The content hash, and the pointers of the erased fields."""
    if not isinstance(payload, dict) or not isinstance(metadata, dict):
        raise Broken(f"{what}: payload and metadata must be objects")
    salt_of, erased = opening_of(holder, what)
    digests = field_digests(payload, metadata, salt_of, erased, what)
    named = list(erased) + list(holder.get("opening", {}).get("salts", {}))
    for pointer in named:
        if pointer not in digests:
            raise Broken(f"{what}: {pointer} is in the opening and no field of the event")
    return sha256(b"oh:content:v1\0", *sorted(digests.values())), sorted(erased)


def entry_of(event, content_hash, origin, sequence, received_at):
    """The leaf entry of an event, as a JSON object."""
    names = ("event_id", "occurred_at", "order_id", "schema_version", "source", "type")
    entry = {name: event[name] for name in names}
    entry |= {"content": content_hash.hex(), "origin": origin, "received_at": received_at, "seq": sequence, "v": 1}
    if "correction_of" in event:
        entry["correction_of"] = event["correction_of"]
    return entry


def instant(value, what):
    """Two instants compare as these do, though their fractions differ in length."""
    match = INSTANT.fullmatch(text(value, what))
    if not match:
        raise Broken(f"{what} is not in its one form")
    return match[1]


def check_entry(entry, origin, sequence):
    """A leaf entry must be that of this place in this log. Returns its bytes."""
    what = f"sequence {sequence}"
    members(entry, ENTRY, f"{what}: the entry", optional=("correction_of",))
    if entry["origin"] != origin:
        raise Broken(f"{what}: the entry is of another log")
    if whole(entry["seq"], f"{what}: seq", 1) != sequence:
        raise Broken(f"{what}: the entry says that its sequence is {entry['seq']}")
    if whole(entry["v"], f"{what}: v") != 1:
        raise Broken(f"{what}: the entry is of version {entry['v']}, not 1")
    unhex(entry["content"], f"{what}: content")
    instant(entry["occurred_at"], f"{what}: occurred_at")
    instant(entry["received_at"], f"{what}: received_at")
    for name in ("event_id", "order_id", "schema_version", "source", "type", "correction_of"):
        if not text(entry.get(name, "-"), f"{what}: {name}"):
            raise Broken(f"{what}: {name} is empty")
    return jcs(entry)


def open_entry(opened, origin, sequence):
    """An opened entry: its leaf's bytes, after a look at its content. Returns these and the erased fields."""
    what = f"sequence {sequence}"
    members(opened, ("entry", "metadata", "payload"), f"{what}: the opened entry", optional=("secret", "opening"))
    leaf = check_entry(opened["entry"], origin, sequence)
    found, erased = content(opened["payload"], opened["metadata"], opened, what)
    if found.hex() != opened["entry"]["content"]:
        raise Broken(f"{what}: the content is not what the entry commits to")
    return leaf, erased


def genesis(origin):
    return sha256(b"oh:genesis:v1\0", origin.encode())


def link(sequence, previous, leaf_hash):
    return sha256(b"oh:chain:v1\0", u64be(sequence), previous, leaf_hash)
