//! From a batch of events to their index items.
//!
//! A batch goes through three rounds: its ids are looked up, it is committed, it is written to the index. Who writes
//! alone has one batch and is done after that. Who has the turn commits others' announcements along with its own
//! events, and keeps several batches under way: while one is written to the index the next is committed, others are
//! looked up, and the inbox is read for more. The term ends when nobody waits or the time is up, and the turn goes to the
//! oldest announcement that is left.

use std::{sync::Arc, time::Duration};

use super::{
    super::{
        index::{Found, IndexKey},
        port::{Announcement, END, Put},
    },
    Call, Moment, Round, Step,
    batch::Batch,
    call::Answers,
    task::{After, Broken, Committing, Task, Work},
    under_way::Purpose,
    view::View,
    writer::{Appended, MAX_LOST, Stage, Writer},
};
use crate::error::StoreError;

/// How long after one look at the inbox the next begins, while the first is under way: about half of what it takes.
const LAG: Duration = Duration::from_millis(3);
/// So many batches are looked up or ready at once. What is announced beyond that stays in the inbox, however long a
/// look-up takes.
const MAX_BATCHES: usize = 8;

impl Writer {
    /// With a fresh view of the log's end and, with the turn, of the inbox.
    pub(super) fn begin_work(
        &mut self,
        view: View,
        mut inbox: Vec<Announcement>,
        moment: &Moment,
    ) -> Result<Step<Appended>, StoreError> {
        // Whoever only waited for the turn, got it and did nothing, is dead, or will announce itself again.
        let dead = inbox.extract_if(.., |one| one.drafts.is_empty() && Some(one.slot) == self.stuck);
        let after = After { done: dead.map(|one| one.slot).collect(), ..After::default() };
        self.dealt_with.extend(&after.done);
        let batch = self.batch(self.unsettled(), inbox);
        self.dealt_with.extend(batch.taken.iter().map(|one| one.slot));
        let mut work = Work::new(view);
        (work.left, work.over) = (batch.left, batch.asks_for_turn);
        let look_up = self.look_up_ids(&work, batch);
        self.proceed(Box::new(work), after, vec![look_up], moment)
    }

    /// With a fresh view of the log's end, after a lost race: what our events need no look-up for.
    pub(super) fn commit_again(&mut self, view: View, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        let mut work = Work::new(view);
        // A longer tail would take whoever reads it another round trip.
        if work.view.tail.len() >= END {
            work.check = self.keys(&Batch::default(), &work.view);
        }
        work.ready.push_back((self.batch(self.unsettled(), vec![]), Found::new()));
        self.proceed(Box::new(work), After::default(), vec![], moment)
    }

    /// Goes on when one round of the work is answered.
    pub(super) fn work_on(
        &mut self,
        mut work: Box<Work>,
        task: Task,
        mut answers: Answers,
        moment: &Moment,
    ) -> Result<Step<Appended>, StoreError> {
        let (mut after, mut rounds) = (After::default(), Vec::with_capacity(4));
        if let Err(broken) = self.take_in(&mut work, task, &mut answers, &mut after, &mut rounds, moment) {
            work.broken.get_or_insert(broken);
        }
        self.proceed(work, after, rounds, moment)
    }

    /// Takes note of what a round was answered with.
    fn take_in(
        &mut self,
        work: &mut Work,
        task: Task,
        answers: &mut Answers,
        after: &mut After,
        rounds: &mut Vec<Round>,
        moment: &Moment,
    ) -> Result<(), Broken> {
        match task {
            Task::Apply(applied) => {
                answers.apply()?;
                self.indexed |= applied.completes;
                applied.segment.iter().for_each(|segment| work.view.note_applied(segment));
            }
            Task::Commit(committing) => {
                if !committing.check.is_empty() {
                    // It only saves others a look, and may fail.
                    work.view.check_applied(&self.log.tenant, &answers.lookup().unwrap_or_default());
                }
                self.was_committed(answers.commit())?;
                work.view.push(Arc::clone(&committing.segment));
                *after = committing.after;
                after.completes |= self.settle_committed(&committing.segment);
                after.segment = Some(committing.segment);
            }
            Task::PassTurn => {}
            _ if work.broken.is_some() => {}
            Task::Stage(committing) => {
                answers.stage()?;
                rounds.push(self.commit(committing));
            }
            Task::LookUp(batch) => {
                let found = answers.lookup()?;
                if self.is_beyond(&work.view, &found) {
                    return Err(Broken::Raced);
                }
                work.ready.push_back((batch, found));
            }
            Task::ReadInbox if work.over || self.is_full(work) => {}
            Task::ReadInbox => {
                // If it cannot be read, those who wait are not forgotten: one of them takes the turn.
                let inbox = answers.announced().unwrap_or_default();
                match self.take_on(work, inbox, moment) {
                    Some(batch) => rounds.push(self.look_up_ids(work, batch)),
                    None if self.is_busy(work) => {}
                    None => work.idle += 1,
                }
            }
        }
        Ok(())
    }

