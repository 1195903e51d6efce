//! One append: from the events to their receipts.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    super::{
        draft::Draft,
        index::{self, Found, IndexItem, IndexKey},
        port::{Announcement, Head, LogName, Mark, Put, Slot},
        segment::Segment,
    },
    Answer, Call, Moment, Outcome, Step,
    batch::Batch,
    call::Answers,
    decide,
    view::View,
    wait::Wait,
};
use crate::{error::StoreError, retry};

/// How often a writer looks at the log's end before it says that the log is too busy.
const MAX_ATTEMPTS: u32 = 40;
/// How many lost answers to a commit a writer looks into before it gives up; the SDK has tried three times for each.
pub(super) const MAX_LOST: u32 = 2;
/// How many races a writer loses before it asks for the turn. Two writers that meet need no order.
const RACES: u32 = 3;
/// Commits of this many events together move the watermark over themselves at once: later writers would else read them
/// again and again. Fewer are left to the next writer, which saves a round trip.
const RAISE_OVER: u64 = 25;
/// How many batches of index items are looked up, to know how far the log's tail is applied: by everybody, and by whom
/// many wait for.
const CHECKED_BATCHES: [usize; 2] = [1, 8];

/// Appends the events of one commit.
///
/// While nobody else writes:
/// 1. Read the end of the log: the watermark, and the segments from it on.
/// 2. Look up the events' ids in the index, and with the same call whether the tail is applied.
/// 3. Commit: put one segment at the end, on condition that nothing is there. If something is, go to 1.
/// 4. Write the segment's index items; at the same time raise the watermark over what was seen applied.
///
/// When many write, one has the *turn*, and the others announce their events and wait (`wait.rs`): it commits theirs
/// along with its own (`lead.rs`). The turn saves races and decides nothing: the conditional put does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Writer {
    pub(super) log: Arc<LogName>,
    pub(super) drafts: Vec<Arc<Draft>>,
    /// What has become of each draft.
    pub(super) settled: Vec<Option<Outcome>>,
    /// How often the end of the log was read again, and how often an answer was lost.
    pub(super) attempts: u32,
    pub(super) lost: u32,
    /// The place in the queue, and the name while we have the turn.
    pub(super) slot: Option<Slot>,
    /// Our announcement may be in the inbox.
    pub(super) announced: bool,
    /// We have the turn, as far as we know: since when.
    pub(super) leading: Option<Duration>,
    /// Others want to write as well.
    pub(super) contended: bool,
    /// Announcements that we have dealt with, whether they are still there or not.
    pub(super) dealt_with: BTreeSet<Slot>,
    /// How many events we have committed, our own and others'.
    pub(super) committed: u64,
    pub(super) stage: Stage,
}

