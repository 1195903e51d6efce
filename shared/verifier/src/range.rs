//! All events from one sequence to another: `docs/LEDGER.md`, section 11.

use std::io::{BufRead, Read};

use domain::time::Timestamp;
use ledger::{
    Hash, LeafEntry, Origin, TreeHead, chain,
    entry::Shown,
    range::{RangeError, RangeHeader, RangeVerifier, StatementError, VerifiedRange},
    tree::{self, Frontier},
};

use crate::{
    checkpoint::{Keys, Signed, refused_checkpoint, refused_note, same_log},
    outcome::{Failure, Fault, Noted, Report, Trouble},
    progress::Progress,
    proof::refused_entry,
};

/// Checks bundles that follow on each other. Holds one entry at a time, and the tree's right edge.
#[derive(Debug)]
pub struct Check<'k> {
    keys: &'k Keys,
    noted: &'k [Noted],
    /// Signed heads that the tree must have when it gets there, and their origins.
    heads: Vec<(Origin, TreeHead)>,
    at: Option<At>,
    /// The checkpoint of the most entries so far.
    signed: Option<Signed>,
    opened: u64,
}

/// Where the bundles have come to.
#[derive(Debug)]
struct At {
    /// The chain before the first entry of all.
    start: Noted,
    origin: Origin,
    sequence: u64,
    ledger_hash: Hash,
    tree: Frontier,
    received_at: Option<Timestamp>,
}

impl<'k> Check<'k> {
    /// `since` is an older checkpoint (a signed note with the user's name for it) that the entries must fit, where they
    /// reach back to it.
    ///
    /// # Errors
    /// [`Fault`], if the older checkpoint is not right.
    pub fn new(keys: &'k Keys, noted: &'k [Noted], since: Option<&(String, Vec<u8>)>) -> Result<Self, Fault> {
        let since =
            since.map(|(name, note)| keys.log_checkpoint(&format!("the checkpoint {name}"), note)).transpose()?;
        let heads = since.into_iter().map(|signed| (signed.origin, signed.head)).collect();
        Ok(Self { keys, noted, heads, at: None, signed: None, opened: 0 })
    }

    /// Checks the next bundle; `file` is what the user calls it.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn bundle(&mut self, file: &str, reader: impl BufRead, progress: &mut dyn Progress) -> Result<(), Failure> {
        let mut lines = Lines { file, reader, line: Vec::new() };
        let mut verifier = RangeVerifier::new(self.keys.all());
        if let Some(line) = lines.next()? {
            verifier.line(line).map_err(|error| refused(file, error))?;
            let header: RangeHeader = serde_json::from_slice(line)
                .map_err(|error| Fault::Malformed { what: file.to_owned(), reason: error.to_string() })?;
            progress.start(header.to - header.from + 1, "entries");
            self.begin(file, header)?;
        }
        let mut done = 0;
        while let Some(line) = lines.next()? {
            if let Some(shown) = verifier.line(line).map_err(|error| refused(file, error))? {
                let leaf = match &shown {
                    // The line is the leaf, as was checked.
                    Shown::Entry(_) => tree::leaf_hash(line.strip_suffix(b"\n").unwrap_or(line)),
                    Shown::Opened(opened) => {
                        self.opened += 1;
                        opened.entry.leaf_hash()
                    }
                };
                self.entry(shown.entry(), leaf)?;
                done += 1;
                progress.at(done);
            }
        }
        let range = verifier.finish().map_err(|error| refused(file, error))?;
        self.end_of(file, &range)
    }

    /// Starts, or goes on where the bundle before has ended.
    fn begin(&mut self, file: &str, header: RangeHeader) -> Result<(), Fault> {
        let RangeHeader { from, left, origin, previous_ledger_hash, .. } = header;
        let tree = Frontier::from_hashes(from - 1, left)
            .map_err(|error| Fault::Malformed { what: file.to_owned(), reason: error.to_string() })?;
        if let Some(at) = &self.at {
            same_log(file, &origin, &at.origin)?;
            let (file, last) = (file.to_owned(), at.sequence);
            if from != last + 1 {
                return Err(Fault::NotNext { file, sequence: from.min(last + 1), from, last });
            }
            let what = if previous_ledger_hash != at.ledger_hash {
                "ledger hashes"
            } else if tree != at.tree {
                "trees"
            } else {
                return Ok(());
            };
            return Err(Fault::DoesNotJoin { file, sequence: from, last, what });
        }
        let start = Noted { sequence: from - 1, ledger_hash: previous_ledger_hash };
        let at = At { start, origin, sequence: from - 1, ledger_hash: previous_ledger_hash, tree, received_at: None };
        self.at = Some(at);
        self.hold_against_memory()
    }

    /// Adds an entry of which everything but its neighbours was checked.
    fn entry(&mut self, entry: &LeafEntry, leaf: Hash) -> Result<(), Fault> {
        let Some(at) = &mut self.at else { return Ok(()) };
        let sequence = entry.seq;
        if at.received_at.is_some_and(|before| entry.received_at < before) {
            return Err(Fault::TimeGoesBack { sequence });
        }
        at.received_at = Some(entry.received_at);
        at.sequence = sequence;
        at.ledger_hash = chain::link(sequence, at.ledger_hash, leaf);
        at.tree.push(leaf).map_err(|error| Fault::NotAnEntry { sequence, reason: error.to_string() })?;
        self.hold_against_memory()
    }

    /// Compares chain and tree with what is known of them here.
    fn hold_against_memory(&self) -> Result<(), Fault> {
        let Some(at) = &self.at else { return Ok(()) };
        let (sequence, found) = (at.sequence, at.ledger_hash);
        let noted = self.noted.iter().filter(|noted| noted.sequence == sequence);
        if let Some(noted) = noted.map(|noted| noted.ledger_hash).find(|noted| *noted != found) {
            return Err(Fault::NotAsNoted { sequence, found, noted });
        }
        for (origin, head) in self.heads.iter().filter(|(_, head)| head.size == sequence) {
            same_log("an older checkpoint", origin, &at.origin)?;
            let found = at.tree.root();
            if found != head.root {
                return Err(Fault::Forked { size: head.size, found, signed: head.root });
            }
        }
        Ok(())
    }

    /// Takes the bundle's checkpoint along. Those of several bundles are all of one log: what one says of a size that
    /// another has gets compared, now or when the entries get there.
    fn end_of(&mut self, file: &str, range: &VerifiedRange<'_>) -> Result<(), Failure> {
        let what = format!("the checkpoint in {file}");
        let signed = self.keys.checked(&what, &range.checkpoint, &range.verified)?;
        let head = signed.head;
        let same = self.heads.iter().find(|(_, other)| other.size == head.size && other.root != head.root);
        if let Some((_, other)) = same {
            return Err(Fault::Forked { size: head.size, found: head.root, signed: other.root }.into());
        }
        self.heads.push((signed.origin.clone(), head));
        if self.signed.as_ref().is_none_or(|largest| largest.head.size < head.size) {
            self.signed = Some(signed);
        }
        Ok(self.hold_against_memory()?)
    }

    /// What all bundles together say.
    ///
    /// # Errors
    /// [`Trouble`], if nothing was given, or something was noted down that no bundle shows.
    pub fn end(self) -> Result<Report, Failure> {
        let (Some(at), Some(signed)) = (self.at, self.signed) else {
            return Err(Trouble::Absent { what: "a bundle".to_owned() }.into());
        };
        let (before, last) = (at.start.sequence, at.sequence);
        let shown = before..=last;
        if let Some(noted) = self.noted.iter().find(|noted| !shown.contains(&noted.sequence)) {
            return Err(Trouble::NotShown { sequence: noted.sequence }.into());
        }
        let mut report = signed.report();
        report.sentence = match before {
            0 => format!("these are the first {last} entries of the log {}", at.origin),
            _ => format!("these are the entries {} to {last} of the log {}", before + 1, at.origin),
        };
        let mut compared: Vec<TreeHead> = self.heads.into_iter().map(|(_, head)| head).collect();
        compared.sort_by_key(|head| head.size);
        compared.dedup();
        for head in compared.into_iter().filter(|head| head.size != signed.head.size) {
            if shown.contains(&head.size) {
                report.extends.push(head.into());
            } else {
                let (size, other) = (head.size, signed.head.size);
                report.notes.push(format!(
                    "whether the checkpoints of size {size} and {other} fit each other was not compared"
                ));
            }
        }
        report.starts_after = (before > 0).then_some(at.start);
        report.ends_at = Some(Noted { sequence: last, ledger_hash: at.ledger_hash });
        report.last_received_at = at.received_at;
        report.opened = (self.opened > 0).then_some(self.opened);
        Ok(report)
    }
}

