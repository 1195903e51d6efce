//! `append`: the one way into the log, for HTTP and for every ingest. The protocol is in `protocol`; this drives it.

use std::sync::Arc;

use domain::ids::TenantId;
use futures::future::join_all;
use ledger::Secret;
use tokio::time::Instant;

use super::{
    Log,
    draft::{Draft, Submission},
    port::{LogName, Put},
    protocol::{Answer, Moment, Outcome, Repaired, Repairer, Round, Step, Writer},
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
        if let Some(head) = head {
            step = writer.on(vec![head], &self.moment(started)?);
        }
        loop {
            match step {
                Step::Done(appended) => {
                    if writer.is_contended() {
                        self.hints.note(&log.tenant);
                    }
                    return appended;
                }
                Step::Ask(round) => {
                    let answers = self.perform(&log, round).await;
                    step = writer.on(answers, &self.moment(started)?);
                }
            }
        }
    }

    /// Completes the index of a tenant's log and moves the watermark to its end.
    ///
    /// # Errors
    /// [`StoreError`]: the same call goes on where this one stopped.
    pub async fn repair(&self, tenant: &TenantId) -> Result<Repaired, StoreError> {
        let log = self.name(tenant);
        let started = Instant::now();
        let mut repairer = Repairer::new(Arc::clone(&log));
        let mut step = repairer.start();
        loop {
            match step {
                Step::Done(repaired) => return repaired,
                Step::Ask(round) => {
                    let answers = self.perform(&log, round).await;
                    step = repairer.on(answers, &self.moment(started)?);
                }
            }
        }
    }

    async fn perform(&self, log: &LogName, round: Round) -> Vec<Answer> {
        if !round.pause.is_zero() {
            tokio::time::sleep(round.pause).await;
        }
        let answers = join_all(round.calls.into_iter().map(|call| call.perform(&*self.tables, log))).await;
        answers.iter().for_each(note);
        answers
    }

    fn moment(&self, started: Instant) -> Result<Moment, StoreError> {
        Ok(Moment { now: self.clock.now(), elapsed: started.elapsed(), dice: self.dice.roll()? })
    }
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
