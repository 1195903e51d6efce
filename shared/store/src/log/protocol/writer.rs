//! One append: from the events to their receipts.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    super::{
        draft::Draft,
        index,
        port::{Announcement, Head, LogName, Mark, Slot},
    },
    Answer, Call, Moment, Outcome, Step,
    call::Answers,
    task::Work,
    under_way::{Purpose, Ticket, UnderWay},
    view::View,
    wait::Wait,
};
use crate::error::StoreError;

/// How often a writer looks at the log's end before it says that the log is too busy.
const MAX_ATTEMPTS: u32 = 40;
/// How many lost answers to a commit a writer looks into before it gives up; the SDK has tried three times for each.
pub(super) const MAX_LOST: u32 = 2;
/// How many races a writer loses before it asks for the turn. Two or three writers that meet need no order.
const RACES: u32 = 6;
/// The most that a writer waits after a lost race, so that those who are equally fast do not meet again and again.
const BREATH: Duration = Duration::from_millis(2);
/// How many looks are under way at once: for the receipt or the turn, of who waits, and at the inbox, of who has it.
const LOOKS: usize = 3;
const INBOX_LOOKS: usize = 2;
/// A strong read of a log's end then costs at most 16 read units.
const STAGE_OVER: usize = 64 * 1024;

/// Appends the events of one commit.
///
/// While nobody else writes:
/// 1. Read the end of the log: the watermark, and the segments from it on.
/// 2. Look up the events' ids in the index, and with the same call whether the tail is applied.
/// 3. Commit: put one segment at the end, on condition that nothing is there. If something is, go to 1, and from there to
///    3: what is new since is in the tail.
/// 4. Write the segment's index items; at the same time raise the watermark over what was seen applied.
///
/// When many write, one has the *turn*, and the others announce their events and wait (`wait.rs`): it commits theirs
/// along with its own (`work.rs`). The turn saves races and decides nothing: the conditional put does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Writer {
    pub(super) log: Arc<LogName>,
    pub(super) drafts: Vec<Arc<Draft>>,
    /// What has become of each draft.
    pub(super) settled: Vec<Option<Outcome>>,
    /// Those that are not settled are not in the log below this sequence number.
    pub(super) absent_below: Option<u64>,
    /// How often the end of the log was read again, and how often an answer was lost.
    pub(super) attempts: u32,
    pub(super) lost: u32,
    /// The place in the queue, and the name while we have the turn.
    pub(super) slot: Option<Slot>,
    /// Our announcement may be in the inbox.
    pub(super) announced: bool,
    /// We have the turn, as far as we know: since when.
    pub(super) leading: Option<Duration>,
    /// From whom we have taken the turn, because nothing moved.
    pub(super) stuck: Option<Slot>,
    /// Many others want to write as well.
    pub(super) contended: bool,
    /// Our events are in the index, whatever comes.
    pub(super) indexed: bool,
    /// Announcements that we have dealt with, whether they are still there or not.
    pub(super) dealt_with: BTreeSet<Slot>,
    /// How many events we have committed, our own and others'.
    pub(super) committed: u64,
    /// A commit whose compressed entries are longer than this many bytes is staged.
    pub(super) stage_over: usize,
    /// After so many lost races it asks for the turn.
    races: u32,
    pub(super) looks: usize,
    pub(super) inbox_looks: usize,
    pub(super) stage: Stage,
    pub(super) under_way: UnderWay,
}

/// What is going on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// To know the end of the log; with the turn, also what is announced.
    Reading,
    /// The same, and to get the turn.
    Taking,
    /// To bring a long tail into the index, and then to raise the watermark over it.
    CatchingUp { raise: Option<u64> },
    /// To look up, to commit and to index, each in a round of its own.
    Working(Box<Work>),
    /// To write the index, and to give the turn away.
    Finishing { raise: Option<u64> },
    /// To raise the watermark over a large commit.
    Raising,
    /// To put our announcement into the inbox; perhaps also to know whose turn it is. `again`: it may be there.
    Announcing { asked: Duration, seen: Option<Mark>, again: bool },
    /// To see whether our turn or our receipt has come.
    Waiting(Wait),
    /// To see whether our events are in the log though we cannot find them in the index.
    Checking,
    /// To leave nothing behind.
    Leaving { error: StoreError },
}

