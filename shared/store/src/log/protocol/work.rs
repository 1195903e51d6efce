//! From a batch of events to their index items.
//!
//! A batch goes through three rounds: its ids are looked up, it is committed, it is written to the index. Who writes
//! alone has one batch and is done after that. Who has the turn commits others' announcements along with its own
//! events, and keeps several batches under way: while one is written to the index the next is committed, another is
//! looked up, and the inbox is read for one more. The term ends when nobody waits or the time is up, and the turn goes
//! to the oldest announcement that is left.

use std::{sync::Arc, time::Duration};

use super::{
    super::{
        draft::Draft,
        index::{self, Found, IndexItem, IndexKey},
        port::{Announcement, Put, Slot},
        segment::Segment,
    },
    Call, Moment, Step,
    batch::Batch,
    call::Answers,
    decide,
    view::View,
    writer::{Appended, MAX_LOST, Stage, Writer},
};
use crate::error::StoreError;

/// How long a writer serves others. Its own receipt waits as long.
const TERM: Duration = Duration::from_millis(150);
/// How many looks in vain at the inbox end a term. Those who were served have their next event after about three.
const LINGER: u32 = 4;
/// Of so many who were served it is worth waiting for the next events.
const MANY: usize = 3;
/// Commits of this many events together move the watermark over themselves at once: later writers would else read them
/// again and again. Fewer are left to the next writer, which saves a round trip.
const RAISE_OVER: u64 = 25;
/// How many batches of index items are looked up to know how far the log's tail is applied: by everybody, and by whom
/// many wait for.
const CHECKED_BATCHES: [usize; 2] = [1, 8];

/// What is under way, each in its own call of one round.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Work {
    view: View,
    looking_up: Option<Batch>,
    committing: Option<Committing>,
    applying: Option<After>,
    /// What is committed next is first staged.
    staging: bool,
    /// Nothing more is taken on.
    over: bool,
    /// The oldest announcement that is not taken on.
    left: Option<Slot>,
    /// How often in a row the inbox was empty.
    idle: u32,
}

/// A commit, and what is to be done after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Committing {
    segment: Arc<Segment>,
    /// Its entries are in S3, or on the way there.
    staged: bool,
    after: After,
}

/// What is to be written to the index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct After {
    segment: Option<Arc<Segment>>,
    /// Of events that somebody else has committed, and that our own receipts speak of.
    help: Vec<IndexItem>,
    /// Announcements whose events are in the log.
    done: Vec<Slot>,
}

impl After {
    fn is_empty(&self) -> bool {
        self.segment.is_none() && self.help.is_empty() && self.done.is_empty()
    }

