//! The tree as files: <https://c2sp.org/tlog-tiles>.
//!
//! A tile holds up to 256 hashes of one level, and a level is 8 levels of the tree; an entry bundle holds the entries
//! behind a tile of level 0. Full ones never change. A partial one is named by its width, and is the last of its level.

mod builder;
mod bundle;
mod proof;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::{
    hash::Hash,
    tree::{self, MAX_SIZE},
};

pub use builder::TileBuilder;
pub use bundle::{BundleError, bundle_entries, push_bundle_entry};
pub use proof::{
    RangeProof, consistency_proof, consistency_tiles, inclusion_proof, inclusion_tiles, range_proof, range_tiles,
};

/// How many hashes a full tile has.
pub const TILE_WIDTH: u16 = 256;
/// The highest level that a tree of [`MAX_SIZE`] leaves has.
pub const MAX_LEVEL: u8 = 6;
/// The longest path that is read, in bytes; every path of ours is shorter.
const MAX_PATH_LEN: usize = 64;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The entries themselves.
    Entries,
    /// The hashes of subtrees of 256^n leaves; 0 are the leaf hashes.
    Hashes(u8),
}

/// The name of a tile or an entry bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: Level,
    index: u64,
    width: u16,
}

/// Why tiles do not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    #[error("not the path of a tile")]
    Path,
    #[error("a tree has at most 2^53 - 1 leaves")]
    TooLarge,
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoSuchLeaf { index: u64, size: u64 },
    #[error("a tree of {size} leaves has no range from {begin} to {end}")]
    NoSuchRange { begin: u64, end: u64, size: u64 },
    #[error("{tile} is needed and was not given")]
    Absent { tile: Tile },
    #[error("{tile} is no tile of a tree of {size} leaves")]
    NotOfTree { tile: Tile, size: u64 },
    #[error("{tile} has {found} bytes")]
    Length { tile: Tile, found: usize },
    #[error("{tile}: {error}")]
    Bundle { tile: Tile, error: BundleError },
    /// `index` counts the log's leaves from 0; its sequence number is one more.
    #[error("the entry {index} in {tile} is not the one in the tree")]
    Entry { tile: Tile, index: u64 },
    /// The tile is not what the level above, or the frontier, says it is.
    #[error("{tile} is not the one in the tree")]
    Mismatch { tile: Tile },
    /// The tiles at the right edge do not make up the root.
    #[error("the tiles at the right edge do not lead to the root of the tree of {size} leaves")]
    Root { size: u64 },
}

impl Tile {
    /// # Errors
    /// [`TileError::Path`], when no tree of ours has such a tile: the width is 1 to 256, and the index and the level
    /// are within a tree of [`MAX_SIZE`] leaves.
    pub fn new(level: Level, index: u64, width: u16) -> Result<Self, TileError> {
        let depth = match level {
            Level::Entries => 0,
            Level::Hashes(level) => level,
        };
        let fits = depth <= MAX_LEVEL && (1..=TILE_WIDTH).contains(&width) && {
            let last = (u128::from(index) * 256 + u128::from(width)) << (8 * depth);
            last <= u128::from(MAX_SIZE)
        };
        if fits { Ok(Self { level, index, width }) } else { Err(TileError::Path) }
    }

    /// The tile with the hash at `position` of its level (or the entry at it), as it is in a tree of `size` leaves;
    /// `None` when the tree has none there.
    #[must_use]
    pub fn holding(level: Level, position: u64, size: u64) -> Option<Self> {
        let depth = match level {
            Level::Entries => 0,
            Level::Hashes(level) => u32::from(level),
        };
        let count = size.min(MAX_SIZE).checked_shr(8 * depth)?;
        let index = position / u64::from(TILE_WIDTH);
        let there = count.checked_sub(index * u64::from(TILE_WIDTH)).filter(|_| position < count)?;
        let width = u16::try_from(there).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
        Some(Self { level, index, width })
    }

    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Its place in its level, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries, 1 to 256.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it has less than 256.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The index (from 0) of the first leaf below it.
    #[must_use]
    pub fn first_leaf(&self) -> u64 {
        match self.level {
            Level::Entries => self.index << 8,
            Level::Hashes(level) => self.index << (8 * (u32::from(level) + 1)),
        }
    }

