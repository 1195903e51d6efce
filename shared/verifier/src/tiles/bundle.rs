//! One entry bundle beside its tile of leaves. This is where nearly all the time goes, and several threads do it.

use domain::time::Timestamp;
use ledger::{Hash, LeafEntry, Origin, leaf::LeafError, tree};

use super::levels::{WIDTH, subtree};
use crate::{
    outcome::{Failure, Fault},
    tiles::files::{Files, Piece},
};

/// Enough of the SHA-256 of an event id to tell it from all others.
pub(super) type IdDigest = [u8; 16];

/// What a bundle gave, up to the first thing that is wrong with it.
pub(super) struct Portion {
    /// The leaf hashes of the entries that are right.
    pub(super) leaves: Vec<Hash>,
    /// The root over all 256, if it is a full bundle and right.
    pub(super) subtree: Option<Hash>,
    /// Digests of their event ids, if those are compared.
    pub(super) ids: Vec<IdDigest>,
    /// When the first and the last of them were received.
    pub(super) received: Option<(Timestamp, Timestamp)>,
    /// What is wrong with the entry after them, or with the files.
    pub(super) failure: Option<Failure>,
}

/// Reads and checks one bundle with its tile.
pub(super) fn check(files: &Files<'_>, index: u64, origin: &Origin, with_ids: bool) -> Portion {
    let mut portion = Portion {
        leaves: Vec::with_capacity(WIDTH),
        subtree: None,
        ids: Vec::with_capacity(if with_ids { WIDTH } else { 0 }),
        received: None,
        failure: None,
    };
    match Piece::new(index, files.size)
        .map_err(Failure::from)
        .and_then(|piece| fill(files, &piece, origin, with_ids, &mut portion))
    {
        Ok(()) => portion.subtree = (portion.leaves.len() == WIDTH).then(|| subtree(&portion.leaves)),
        Err(failure) => portion.failure = Some(failure),
    }
    portion
}

fn fill(
    files: &Files<'_>,
    piece: &Piece,
    origin: &Origin,
    with_ids: bool,
    portion: &mut Portion,
) -> Result<(), Failure> {
    let tile = files.hashes(&piece.leaves)?;
    let (bundle, whole) = files.bundle(&piece.entries)?;
    let mut rest = bundle.as_slice();
    for (sequence, expected) in (piece.first_sequence()..).zip(tile) {
        let Some(entry) = next_entry(&mut rest) else {
            return Err(Fault::BundleEnds { path: piece.entries.path(), sequence }.into());
        };
        let leaf = tree::leaf_hash(entry);
        if leaf != expected {
            return Err(Fault::OtherLeaf { sequence, tile: piece.leaves.path() }.into());
        }
        let entry = leaf_entry(entry, sequence, origin)?;
        let received_at = entry.received_at;
        let (first, before) = portion.received.unwrap_or((received_at, received_at));
        if received_at < before {
            return Err(Fault::TimeGoesBack { sequence }.into());
        }
        portion.received = Some((first, received_at));
        if with_ids {
            // Any hash would do; this one is at hand.
            let digest = tree::leaf_hash(entry.event_id.as_str().as_bytes());
            portion.ids.extend(digest.0.first_chunk::<16>());
        }
        portion.leaves.push(leaf);
    }
    // A full bundle may stand for a partial one of a smaller tree; then others' entries follow.
    if whole && !rest.is_empty() {
        return Err(Fault::BundleGoesOn { path: piece.entries.path(), sequence: piece.last_sequence() }.into());
    }
    Ok(())
}

/// The next entry of a bundle, which stands behind its length as a big-endian u16 (C2SP tlog-tiles, "Log entries").
fn next_entry<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    Some(entry)
}

/// Reads an entry, which must be in its one canonical form and in its place.
fn leaf_entry(bytes: &[u8], sequence: u64, origin: &Origin) -> Result<LeafEntry, Fault> {
    let refused = |error: LeafError| Fault::NotAnEntry { sequence, reason: error.to_string() };
    let entry = LeafEntry::parse(bytes).map_err(refused)?;
    if entry.origin != *origin {
        return Err(Fault::EntryOfOtherLog { sequence, found: entry.origin, expected: origin.clone() });
    }
    if entry.seq != sequence {
        return Err(Fault::OtherSequence { sequence, found: entry.seq });
    }
    Ok(entry)
}
