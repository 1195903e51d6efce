//! `append`: the one way into the log, for HTTP and for every ingest.
//!
//! 1. Read the end of the log: the watermark, and the segments from it on.
//! 2. Look up the submitted ids in the index, and with the same call whether the tail is applied.
//! 3. Commit: put one segment at the end, on condition that nothing is there. If something is, go to 1.
//! 4. Write the segment's index items; at the same time raise the watermark over what was seen applied.
//!
//! Four round trips, one after another. A crash or a lost answer anywhere leaves either nothing, or a committed segment
//! that the next writer who needs it, or [`Log::repair`], applies.

use domain::{event::Event, ids::TenantId};
use ledger::Secret;

use super::{
    Log,
    decide::{self, Outcome},
    index::{self, EventItem},
    segment::{Entry, MAX_SEGMENT_BYTES, MAX_SEGMENT_EVENTS, SchemaTag},
    table::{Commit, Head},
};
use crate::{error::StoreError, item, retry};

/// How often a writer that finds its slot taken tries again before it says that the log is too busy.
const MAX_ATTEMPTS: u32 = 40;
/// How many lost answers to a commit a writer looks into before it gives up; the SDK has tried three times for each.
const MAX_LOST: u32 = 2;
/// A commit of this many events moves the watermark over itself at once: later writers would else read it again and
/// again. Fewer are left to the next writer, which saves a round trip.
const RAISE_OVER: usize = 25;

/// An event to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    pub event: Event,
    /// How it stands to its schema, if one is registered.
    pub schema: Option<SchemaTag>,
}

impl Log {
    /// Records events in the order in which they are given, and answers for each, in the same order.
    ///
    /// What is acknowledged is durable, and found by every read that starts afterwards. The call may be repeated: an
    /// event is recorded once.
    ///
    /// # Errors
    /// [`StoreError`]: some of the events may be in the log, and the same call completes them.
    pub async fn append(&self, tenant: &TenantId, submissions: Vec<Submission>) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(submissions.len());
        for entries in into_commits(submissions)? {
            outcomes.extend(self.append_once(tenant, &entries, None).await?);
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
        let origin = self.origin(tenant);
        let (head, submission) = futures::join!(self.tables.head(tenant, &origin), check);
        let entry = into_entry(submission?)?;
        let outcome = self.append_once(tenant, &[entry], Some(head?)).await?.pop();
        Ok(outcome.ok_or_else(|| StoreError::corrupt("an append answered for none of its events"))?)
    }

    /// Appends what fits one segment. `head`: the end of the log, if it was just read.
    async fn append_once(
        &self,
        tenant: &TenantId,
        entries: &[Entry],
        mut head: Option<Head>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let origin = self.origin(tenant);
        let mut own = Vec::new();
        for attempt in 0..MAX_ATTEMPTS {
            let head = match head.take() {
                Some(head) => head,
                None => self.tables.head(tenant, &origin).await?,
            };
            if head.behind {
                self.catch_up(tenant, &head).await?;
                continue;
            }
            let found = self.tables.lookup(decide::to_look_up(tenant, &head, entries)).await?;
            let applied = decide::applied(tenant, &head, &found.keys().collect());
            let known = entries
                .iter()
                .filter_map(|entry| {
                    let stored = found.get(&index::IndexKey::event(tenant, &entry.event.event_id))?;
                    let item = item::from_item::<EventItem>(stored.clone());
                    Some(item.map(|item| (entry.event.event_id.clone(), item)))
                })
                .collect::<Result<_, _>>()?;
            let attempted = decide::Attempt { own: &own, commit: random()?, now: self.clock.now() };
            let decision = decide::decide(tenant, &head, &known, applied, entries, attempted);

            if let Some(segment) = &decision.segment {
                own.push(segment.commit);
                match self.tables.commit(tenant, segment).await {
                    Ok(Commit::Done) => {}
                    Ok(Commit::Taken) => {
                        metrics::counter!("CommitRaces").increment(1);
                        retry::pause(attempt).await;
                        continue;
                    }
                    // It may be in the log: the next look at the end of the log tells.
                    Err(error @ StoreError::Unavailable { .. }) if attempt < MAX_LOST => {
                        tracing::warn!(%error, "the answer to a commit is lost; looking whether it took effect");
                        retry::pause(attempt).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            self.settle(tenant, &decision, head.watermark).await?;
            return Ok(decide::outcomes(tenant, entries, decision.settled, decision.segment.as_ref()));
        }
        Err(StoreError::Contended { attempts: MAX_ATTEMPTS })
    }

    /// Brings into the index what the receipts speak of, and the watermark as far as is known.
    async fn settle(&self, tenant: &TenantId, decision: &decide::Decision, watermark: u64) -> Result<(), StoreError> {
        let mut items = Vec::new();
        for segment in decision.help.iter().chain(&decision.segment) {
            items.extend(index::items(tenant, segment)?);
        }
        let raise = async {
            if decision.applied > watermark { self.tables.raise(tenant, decision.applied).await } else { Ok(()) }
        };
        let (applied, raised) = futures::join!(self.tables.apply(items), raise);
        applied?;
        // A watermark that stays behind costs the next writer a little; the commit stands.
        if let Err(error) = raised {
            tracing::warn!(%error, "the watermark was not raised");
        }
        match &decision.segment {
            Some(segment) if segment.entries.len() >= RAISE_OVER && segment.first == decision.applied => {
                if let Err(error) = self.tables.raise(tenant, segment.next()).await {
                    tracing::warn!(%error, "the watermark was not raised");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Parts the events into what fits one commit each.
fn into_commits(submissions: Vec<Submission>) -> Result<Vec<Vec<Entry>>, StoreError> {
    let mut commits: Vec<Vec<Entry>> = Vec::new();
    let mut room = 0;
    for submission in submissions {
        let entry = into_entry(submission)?;
        let size = entry.json_len()?;
        match commits.last_mut() {
            Some(commit) if size <= room && commit.len() < MAX_SEGMENT_EVENTS => {
                commit.push(entry);
                room -= size;
            }
            _ => {
                commits.push(vec![entry]);
                room = MAX_SEGMENT_BYTES.saturating_sub(size);
            }
        }
    }
    Ok(commits)
}

fn into_entry(Submission { event, schema }: Submission) -> Result<Entry, StoreError> {
    Ok(Entry { event, opening: Secret::new(random()?).into(), schema })
}

/// From the system's cryptographic generator.
fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Unavailable { operation: "random numbers", code: error.to_string() })?;
    Ok(bytes)
}
