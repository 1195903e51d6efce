//! A whole log: its checkpoint, every entry, every tile, and the chain.
//!
//! Entries are hashed and compared with the tiles of leaves, tiles with the ones above them, and the root with the
//! checkpoint, in one pass from the first entry to the last, so that the first thing that is found broken is the first
//! that there is. Memory is bounded by the files that are read at once.

mod bundle;
mod files;
mod levels;
mod pipeline;

use std::collections::{BTreeMap, HashSet, VecDeque};

use domain::time::Timestamp;
use ledger::{
    Hash, chain,
    tile::{Level, Tile},
    tree::TreeHead,
};

use self::{
    bundle::{IdDigest, Portion},
    files::{Files, first_sequence, tile},
    levels::{Computed, Levels, WIDTH},
};
use crate::{
    Limits, Noted,
    checkpoint::{Keys, Signed},
    outcome::{Failure, Fault, Report, Trouble},
    progress::Progress,
    source::Source,
};

/// What to hold a log against, besides its own checkpoint.
#[derive(Debug, Default)]
pub struct Memory {
    /// Older checkpoints of it, as signed notes with the name that the user has for each.
    pub checkpoints: Vec<(String, Vec<u8>)>,
    /// Chain hashes that were noted down.
    pub noted: Vec<Noted>,
    /// Whether each event id must stand in the log only once. Takes memory for each of them.
    pub unique_ids: bool,
    /// How many files to read at once; what suits the source, if not given.
    pub parallel: Option<usize>,
}

/// Checks a whole log.
///
/// # Errors
/// [`Failure`]
pub fn verify(
    source: &dyn Source,
    keys: &Keys,
    memory: &Memory,
    progress: &mut dyn Progress,
) -> Result<Report, Failure> {
    let note = source.read("checkpoint", Limits::CHECKPOINT)?;
    let note = note.ok_or_else(|| Trouble::Absent { what: format!("the checkpoint of {}", source.name()) })?;
    let signed = keys.checkpoint("the checkpoint", &note)?;
    let head = signed.head;
    let older = keys.older(&signed, &memory.checkpoints)?;

    let files = Files { source, size: head.size };
    let mut log = Log::new(&files, &signed, &older, &memory.noted)?;
    progress.start(head.size, "entries");
    let threads = memory.parallel.unwrap_or_else(|| source.parallel());
    let work = |index| bundle::check(&files, index, &signed.origin, memory.unique_ids);
    pipeline::in_order(0..head.size.div_ceil(WIDTH as u64), threads, work, |_, portion| {
        log.add(portion)?;
        progress.at(log.sequence);
        Ok::<(), Failure>(())
    })?;
    log.end(&signed, older)
}

/// What is known of the log up to a sequence.
struct Log<'a> {
    files: &'a Files<'a>,
    levels: Levels,
    sequence: u64,
    ledger_hash: Hash,
    received_at: Option<Timestamp>,
    /// What must turn out, at which size; the next one first.
    heads: VecDeque<TreeHead>,
    noted: BTreeMap<u64, Vec<Hash>>,
    ids: HashSet<IdDigest>,
}

impl<'a> Log<'a> {
    fn new(files: &'a Files<'a>, signed: &Signed, older: &[TreeHead], noted: &[Noted]) -> Result<Self, Fault> {
        let mut heads: Vec<TreeHead> = older.to_vec();
        heads.sort_by_key(|head| head.size);
        let mut at: BTreeMap<u64, Vec<Hash>> = BTreeMap::new();
        for note in noted {
            if note.sequence > signed.head.size {
                let (sequence, last) = (note.sequence, signed.head.size);
                return Err(Fault::EndsBeforeNoted { what: "the log".to_owned(), sequence, last });
            }
            at.entry(note.sequence).or_default().push(note.ledger_hash);
        }
        let log = Self {
            files,
            levels: Levels::default(),
            sequence: 0,
            ledger_hash: chain::genesis(&signed.origin),
            received_at: None,
            heads: heads.into(),
            noted: at,
            ids: HashSet::new(),
        };
        log.hold_against_notes()?;
        log.hold_against_heads(&[])?;
        Ok(log)
    }

