//! Without the turn: announcing one's events, and waiting until somebody has committed them or the turn comes.

use std::time::Duration;

use super::{
    super::{
        index::{self, Found, IndexKey},
        port::{Announcement, Head, Mark, Put},
    },
    Call, Moment, Round, Step,
    call::Answers,
    decide,
    under_way::Purpose,
    view::View,
    writer::{Appended, MAX_LOST, Stage, Writer},
};
use crate::error::StoreError;

/// How long nothing may move before the one who has the turn is taken for dead. By our own clock: nobody's clocks are
/// compared.
const STUCK: Duration = Duration::from_millis(1_000);
/// So that not everybody takes the turn at once.
const STUCK_SPREAD: Duration = Duration::from_millis(500);
/// After this long we look for ourselves whether our events are in the log: who committed them may have died before
/// they were in the index, or our announcement may be lost.
const LOOK_AFTER: Duration = Duration::from_millis(2_500);
/// How long a writer waits in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events that are announced; of more than these only the wish for the turn is.
const MAX_EVENTS: usize = 25;
const MAX_BYTES: usize = 64 * 1024;
/// How many times as long as a call took we wait before the first look, and before the second; then ever longer.
const FIRST_LOOK: f64 = 2.4;
const NEXT_LOOK: f64 = 0.3;
const LONGER: f64 = 1.25;
const LONGEST: Duration = Duration::from_millis(100);
const SHORTEST: Duration = Duration::from_millis(2);

/// What a waiting writer remembers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wait {
    /// Watermark and turn as they were last seen, and since when they are so.
    pub(super) seen: Mark,
    pub(super) since: Duration,
    /// When we last looked for ourselves.
    pub(super) looked: Duration,
    pub(super) pause: Duration,
    /// Our events in their orders' timelines, as far as they were found by their ids: both must be there before a
    /// receipt goes out.
    pub(super) places: Vec<IndexKey>,
}

impl Writer {
    /// Announces our events. `seen`: watermark and turn, if they were just read; else they are read `meanwhile`.
    pub(super) fn announce(&mut self, seen: Option<Mark>, meanwhile: bool, moment: &Moment) -> Step<Appended> {
        let slot = *self.slot.get_or_insert_with(|| moment.slot());
        let drafts = self.unsettled();
        let bytes: usize = drafts.iter().map(|draft| draft.json.len()).sum();
        let small = drafts.len() <= MAX_EVENTS && bytes <= MAX_BYTES;
        let announcement = Announcement { slot, drafts: if small { drafts } else { vec![] } };
        let again = std::mem::replace(&mut self.announced, true);
        self.stage = Stage::Announcing { asked: moment.elapsed, seen, again };
        let mut calls = vec![Call::Announce(announcement)];
        if meanwhile {
            calls.push(Call::Mark);
        }
        self.ask(calls)
    }

    /// Waits with all others, and announces our events unless that is done.
    pub(super) fn queue_up(&mut self, seen: Mark, moment: &Moment) -> Step<Appended> {
        if !self.announced {
            return self.announce(Some(seen), false, moment);
        }
        let wait = Wait { seen, since: moment.elapsed, looked: moment.elapsed, pause: Duration::ZERO, places: vec![] };
        self.begin_waiting(SHORTEST, SHORTEST, wait)
    }

    pub(super) fn announcement_made(
        &mut self,
        asked: Duration,
        seen: Option<Mark>,
        again: bool,
        mut answers: Answers,
        moment: &Moment,
    ) -> Result<Step<Appended>, StoreError> {
        match answers.announce() {
            // By somebody else, or by us with a try whose answer the client has lost: then it is there twice, which does
            // no harm.
            Ok(Put::Taken) if !again => {
                self.slot = Some(moment.slot());
                return Ok(self.announce(seen, seen.is_none(), moment));
            }
            Ok(_) => {}
            Err(StoreError::Unavailable { .. }) if self.lost < MAX_LOST => {
                self.lost += 1;
                return Ok(self.announce(seen, seen.is_none(), moment));
            }
            Err(error) => return Err(error),
        }
        let seen = seen.map_or_else(|| answers.mark(), Ok)?;
        let took = moment.elapsed.saturating_sub(asked);
        let wait = Wait {
            seen,
            since: moment.elapsed,
            looked: moment.elapsed,
            pause: took.mul_f64(NEXT_LOOK),
            places: vec![],
        };
        if seen.turn.is_none() || seen.turn == self.slot {
            return Ok(self.lead_from(seen, moment));
        }
        let apart = (took + wait.pause).div_f64(self.looks as f64);
        Ok(self.begin_waiting(took.mul_f64(FIRST_LOOK).max(SHORTEST), apart.max(SHORTEST), wait))
    }

    /// The turn is free, or ours.
    fn lead_from(&mut self, seen: Mark, moment: &Moment) -> Step<Appended> {
        if seen.turn.is_none() {
            return self.take_turn(None, moment);
        }
        self.leading = Some(moment.elapsed);
        self.stage = Stage::Reading;
        self.ask([Call::Head, Call::Announced])
    }

    /// `first`: how long before the first look; `apart`: and from that to the next, while the first is under way.
    fn begin_waiting(&mut self, first: Duration, apart: Duration, wait: Wait) -> Step<Appended> {
        self.under_way.forget();
        let mut pause = first;
        let rounds = (0..self.looks).map(|at| {
            // A turn is passed far less often than receipts come.
            let round = self.look(pause, at == 0, &wait);
            pause += apart;
            round
        });
        let rounds = rounds.collect();
        self.stage = Stage::Waiting(wait);
        Step::Ask(rounds)
    }

