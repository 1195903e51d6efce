//! Checks what an order history gives out, offline: with the files and the log's public key, and nothing of ours but
//! the format (docs/LEDGER.md).
//!
//! - [`proof`]: one event is in the log.
//! - [`range`]: these are all events from one sequence to another, and the chain over them.
//! - [`tiles`]: a whole log, to the last byte of its files.
//! - [`consistency`]: one tree is the start of another.
//!
//! Each ends with a [`Report`] of what holds, or with the first thing that does not ([`Fault`]), or with why nobody can
//! tell ([`Trouble`]).

pub mod checkpoint;
pub mod consistency;
pub mod outcome;
pub mod progress;
pub mod proof;
pub mod range;
pub mod source;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tiles;

pub use checkpoint::{Keys, KeysError, Signed};
pub use outcome::{Cosigned, EventReport, Failure, Fault, Head, Noted, Report, Trouble};

/// How long the things can be that are read at once, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limits;

impl Limits {
    /// A note: some 200 bytes, and up to 7,000 for each signature.
    pub const CHECKPOINT: u64 = ledger::note::MAX_NOTE_BYTES as u64;
    /// A proof with the event in it, or an event; those have at most 256 KiB, and Base64 takes a third more.
    pub const PROOF: u64 = 4 << 20;
    /// A file of keys.
    pub const KEYS: u64 = 1 << 20;
}

/// Reads a hash in its one form, 64 lower-case hexadecimal digits.
#[must_use]
pub fn hex_hash(text: &str) -> Option<ledger::Hash> {
    let mut bytes = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(ledger::Hash(bytes))
}
