//! Getting the turn and giving it back, and what has become of our own drafts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::ids::EventId;

use super::{
    super::{
        draft::Draft,
        index::{self, IndexItem},
        port::{Put, Slot},
        segment::Segment,
    },
    Call, Moment, Outcome, Step,
    call::Answers,
    decide::{self, Known},
    writer::{Appended, Stage, Writer},
};
use crate::error::StoreError;

impl Writer {
    /// Asks for the turn, which was `from`'s, and for what one needs to know when one has it.
    pub(super) fn take_turn(&mut self, from: Option<Slot>, moment: &Moment) -> Step<Appended> {
        let slot = *self.slot.get_or_insert_with(|| moment.slot());
        self.stuck = from;
        self.stage = Stage::Taking;
        self.ask([Call::PassTurn { from, to: Some(slot) }, Call::Head, Call::Announced])
    }

    pub(super) fn taken(&mut self, mut answers: Answers, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        let passed = answers.pass_turn();
        if passed == Ok(Put::Done) {
            self.leading = Some(moment.elapsed);
        }
        let mut head = answers.head()?;
        match passed {
            Ok(Put::Done) => {
                // The head may have been read before.
                head.mark.turn = self.slot;
                let inbox = answers.announced()?;
                self.look_up(head, inbox, moment)
            }
            // Somebody else was first, or the turn is ours and the answer got lost: the mark will tell.
            Ok(Put::Taken) | Err(StoreError::Unavailable { .. }) => Ok(self.queue_up(head.mark, moment)),
            Err(error) => Err(error),
        }
    }

    /// Settles our own drafts that are known, and returns the index items that must be there before the receipts go
    /// out: the reader of a receipt expects to find the event.
    pub(super) fn settle(&mut self, known: &BTreeMap<EventId, Known>) -> Vec<IndexItem> {
        let (mut help, mut helped) = (Vec::new(), BTreeSet::new());
        for (draft, settled) in self.drafts.iter().zip(&mut self.settled) {
            if settled.is_none()
                && let Some(known) = known.get(draft.event_id())
            {
                *settled = Some(decide::settle(&self.log, draft, &known.item));
                // Once, even if the event is among ours twice: a batch with the same item twice is refused.
                if helped.insert(draft.event_id()) {
                    help.extend(known.unapplied.iter().flatten().cloned());
                }
            }
        }
        help
    }

    /// Forgets what has become of our drafts, unless all of it is in the index: what would have helped a receipt may not
    /// have been written. The next look at the log finds it again, and says the same.
    pub(super) fn unsettle(&mut self) {
        if !self.indexed && self.settled.iter().any(Option::is_some) {
            self.settled.fill(None);
            self.absent_below = None;
        }
    }

    /// Settles our own drafts by a segment that we have committed, and says whether by that the last of them.
    pub(super) fn settle_committed(&mut self, segment: &Arc<Segment>) -> bool {
        let settled = self.all_settled();
        self.committed += segment.entries.len() as u64;
        let mine: BTreeMap<&EventId, usize> =
            segment.entries.iter().enumerate().map(|(at, entry)| (&entry.event.event_id, at)).collect();
        for (draft, settled) in self.drafts.iter().zip(&mut self.settled) {
            if settled.is_none()
                && let Some(&at) = mine.get(draft.event_id())
            {
                let (entry, place) = (&segment.entries[at], &segment.places()[at]);
                let item = index::EventItem::new(&self.log.tenant, segment, entry, place);
                *settled = Some(if entry.opening == draft.entry.opening {
                    Outcome::Recorded(item.receipt())
                } else {
                    // Twice in one call: the first is recorded, the second repeats or contradicts it.
                    decide::settle(&self.log, draft, &item)
                });
            }
        }
        !settled && self.all_settled()
    }

    pub(super) fn unsettled(&self) -> Vec<Arc<Draft>> {
        self.drafts
            .iter()
            .zip(&self.settled)
            .filter(|(_, settled)| settled.is_none())
            .map(|(d, _)| Arc::clone(d))
            .collect()
    }

    pub(super) fn all_settled(&self) -> bool {
        self.settled.iter().all(Option::is_some)
    }

    /// Gives up, and leaves neither the turn nor an announcement behind, as far as that is possible.
    pub(super) fn leave(&mut self, error: StoreError) -> Step<Appended> {
        let mut calls = Vec::with_capacity(2);
        if self.leading.take().is_some() {
            calls.push(Call::PassTurn { from: self.slot, to: None });
        }
        if std::mem::take(&mut self.announced) {
            calls.push(Call::Apply { items: vec![], taken: self.slot.into_iter().collect() });
        }
        if calls.is_empty() {
            return self.left(error);
        }
        self.stage = Stage::Leaving { error };
        self.ask(calls)
    }

    /// What failed may have been somebody else's commit.
    pub(super) fn left(&mut self, error: StoreError) -> Step<Appended> {
        if self.indexed { self.done() } else { Step::Done(Err(error)) }
    }
}