/// The lines of a bundle, one at a time and none longer than they can be.
struct Lines<'f, R> {
    file: &'f str,
    reader: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<'_, R> {
    /// The next line with its line feed, which the last one may lack.
    fn next(&mut self) -> Result<Option<&[u8]>, Trouble> {
        self.line.clear();
        let most = RangeVerifier::MAX_LINE_BYTES as u64 + 1;
        let read = self.reader.by_ref().take(most).read_until(b'\n', &mut self.line);
        match read {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(&self.line)),
            Err(reason) => Err(Trouble::Read { path: self.file.to_owned(), reason }),
        }
    }
}

/// Why a bundle was refused.
fn refused(file: &str, error: RangeError) -> Fault {
    let owned = || file.to_owned();
    let checkpoint = format!("the checkpoint in {file}");
    let statement = format!("the statement in {file}");
    match error {
        RangeError::Entry { sequence, error } => refused_entry(error, sequence),
        RangeError::Sequence { expected, found } => Fault::OtherSequence { sequence: expected, found },
        RangeError::OtherLog { sequence, origin, found } => {
            Fault::EntryOfOtherLog { sequence, found, expected: origin }
        }
        RangeError::Mixed { sequence } => Fault::NotAnEntry { sequence, reason: error.to_string() },
        RangeError::Incomplete { next } => Fault::RangeEnds { file: owned(), sequence: next },
        RangeError::Chain { from, to } => Fault::OtherChain { file: owned(), from, to },
        RangeError::Tree { from, to, size } => Fault::OtherTree { file: owned(), from, to, size },
        RangeError::Checkpoint(error) => refused_checkpoint(&checkpoint, error),
        RangeError::CheckpointOfOther { origin, found } => {
            Fault::OtherLog { what: checkpoint, found: found.to_string(), expected: origin.to_string() }
        }
        RangeError::Statement(StatementError::Note(error)) => refused_note(&statement, error),
        RangeError::Statement(StatementError::NotByRangeKey) => Fault::NotSigned { what: statement },
        RangeError::ReceivedBefore { sequence } => Fault::TimeGoesBack { sequence },
        // The rest is about the bundle's form, or its head.
        error => Fault::Malformed { what: owned(), reason: error.to_string() },
    }
}
