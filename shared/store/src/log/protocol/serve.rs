//! With a batch or between two: what is taken on, what is new in it, and which calls come next.

use std::{sync::Arc, time::Duration};

use super::{
    super::{
        draft::Draft,
        index::{Found, IndexItem, IndexKey},
        port::{Announcement, Slot},
        segment::Segment,
    },
    Call, Moment, Step,
    batch::Batch,
    decide,
    view::View,
    work::{After, Committing, Work},
    writer::{Appended, Stage, Writer},
};
use crate::error::StoreError;

/// How long a writer serves others. Its own receipt waits as long.
const TERM: Duration = Duration::from_millis(150);
/// How many looks in vain at the inbox end a term. Those who were served have their next event after about three.
const LINGER: u32 = 4;
/// Of so many who were served it is worth waiting for the next events.
const MANY: usize = 2;
/// Commits of this many events together move the watermark over themselves at once: later writers would else read them
/// again and again. Fewer are left to the next writer, which saves a round trip.
const RAISE_OVER: u64 = 25;
/// How many batches of index items are looked up to know how far the log's tail is applied: by everybody, and by whom
/// many wait for.
const CHECKED_BATCHES: [usize; 2] = [1, 8];

impl Writer {
    /// What to look up next, of what is announced.
    pub(super) fn take_on(&mut self, work: &mut Work, inbox: Vec<Announcement>, served_for: Duration) -> Option<Batch> {
        let next = self.batch(vec![], inbox);
        // Who ends when nobody waits leaves the turn to a race.
        work.over |= next.asks_for_turn || (served_for >= TERM && !next.is_empty());
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
    pub(super) fn decide(
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
            // What somebody else has just committed, that one takes away, and if it has died, whoever commits later.
            if known.all(|known| !known.is_fresh) {
                then.done.push(one.slot);
            }
        }
        if self.unsettled().len() <= batch.own.len() {
            self.absent_below = Some(view.chain.sequence() + 1);
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

    pub(super) fn next_round(&mut self, mut work: Work, after: After, next: Option<Batch>) -> Step<Appended> {
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
        if work.checking {
            calls.push(Call::Lookup(self.keys(&Batch::default(), &work.view)));
        }
        if let Some(next) = &next {
            calls.push(Call::Lookup(self.keys(next, &work.view)));
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
    pub(super) fn batch(&self, own: Vec<Arc<Draft>>, inbox: Vec<Announcement>) -> Batch {
        let others =
            inbox.into_iter().filter(|one| Some(one.slot) != self.slot && !self.dealt_with.contains(&one.slot));
        Batch::new(own, others)
    }

    /// The index items to look up: the drafts', and so many of the tail's as is worth it.
    pub(super) fn keys(&self, batch: &Batch, view: &View) -> Vec<IndexKey> {
        let tenant = &self.log.tenant;
        let mut keys: Vec<_> = batch.drafts().map(|draft| IndexKey::event(tenant, draft.event_id())).collect();
        let batches = CHECKED_BATCHES[usize::from(self.leading.is_some())];
        keys.extend(view.keys_to_check(tenant, keys.len(), batches));
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