/// What an append comes to.
pub type Appended = Result<Vec<Outcome>, StoreError>;

impl Writer {
    /// The drafts must fit one commit; there must be at least one.
    #[must_use]
    pub fn new(log: Arc<LogName>, drafts: Vec<Arc<Draft>>) -> Self {
        Self {
            log,
            settled: vec![None; drafts.len()],
            absent_below: None,
            drafts,
            attempts: 0,
            lost: 0,
            slot: None,
            announced: false,
            leading: None,
            stuck: None,
            contended: false,
            indexed: false,
            dealt_with: BTreeSet::new(),
            committed: 0,
            stage_over: STAGE_OVER,
            races: RACES,
            looks: LOOKS,
            inbox_looks: INBOX_LOOKS,
            stage: Stage::Reading,
            under_way: UnderWay::default(),
        }
    }

    /// Stages only what is longer than this many bytes when it is compressed; by default that is 64 KiB.
    #[must_use]
    pub fn staging_over(self, bytes: usize) -> Self {
        Self { stage_over: bytes, ..self }
    }

    /// Asks for the turn after so many lost races; by default after six.
    #[must_use]
    pub fn racing(self, times: u32) -> Self {
        Self { races: times, ..self }
    }

    /// Has so many looks for its receipt, or at the inbox, under way at once; by default three and two.
    #[must_use]
    pub fn looking(self, at_once: usize) -> Self {
        Self { looks: at_once, inbox_looks: at_once, ..self }
    }

    /// The log that it writes to.
    #[must_use]
    pub fn log(&self) -> Arc<LogName> {
        Arc::clone(&self.log)
    }

    /// Whether many were seen that want to write as well: the next writer had better announce its events at once.
    #[must_use]
    pub fn is_contended(&self) -> bool {
        self.contended
    }

    /// The first round: [`Call::Head`] alone, which does not depend on the drafts; or, if many were writing a moment
    /// ago, the announcement.
    pub fn start(&mut self, contended: bool, moment: &Moment) -> Step<Appended> {
        if contended { self.announce(None, true, moment) } else { self.read(Duration::ZERO) }
    }

    /// Whether it makes a difference how a round is answered, and when. What makes none is a read.
    #[must_use]
    pub fn wants(&self, ticket: Ticket) -> bool {
        self.under_way.wants(ticket)
    }

    /// Goes on with the answers to a round.
    pub fn on(&mut self, ticket: Ticket, answers: Vec<Answer>, moment: &Moment) -> Step<Appended> {
        match self.under_way.end(ticket) {
            Some(purpose) => {
                self.next(purpose, Answers::new(answers), moment).unwrap_or_else(|error| self.leave(error))
            }
            None => Step::Ask(vec![]),
        }
    }