    fn look_again(&mut self, pause: Duration, turn: bool, wait: Wait) -> Step<Appended> {
        let round = self.look(pause, turn, &wait);
        self.stage = Stage::Waiting(wait);
        Step::Ask(vec![round])
    }

    fn look(&mut self, pause: Duration, turn: bool, wait: &Wait) -> Round {
        // One of several is enough to see that something has happened.
        let at_most = if wait.places.is_empty() { 1 } else { usize::MAX };
        let waiting = self.drafts.iter().zip(&self.settled).filter(|(_, settled)| settled.is_none());
        let ids = waiting.map(|(draft, _)| IndexKey::event(&self.log.tenant, draft.event_id())).take(at_most);
        let mut keys: Vec<_> = ids.chain(wait.places.iter().cloned()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut calls = vec![Call::Lookup(keys)];
        if turn {
            calls.push(Call::Mark);
        }
        // Of a single event, most likely the last one of its order, the same round shows whether it is in the timeline.
        if let ([draft], true) = (&self.drafts[..], wait.places.is_empty()) {
            calls.push(Call::Newest(draft.entry.event.order_id.clone()));
        }
        self.under_way.ask(Purpose::Look { turn }, pause.min(LONGEST), calls)
    }

    pub(super) fn look_round(
        &mut self,
        mut wait: Wait,
        turn: bool,
        mut answers: Answers,
        moment: &Moment,
    ) -> Result<Step<Appended>, StoreError> {
        let (mut found, mark) = (answers.lookup()?, if turn { Some(answers.mark()?) } else { None });
        if let [draft] = &self.drafts[..]
            && let Some(sequence) = answers.newest_if_asked()?
        {
            found.insert(IndexKey::timeline(&self.log.tenant, &draft.entry.event.order_id, sequence), None);
        }
        let known = wait.places.len();
        self.settle_found(&found, &mut wait.places);
        if self.all_settled() {
            // Whoever served us still has others to serve.
            self.contended = mark.unwrap_or(wait.seen).turn.is_some();
            return Ok(self.done());
        }
        if wait.places.len() > known {
            return Ok(self.look_again(Duration::ZERO, turn, wait));
        }
        if let Some(mark) = mark
            && let Some(step) = self.turn_comes(&mut wait, mark, moment)
        {
            return Ok(step);
        }
        if moment.elapsed >= PATIENCE {
            return Err(StoreError::Contended { attempts: self.attempts });
        }
        if moment.elapsed.saturating_sub(wait.looked) >= LOOK_AFTER {
            self.stage = Stage::Checking;
            return Ok(self.ask([Call::Head]));
        }
        let pause = wait.pause.max(SHORTEST);
        wait.pause = pause.mul_f64(LONGER).min(LONGEST);
        Ok(self.look_again(pause, turn, wait))
    }

    /// When we may lead: the turn is ours, or nobody's, or of somebody who has not moved for long.
    fn turn_comes(&mut self, wait: &mut Wait, mark: Mark, moment: &Moment) -> Option<Step<Appended>> {
        // Seen free once, it may be so because we were served by the very commit that ended a term.
        if mark.turn == self.slot || (mark.turn.is_none() && wait.seen.turn.is_none()) {
            return Some(self.lead_from(mark, moment));
        }
        if mark != wait.seen {
            wait.seen = mark;
            wait.since = moment.elapsed;
        }
        let quiet = moment.elapsed.saturating_sub(wait.since);
        (quiet >= STUCK + STUCK_SPREAD.mul_f64(moment.fraction())).then(|| self.take_turn(mark.turn, moment))
    }

    /// Whether our events are in the log's tail. If not, they are in the index or nowhere: announced again they are
    /// found there, or recorded.
    pub(super) fn checked(&mut self, head: Head, moment: &Moment) -> Step<Appended> {
        let view = View::new(head);
        let known = decide::known(&self.log, &view, &Found::new(), &self.unsettled());
        let help = self.settle(&known);
        if self.all_settled() {
            return self.finish(&view, None, help, vec![], None);
        }
        self.unsettle();
        self.announce(None, true, moment)
    }

    /// Settles what is found by its id and in its order's lists, and adds to `places` what to look for there.
    fn settle_found(&mut self, found: &Found, places: &mut Vec<IndexKey>) {
        let known = places.clone();
        for (draft, settled) in self.drafts.iter().zip(&mut self.settled) {
            let tenant = &self.log.tenant;
            if settled.is_none()
                && let Some(Some(item)) = found.get(&IndexKey::event(tenant, draft.event_id()))
            {
                let wanted: Vec<_> = match item.submitted() {
                    Some(first) if first != draft.submitted => {
                        vec![IndexKey::timeline(tenant, &item.order_id, item.sequence)]
                    }
                    _ => index::listed_keys(tenant, &draft.entry.event, item.sequence).collect(),
                };
                if wanted.iter().all(|place| found.contains_key(place)) {
                    *settled = Some(decide::settle(&self.log, draft, item));
                } else {
                    places.extend(wanted.into_iter().filter(|place| !known.contains(place)));
                }
            }
        }
    }
}
