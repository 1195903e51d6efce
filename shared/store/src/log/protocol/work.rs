//! From a batch of events to their index items.
//!
//! A batch goes through three rounds: its ids are looked up, it is committed, it is written to the index. Who writes
//! alone has one batch and is done after that. Who has the turn commits others' announcements along with its own
//! events, and keeps several batches under way: while one is written to the index the next is committed, another is
//! looked up, and the inbox is read for one more. The term ends when nobody waits or the time is up, and the turn goes
//! to the oldest announcement that is left.

use std::sync::Arc;

use super::{
    super::{
        index::{self, Found, IndexItem, IndexKey},
        port::{Announcement, END, Put, Slot},
        segment::Segment,
    },
    Call, Moment, Step,
    batch::Batch,
    call::Answers,
    view::View,
    writer::{Appended, MAX_LOST, Stage, Writer},
};
use crate::error::StoreError;

/// What is under way, each in its own call of one round.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Work {
    pub(super) view: View,
    pub(super) looking_up: Option<Batch>,
    pub(super) committing: Option<Committing>,
    pub(super) applying: Option<After>,
    /// Only how far the tail is applied is looked up, while something is committed.
    pub(super) checking: bool,
    /// What is committed next is first staged.
    pub(super) staging: bool,
    /// Nothing more is taken on.
    pub(super) over: bool,
    /// The oldest announcement that is not taken on.
    pub(super) left: Option<Slot>,
    /// How often in a row the inbox was empty.
    pub(super) idle: u32,
}

impl Work {
    fn new(view: View) -> Self {
        Self {
            view,
            looking_up: None,
            committing: None,
            applying: None,
            checking: false,
            staging: false,
            over: false,
            left: None,
            idle: 0,
        }
    }
}

/// A commit, and what is to be done after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Committing {
    pub(super) segment: Arc<Segment>,
    /// Its entries are in S3, or on the way there.
    pub(super) staged: bool,
    pub(super) after: After,
}

/// What is to be written to the index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct After {
    pub(super) segment: Option<Arc<Segment>>,
    /// Of events that somebody else has committed, and that our own receipts speak of.
    pub(super) help: Vec<IndexItem>,
    /// Announcements whose events are in the log.
    pub(super) done: Vec<Slot>,
}

impl After {
    pub(super) fn is_empty(&self) -> bool {
        self.segment.is_none() && self.help.is_empty() && self.done.is_empty()
    }

    pub(super) fn items(&self) -> Vec<IndexItem> {
        self.help.iter().cloned().chain(self.segment.iter().flat_map(index::items)).collect()
    }
}

impl Writer {
    /// With a fresh view of the log's end and, with the turn, of the inbox.
    pub(super) fn begin_work(&mut self, view: View, mut inbox: Vec<Announcement>) -> Step<Appended> {
        // Whoever only waited for the turn, got it and did nothing, is dead, or will announce itself again.
        let dead = inbox.extract_if(.., |one| one.drafts.is_empty() && Some(one.slot) == self.stuck);
        let dead: Vec<_> = dead.map(|one| one.slot).collect();
        self.dealt_with.extend(&dead);
        let batch = self.batch(self.unsettled(), inbox);
        self.dealt_with.extend(batch.taken.iter().map(|one| one.slot));
        let mut calls = vec![Call::Lookup(self.keys(&batch, &view))];
        let mut work = Work::new(view);
        (work.left, work.over) = (batch.left, batch.asks_for_turn);
        if !dead.is_empty() {
            calls.push(Call::Apply { items: vec![], taken: dead.clone() });
            work.applying = Some(After { done: dead, ..After::default() });
        }
        if self.leading.is_some() && !work.over {
            calls.push(Call::Announced);
        }
        work.looking_up = Some(batch);
        self.stage = Stage::Working(Box::new(work));
        Step::ask(calls)
    }

    /// With a fresh view of the log's end, after a lost race: what our events need no look-up for.
    pub(super) fn commit_again(&mut self, view: View, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        let batch = self.batch(self.unsettled(), vec![]);
        let (mut work, mut after) = (Work::new(view), After::default());
        // A longer tail would take whoever reads it another round trip.
        work.checking = work.view.tail.len() >= END;
        work.committing = self.decide(&mut work.view, &batch, &Found::new(), &mut after, moment)?;
        Ok(self.next_round(work, after, None))
    }

    pub(super) fn work_on(
        &mut self,
        mut work: Work,
        mut answers: Answers,
        moment: &Moment,
    ) -> Result<Step<Appended>, StoreError> {
        if let Some(applied) = work.applying.take() {
            answers.apply()?;
            self.indexed = self.all_settled();
            applied.segment.iter().for_each(|segment| work.view.note_applied(segment));
        }
        if std::mem::take(&mut work.checking) {
            // It only saves others a look, and may fail.
            let found = answers.lookup().unwrap_or_default();
            work.view.check_applied(&self.log.tenant, &found);
        }
        let mut after = After::default();
        if std::mem::take(&mut work.staging) {
            answers.stage()?;
        } else if let Some(Committing { segment, after: then, .. }) = work.committing.take() {
            match answers.commit() {
                Ok(Put::Done) => {}
                Ok(Put::Taken) => return self.race_again(moment),
                // It may be in the log: the next look at the end of the log tells.
                Err(StoreError::Unavailable { .. }) if self.lost < MAX_LOST => {
                    self.lost += 1;
                    return self.race_again(moment);
                }
                Err(error) => return Err(error),
            }
            work.view.push(Arc::clone(&segment));
            self.committed += segment.entries.len() as u64;
            self.settle_committed(&segment);
            after = then;
            after.segment = Some(segment);
        }
        if let Some(batch) = work.looking_up.take() {
            let found = answers.lookup()?;
            if self.is_beyond(&work.view, &batch, &found) {
                return self.race_again(moment);
            }
            work.committing = self.decide(&mut work.view, &batch, &found, &mut after, moment)?;
        }
        let next = match self.leading {
            // Until it is staged and committed, nothing else can be put behind it.
            _ if work.committing.as_ref().is_some_and(|committing| !committing.staged) => None,
            Some(since) if !work.over => {
                // If it cannot be read, those who wait are not forgotten: one of them takes the turn.
                let inbox = answers.announced().unwrap_or_default();
                self.take_on(&mut work, inbox, moment.elapsed.saturating_sub(since))
            }
            _ => None,
        };
        Ok(self.next_round(work, after, next))
    }

    /// Whether one of our own events was committed after we read the log's end. That its id is in the index says
    /// nothing of its order's timeline then, and its segment is not in the tail that we know.
    fn is_beyond(&self, view: &View, batch: &Batch, found: &Found) -> bool {
        let end = view.chain.sequence();
        batch.own.iter().any(|draft| {
            let item = found.get(&IndexKey::event(&self.log.tenant, draft.event_id()));
            item.is_some_and(|item| item.as_ref().is_some_and(|item| item.sequence > end))
        })
    }
}