    fn next(&mut self, purpose: Purpose, mut answers: Answers, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        match (std::mem::replace(&mut self.stage, Stage::Reading), purpose) {
            (Stage::Working(work), Purpose::Task(task)) => self.work_on(work, task, answers, moment),
            (Stage::Waiting(wait), Purpose::Look { turn }) => self.look_round(wait, turn, answers, moment),
            (Stage::Reading, _) => {
                let head = answers.head()?;
                let inbox = if self.leading.is_some() { answers.announced()? } else { vec![] };
                self.look_up(head, inbox, moment)
            }
            (Stage::Taking, _) => self.taken(answers, moment),
            (Stage::CatchingUp { raise: Some(watermark) }, _) => {
                answers.apply()?;
                self.stage = Stage::CatchingUp { raise: None };
                Ok(self.ask([Call::Raise(watermark)]))
            }
            (Stage::CatchingUp { raise: None }, _) => {
                answers.raise()?;
                self.read_again(Duration::ZERO)
            }
            (Stage::Finishing { raise }, _) => {
                // The turn is given away, or it is taken from us in a while.
                self.leading = None;
                answers.apply()?;
                Ok(match raise {
                    Some(watermark) => {
                        self.stage = Stage::Raising;
                        self.ask([Call::Raise(watermark)])
                    }
                    None => self.done(),
                })
            }
            // A watermark that stays behind costs the next writer a little; the commit stands.
            (Stage::Raising, _) => Ok(self.done()),
            (Stage::Announcing { asked, seen, again }, _) => {
                self.announcement_made(asked, seen, again, answers, moment)
            }
            (Stage::Checking, _) => Ok(self.checked(answers.head()?, moment)),
            (Stage::Leaving { error }, _) => Ok(self.left(error)),
            (Stage::Working(_) | Stage::Waiting(_), _) => {
                Err(StoreError::corrupt("a round was answered that the append is not waiting for"))
            }
        }
    }

    /// Asks for what the stage is about. What is still under way for an earlier one nobody waits for any more.
    pub(super) fn ask(&mut self, calls: impl Into<Vec<Call>>) -> Step<Appended> {
        self.ask_after(Duration::ZERO, calls)
    }

    pub(super) fn ask_after(&mut self, pause: Duration, calls: impl Into<Vec<Call>>) -> Step<Appended> {
        self.under_way.forget();
        Step::Ask(vec![self.under_way.ask(Purpose::Stage, pause, calls.into())])
    }

    pub(super) fn done(&mut self) -> Step<Appended> {
        let outcomes: Option<Vec<_>> = self.settled.iter().cloned().collect();
        Step::Done(outcomes.ok_or_else(|| StoreError::corrupt("an append did not answer for all of its events")))
    }

    fn read(&mut self, pause: Duration) -> Step<Appended> {
        self.stage = Stage::Reading;
        let calls = if self.leading.is_some() { vec![Call::Head, Call::Announced] } else { vec![Call::Head] };
        self.ask_after(pause, calls)
    }

    fn read_again(&mut self, pause: Duration) -> Result<Step<Appended>, StoreError> {
        self.attempts += 1;
        if self.attempts >= MAX_ATTEMPTS {
            return Err(StoreError::Contended { attempts: self.attempts });
        }
        Ok(self.read(pause))
    }

    /// After a put of which nothing is known but that the end of the log has moved.
    pub(super) fn race_again(&mut self, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        self.unsettle();
        self.dealt_with.clear();
        if self.leading.is_none() && self.attempts + 1 >= self.races {
            self.attempts += 1;
            return Ok(self.take_turn(None, moment));
        }
        let pause = if self.leading.is_some() { Duration::ZERO } else { BREATH.mul_f64(moment.fraction()) };
        self.read_again(pause)
    }

    pub(super) fn look_up(
        &mut self,
        head: Head,
        inbox: Vec<Announcement>,
        moment: &Moment,
    ) -> Result<Step<Appended>, StoreError> {
        if let Some(turn) = head.mark.turn
            && Some(turn) != self.slot
        {
            self.leading = None;
            return Ok(if self.all_settled() {
                self.finish(&View::new(head), None, vec![], vec![], None)
            } else {
                self.queue_up(head.mark, moment)
            });
        }
        if head.behind {
            self.stage = Stage::CatchingUp { raise: head.tail.last().map(|segment| segment.next()) };
            return Ok(
                self.ask([Call::Apply { items: head.tail.iter().flat_map(index::items).collect(), taken: vec![] }])
            );
        }
        // What was looked up for a commit that lost its race need not be looked up again: the tail has what is new since.
        if self.leading.is_none() && self.absent_below.is_some_and(|end| head.mark.watermark <= end) {
            return self.commit_again(View::new(head), moment);
        }
        self.begin_work(View::new(head), inbox, moment)
    }
}