    /// Takes the next bundle along, up to where it breaks.
    fn add(&mut self, portion: Portion) -> Result<(), Failure> {
        let Portion { leaves, subtree, ids, received, failure } = portion;
        let before = self.sequence;
        if let Some((first, last)) = received {
            let sequence = before + 1;
            match self.received_at {
                Some(earlier) if first < earlier => return Err(Fault::TimeGoesBack { sequence }.into()),
                Some(_) | None => self.received_at = Some(last),
            }
        }
        for (id, sequence) in ids.into_iter().zip(before + 1..) {
            if !self.ids.insert(id) {
                return Err(Fault::SameEvent { sequence }.into());
            }
        }
        for &leaf in &leaves {
            self.sequence += 1;
            self.ledger_hash = chain::link(self.sequence, self.ledger_hash, leaf);
            self.hold_against_notes()?;
        }
        self.drop_heads_before(before);
        self.hold_against_heads(&leaves)?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let files = self.files;
        match subtree {
            Some(root) => self.levels.push_full(root, |tile| compare(files, &tile)),
            None => {
                self.levels.push_last(leaves);
                Ok(())
            }
        }
    }

    /// Compares the chain with what was noted down.
    fn hold_against_notes(&self) -> Result<(), Fault> {
        let (sequence, found) = (self.sequence, self.ledger_hash);
        let noted = self.noted.get(&sequence).into_iter().flatten();
        match noted.copied().find(|noted| *noted != found) {
            Some(noted) => Err(Fault::NotAsNoted { sequence, found, noted }),
            None => Ok(()),
        }
    }

    /// Compares the tree with the signed heads whose size lies among the leaves that come next.
    fn hold_against_heads(&self, leaves: &[Hash]) -> Result<(), Fault> {
        let before = self.sequence - leaves.len() as u64;
        for head in self.heads.iter().take_while(|head| head.size <= self.sequence) {
            let found = self.levels.root_with(&leaves[..(head.size - before) as usize]);
            if found != head.root {
                return Err(Fault::Forked { size: head.size, found, signed: head.root });
            }
        }
        Ok(())
    }

    fn drop_heads_before(&mut self, size: u64) {
        while self.heads.front().is_some_and(|head| head.size < size) {
            self.heads.pop_front();
        }
    }

    /// Compares the partial tiles and the root.
    fn end(self, signed: &Signed, older: Vec<TreeHead>) -> Result<Report, Failure> {
        for tile in self.levels.partial() {
            compare(self.files, &tile)?;
        }
        let (found, head) = (self.levels.root(), signed.head);
        if found != head.root {
            return Err(Fault::OtherRoot { size: head.size, found, signed: head.root }.into());
        }
        let mut report = signed.report();
        report.sentence =
            format!("the log {} is whole: {} entries, all in the tree that is signed", signed.origin, head.size);
        report.extends = older.into_iter().map(Into::into).collect();
        report.ends_at = Some(Noted { sequence: self.sequence, ledger_hash: self.ledger_hash });
        report.last_received_at = self.received_at;
        report.notes.extend(beyond(self.files)?);
        Ok(report)
    }
}

/// Compares a tile above the leaves with what follows from the ones below it.
fn compare(files: &Files<'_>, computed: &Computed) -> Result<(), Failure> {
    let tile = tile(Level::Hashes(computed.level), computed.index, files.size)?;
    let found = files.hashes(&tile)?;
    let differs = found.iter().zip(&computed.hashes).position(|(found, computed)| found != computed);
    let Some(place) = differs else { return Ok(()) };
    let each = (WIDTH as u64).pow(computed.level.into());
    let sequence = first_sequence(&tile) + place as u64 * each;
    Err(Fault::OtherNode { sequence, last: sequence + each - 1, tile: tile.path() }.into())
}

/// Whether there are entries that the checkpoint does not cover. It is no fault: they come first, and are signed next.
fn beyond(files: &Files<'_>) -> Result<Option<String>, Failure> {
    let Ok(next) = Tile::new(Level::Entries, files.size / WIDTH as u64, WIDTH as u16) else { return Ok(None) };
    let there = files.source.read(&next.path(), 0)?.is_some();
    Ok(there.then(|| format!("there are entries after sequence {}, which no checkpoint covers yet", files.size)))
}
