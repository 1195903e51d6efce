//! Which events are new, and what the others are.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use domain::ids::EventId;

use super::{
    super::{
        draft::Draft,
        index::{self, EventItem, Found, IndexItem, IndexKey, Receipt},
        port::LogName,
        segment::Segment,
    },
    view::View,
};

/// What became of one submitted event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is in the log now, and was not before this call.
    Recorded(Receipt),
    /// It was there already, with this very content: its first receipt.
    Repeated(Receipt),
    /// Another event has this id: that one's receipt. The submitted one is not in the log.
    Conflict(Receipt),
}

/// Where an event is that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Known {
    pub(super) item: EventItem,
    /// Its index items, if they are not known to be there.
    pub(super) unapplied: Option<Vec<IndexItem>>,
    /// Somebody else has committed it, and may just be dealing with it.
    pub(super) is_fresh: bool,
}

/// The drafts' ids that are in the log, each with its place.
///
/// This is right for every event below the view's end, if the index was read after the view's watermark: an event below
/// the watermark was in the index by then, and every other one is in the tail.
pub(super) fn known<'a>(
    log: &LogName,
    view: &View,
    found: &Found,
    drafts: impl IntoIterator<Item = &'a Arc<Draft>>,
) -> BTreeMap<EventId, Known> {
    let tail: HashMap<&EventId, (&Arc<Segment>, usize)> = view
        .tail
        .iter()
        .flat_map(|segment| {
            segment.entries.iter().enumerate().map(move |(at, entry)| (&entry.event.event_id, (segment, at)))
        })
        .collect();
    let mut known = BTreeMap::new();
    for draft in drafts {
        let id = draft.event_id();
        let indexed = found.get(&IndexKey::event(&log.tenant, id)).cloned().flatten();
        let in_tail = tail.get(id);
        // An id that is found does not mean that the order's timeline has the event as well.
        let unapplied = in_tail
            .filter(|(segment, _)| segment.first >= view.applied)
            .map(|(segment, at)| index::items_of(segment, *at).collect());
        let is_fresh = in_tail.is_some_and(|(segment, _)| view.is_others(segment));
        let place = match (indexed, in_tail) {
            (Some(item), _) => Some(Known { item, unapplied, is_fresh }),
            (None, Some((segment, at))) => {
                let item = EventItem::new(&log.tenant, segment, &segment.entries[*at], &segment.places()[*at]);
                Some(Known { item, unapplied, is_fresh })
            }
            (None, None) => None,
        };
        if let Some(place) = place {
            known.insert(id.clone(), place);
        }
    }
    known
}

/// The drafts to commit: those that are not known, each id once.
pub(super) fn fresh<'a>(
    known: &BTreeMap<EventId, Known>,
    drafts: impl IntoIterator<Item = &'a Arc<Draft>>,
) -> Vec<Arc<Draft>> {
    let mut seen = HashSet::new();
    drafts
        .into_iter()
        .filter(|draft| !known.contains_key(draft.event_id()) && seen.insert(draft.event_id()))
        .cloned()
        .collect()
}

/// What the item of an event's id means for a draft of that id.
pub(super) fn settle(log: &LogName, draft: &Draft, item: &EventItem) -> Outcome {
    let receipt = item.receipt();
    match item.submitted() {
        Some(first) if first != draft.submitted => Outcome::Conflict(receipt),
        // Without a hash a field of the event was erased, and the id alone decides.
        _ if draft.is_recorded_as(item, &log.origin) => Outcome::Recorded(receipt),
        _ => Outcome::Repeated(receipt),
    }
}
