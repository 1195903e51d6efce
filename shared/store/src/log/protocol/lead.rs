//! With the turn: committing what others have announced along with one's own.
//!
//! A term is a run of two rounds over and over: *commit what was looked up, and see what has been announced meanwhile*;
//! then *index what was committed, and look up what was announced*. It ends when nobody waits or the time is up, and
//! the turn goes to the oldest announcement that is left.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::ids::EventId;

use super::{
    super::{
        draft::Draft,
        index,
        port::{Announcement, Put, Slot},
        segment::Segment,
    },
    Call, Moment, Outcome, Step,
    call::Answers,
    decide::{self, Known},
    view::View,
    writer::{Appended, Stage, Writer},
};
use crate::error::StoreError;

/// How long a writer serves others. Its own receipt waits as long.
const TERM: Duration = Duration::from_millis(100);
/// How many looks in vain at the inbox end a term. Those who were served have their next event after about three.
const LINGER: u32 = 4;

impl Writer {
    /// Asks for the turn, which was `from`'s, and for what one needs to know when one has it.
    pub(super) fn take_turn(&mut self, from: Option<Slot>, moment: &Moment) -> Step<Appended> {
        let slot = *self.slot.get_or_insert_with(|| moment.slot());
        self.stage = Stage::Taking;
        Step::ask([Call::PassTurn { from, to: Some(slot) }, Call::Head, Call::Announced])
    }

    pub(super) fn taken(&mut self, mut answers: Answers, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        let passed = answers.pass_turn();
        let mut head = answers.head()?;
        match passed {
            Ok(Put::Done) => {
                self.leading = Some(moment.elapsed);
                // The head may have been read before.
                head.mark.turn = self.slot;
                let inbox = answers.announced()?;
                Ok(self.look_up(head, inbox, moment))
            }
            // Somebody else was first, or the turn is ours and the answer got lost: the mark will tell.
            Ok(Put::Taken) | Err(StoreError::Unavailable { .. }) => Ok(self.announce(Some(head.mark), false, moment)),
            Err(error) => Err(error),
        }
    }

    /// After a commit: what is next.
    pub(super) fn committed(
        &mut self,
        mut view: View,
        done: Vec<Slot>,
        help: &[Arc<Segment>],
        segment: &Arc<Segment>,
        inbox: Result<Vec<Announcement>, StoreError>,
        moment: &Moment,
    ) -> Step<Appended> {
        view.push(Arc::clone(segment));
        self.committed += segment.entries.len() as u64;
        self.settle_committed(segment);
        let Some(since) = self.leading else { return self.finish(&view, Some(segment), help, done, None) };

        // If it could not be read, those who wait are not forgotten: one of them takes the turn.
        let next = self.batch(vec![], inbox.unwrap_or_default());
        let served = !self.dealt_with.is_empty();
        self.contended |= served || !next.is_empty() || next.left.is_some();
        let over = next.asks_for_turn || moment.elapsed.saturating_sub(since) >= TERM.mul_f64(super::tune("TERM", 1.0));
        if over || (next.is_empty() && !served) {
            return self.finish(&view, Some(segment), help, done, next.oldest());
        }
        let items = help.iter().chain([segment]).flat_map(index::items).collect();
        let apply = Call::Apply { items, taken: done };
        if next.is_empty() {
            self.stage = Stage::Lingering { view, applying: Some(Arc::clone(segment)), rounds: 1 };
            return Step::ask([apply, Call::Announced]);
        }
        let keys = self.keys(&next, None);
        self.stage = Stage::LookingUp { view, batch: next, applying: Some(Arc::clone(segment)) };
        Step::ask([apply, Call::Lookup(keys)])
    }

    /// Nobody waited a moment ago, and those who did may be back.
    pub(super) fn linger(
        &mut self,
        view: View,
        inbox: Vec<Announcement>,
        rounds: u32,
        moment: &Moment,
    ) -> Step<Appended> {
        let next = self.batch(vec![], inbox);
        let over = self
            .leading
            .is_none_or(|since| moment.elapsed.saturating_sub(since) >= TERM.mul_f64(super::tune("TERM", 1.0)));
        if over || next.asks_for_turn || (next.is_empty() && rounds >= super::tune("LINGER", f64::from(LINGER)) as u32)
        {
            return self.finish(&view, None, &[], vec![], next.oldest());
        }
        if next.is_empty() {
            self.stage = Stage::Lingering { view, applying: None, rounds: rounds + 1 };
            return Step::ask([Call::Announced]);
        }
        let keys = self.keys(&next, None);
        self.stage = Stage::LookingUp { view, batch: next, applying: None };
        Step::ask([Call::Lookup(keys)])
    }

    /// Settles our own drafts that are known, and returns the segments that must be in the index before the receipts
    /// go out: the reader of a receipt expects to find the event.
    pub(super) fn settle(&mut self, known: &BTreeMap<EventId, Known>) -> Vec<Arc<Segment>> {
        let mut help = Vec::new();
        for (draft, settled) in self.drafts.iter().zip(&mut self.settled) {
            if settled.is_none()
                && let Some(known) = known.get(draft.event_id())
            {
                *settled = Some(decide::settle(&self.log, draft, &known.item));
                help.extend(known.unapplied.clone());
            }
        }
        help
    }

    /// Settles our own drafts by a segment that we have committed.
    fn settle_committed(&mut self, segment: &Arc<Segment>) {
        let mine: BTreeMap<&EventId, usize> =
            segment.entries.iter().enumerate().map(|(at, entry)| (&entry.event.event_id, at)).collect();
        for (draft, settled) in self.drafts.iter().zip(&mut self.settled) {
            if settled.is_none()
                && let Some(&at) = mine.get(draft.event_id())
            {
                let (entry, place) = (&segment.entries[at], &segment.places()[at]);
                let item = index::EventItem::new(&self.log.tenant, segment, entry, place);
                *settled = Some(if entry.secret == draft.entry.secret {
                    Outcome::Recorded(item.receipt())
                } else {
                    // Twice in one call: the first is recorded, the second repeats or contradicts it.
                    decide::settle(&self.log, draft, &item)
                });
            }
        }
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
            return Step::Done(Err(error));
        }
        self.stage = Stage::Leaving { error };
        Step::ask(calls)
    }
}
