//! What has been promised, to the event: one slot of 88 bytes on disk for each, and nothing in memory, so that a run may
//! last for hours.
//!
//! A slot holds how the event was sent, its receipt, and the highest sequence that its tenant had been told before the
//! event was first sent: what is sent after an acknowledgement must come after it in the log.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use ledger::Hash;
use serde::Deserialize;

const SLOT: usize = 88;

/// It went out over HTTP.
pub(crate) const POSTED: u16 = 1;
/// Kinesis has taken it.
pub(crate) const ON_STREAM: u16 = 2;
/// There is a receipt in the slot.
pub(crate) const RECEIPT: u16 = 4;
/// Somebody was told that this request recorded it.
pub(crate) const CREATED: u16 = 8;
/// An answer was lost, or may have been wrong: a request may have recorded it and nobody knows.
pub(crate) const LOST: u16 = 16;
/// Other contents were sent under its id.
pub(crate) const CONTESTED: u16 = 32;
/// It was sent again, and so may stand before the place that its lane gives it.
pub(crate) const AGAIN: u16 = 64;
/// The check has found it in the log.
const FOUND: u16 = 128;

/// What the API vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) sequence: u64,
    pub(crate) sha256: Hash,
    pub(crate) ledger_hash: Hash,
}

/// What is known of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) flags: u16,
    /// Which content the receipt is for.
    pub(crate) variant: u8,
    /// The lane of the stream that it was first sent on; 0: over HTTP.
    pub(crate) lane: u8,
    /// The highest sequence that was acknowledged in its tenant before it was first sent.
    pub(crate) floor: u64,
    pub(crate) receipt: Receipt,
}

impl Slot {
    pub(crate) fn has(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }

    fn to_bytes(self) -> [u8; SLOT] {
        let Self { flags, variant, lane, floor, receipt } = self;
        let mut bytes = [0; SLOT];
        bytes[0..2].copy_from_slice(&flags.to_le_bytes());
        bytes[2] = variant;
        bytes[3] = lane;
        bytes[8..16].copy_from_slice(&floor.to_le_bytes());
        bytes[16..24].copy_from_slice(&receipt.sequence.to_le_bytes());
        bytes[24..56].copy_from_slice(&receipt.sha256.0);
        bytes[56..88].copy_from_slice(&receipt.ledger_hash.0);
        bytes
    }

    fn from_bytes(bytes: &[u8; SLOT]) -> Self {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let hash = |at: usize| {
            let mut hash = [0; 32];
            hash.copy_from_slice(&bytes[at..at + 32]);
            Hash(hash)
        };
        Self {
            flags: u16::from_le_bytes([bytes[0], bytes[1]]),
            variant: bytes[2],
            lane: bytes[3],
            floor: word(8),
            receipt: Receipt { sequence: word(16), sha256: hash(24), ledger_hash: hash(56) },
        }
    }
}

/// One tenant's events, numbered from 0.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Held while a slot is read and written again.
    writing: Mutex<()>,
    next: AtomicU64,
    acknowledged: AtomicU64,
}

impl Journal {
    /// `before`: the sequence of the last event that the tenant had before this run.
    pub(crate) fn create(folder: &Path, tenant: &str, before: u64) -> Result<Self> {
        let path = folder.join(format!("{tenant}.slots"));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("cannot make the journal {}", path.display()))?;
        Ok(Self { file, writing: Mutex::new(()), next: AtomicU64::new(0), acknowledged: AtomicU64::new(before) })
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// A new event, which nobody has sent yet.
    pub(crate) fn add(&self, flags: u16, lane: u8) -> Result<u64> {
        let _guard = self.lock();
        let number = self.next.load(Ordering::Acquire);
        let receipt = Receipt { sequence: 0, sha256: Hash([0; 32]), ledger_hash: Hash([0; 32]) };
        let floor = self.acknowledged.load(Ordering::Acquire);
        self.write(number, Slot { flags, variant: 0, lane, floor, receipt })?;
        self.next.store(number + 1, Ordering::Release);
        Ok(number)
    }

    pub(crate) fn slot(&self, number: u64) -> Result<Slot> {
        let mut bytes = [0; SLOT];
        self.file.read_exact_at(&mut bytes, number * SLOT as u64).context("cannot read the journal")?;
        Ok(Slot::from_bytes(&bytes))
    }

    /// Notes something about an event, and returns what was known before.
    pub(crate) fn mark(&self, number: u64, flags: u16) -> Result<Slot> {
        let _guard = self.lock();
        let before = self.slot(number)?;
        if !before.has(flags) {
            self.write(number, Slot { flags: before.flags | flags, ..before })?;
        }
        Ok(before)
    }

    /// Notes a receipt; `created`: the API says that this very request has recorded the event. What is wrong with it, if
    /// anything.
    pub(crate) fn receive(&self, number: u64, variant: u8, receipt: Receipt, created: bool) -> Result<Option<String>> {
        let _guard = self.lock();
        let slot = self.slot(number)?;
        let wrong = if slot.has(RECEIPT) && slot.receipt != receipt {
            Some(format!("was acknowledged with {:?} and then with {receipt:?}", slot.receipt))
        } else if slot.has(RECEIPT) && slot.variant != variant {
            Some(format!("two contents of it were acknowledged, variants {} and {variant}", slot.variant))
        } else if created && slot.has(CREATED) {
            Some(format!("two requests were told that they recorded it, at sequence {}", receipt.sequence))
        } else {
            None
        };
        let flags = slot.flags | RECEIPT | if created { CREATED } else { 0 };
        if !slot.has(RECEIPT) {
            self.write(number, Slot { flags, variant, receipt, ..slot })?;
        } else if flags != slot.flags {
            self.write(number, Slot { flags, ..slot })?;
        }
        self.acknowledged.fetch_max(receipt.sequence, Ordering::AcqRel);
        Ok(wrong)
    }

    /// Before the log is read, or read again.
    pub(crate) fn forget_found(&self) -> Result<()> {
        for number in 0..self.len() {
            let slot = self.slot(number)?;
            if slot.has(FOUND) {
                self.write(number, Slot { flags: slot.flags & !FOUND, ..slot })?;
            }
        }
        Ok(())
    }

    /// Notes that the log has the event. Whether it had it before.
    pub(crate) fn find(&self, number: u64) -> Result<bool> {
        Ok(self.mark(number, FOUND)?.has(FOUND))
    }

    /// What must be in the log, or be explained, and is not; told at the end.
    pub(crate) fn unfound(&self, mut tell: impl FnMut(u64, Slot)) -> Result<()> {
        for number in 0..self.len() {
            let slot = self.slot(number)?;
            if !slot.has(FOUND) {
                tell(number, slot);
            }
        }
        Ok(())
    }

    fn write(&self, number: u64, slot: Slot) -> Result<()> {
        self.file.write_all_at(&slot.to_bytes(), number * SLOT as u64).context("cannot write the journal")
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        // There is nothing behind it that a panic could leave half done.
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The differences between what was promised and what is there.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// The first ones in words, at most [`Self::LISTED`].
    pub(crate) listed: Vec<String>,
    pub(crate) count: u64,
    /// How many in each tenant.
    pub(crate) tenants: BTreeMap<String, u64>,
}

impl Differences {
    /// So many are told in words.
    const LISTED: usize = 1000;

    pub(crate) fn add(&mut self, tenant: &str, what: impl Into<String>) {
        self.count += 1;
        *self.tenants.entry(tenant.to_owned()).or_default() += 1;
        if self.listed.len() < Self::LISTED {
            self.listed.push(format!("{tenant}: {}", what.into()));
        }
    }
}
