//! Checking a range bundle, line by line.

use domain::time::Timestamp;

use crate::{
    chain,
    checkpoint::{Checkpoint, CheckpointError},
    entry::{EntryError, MAX_OPENED_BYTES, OpenedEntry, Shown},
    hash::Hash,
    leaf::LeafEntry,
    note::{Note, Verified, VerifierKey},
    origin::Origin,
    range::{FORMAT, RangeFooter, RangeHeader, Statement, StatementError},
    tree::{Frontier, MAX_SIZE, decompose},
};

/// Checks a bundle as its lines come. It holds the tree left of the present entry, a few hashes, and that entry.
#[derive(Debug)]
pub struct RangeVerifier<'a> {
    keys: &'a [VerifierKey],
    state: State<'a>,
}

#[derive(Debug)]
enum State<'a> {
    Start,
    Entries(Box<Progress>),
    Done(Box<VerifiedRange<'a>>),
    /// After an error there is nothing to go on from.
    Failed,
}

#[derive(Debug)]
struct Progress {
    header: RangeHeader,
    /// The tree of the entries before `next`.
    tree: Frontier,
    /// The sequence number of the next entry.
    next: u64,
    ledger_hash: Hash,
    /// When the entry before was received.
    received_at: Option<Timestamp>,
    /// Whether entries are opened, once it is known.
    opened: Option<bool>,
}

/// What a bundle says, once it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedRange<'a> {
    pub origin: Origin,
    pub from: u64,
    pub to: u64,
    pub previous_ledger_hash: Hash,
    pub ledger_hash: Hash,
    pub checkpoint: Checkpoint,
    /// The signatures on the checkpoint by known keys.
    pub verified: Vec<Verified<'a>>,
    /// Whether payloads are in it, and were checked.
    pub opened: bool,
}

/// Why a bundle was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error("the line does not end with a line feed")]
    NoLineFeed,
    #[error("the first line is no header: {0}")]
    Header(EntryError),
    #[error("the bundle has another format than {FORMAT}")]
    Format,
    #[error("there is no range from {from} to {to}")]
    Bounds { from: u64, to: u64 },
    #[error("the bundle has not the hashes that stand left of event {from} in the tree")]
    Left { from: u64 },
    #[error("the bundle has not the hashes that stand right of event {to} in the tree")]
    Right { to: u64 },
    #[error("the log does not begin with the hash of its origin")]
    Genesis,
    #[error("event {sequence}: {error}")]
    Entry { sequence: u64, error: EntryError },
    #[error("event {expected} is missing: the next entry is event {found}")]
    Sequence { expected: u64, found: u64 },
    #[error("event {sequence} belongs to the log {found}, not to {origin}")]
    OtherLog { sequence: u64, origin: Origin, found: Origin },
    #[error("event {sequence} was received before the one before it")]
    ReceivedBefore { sequence: u64 },
    #[error("event {sequence}: entries with and without content do not go into one bundle")]
    Mixed { sequence: u64 },
    #[error("the bundle ends before event {next}")]
    Incomplete { next: u64 },
    #[error("the bundle ends without its last line")]
    NoFooter,
    #[error("there are lines behind the last one")]
    Behind,
    /// Which of them was changed cannot be told from the two ends alone.
    #[error("the chain does not lead from event {from} to the hash at event {to}: one of them was changed")]
    Chain { from: u64, to: u64 },
    #[error("the events {from} to {to} are not those in the tree of {size} leaves")]
    Tree { from: u64, to: u64, size: u64 },
    #[error("the last line is no footer: {0}")]
    Footer(EntryError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("the checkpoint is one of the log {found}, not of {origin}")]
    CheckpointOfOther { origin: Origin, found: Origin },
    #[error("the checkpoint is of {size} events, the bundle goes to {to}")]
    CheckpointBefore { size: u64, to: u64 },
    #[error("the statement: {0}")]
    Statement(#[from] StatementError),
    #[error("the bundle was refused before")]
    Failed,
}

impl<'a> RangeVerifier<'a> {
    /// `keys`: those of the log, its range keys, and those of witnesses. They are told apart by name and type.
    #[must_use]
    pub fn new(keys: &'a [VerifierKey]) -> Self {
        Self { keys, state: State::Start }
    }

    /// The longest line that there can be, in bytes, with its line feed: a reader need not wait for more.
    pub const MAX_LINE_BYTES: usize = MAX_OPENED_BYTES + 1;

