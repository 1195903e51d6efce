//! `append`: the one way into the log, for HTTP and for every ingest. The protocol is in `protocol`; this drives it.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::ids::TenantId;
use futures::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use ledger::Secret;
use tokio::time::Instant;

use super::{
    Log,
    draft::{Draft, Submission},
    port::{LogName, Put, Tables},
    protocol::{Answer, Moment, Outcome, Repaired, Repairer, Round, Step, Ticket, Writer},
    segment::MAX_SEGMENT_EVENTS,
};
use crate::{dice::Dice, error::StoreError};

impl Log {
    /// Records events in the order in which they are given, and answers for each, in the same order.
    ///
    /// What is acknowledged is durable, and found by every read that starts afterwards. The call may be repeated: an
    /// event is recorded once.
    ///
    /// # Errors
    /// [`StoreError`]: some of the events may be in the log, and the same call completes them.
    pub async fn append(&self, tenant: &TenantId, submissions: Vec<Submission>) -> Result<Vec<Outcome>, StoreError> {
        let log = self.name(tenant);
        let mut outcomes = Vec::with_capacity(submissions.len());
        for drafts in into_commits(&self.dice, submissions, self.limits.bytes)? {
            let contended = self.hints.contended(tenant);
            outcomes.extend(self.run(self.writer(&log, drafts), contended, None).await?);
        }
        Ok(outcomes)
    }

    /// [`Log::append`] for one event that is still being checked: the end of the log is read meanwhile, so that a check
    /// of one round trip costs none.
    ///
    /// # Errors
    /// What the check refuses the event with, before anything is written; else [`StoreError`].
    pub async fn append_checked<E: From<StoreError>>(
        &self,
        tenant: &TenantId,
        check: impl Future<Output = Result<Submission, E>>,
    ) -> Result<Outcome, E> {
        let log = self.name(tenant);
        // Who announces its event needs no other look at the log.
        let contended = self.hints.contended(tenant);
        let read = async { if contended { None } else { Some(Answer::Head(self.tables.head(&log).await)) } };
        let (head, submission) = futures::join!(read, check);
        let draft = into_draft(&self.dice, submission?)?;
        let writer = self.writer(&log, vec![Arc::new(draft)]);
        let outcome = self.run(writer, contended, head).await?.pop();
        Ok(outcome.ok_or_else(|| StoreError::corrupt("an append answered for none of its events"))?)
    }

    fn writer(&self, log: &Arc<LogName>, drafts: Vec<Arc<Draft>>) -> Writer {
        Writer::new(Arc::clone(log), drafts).staging_over(self.limits.stage_over)
    }

    /// `head`: the answer to the first round, if it is known already.
    async fn run(&self, mut writer: Writer, contended: bool, head: Option<Answer>) -> Result<Vec<Outcome>, StoreError> {
        let log = writer.log();
        let started = Instant::now();
        let mut step = writer.start(contended, &self.moment(started)?);
        if let Some(head) = head
            && let Step::Ask(rounds) = &step
            && let [first] = &rounds[..]
        {
            step = writer.on(first.ticket, vec![head], &self.moment(started)?);
        }
        let appended = self.drive(&log, step, started, |ticket, answers, moment| writer.on(ticket, answers, moment));
        let appended = appended.await?;
        if writer.is_contended() {
            self.hints.note(&log.tenant);
        }
        appended
    }

    /// Completes the index of a tenant's log and moves the watermark to its end.
    ///
    /// # Errors
    /// [`StoreError`]: the same call goes on where this one stopped.
    pub async fn repair(&self, tenant: &TenantId) -> Result<Repaired, StoreError> {
        let log = self.name(tenant);
        let mut repairer = Repairer::new(Arc::clone(&log));
        let step = repairer.start();
        self.drive(&log, step, Instant::now(), |ticket, answers, moment| repairer.on(ticket, answers, moment)).await?
    }

    /// Makes the calls that a machine asks for, and tells it the answers, until it is done.
    async fn drive<T>(
        &self,
        log: &Arc<LogName>,
        mut step: Step<T>,
        started: Instant,
        mut on: impl FnMut(Ticket, Vec<Answer>, &Moment) -> Step<T>,
    ) -> Result<T, StoreError> {
        let (mut under_way, done) = (FuturesUnordered::new(), Arc::new(AtomicBool::new(false)));
        loop {
            match step {
                Step::Ask(rounds) => under_way.extend(
                    rounds
                        .into_iter()
                        .map(|round| perform(Arc::clone(&self.tables), Arc::clone(log), round, Arc::clone(&done))),
                ),
                Step::Done(result) => {
                    done.store(true, Ordering::Relaxed);
                    // A request that is dropped half-way costs its connection.
                    if !under_way.is_empty() {
                        tokio::spawn(under_way.for_each(|_| ready(())));
                    }
                    return Ok(result);
                }
            }
            let Some((ticket, answers)) = under_way.next().await else {
                return Err(StoreError::corrupt("an append waits for nothing"));
            };
            answers.iter().for_each(note);
            step = on(ticket, answers, &self.moment(started)?);
        }
    }

    fn moment(&self, started: Instant) -> Result<Moment, StoreError> {
        Ok(Moment { now: self.clock.now(), elapsed: started.elapsed(), dice: self.dice.roll()? })
    }
}

/// Makes the calls of a round, unless all is `done` before it begins.
async fn perform(
    tables: Arc<dyn Tables>,
    log: Arc<LogName>,
    round: Round,
    done: Arc<AtomicBool>,
) -> (Ticket, Vec<Answer>) {
    if !round.pause.is_zero() {
        tokio::time::sleep(round.pause).await;
    }
    let calls = if done.load(Ordering::Relaxed) { vec![] } else { round.calls };
    (round.ticket, join_all(calls.into_iter().map(|call| call.perform(&*tables, &log))).await)
}

/// What an operator wants to know of an answer that the protocol deals with by itself.
fn note(answer: &Answer) {
    match answer {
        Answer::Commit(Ok(Put::Taken)) => metrics::counter!("CommitRaces").increment(1),
        Answer::Commit(Err(error)) => {
            tracing::warn!(%error, "the answer to a commit is lost; looking whether it took effect");
        }
        Answer::Raise(Err(error)) => tracing::warn!(%error, "the watermark was not raised"),
        _ => {}
    }
}

/// Parts the events into what fits one commit each.
fn into_commits(dice: &Dice, submissions: Vec<Submission>, bytes: usize) -> Result<Vec<Vec<Arc<Draft>>>, StoreError> {
    let mut commits: Vec<Vec<Arc<Draft>>> = Vec::new();
    let mut room = 0;
    for submission in submissions {
        let draft = into_draft(dice, submission)?;
        let size = draft.json.len();
        match commits.last_mut() {
            Some(commit) if size <= room && commit.len() < MAX_SEGMENT_EVENTS => {
                commit.push(Arc::new(draft));
                room -= size;
            }
            _ => {
                commits.push(vec![Arc::new(draft)]);
                room = bytes.saturating_sub(size);
            }
        }
    }
    Ok(commits)
}

fn into_draft(dice: &Dice, submission: Submission) -> Result<Draft, StoreError> {
    Draft::new(submission, Secret::new(dice.roll()?))
}