    fn items(&self) -> Vec<IndexItem> {
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
        let mut calls = vec![Call::Lookup(self.keys(&batch, Some(&view)))];
        let (left, over) = (batch.left, batch.asks_for_turn);
        let mut applying = None;
        if !dead.is_empty() {
            calls.push(Call::Apply { items: vec![], taken: dead.clone() });
            applying = Some(After { done: dead, ..After::default() });
        }
        if self.leading.is_some() && !over {
            calls.push(Call::Announced);
        }
        let work =
            Work { view, looking_up: Some(batch), committing: None, applying, staging: false, over, left, idle: 0 };
        self.stage = Stage::Working(Box::new(work));
        Step::ask(calls)
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

    /// What to look up next, of what is announced.
    fn take_on(&mut self, work: &mut Work, inbox: Vec<Announcement>, served_for: Duration) -> Option<Batch> {
        let next = self.batch(vec![], inbox);
        work.over |= next.asks_for_turn || served_for >= TERM;
        if work.over {
            work.left = next.oldest();
            return None;
        }
        work.left = next.left;
        if next.is_empty() {
            return None;
        }
        self.dealt_with.extend(next.taken.iter().map(|one| one.slot));
        self.contended |= self.dealt_with.len() >= MANY;
        Some(next)
    }

    /// Parts a batch, whose ids were looked up, into what is committed next and what only remains to be done `after`.
    fn decide(
        &mut self,
        view: &mut View,
        batch: &Batch,
        found: &Found,
        after: &mut After,
        moment: &Moment,
    ) -> Result<Option<Committing>, StoreError> {
        view.check_applied(&self.log.tenant, found);
        let known = decide::known(&self.log, view, found, batch.drafts());
        let mut then = After { help: self.settle(&known), ..After::default() };
        for one in &batch.taken {
            let mut known = one.drafts.iter().filter_map(|draft| known.get(draft.event_id()));
            // What is committed but not known to be in the index, somebody else is just about to write there. It stays
            // announced, so that whoever waits for it looks for itself if that one has died.
            if known.all(|known| known.unapplied.is_none()) {
                then.done.push(one.slot);
            }
        }
        let fresh = decide::fresh(&known, batch.drafts());
        if fresh.is_empty() {
            after.help.append(&mut then.help);
            after.done.append(&mut then.done);
            return Ok(None);
        }
        // The log's time never goes back, whatever the writers' clocks say.
        let received_at = view.received_at.map_or(moment.now, |last| last.max(moment.now));
        let mut segment = Segment::seal(&view.chain, received_at, moment.dice, &fresh);
        if self.stage_over < usize::MAX && segment.packed()?.len() > self.stage_over {
            segment = segment.into_staged();
        }
        Ok(Some(Committing { staged: !segment.is_staged(), segment: Arc::new(segment), after: then }))
    }

    fn next_round(&mut self, mut work: Work, after: After, next: Option<Batch>) -> Step<Appended> {
        let busy = work.committing.is_some() || next.is_some();
        work.idle = if busy { 0 } else { work.idle + 1 };
        let few = self.dealt_with.len() < MANY;
        if !busy && (self.leading.is_none() || work.over || few || work.idle > LINGER) {
            let items = after.items();
            return self.finish(&work.view, after.segment.as_ref(), items, after.done, work.left);
        }
        let mut calls = Vec::with_capacity(4);
        if !after.is_empty() {
            calls.push(Call::Apply { items: after.items(), taken: after.done.clone() });
            work.applying = Some(after);
        }
        if let Some(committing) = &mut work.committing {
            let segment = Arc::clone(&committing.segment);
            work.staging = !std::mem::replace(&mut committing.staged, true);
            calls.push(if work.staging { Call::Stage(segment) } else { Call::Commit(segment) });
        }
        if let Some(next) = &next {
            calls.push(Call::Lookup(self.keys(next, None)));
        }
        if self.leading.is_some() && !work.over {
            calls.push(Call::Announced);
        }
        let last = work.over && next.is_none() && !work.staging;
        if last && work.left.is_some() && self.leading.take().is_some() {
            // Whoever has the turn next finds the last commit in the log, or makes it fail.
            calls.push(Call::PassTurn { from: self.slot, to: work.left });
        }
        work.looking_up = next;
        self.stage = Stage::Working(Box::new(work));
        Step::ask(calls)
    }

    /// The last round: writes the index, raises the watermark as far as is known, and gives the turn away.
    pub(super) fn finish(
        &mut self,
        view: &View,
        last: Option<&Arc<Segment>>,
        items: Vec<IndexItem>,
        mut taken: Vec<Slot>,
        next: Option<Slot>,
    ) -> Step<Appended> {
        taken.extend(self.slot.filter(|_| self.announced));
        // The last commit is applied by this very round.
        let end = last.filter(|own| own.first == view.applied).map_or(view.applied, |own| own.next());
        let raise = (self.committed >= RAISE_OVER && end > view.watermark).then_some(end);
        let mut calls = Vec::with_capacity(3);
        if raise.is_none() && view.applied > view.watermark {
            calls.push(Call::Raise(view.applied));
        }
        if self.leading.is_some() {
            calls.push(Call::PassTurn { from: self.slot, to: next });
        }
        if items.is_empty() && taken.is_empty() && calls.is_empty() && raise.is_none() {
            return self.done();
        }
        calls.push(Call::Apply { items, taken });
        self.stage = Stage::Finishing { raise };
        Step::ask(calls)
    }

    /// What to commit next: our own drafts, and what is announced and not dealt with.
    fn batch(&self, own: Vec<Arc<Draft>>, inbox: Vec<Announcement>) -> Batch {
        let others =
            inbox.into_iter().filter(|one| Some(one.slot) != self.slot && !self.dealt_with.contains(&one.slot));
        Batch::new(own, others)
    }

    /// The index items to look up: the drafts', and so many of the tail's as is worth it.
    fn keys(&self, batch: &Batch, view: Option<&View>) -> Vec<IndexKey> {
        let tenant = &self.log.tenant;
        let mut keys: Vec<_> = batch.drafts().map(|draft| IndexKey::event(tenant, draft.event_id())).collect();
        if let Some(view) = view {
            let batches = CHECKED_BATCHES[usize::from(self.leading.is_some())];
            keys.extend(view.keys_to_check(tenant, keys.len(), batches));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