    /// Takes the next line, with its line feed, and returns the entry in it, if it has one.
    ///
    /// # Errors
    /// [`RangeError`], naming the first event that is broken, where that can be told.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Shown>, RangeError> {
        let line = line.strip_suffix(b"\n").ok_or(RangeError::NoLineFeed);
        let state = std::mem::replace(&mut self.state, State::Failed);
        let (state, shown) = match (state, line?) {
            (State::Start, line) => (State::Entries(Box::new(Progress::new(line)?)), None),
            (State::Entries(mut progress), line) if progress.next <= progress.header.to => {
                let shown = progress.entry(line)?;
                (State::Entries(progress), Some(shown))
            }
            (State::Entries(progress), line) => (State::Done(Box::new(progress.footer(line, self.keys)?)), None),
            (State::Done(_), _) => return Err(RangeError::Behind),
            (State::Failed, _) => return Err(RangeError::Failed),
        };
        self.state = state;
        Ok(shown)
    }

    /// The range from the first to the last sequence number, once the header is read.
    #[must_use]
    pub fn range(&self) -> Option<(u64, u64)> {
        match &self.state {
            State::Entries(progress) => Some((progress.header.from, progress.header.to)),
            State::Done(range) => Some((range.from, range.to)),
            State::Start | State::Failed => None,
        }
    }

    /// What the bundle says, after its last line.
    ///
    /// # Errors
    /// [`RangeError::Incomplete`] and [`RangeError::NoFooter`], when it was cut off.
    pub fn finish(self) -> Result<VerifiedRange<'a>, RangeError> {
        match self.state {
            State::Done(range) => Ok(*range),
            State::Entries(progress) if progress.next <= progress.header.to => {
                Err(RangeError::Incomplete { next: progress.next })
            }
            State::Entries(_) => Err(RangeError::NoFooter),
            State::Start => Err(RangeError::Header(EntryError::Json(domain::json::JsonError::Empty))),
            State::Failed => Err(RangeError::Failed),
        }
    }
}

impl Progress {
    fn new(line: &[u8]) -> Result<Self, RangeError> {
        let mut header = RangeHeader::parse(line).map_err(RangeError::Header)?;
        let (from, to) = (header.from, header.to);
        if header.format != FORMAT {
            return Err(RangeError::Format);
        }
        if from == 0 || from > to || to > MAX_SIZE {
            return Err(RangeError::Bounds { from, to });
        }
        if from == 1 && header.previous_ledger_hash != chain::genesis(&header.origin) {
            return Err(RangeError::Genesis);
        }
        let tree = Frontier::from_hashes(from - 1, std::mem::take(&mut header.left));
        let tree = tree.map_err(|_| RangeError::Left { from })?;
        let ledger_hash = header.previous_ledger_hash;
        Ok(Self { header, tree, next: from, ledger_hash, received_at: None, opened: None })
    }

    fn entry(&mut self, line: &[u8]) -> Result<Shown, RangeError> {
        let sequence = self.next;
        let refused = |error| RangeError::Entry { sequence, error };
        // In canonical form the two kinds differ in their first member.
        let is_opened = line.starts_with(br#"{"entry":"#);
        let shown = if is_opened {
            Shown::Opened(Box::new(OpenedEntry::parse(line).map_err(refused)?))
        } else if line.starts_with(br#"{"checkpoint":"#) {
            return Err(RangeError::Incomplete { next: sequence });
        } else {
            Shown::Entry(LeafEntry::parse(line).map_err(|error| refused(error.into()))?)
        };
        let entry = shown.entry();
        if entry.seq != sequence {
            return Err(RangeError::Sequence { expected: sequence, found: entry.seq });
        }
        if entry.origin != self.header.origin {
            let (origin, found) = (self.header.origin.clone(), entry.origin.clone());
            return Err(RangeError::OtherLog { sequence, origin, found });
        }
        if self.received_at.replace(entry.received_at).is_some_and(|before| entry.received_at < before) {
            return Err(RangeError::ReceivedBefore { sequence });
        }
        if *self.opened.get_or_insert(is_opened) != is_opened {
            return Err(RangeError::Mixed { sequence });
        }
        shown.check().map_err(refused)?;
        let leaf = entry.leaf_hash();
        self.ledger_hash = chain::link(sequence, self.ledger_hash, leaf);
        self.tree.push(leaf).map_err(|_| RangeError::Bounds { from: self.header.from, to: self.header.to })?;
        self.next += 1;
        Ok(shown)
    }

    fn footer<'a>(mut self, line: &[u8], keys: &'a [VerifierKey]) -> Result<VerifiedRange<'a>, RangeError> {
        let RangeHeader { from, to, .. } = self.header;
        // Cheaper than the signatures, and of more use to whoever looks for what was changed.
        if self.ledger_hash != self.header.ledger_hash {
            return Err(RangeError::Chain { from, to });
        }
        let footer = RangeFooter::parse(line).map_err(RangeError::Footer)?;
        let note = Note::parse(footer.checkpoint.as_bytes()).map_err(CheckpointError::Note)?;
        let (checkpoint, verified) = Checkpoint::verify(&note, keys)?;
        let RangeHeader { origin, previous_ledger_hash, ledger_hash, right, .. } = self.header;
        if checkpoint.origin != origin {
            return Err(RangeError::CheckpointOfOther { origin, found: checkpoint.origin });
        }
        let head = checkpoint.head();
        if head.size < to {
            return Err(RangeError::CheckpointBefore { size: head.size, to });
        }
        let nodes = decompose(to, head.size);
        if nodes.len() != right.len() {
            return Err(RangeError::Right { to });
        }
        for (node, hash) in nodes.into_iter().zip(right) {
            self.tree.push_subtree(node.level, hash).map_err(|_| RangeError::Right { to })?;
        }
        if self.tree.head() != head {
            return Err(RangeError::Tree { from, to, size: head.size });
        }
        let statement = Statement { origin, from, to, previous_ledger_hash, ledger_hash, head };
        let note = Note::parse(footer.statement.as_bytes()).map_err(StatementError::Note)?;
        statement.verify(&note, keys)?;
        let Statement { origin, .. } = statement;
        let opened = self.opened == Some(true);
        Ok(VerifiedRange { origin, from, to, previous_ledger_hash, ledger_hash, checkpoint, verified, opened })
    }
}