    fn was_committed(&mut self, answer: Result<Put, StoreError>) -> Result<(), Broken> {
        match answer {
            Ok(Put::Done) => Ok(()),
            Ok(Put::Taken) => Err(Broken::Raced),
            // It may be in the log: the next look at the end of the log tells.
            Err(StoreError::Unavailable { .. }) if self.lost < MAX_LOST => {
                self.lost += 1;
                Err(Broken::Raced)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for all that can be done now, beside what is under way: `rounds`, what comes `after` a commit, and more.
    fn proceed(
        &mut self,
        mut work: Box<Work>,
        mut after: After,
        mut rounds: Vec<Round>,
        moment: &Moment,
    ) -> Result<Step<Appended>, StoreError> {
        while work.broken.is_none()
            && !self.is_under_way(Task::is_commit)
            && let Some((batch, found)) = work.next_ready()
        {
            match self.decide(&mut work, &batch, &found, &mut after, moment) {
                Ok(Some(committing)) if committing.segment.is_staged() => {
                    let call = Call::Stage(Arc::clone(&committing.segment));
                    rounds.push(self.task(Task::Stage(committing), call));
                }
                Ok(Some(committing)) => rounds.push(self.commit(committing)),
                Ok(None) => {}
                Err(error) => work.broken = Some(error.into()),
            }
        }
        if self.is_busy(&work) {
            work.idle = 0;
        }
        if work.broken.is_none() && self.is_at_end(&work) && !self.is_under_way(Task::must_end) {
            let items = after.items();
            return Ok(self.finish(&work.view, after.segment.as_ref(), items, after.done, work.left));
        }
        if !after.is_empty() {
            let call = Call::Apply { items: after.items(), taken: after.done.clone() };
            rounds.push(self.task(Task::Apply(after), call));
        }
        if let Some(broken) = &work.broken
            && !self.is_under_way(Task::must_end)
        {
            return match broken {
                Broken::Raced => self.race_again(moment),
                Broken::Failed(error) => Err(error.clone()),
            };
        }
        if work.broken.is_none() && self.leading.is_some() {
            rounds.extend(self.serve_on(&work));
        }
        self.stage = Stage::Working(work);
        Ok(Step::Ask(rounds))
    }

    /// What only the one with the turn asks for: to see who else waits, or to pass the turn on.
    fn serve_on(&mut self, work: &Work) -> Vec<Round> {
        let mut rounds = Vec::new();
        if !work.over && !self.is_at_end(work) {
            let looks = self.tasks().filter(|task| matches!(task, Task::ReadInbox)).count();
            for at in 0..self.inbox_looks.saturating_sub(looks) {
                let pause = LAG * u32::try_from(at).unwrap_or_default();
                rounds.push(self.under_way.ask(Purpose::Task(Task::ReadInbox), pause, vec![Call::Announced]));
            }
        } else if work.over
            && work.left.is_some()
            && work.ready.is_empty()
            && !self.is_under_way(Task::is_look_up)
            && self.is_under_way(|task| matches!(task, Task::Commit(_)))
        {
            // Whoever has the turn next finds the last commit in the log, or makes it fail.
            self.leading = None;
            rounds.push(self.task(Task::PassTurn, Call::PassTurn { from: self.slot, to: work.left }));
        }
        rounds
    }

    /// Something is looked up or committed, or about to be.
    fn is_busy(&self, work: &Work) -> bool {
        !work.ready.is_empty() || self.is_under_way(|task| task.is_commit() || task.is_look_up())
    }

    fn is_full(&self, work: &Work) -> bool {
        work.ready.len() + self.tasks().filter(|task| task.is_look_up()).count() >= MAX_BATCHES
    }

    /// Nothing is left to do, and nobody to be waited for.
    fn is_at_end(&self, work: &Work) -> bool {
        let serves = self.leading.is_some() && !work.over && self.serves_many() && work.idle <= self.patience();
        !self.is_busy(work) && !serves
    }

    fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.under_way.purposes().filter_map(|purpose| match purpose {
            Purpose::Task(task) => Some(task),
            _ => None,
        })
    }

    fn is_under_way(&self, wanted: impl Fn(&Task) -> bool) -> bool {
        self.tasks().any(wanted)
    }

    fn task(&mut self, task: Task, call: Call) -> Round {
        self.under_way.ask(Purpose::Task(task), Duration::ZERO, vec![call])
    }

    fn look_up_ids(&mut self, work: &Work, batch: Batch) -> Round {
        let call = Call::Lookup(self.keys(&batch, &work.view));
        self.task(Task::LookUp(batch), call)
    }

    fn commit(&mut self, committing: Committing) -> Round {
        let mut calls = vec![Call::Commit(Arc::clone(&committing.segment))];
        if !committing.check.is_empty() {
            calls.push(Call::Lookup(committing.check.clone()));
        }
        self.under_way.ask(Purpose::Task(Task::Commit(committing)), Duration::ZERO, calls)
    }

    /// Whether one of our own events was committed after we read the log's end. That its id is in the index says
    /// nothing of its order's timeline then, and its segment is not in the tail that we know.
    fn is_beyond(&self, view: &View, found: &Found) -> bool {
        let end = view.chain.sequence();
        self.drafts.iter().zip(&self.settled).filter(|(_, settled)| settled.is_none()).any(|(draft, _)| {
            let item = found.get(&IndexKey::event(&self.log.tenant, draft.event_id()));
            item.is_some_and(|item| item.as_ref().is_some_and(|item| item.sequence > end))
        })
    }
}
