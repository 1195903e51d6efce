//! One append: from the events to their receipts.

use std::{sync::Arc, time::Duration};

use super::{
    super::{
        draft::Draft,
        index::{self, IndexItem, IndexKey},
        port::{Head, LogName, Put},
        segment::Segment,
    },
    Answer, Call, Moment, Outcome, Step,
    call::Answers,
    decide,
    view::View,
};
use crate::{error::StoreError, retry};

/// How often a writer that finds its slot taken tries again before it says that the log is too busy.
const MAX_ATTEMPTS: u32 = 40;
/// How many lost answers to a commit a writer looks into before it gives up; the SDK has tried three times for each.
const MAX_LOST: u32 = 2;
/// A commit of this many events moves the watermark over itself at once: later writers would else read it again and
/// again. Fewer are left to the next writer, which saves a round trip.
const RAISE_OVER: usize = 25;

/// Appends the events of one commit.
///
/// 1. Read the end of the log: the watermark, and the segments from it on.
/// 2. Look up the events' ids in the index, and with the same call whether the tail is applied.
/// 3. Commit: put one segment at the end, on condition that nothing is there. If something is, go to 1.
/// 4. Write the segment's index items; at the same time raise the watermark over what was seen applied.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Writer {
    log: Arc<LogName>,
    drafts: Vec<Arc<Draft>>,
    /// How often the slot was taken or an answer was lost.
    attempts: u32,
    lost: u32,
    stage: Stage,
}

/// What the last round was for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Stage {
    /// To know the end of the log.
    Reading,
    /// To bring a long tail into the index, and then to raise the watermark over it.
    CatchingUp { raise: Option<u64> },
    /// To know which events are there already.
    LookingUp { view: View },
    /// To commit.
    Committing { view: View, known: Vec<Option<Outcome>>, help: Vec<Arc<Segment>>, segment: Arc<Segment> },
    /// To write the index.
    Applying { outcomes: Vec<Outcome>, raise: Option<u64> },
    /// To raise the watermark over a large commit.
    Raising { outcomes: Vec<Outcome> },
}

/// What an append comes to.
pub type Appended = Result<Vec<Outcome>, StoreError>;

impl Writer {
    /// The drafts must fit one commit; there must be at least one.
    #[must_use]
    pub fn new(log: Arc<LogName>, drafts: Vec<Arc<Draft>>) -> Self {
        Self { log, drafts, attempts: 0, lost: 0, stage: Stage::Reading }
    }

    /// The log that it writes to.
    #[must_use]
    pub fn log(&self) -> Arc<LogName> {
        Arc::clone(&self.log)
    }

    /// The first round: [`Call::Head`] alone, which does not depend on the drafts.
    pub fn start(&mut self) -> Step<Appended> {
        self.stage = Stage::Reading;
        Step::ask([Call::Head])
    }

    /// Goes on with the answers to the last round.
    pub fn on(&mut self, answers: Vec<Answer>, moment: &Moment) -> Step<Appended> {
        self.next(Answers::new(answers), moment).unwrap_or_else(|error| Step::Done(Err(error)))
    }

    fn next(&mut self, mut answers: Answers, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        match std::mem::replace(&mut self.stage, Stage::Reading) {
            Stage::Reading => Ok(self.look_up(answers.head()?)),
            Stage::CatchingUp { raise: Some(watermark) } => {
                answers.apply()?;
                self.stage = Stage::CatchingUp { raise: None };
                Ok(Step::ask([Call::Raise(watermark)]))
            }
            Stage::CatchingUp { raise: None } => {
                answers.raise()?;
                self.read_again(Duration::ZERO)
            }
            Stage::LookingUp { mut view } => {
                let found = answers.lookup()?;
                view.check_applied(&self.log.tenant, &found);
                Ok(self.commit(view, &found, moment))
            }
            Stage::Committing { view, known, help, segment } => match answers.commit() {
                Ok(Put::Done) => Ok(self.apply(&view, known, help, Some(segment))),
                Ok(Put::Taken) => self.read_again(retry::delay(self.attempts, moment.fraction())),
                // It may be in the log: the next look at the end of the log tells.
                Err(StoreError::Unavailable { .. }) if self.lost < MAX_LOST => {
                    self.lost += 1;
                    self.read_again(retry::delay(self.attempts, moment.fraction()))
                }
                Err(error) => Err(error),
            },
            Stage::Applying { outcomes, raise } => {
                answers.apply()?;
                Ok(match raise {
                    Some(watermark) => {
                        self.stage = Stage::Raising { outcomes };
                        Step::ask([Call::Raise(watermark)])
                    }
                    None => Step::Done(Ok(outcomes)),
                })
            }
            // A watermark that stays behind costs the next writer a little; the commit stands.
            Stage::Raising { outcomes } => Ok(Step::Done(Ok(outcomes))),
        }
    }

