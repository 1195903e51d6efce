//! What a crashed writer left is brought into the index here.

use std::{sync::Arc, time::Duration};

use domain::time::Timestamp;

use super::{
    super::{
        index::{self, Found},
        port::{Head, LogName},
        segment::Segment,
    },
    Answer, Call, Moment, Round, Step, Ticket,
    call::Answers,
    view,
};
use crate::error::StoreError;

/// How long a segment is left to the writer that committed it. Applying it twice would be right, and cost twice.
const GRACE: Duration = Duration::from_secs(2);
/// The most looks at the log of one repair; each brings the watermark forward, so this bounds only a log that is far
/// behind.
const MAX_LOOKS: usize = 1_000;

/// What a repair found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Repaired {
    /// Segments whose index items were missing, and are there now.
    pub segments: usize,
    /// Everything below this sequence number is in the index.
    pub watermark: u64,
}

/// Completes the index of a log and moves the watermark to its end.
///
/// 1. Read the end of the log, and look up the index items of its tail.
/// 2. If all are there, raise the watermark over them, and look again.
/// 3. If not, leave the writer its time, and write what is still missing then; look again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repairer {
    log: Arc<LogName>,
    looks: usize,
    repaired: Repaired,
    stage: Stage,
}

/// What the last round was for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Stage {
    Reading,
    LookingUp {
        tail: Vec<Arc<Segment>>,
    },
    /// After the time of the writer is over.
    LookingAgain {
        tail: Vec<Arc<Segment>>,
    },
    Applying,
    Raising,
}

impl Repairer {
    #[must_use]
    pub fn new(log: Arc<LogName>) -> Self {
        Self { log, looks: 0, repaired: Repaired::default(), stage: Stage::Reading }
    }

    /// The first round.
    pub fn start(&mut self) -> Step<Result<Repaired, StoreError>> {
        self.look()
    }

    /// Goes on with the answers to its round; it has one at a time.
    pub fn on(&mut self, _: Ticket, answers: Vec<Answer>, moment: &Moment) -> Step<Result<Repaired, StoreError>> {
        self.next(Answers::new(answers), moment).unwrap_or_else(|error| Step::Done(Err(error)))
    }

    fn next(
        &mut self,
        mut answers: Answers,
        moment: &Moment,
    ) -> Result<Step<Result<Repaired, StoreError>>, StoreError> {
        Ok(match std::mem::replace(&mut self.stage, Stage::Reading) {
            Stage::Reading => self.look_up(answers.head()?),
            Stage::LookingUp { tail } => {
                let missing = self.missing(&tail, &answers.lookup()?);
                match (missing.last(), tail.last()) {
                    (Some(_), youngest) => {
                        let pause = youngest.map_or(GRACE, |segment| time_left(segment.received_at, moment));
                        let ask = ask_after(pause, self.lookup_of(&tail));
                        self.stage = Stage::LookingAgain { tail };
                        ask
                    }
                    (None, Some(last)) => {
                        self.repaired.watermark = last.next();
                        self.stage = Stage::Raising;
                        ask(Call::Raise(last.next()))
                    }
                    (None, None) => Step::Done(Ok(self.repaired)),
                }
            }
            Stage::LookingAgain { tail } => {
                let missing = self.missing(&tail, &answers.lookup()?);
                self.repaired.segments += missing.len();
                self.stage = Stage::Applying;
                ask(Call::Apply { items: missing.iter().flat_map(index::items).collect(), taken: vec![] })
            }
            Stage::Applying => {
                answers.apply()?;
                // The next look finds everything there, and raises.
                self.look()
            }
            Stage::Raising => {
                answers.raise()?;
                self.look()
            }
        })
    }

    fn look(&mut self) -> Step<Result<Repaired, StoreError>> {
        self.looks += 1;
        if self.looks > MAX_LOOKS {
            return Step::Done(Ok(self.repaired));
        }
        self.stage = Stage::Reading;
        ask(Call::Head)
    }

    fn look_up(&mut self, head: Head) -> Step<Result<Repaired, StoreError>> {
        self.repaired.watermark = head.mark.watermark;
        if head.tail.is_empty() {
            return Step::Done(Ok(self.repaired));
        }
        let ask = ask(self.lookup_of(&head.tail));
        self.stage = Stage::LookingUp { tail: head.tail };
        ask
    }

    fn lookup_of(&self, tail: &[Arc<Segment>]) -> Call {
        let mut keys: Vec<_> = tail.iter().flat_map(index::items).map(|item| item.key(&self.log.tenant)).collect();
        keys.sort_unstable();
        keys.dedup();
        Call::Lookup(keys)
    }

    /// The tail's segments that are not wholly in the index.
    fn missing(&self, tail: &[Arc<Segment>], found: &Found) -> Vec<Arc<Segment>> {
        tail.iter().filter(|segment| !view::is_applied(&self.log.tenant, segment, found)).cloned().collect()
    }
}

fn ask(call: Call) -> Step<Result<Repaired, StoreError>> {
    ask_after(Duration::ZERO, call)
}

fn ask_after(pause: Duration, call: Call) -> Step<Result<Repaired, StoreError>> {
    Step::Ask(vec![Round { ticket: Ticket::ONLY, pause, calls: vec![call] }])
}

/// How long a segment is still its writer's.
fn time_left(received_at: Timestamp, moment: &Moment) -> Duration {
    let age = moment.now.as_millis() - received_at.as_millis();
    GRACE.saturating_sub(Duration::from_millis(u64::try_from(age).unwrap_or_default()))
}
