"""docs/LEDGER.md section 5: a whole log as it is kept, segment by segment."""
from . import events
from .encoding import Broken, jcs, sha256


def check_segments(segments, said):
    """Goes through the log from its first event; `said` is what the API says of each, by sequence, or None."""
    sequence, chain, origin, received_at, ids, leaves = 0, None, None, "", set(), []
    for segment in segments:
        here = sequence + 1
        if segment["first"] != here:
            raise Broken(f"sequence {here}: the next segment starts at {segment['first']}")
        if chain is None:
            origin, chain = segment["origin"], events.genesis(segment["origin"])
        if segment["origin"] != origin:
            raise Broken(f"sequence {here}: the origin changes")
        instant = events.instant(segment["received_at"], f"sequence {here}: received_at")
        if instant < received_at:
            raise Broken(f"sequence {here}: time goes back")
        received_at = instant
        if segment["prev_hash"] != chain.hex():
            raise Broken(f"sequence {here}: prev_hash is not the hash of the event before")
        if len(segment["entries"]) != segment["count"]:
            raise Broken(f"sequence {here}: the segment holds {len(segment['entries'])} events, not {segment['count']}")
        for entry in segment["entries"]:
            sequence += 1
            leaf_hash = leaf_of(entry, origin, sequence, segment["received_at"])
            event_id = entry["event"]["event_id"]
            if event_id in ids:
                raise Broken(f"sequence {sequence}: the event's id stands twice")
            ids.add(event_id)
            leaves.append(leaf_hash)
            chain = events.link(sequence, chain, leaf_hash)
            if said is not None:
                compare(said.pop(sequence, None), sequence, event_id, leaf_hash, chain)
        if segment["end_hash"] != chain.hex():
            raise Broken(f"sequence {sequence}: end_hash is not the hash of the segment's last event")
    if said:
        raise Broken(f"sequence {min(said)}: the API shows an event that is not in the log")
    return origin, leaves, chain


def leaf_of(stored, origin, sequence, received_at):
    """The leaf hash of a line of a segment's `data`."""
    event = stored["event"]
    what = f"sequence {sequence}"
    found, _ = events.content(event["payload"], event.get("metadata", {}), stored, what)
    return sha256(b"\0", jcs(events.entry_of(event, found, origin, sequence, received_at)))


def compare(said, sequence, event_id, leaf_hash, chain):
    if said is None:
        raise Broken(f"sequence {sequence}: the API does not show it")
    if (said["id"], said["sha256"]) != (event_id, leaf_hash.hex()):
        raise Broken(f"sequence {sequence}: the API shows another event or hash")
    if said["ledger_hash"] != chain.hex():
        raise Broken(f"sequence {sequence}: the API shows another ledger_hash")