/// What the last round was for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// To know the end of the log; with the turn, also what is announced.
    Reading,
    /// The same, and to get the turn.
    Taking,
    /// To bring a long tail into the index, and then to raise the watermark over it.
    CatchingUp { raise: Option<u64> },
    /// To know which events are there already; perhaps also to apply the commit before.
    LookingUp { view: View, batch: Batch, applying: Option<Arc<Segment>> },
    /// To commit; with the turn, also to know what has been announced.
    Committing { view: View, done: Vec<Slot>, help: Vec<Arc<Segment>>, segment: Arc<Segment> },
    /// To write the index, and to see whether more is announced.
    Lingering { view: View, applying: Option<Arc<Segment>>, rounds: u32 },
    /// To write the index, and to give the turn away.
    Finishing { raise: Option<u64> },
    /// To raise the watermark over a large commit.
    Raising,
    /// To put our announcement into the inbox; perhaps also to know whose turn it is.
    Announcing { asked: Duration, seen: Option<Mark> },
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
            drafts,
            attempts: 0,
            lost: 0,
            slot: None,
            announced: false,
            leading: None,
            contended: false,
            dealt_with: BTreeSet::new(),
            committed: 0,
            stage: Stage::Reading,
        }
    }

    /// The log that it writes to.
    #[must_use]
    pub fn log(&self) -> Arc<LogName> {
        Arc::clone(&self.log)
    }

    /// Whether others were seen that want to write as well: the next writer had better be told.
    #[must_use]
    pub fn is_contended(&self) -> bool {
        self.contended
    }

    /// The first round: [`Call::Head`] alone, which does not depend on the drafts; or, if many were writing a moment
    /// ago, the announcement.
    pub fn start(&mut self, contended: bool, moment: &Moment) -> Step<Appended> {
        if contended { self.announce(None, true, moment) } else { self.read(Duration::ZERO) }
    }

    /// Goes on with the answers to the last round.
    pub fn on(&mut self, answers: Vec<Answer>, moment: &Moment) -> Step<Appended> {
        self.next(Answers::new(answers), moment).unwrap_or_else(|error| self.leave(error))
    }

    fn next(&mut self, mut answers: Answers, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        match std::mem::replace(&mut self.stage, Stage::Reading) {
            Stage::Reading => {
                let head = answers.head()?;
                let inbox = if self.leading.is_some() { answers.announced()? } else { vec![] };
                Ok(self.look_up(head, inbox, moment))
            }
            Stage::Taking => self.taken(answers, moment),
            Stage::CatchingUp { raise: Some(watermark) } => {
                answers.apply()?;
                self.stage = Stage::CatchingUp { raise: None };
                Ok(Step::ask([Call::Raise(watermark)]))
            }
            Stage::CatchingUp { raise: None } => {
                answers.raise()?;
                self.read_again(Duration::ZERO)
            }
            Stage::LookingUp { mut view, batch, applying } => {
                if let Some(segment) = applying {
                    answers.apply()?;
                    view.note_applied(&segment);
                }
                let found = answers.lookup()?;
                view.check_applied(&self.log.tenant, &found);
                Ok(self.commit(view, &batch, &found, moment))
            }
            Stage::Committing { view, done, help, segment } => match answers.commit() {
                Ok(Put::Done) => Ok(self.committed(view, done, &help, &segment, answers.announced(), moment)),
                Ok(Put::Taken) => {
                    done.iter().for_each(|slot| _ = self.dealt_with.remove(slot));
                    self.race_again(moment)
                }
                // It may be in the log: the next look at the end of the log tells.
                Err(StoreError::Unavailable { .. }) if self.lost < MAX_LOST => {
                    self.lost += 1;
                    done.iter().for_each(|slot| _ = self.dealt_with.remove(slot));
                    self.race_again(moment)
                }
                Err(error) => Err(error),
            },
            Stage::Lingering { mut view, applying, rounds } => {
                if let Some(segment) = applying {
                    answers.apply()?;
                    view.note_applied(&segment);
                }
                let inbox = answers.announced()?;
                Ok(self.linger(view, inbox, rounds, moment))
            }
            Stage::Finishing { raise } => {
                // The turn is given away, or it is taken from us in a while.
                self.leading = None;
                answers.apply()?;
                Ok(match raise {
                    Some(watermark) => {
                        self.stage = Stage::Raising;
                        Step::ask([Call::Raise(watermark)])
                    }
                    None => self.done(),
                })
            }
            // A watermark that stays behind costs the next writer a little; the commit stands.
            Stage::Raising => Ok(self.done()),
            Stage::Announcing { asked, seen } => self.announcement_made(asked, seen, answers, moment),
            Stage::Waiting(wait) => self.look_round(wait, answers, moment),
            Stage::Checking => Ok(self.checked(answers.head()?, moment)),
            Stage::Leaving { error } => Ok(Step::Done(Err(error))),
        }
    }

    pub(super) fn done(&mut self) -> Step<Appended> {
        let outcomes: Option<Vec<_>> = self.settled.iter().cloned().collect();
        Step::Done(outcomes.ok_or_else(|| StoreError::corrupt("an append did not answer for all of its events")))
    }

    fn read(&mut self, pause: Duration) -> Step<Appended> {
        self.stage = Stage::Reading;
        let calls = if self.leading.is_some() { vec![Call::Head, Call::Announced] } else { vec![Call::Head] };
        Step::ask_after(pause, calls)
    }

    fn read_again(&mut self, pause: Duration) -> Result<Step<Appended>, StoreError> {
        self.attempts += 1;
        if self.attempts >= MAX_ATTEMPTS {
            return Err(StoreError::Contended { attempts: self.attempts });
        }
        Ok(self.read(pause))
    }

    /// After a put of which nothing is known but that the end of the log has moved.
    fn race_again(&mut self, moment: &Moment) -> Result<Step<Appended>, StoreError> {
        self.contended = true;
        if self.leading.is_some() {
            return self.read_again(Duration::ZERO);
        }
        if self.attempts + 1 >= super::tune("RACES", f64::from(RACES)) as u32 {
            self.attempts += 1;
            return Ok(self.take_turn(None, moment));
        }
        self.read_again(retry::delay(self.attempts, moment.fraction()))
    }

    pub(super) fn look_up(&mut self, head: Head, inbox: Vec<Announcement>, moment: &Moment) -> Step<Appended> {
        if let Some(turn) = head.mark.turn
            && Some(turn) != self.slot
        {
            self.contended = true;
            self.leading = None;
            if !self.all_settled() {
                return self.announce(Some(head.mark), false, moment);
            }
            return self.finish(&View::new(head), None, &[], vec![], None);
        }
        if head.behind {
            self.stage = Stage::CatchingUp { raise: head.tail.last().map(|segment| segment.next()) };
            return Step::ask([Call::Apply {
                items: head.tail.iter().flat_map(index::items).collect(),
                taken: vec![],
            }]);
        }
        let view = View::new(head);
        let batch = self.batch(self.unsettled(), inbox);
        let keys = self.keys(&batch, Some(&view));
        self.stage = Stage::LookingUp { view, batch, applying: None };
        Step::ask([Call::Lookup(keys)])
    }

    /// What to commit next: our own drafts, and what is announced and not dealt with.
    pub(super) fn batch(&self, own: Vec<Arc<Draft>>, inbox: Vec<Announcement>) -> Batch {
        let others =
            inbox.into_iter().filter(|one| Some(one.slot) != self.slot && !self.dealt_with.contains(&one.slot));
        Batch::new(own, others)
    }

    /// The index items to look up: the drafts', and so many of the tail's as is worth it.
    pub(super) fn keys(&self, batch: &Batch, view: Option<&View>) -> Vec<IndexKey> {
        let tenant = &self.log.tenant;
        let mut keys: Vec<_> = batch.drafts().map(|draft| IndexKey::event(tenant, draft.event_id())).collect();
        if let Some(view) = view {
            let batches = CHECKED_BATCHES[usize::from(self.leading.is_some())];
            keys.extend(view.keys_to_check(tenant, keys.len(), batches));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn commit(&mut self, view: View, batch: &Batch, found: &Found, moment: &Moment) -> Step<Appended> {
        let known = decide::known(&self.log, &view, found, batch.drafts());
        let mut help = self.settle(&known);
        help.sort_unstable_by_key(|segment| segment.first);
        help.dedup();
        let mut done = Vec::with_capacity(batch.taken.len());
        for one in &batch.taken {
            self.dealt_with.insert(one.slot);
            let mut known = one.drafts.iter().filter_map(|draft| known.get(draft.event_id()));
            // What is committed but not known to be in the index, somebody else is just about to write there. It stays
            // announced, so that whoever waits for it looks for itself if that one has died.
            if known.all(|known| known.unapplied.is_none()) {
                done.push(one.slot);
            }
        }
        let fresh = decide::fresh(&known, batch.drafts());
        if fresh.is_empty() {
            return self.finish(&view, None, &help, done, batch.left);
        }
        // The log's time never goes back, whatever the writers' clocks say.
        let received_at = view.received_at.map_or(moment.now, |last| last.max(moment.now));
        let segment = Arc::new(Segment::seal(&view.chain, received_at, moment.dice, &fresh));
        self.stage = Stage::Committing { view, done, help, segment: Arc::clone(&segment) };
        let mut calls = vec![Call::Commit(segment)];
        if self.leading.is_some() {
            calls.push(Call::Announced);
        }
        Step::ask(calls)
    }

    /// Brings into the index what the receipts speak of, and the watermark as far as is known; and gives the turn away.
    pub(super) fn finish(
        &mut self,
        view: &View,
        segment: Option<&Arc<Segment>>,
        help: &[Arc<Segment>],
        mut taken: Vec<Slot>,
        next: Option<Slot>,
    ) -> Step<Appended> {
        let items: Vec<IndexItem> = help.iter().chain(segment).flat_map(index::items).collect();
        taken.extend(self.slot.filter(|_| self.announced));
        // The last commit is applied by this very round.
        let end = segment.filter(|own| own.first == view.applied).map_or(view.applied, |own| own.next());
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
}
