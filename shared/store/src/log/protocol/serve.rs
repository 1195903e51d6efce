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
    task::{After, Committing, Work},
    view::View,
    writer::{Appended, Stage, Writer},
};
use crate::error::StoreError;

/// How long a writer serves others. Its own receipt waits as long.
const TERM: Duration = Duration::from_millis(150);
/// How many looks in vain at the inbox, one after the other, end a term. Those who were served have their next event
/// after about three.
const LINGER: u32 = 4;
/// Of so many who were served it is worth waiting for the next events.
const MANY: usize = 2;
/// Commits of this many events together move the watermark over themselves at once: later writers would else read them
/// again and again. Fewer are left to the next writer, which saves a round trip.
const RAISE_OVER: u64 = 25;
/// How many batches of index items are looked up to know how far the log's tail is applied: for few events, and for many.
/// Whoever commits many must know it of the few before them, or the watermark stays there, and the many are in everybody's
/// tail.
const CHECKED_BATCHES: [usize; 2] = [1, 8];

impl Writer {
    /// What to look up next, of what is announced.
    pub(super) fn take_on(&mut self, work: &mut Work, inbox: Vec<Announcement>, moment: &Moment) -> Option<Batch> {
        let mut next = self.batch(vec![], inbox);
        let served_for = moment.elapsed.saturating_sub(self.leading.unwrap_or(moment.elapsed));
        // Who ends when nobody waits leaves the turn to a race.
        work.over = next.asks_for_turn || (served_for >= TERM && !next.is_empty());
        if work.over && next.left.is_none() {
            // Somebody must be left to have the turn.
            next.leave_oldest();
        }
        work.left = next.left;
        if next.is_empty() {
            return None;
        }
        self.dealt_with.extend(next.taken.iter().map(|one| one.slot));
        self.contended |= self.serves_many();
        Some(next)
    }

    pub(super) fn serves_many(&self) -> bool {
        self.dealt_with.len() >= MANY
    }

    /// How many looks in vain at the inbox do not end a term.
    pub(super) fn patience(&self) -> u32 {
        LINGER * u32::try_from(self.inbox_looks).unwrap_or(u32::MAX)
    }

    /// Parts a batch, whose ids were looked up, into what is committed next and what only remains to be done `after`.
    pub(super) fn decide(
        &mut self,
        work: &mut Work,
        batch: &Batch,
        found: &Found,
        after: &mut After,
        moment: &Moment,
    ) -> Result<Option<Committing>, StoreError> {
        let view = &mut work.view;
        view.check_applied(&self.log.tenant, found);
        let known = decide::known(&self.log, view, found, batch.drafts());
        let settled = self.all_settled();
        let mut then = After { help: self.settle(&known), ..After::default() };
        then.completes = !settled && self.all_settled();
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
            after.completes |= then.completes;
            return Ok(None);
        }
        // The log's time never goes back, whatever the writers' clocks say.
        let received_at = view.received_at.map_or(moment.now, |last| last.max(moment.now));
        let mut segment = Segment::seal(&view.chain, received_at, moment.dice, &fresh);
        if self.stage_over < usize::MAX && segment.packed()?.len() > self.stage_over {
            segment = segment.into_staged();
        }
        Ok(Some(Committing { segment: Arc::new(segment), check: std::mem::take(&mut work.check), after: then }))
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
        self.ask(calls)
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
        let many = self.leading.is_some() || keys.len() as u64 >= RAISE_OVER;
        let batches = CHECKED_BATCHES[usize::from(many)];
        keys.extend(view.keys_to_check(tenant, keys.len(), batches));
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
