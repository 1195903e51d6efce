#!/usr/bin/env python3
"""Checks a tenant's whole ledger, written from docs/LEDGER.md alone: nothing but the standard library, none of our code.

    check_ledger.py SEGMENTS.ndjson [EVENTS.ndjson]
    check_ledger.py --vectors ledger.json

SEGMENTS.ndjson: the items of the Segments table, one JSON object a line: first, count, prev_hash and end_hash in
hexadecimal, received_at, origin, and entries, a list of the objects in the unpacked `data`.
EVENTS.ndjson: what the API says of each event: sequence, id, sha256, ledger_hash.

Exit codes: 0 all is well; 1 something is not, named with its sequence; 2 the files cannot be read.
"""
import base64
import hashlib
import hmac
import json
import re
import sys


class Broken(Exception):
    """The ledger is not what it should be."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def number(value):
    """A number as ECMAScript writes it (RFC 8785 section 3.2.2.3)."""
    if isinstance(value, int) or value == int(value) and abs(value) < 1e21:
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        return sign + digits[:point].ljust(point, "0") + ("." + digits[point:] if digits[point:] else "")
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + digits[0] + ("." + digits[1:] if digits[1:] else "") + power


def jcs(value):
    """RFC 8785."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(jcs(key) + ":" + jcs(value[key]) for key in keys) + "}"


def fields(value, pointer):
    """Section 2: every scalar and every empty container, with its JSON Pointer."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from fields(inner, pointer + "/" + key.replace("~", "~0").replace("/", "~1"))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from fields(inner, f"{pointer}/{index}")
    else:
        yield pointer, value


def content(event, secret):
    digests = []
    document = {"metadata": event.get("metadata", {}), "payload": event["payload"]}
    for pointer, value in fields(document, ""):
        name = pointer.encode()
        salt = hmac.new(secret, name, hashlib.sha256).digest()[:16]
        digests.append(sha256(b"oh:field:v1\0", salt, len(name).to_bytes(8, "big"), name, jcs(value).encode()))
    return sha256(b"oh:content:v1\0", *sorted(digests))


def leaf_entry(event, secret, origin, sequence, received_at):
    """Section 3."""
    entry = {name: event[name] for name in ("event_id", "occurred_at", "order_id", "schema_version", "source", "type")}
    entry |= {"content": content(event, secret).hex(), "origin": origin, "received_at": received_at}
    entry |= {"seq": sequence, "v": 1}
    if "correction_of" in event:
        entry["correction_of"] = event["correction_of"]
    return jcs(entry).encode()


def genesis(origin):
    return sha256(b"oh:genesis:v1\0", origin.encode())


def link(sequence, previous, leaf_hash):
    """Section 4."""
    return sha256(b"oh:chain:v1\0", sequence.to_bytes(8, "big"), previous, leaf_hash)


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z")


def check(segments, events):
    """Goes through the log from its first event; `events` is what the API says, by sequence."""
    sequence, chain, origin, received_at, ids = 0, None, None, "", set()
    for segment in segments:
        here = sequence + 1
        if segment["first"] != here:
            raise Broken(f"sequence {here}: the next segment starts at {segment['first']}")
        if chain is None:
            origin, chain = segment["origin"], genesis(segment["origin"])
        if segment["origin"] != origin:
            raise Broken(f"sequence {here}: the origin changes")
        if not INSTANT.fullmatch(segment["received_at"]):
            raise Broken(f"sequence {here}: received_at is not in its one form")
        # Instants of one form with fractions of different lengths: compared without the Z.
        if segment["received_at"][:-1] < received_at:
            raise Broken(f"sequence {here}: time goes back")
        received_at = segment["received_at"][:-1]
        if segment["prev_hash"] != chain.hex():
            raise Broken(f"sequence {here}: prev_hash is not the hash of the event before")
        if len(segment["entries"]) != segment["count"]:
            raise Broken(f"sequence {here}: the segment holds {len(segment['entries'])} events, not {segment['count']}")
        for entry in segment["entries"]:
            sequence += 1
            event = entry["event"]
            if event["event_id"] in ids:
                raise Broken(f"sequence {sequence}: the event's id stands twice")
            ids.add(event["event_id"])
            secret = base64.b64decode(entry["secret"], validate=True)
            leaf_hash = sha256(b"\0", leaf_entry(event, secret, origin, sequence, segment["received_at"]))
            chain = link(sequence, chain, leaf_hash)
            said = events.pop(sequence, None) if events is not None else None
            if events is not None:
                if said is None:
                    raise Broken(f"sequence {sequence}: the API does not show it")
                if (said["id"], said["sha256"]) != (event["event_id"], leaf_hash.hex()):
                    raise Broken(f"sequence {sequence}: the API shows another event or hash")
                if said["ledger_hash"] != chain.hex():
                    raise Broken(f"sequence {sequence}: the API shows another ledger_hash")
        if segment["end_hash"] != chain.hex():
            raise Broken(f"sequence {sequence}: end_hash is not the hash of the segment's last event")
    if events:
        raise Broken(f"sequence {min(events)}: the API shows an event that is not in the log")
    return sequence, chain


def check_vectors(vectors):
    for log in vectors["logs"]:
        chain = genesis(log["origin"])
        if chain.hex() != log["genesis"]:
            raise Broken(f"{log['origin']}: genesis differs")
        for sequence, vector in enumerate(log["events"], start=1):
            secret = bytes.fromhex(vector["secret"])
            entry = leaf_entry(vector["event"], secret, log["origin"], sequence, vector["received_at"])
            leaf_hash = sha256(b"\0", entry)
            chain = link(sequence, chain, leaf_hash)
            found = {
                "content": content(vector["event"], secret).hex(),
                "entry": entry.decode(),
                "leaf_hash": leaf_hash.hex(),
                "ledger_hash": chain.hex(),
            }
            for name, value in found.items():
                if value != vector[name]:
                    raise Broken(f"{log['origin']} sequence {sequence}: {name} differs")
    return sum(len(log["events"]) for log in vectors["logs"])


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def main(arguments):
    try:
        if arguments[:1] == ["--vectors"]:
            with open(arguments[1], encoding="utf-8") as file:
                print(f"{check_vectors(json.load(file))} vectors hold")
            return 0
        events = {said["sequence"]: said for said in lines(arguments[1])} if len(arguments) > 1 else None
        sequence, chain = check(lines(arguments[0]), events)
        print(f"{sequence} events verify; ledger_hash {chain.hex() if chain else 'none'}")
        return 0
    except Broken as broken:
        print(broken)
        return 1
    except (OSError, ValueError, KeyError, IndexError) as unreadable:
        print(f"cannot be read: {unreadable!r}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
