//! Calls on their way: made part by part where the tables are not a snapshot, or not all or nothing.

use std::sync::Arc;

use store::log::{
    Found, IndexItem, IndexKey, Segment,
    memory::Memory,
    port::{Announcement, LogName, Mark, Put, Slot},
    protocol::{Answer, Call},
};

use crate::broken::Variant;

/// In which parts calls are made. All in one is coarser, and lets larger configurations be seen to their end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Grain {
    /// The watermark is read before or after the segments.
    pub(crate) torn_head: bool,
    /// The keys of one look-up, and the two halves of the inbox, are read at different times.
    pub(crate) torn_lookup: bool,
    /// The items of one write are written at different times, and after a failure only some.
    pub(crate) torn_apply: bool,
    /// The reads of one round are made at one moment.
    pub(crate) reads_together: bool,
}

/// What of a call happens at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Whole,
    Mark,
    Segments,
    Key(IndexKey),
    Inbox { half: u64 },
    Item(IndexItem),
    Remove(Slot),
}

/// A call that is not answered yet, and what has come of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pending {
    pub(crate) call: Call,
    pub(crate) left: Vec<Part>,
    mark: Option<Mark>,
    segments: Option<Vec<Arc<Segment>>>,
    found: Found,
    inbox: Vec<Announcement>,
    pub(crate) answer: Option<Answer>,
}

impl Pending {
    pub(crate) fn new(call: Call, grain: Grain) -> Self {
        let left = match &call {
            Call::Head if grain.torn_head => vec![Part::Mark, Part::Segments],
            Call::Lookup(keys) if grain.torn_lookup && keys.len() > 1 => keys.iter().cloned().map(Part::Key).collect(),
            Call::Announced if grain.torn_lookup => vec![Part::Inbox { half: 0 }, Part::Inbox { half: 1 }],
            Call::Apply { items, taken } if grain.torn_apply && items.len() + taken.len() > 1 => {
                let items = items.iter().cloned().map(Part::Item);
                items.chain(taken.iter().copied().map(Part::Remove)).collect()
            }
            _ => vec![Part::Whole],
        };
        Self { call, left, mark: None, segments: None, found: Found::new(), inbox: vec![], answer: None }
    }

    /// Makes one part. The call is answered with the last one.
    pub(crate) fn make(&mut self, at: usize, memory: &mut Memory, log: &LogName, variant: Variant) {
        match self.left.remove(at) {
            Part::Whole => self.answer = Some(variant.make(memory, log, &self.call)),
            Part::Mark => self.mark = Some(memory.mark(&log.tenant)),
            Part::Segments => self.segments = Some(memory.segments(&log.tenant).cloned().collect()),
            Part::Key(key) => self.found.append(&mut memory.lookup(&log.tenant, &[key])),
            Part::Inbox { half } => {
                self.inbox.extend(memory.announced(&log.tenant).into_iter().filter(|one| one.slot.0 % 2 == half));
                self.inbox.sort_by_key(|one| one.slot);
            }
            Part::Item(item) => memory.write(&log.tenant, &item),
            Part::Remove(slot) => memory.remove(&log.tenant, slot),
        }
        if self.left.is_empty() && self.answer.is_none() {
            self.answer = Some(match &self.call {
                Call::Head => {
                    let mut seen = Memory::default();
                    for segment in self.segments.iter().flatten() {
                        // Its object, if it has one, was there first.
                        seen.stage(&log.tenant, segment);
                        // Where nothing is, as in the memory that they come from.
                        assert_eq!(seen.commit(&log.tenant, segment), Put::Done);
                    }
                    Answer::Head(seen.head(log, self.mark.unwrap_or(Mark::START)))
                }
                Call::Lookup(_) => Answer::Lookup(Ok(std::mem::take(&mut self.found))),
                Call::Announced => Answer::Announced(Ok(std::mem::take(&mut self.inbox))),
                _ => Answer::Apply(Ok(())),
            });
        }
        if self.answer.is_some() {
            // What was read is in the answer.
            (self.mark, self.segments) = (None, None);
        }
    }

    /// The writes that are still to come, each as a call of its own: they may arrive when nobody waits for them.
    pub(crate) fn still_to_come(&self) -> Vec<Call> {
        let one = |items, taken| Some(Call::Apply { items, taken });
        self.left
            .iter()
            .filter_map(|part| match part {
                Part::Whole => self.is_write().then(|| self.call.clone()),
                Part::Item(item) => one(vec![item.clone()], vec![]),
                Part::Remove(slot) => one(vec![], vec![*slot]),
                Part::Mark | Part::Segments | Part::Key(_) | Part::Inbox { .. } => None,
            })
            .collect()
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(
            self.call,
            Call::Stage(_)
                | Call::Commit(_)
                | Call::Apply { .. }
                | Call::Raise(_)
                | Call::PassTurn { .. }
                | Call::Announce(_)
        )
    }
}