    /// `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`, with the index 1234067 written `x001/x234/067`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = match self.level {
            Level::Entries => "tile/entries/".to_owned(),
            Level::Hashes(level) => format!("tile/{level}/"),
        };
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (place, group) in groups.iter().enumerate().rev() {
            path += &if place > 0 { format!("x{group:03}/") } else { format!("{group:03}") };
        }
        if self.is_partial() {
            path += &format!(".p/{}", self.width);
        }
        path
    }

    /// Reads a path, and takes it only in the one form that [`Tile::path`] writes.
    ///
    /// # Errors
    /// [`TileError::Path`].
    pub fn parse(path: &str) -> Result<Self, TileError> {
        Self::read(path).filter(|tile| tile.path() == path).ok_or(TileError::Path)
    }

    /// Reads it leniently: whatever is written in another way than ours is found by writing it again.
    fn read(path: &str) -> Option<Self> {
        if path.len() > MAX_PATH_LEN {
            return None;
        }
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = if level == "entries" { Level::Entries } else { Level::Hashes(level.parse().ok()?) };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok()?),
            None => (rest, TILE_WIDTH),
        };
        let index = index.split('/').try_fold(0_u64, |index, group| {
            let group: u16 = group.trim_start_matches('x').parse().ok()?;
            index.checked_mul(1000)?.checked_add(group.into())
        })?;
        Self::new(level, index, width).ok()
    }

    /// The hashes in a tile's bytes.
    fn hashes(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() != usize::from(self.width) {
            return Err(TileError::Length { tile: *self, found: bytes.len() });
        }
        Ok(hashes.iter().copied().map(Hash).collect())
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// Every tile and entry bundle of a tree: the bundles first, then the levels from the leaves up, each from the left.
pub fn tiles_of_size(size: u64) -> impl Iterator<Item = Tile> {
    let levels = std::iter::once(Level::Entries).chain((0..=MAX_LEVEL).map(Level::Hashes));
    levels.flat_map(move |level| {
        (0_u64..).map_while(move |index| Tile::holding(level, index * u64::from(TILE_WIDTH), size))
    })
}

/// The partial tiles of a tree and its partial entry bundle: what is needed to add to it.
#[must_use]
pub fn right_edge(size: u64) -> Vec<Tile> {
    let levels = std::iter::once(Level::Entries).chain((0..=MAX_LEVEL).map(Level::Hashes));
    levels
        .filter_map(|level| {
            let depth = if let Level::Hashes(level) = level { u32::from(level) } else { 0 };
            let last = (size.min(MAX_SIZE) >> (8 * depth)).checked_sub(1)?;
            Tile::holding(level, last, size).filter(Tile::is_partial)
        })
        .collect()
}

/// The hash over hashes whose number is a power of two; `None` when there are none.
fn complete_root(hashes: &[Hash]) -> Option<Hash> {
    debug_assert!(hashes.len() <= 1 || hashes.len().is_power_of_two(), "only complete subtrees are hashed");
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let half = row.len() / 2;
        for pair in 0..half {
            row[pair] = tree::node_hash(row[2 * pair], row[2 * pair + 1]);
        }
        row.truncate(half);
    }
    row.first().copied()
}

/// The largest complete subtrees over the hashes of a partial tile, the largest first.
fn edge_roots(hashes: &[Hash]) -> Vec<Hash> {
    let mut roots = Vec::new();
    let mut rest = hashes;
    while !rest.is_empty() {
        let (complete, smaller) = rest.split_at(1 << rest.len().ilog2());
        roots.extend(complete_root(complete));
        rest = smaller;
    }
    roots
}
