//! What to do, given what was read. Pure: the decisions of the append protocol are made here and nowhere else.

use std::collections::{HashMap, HashSet};

use domain::{event::Event, ids::EventId, ids::TenantId, time::Timestamp};

use super::{
    index::{self, EventItem, IndexKey, Receipt},
    segment::{Entry, Segment},
    table::{BATCH_GET, Head},
};

/// What became of one submitted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log now, and was not before this call.
    Recorded(Receipt),
    /// It was there already, with this very content: its first receipt.
    Repeated(Receipt),
    /// Another event has this id: that one's receipt. The submitted one is not in the log.
    Conflict(Receipt),
}

/// What a writer is to do next.
#[derive(Debug)]
pub(super) struct Decision {
    /// For each submitted event in order; nothing for those that are new.
    pub(super) settled: Vec<Option<Outcome>>,
    /// The segment to commit, when anything is new.
    pub(super) segment: Option<Segment>,
    /// The segments that must be in the index before the settled receipts are shown: the reader of a receipt expects to
    /// find the event.
    pub(super) help: Vec<Segment>,
    /// Everything below this was seen in the index.
    pub(super) applied: u64,
}

/// The index items to look up: the submitted events', and as many of the tail's as fit one batch besides.
///
/// They must be read after the watermark was: what is below it is in the index then, and what is not is in the tail or
/// makes the commit fail.
pub(super) fn to_look_up(tenant: &TenantId, head: &Head, submitted: &[Entry]) -> Vec<IndexKey> {
    let mut keys: Vec<_> = submitted.iter().map(|entry| IndexKey::event(tenant, &entry.event.event_id)).collect();
    for segment in &head.tail {
        if keys.len() % BATCH_GET + segment.entries.len() * 2 > BATCH_GET {
            break;
        }
        keys.extend(index::keys(tenant, segment));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// How far the index is known to be complete: the tail's segments from the first on whose every item was found.
pub(super) fn applied(tenant: &TenantId, head: &Head, found: &HashSet<&IndexKey>) -> u64 {
    head.tail
        .iter()
        .take_while(|segment| is_applied(tenant, segment, found))
        .last()
        .map_or(head.watermark, Segment::next)
}

/// Whether every index item of a segment was found.
pub(super) fn is_applied(tenant: &TenantId, segment: &Segment, found: &HashSet<&IndexKey>) -> bool {
    index::keys(tenant, segment).all(|key| found.contains(&key))
}

/// One try of a writer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// The commits that this writer has tried before: a segment of its own is no repetition.
    pub(super) own: &'a [[u8; 16]],
    /// The random name of this try's commit.
    pub(super) commit: [u8; 16],
    pub(super) now: Timestamp,
}

/// Decides about the submitted events.
pub(super) fn decide(
    tenant: &TenantId,
    head: &Head,
    known: &HashMap<EventId, EventItem>,
    applied: u64,
    submitted: &[Entry],
    attempt: Attempt<'_>,
) -> Decision {
    let wanted: HashSet<&EventId> = submitted.iter().map(|entry| &entry.event.event_id).collect();
    let mut settled_ids: HashMap<EventId, (EventItem, bool)> =
        known.iter().map(|(id, item)| (id.clone(), (item.clone(), false))).collect();
    let mut help = Vec::new();
    for segment in &head.tail {
        let mine = attempt.own.contains(&segment.commit);
        let mut needed = false;
        for (entry, item) in index::event_items(tenant, segment) {
            if wanted.contains(&entry.event.event_id) {
                needed = true;
                settled_ids.insert(entry.event.event_id.clone(), (item, mine));
            }
        }
        if needed && segment.first >= applied {
            help.push(segment.clone());
        }
    }

    let settled: Vec<_> = submitted
        .iter()
        .map(|entry| settled_ids.get(&entry.event.event_id).map(|(item, mine)| settle(&entry.event, item, *mine)))
        .collect();
    let mut seen = HashSet::new();
    let new: Vec<_> = submitted
        .iter()
        .zip(&settled)
        .filter(|(entry, settled)| settled.is_none() && seen.insert(&entry.event.event_id))
        .map(|(entry, _)| entry.clone())
        .collect();
    // The log's time never goes back, whatever the writers' clocks say.
    let received_at = head.received_at.map_or(attempt.now, |last| last.max(attempt.now));
    let segment = (!new.is_empty()).then(|| Segment::seal(&head.chain, received_at, attempt.commit, new));
    Decision { settled, segment, help, applied }
}

/// What the index item of an event's id means for a submission under that id.
fn settle(event: &Event, item: &EventItem, mine: bool) -> Outcome {
    let receipt = item.receipt();
    match item.submitted() {
        Some(first) if first != event.submitted_sha256() => Outcome::Conflict(receipt),
        _ if mine => Outcome::Recorded(receipt),
        // Without a hash a field of the event was erased, and the id alone decides.
        _ => Outcome::Repeated(receipt),
    }
}

/// The outcomes of all submitted events after the commit of `segment`.
pub(super) fn outcomes(
    tenant: &TenantId,
    submitted: &[Entry],
    settled: Vec<Option<Outcome>>,
    segment: Option<&Segment>,
) -> Vec<Outcome> {
    let committed: HashMap<EventId, EventItem> = segment
        .into_iter()
        .flat_map(|segment| index::event_items(tenant, segment))
        .map(|(entry, item)| (entry.event.event_id.clone(), item))
        .collect();
    let mut first = HashSet::new();
    submitted
        .iter()
        .zip(settled)
        .filter_map(|(entry, settled)| {
            settled.or_else(|| {
                let item = committed.get(&entry.event.event_id)?;
                // Twice in one call: the first is recorded, the second repeats or contradicts it.
                Some(settle(&entry.event, item, first.insert(&entry.event.event_id)))
            })
        })
        .collect()
}
