//! The files of a log, read from a source and measured.

use ledger::{
    Hash,
    tile::{Level, Tile},
};

use super::levels::WIDTH;
use crate::{
    outcome::{Failure, Fault},
    source::Source,
};

/// The bytes of a hash.
const HASH: usize = 32;
/// The longest entry bundle that the format allows: 256 entries of 65,535 bytes, each behind a length of two.
const LONGEST_BUNDLE: u64 = 256 * (2 + 65_535);

/// The tiles of a tree of a certain size.
pub(super) struct Files<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) size: u64,
}

/// An entry bundle and the tile of its leaves.
pub(super) struct Piece {
    pub(super) entries: Tile,
    pub(super) leaves: Tile,
}

impl Piece {
    /// Piece number `index` of a tree of `size` entries.
    pub(super) fn new(index: u64, size: u64) -> Result<Self, Fault> {
        let tile = |level| tile(level, index, size);
        Ok(Self { entries: tile(Level::Entries)?, leaves: tile(Level::Hashes(0))? })
    }

    pub(super) fn first_sequence(&self) -> u64 {
        first_sequence(&self.leaves)
    }

    pub(super) fn last_sequence(&self) -> u64 {
        self.leaves.first_leaf() + u64::from(self.leaves.width())
    }
}

/// A tile as it is in a tree of `size` entries.
pub(super) fn tile(level: Level, index: u64, size: u64) -> Result<Tile, Fault> {
    let first = index.checked_mul(WIDTH as u64);
    first.and_then(|first| Tile::holding(level, first, size)).ok_or_else(|| Fault::Malformed {
        what: "the checkpoint".to_owned(),
        reason: format!("no log has {size} entries"),
    })
}

/// The first entry that a tile is about.
pub(super) fn first_sequence(tile: &Tile) -> u64 {
    tile.first_leaf() + 1
}

impl Files<'_> {
    /// The hashes of a tile.
    pub(super) fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, Failure> {
        let (bytes, exact) = self.read(tile, (WIDTH * HASH) as u64)?;
        // A full tile in the place of a partial one begins with what the partial one had.
        let expected = HASH * if exact { usize::from(tile.width()) } else { WIDTH };
        if bytes.len() != expected {
            let (found, expected) = (bytes.len() as u64, expected as u64);
            let sequence = first_sequence(tile);
            return Err(Fault::TileLength { path: tile.path(), found, expected, sequence }.into());
        }
        let (hashes, _) = bytes.as_chunks::<HASH>();
        Ok(hashes.iter().take(tile.width().into()).copied().map(Hash).collect())
    }

    /// The bytes of an entry bundle, and whether it must end after the last entry of the tree.
    pub(super) fn bundle(&self, tile: &Tile) -> Result<(Vec<u8>, bool), Failure> {
        self.read(tile, LONGEST_BUNDLE)
    }

    /// A file, and whether it has just the width that was asked for. A log may take a partial tile away once the full
    /// one is there (C2SP tlog-tiles, "Partial Tiles").
    fn read(&self, tile: &Tile, limit: u64) -> Result<(Vec<u8>, bool), Failure> {
        if let Some(bytes) = self.source.read(&tile.path(), limit)? {
            return Ok((bytes, true));
        }
        if tile.is_partial()
            && let Ok(full) = Tile::new(tile.level(), tile.index(), WIDTH as u16)
            && let Some(bytes) = self.source.read(&full.path(), limit)?
        {
            return Ok((bytes, false));
        }
        Err(Fault::MissingFile { path: tile.path(), sequence: first_sequence(tile), size: self.size }.into())
    }
}