    fn read_again(&mut self, pause: Duration) -> Result<Step<Appended>, StoreError> {
        self.attempts += 1;
        if self.attempts >= MAX_ATTEMPTS {
            return Err(StoreError::Contended { attempts: self.attempts });
        }
        self.stage = Stage::Reading;
        Ok(Step::ask_after(pause, [Call::Head]))
    }

    fn look_up(&mut self, head: Head) -> Step<Appended> {
        if head.behind {
            let end = head.tail.last().map(|segment| segment.next());
            self.stage = Stage::CatchingUp { raise: end };
            return Step::ask([Call::Apply {
                items: head.tail.iter().flat_map(index::items).collect(),
                taken: vec![],
            }]);
        }
        let view = View::new(head);
        let tenant = &self.log.tenant;
        let mut keys: Vec<_> = self.drafts.iter().map(|draft| IndexKey::event(tenant, draft.event_id())).collect();
        keys.extend(view.keys_to_check(tenant, keys.len(), 1));
        keys.sort_unstable();
        keys.dedup();
        self.stage = Stage::LookingUp { view };
        Step::ask([Call::Lookup(keys)])
    }

    fn commit(&mut self, view: View, found: &index::Found, moment: &Moment) -> Step<Appended> {
        let known = decide::known(&self.log, &view, found, &self.drafts);
        let fresh = decide::fresh(&known, &self.drafts);
        let mut help: Vec<_> = known.values().filter_map(|known| known.unapplied.clone()).collect();
        help.sort_unstable_by_key(|segment| segment.first);
        help.dedup();
        let settled = self
            .drafts
            .iter()
            .map(|draft| known.get(draft.event_id()).map(|known| decide::settle(&self.log, draft, &known.item)))
            .collect();
        if fresh.is_empty() {
            return self.apply(&view, settled, help, None);
        }
        // The log's time never goes back, whatever the writers' clocks say.
        let received_at = view.received_at.map_or(moment.now, |last| last.max(moment.now));
        let segment = Arc::new(Segment::seal(&view.chain, received_at, moment.dice, &fresh));
        self.stage = Stage::Committing { view, known: settled, help, segment: Arc::clone(&segment) };
        Step::ask([Call::Commit(segment)])
    }

    /// Brings into the index what the receipts speak of, and the watermark as far as is known.
    fn apply(
        &mut self,
        view: &View,
        settled: Vec<Option<Outcome>>,
        help: Vec<Arc<Segment>>,
        segment: Option<Arc<Segment>>,
    ) -> Step<Appended> {
        let outcomes = self.outcomes(settled, segment.as_ref());
        let over = segment.as_ref().filter(|own| own.entries.len() >= RAISE_OVER && own.first == view.applied);
        let raise = over.map(|own| own.next());
        let items: Vec<IndexItem> = help.iter().chain(&segment).flat_map(index::items).collect();
        let mut calls = Vec::with_capacity(2);
        if view.applied > view.watermark {
            calls.push(Call::Raise(view.applied));
        }
        if items.is_empty() && calls.is_empty() {
            return Step::Done(Ok(outcomes));
        }
        calls.push(Call::Apply { items, taken: vec![] });
        self.stage = Stage::Applying { outcomes, raise };
        Step::ask(calls)
    }

    fn outcomes(&self, settled: Vec<Option<Outcome>>, segment: Option<&Arc<Segment>>) -> Vec<Outcome> {
        let committed = segment.map(|segment| {
            let view = View { tail: vec![Arc::clone(segment)], ..View::empty(segment.chain()) };
            decide::known(&self.log, &view, &index::Found::new(), &self.drafts)
        });
        let committed = committed.unwrap_or_default();
        self.drafts
            .iter()
            .zip(settled)
            .filter_map(|(draft, settled)| {
                // Twice in one call: the first is recorded, the second repeats or contradicts it.
                settled.or_else(|| Some(decide::settle(&self.log, draft, &committed.get(draft.event_id())?.item)))
            })
            .collect()
    }
}
