//! Building tiles, entry by entry.

use std::collections::BTreeMap;

use super::{BundleError, Level, MAX_LEVEL, TILE_WIDTH, Tile, TileError, bundle_entries, complete_root, edge_roots};
use super::{push_bundle_entry, right_edge};
use crate::{
    hash::Hash,
    tree::{Frontier, FrontierError, MAX_SIZE, TreeHead, leaf_hash},
};

/// Builds the tiles and entry bundles of a log from its entries. It holds the partial ones alone: less than 60 KB of
/// hashes and at most 255 entries, however long the log.
#[derive(Debug, Clone, Default)]
pub struct TileBuilder {
    size: u64,
    /// The partial entry bundle.
    bundle: Vec<u8>,
    /// The hashes of the partial tile of each level.
    levels: [Vec<Hash>; MAX_LEVEL as usize + 1],
}

impl TileBuilder {
    /// For a log without an entry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tiles that [`TileBuilder::resume`] needs for a tree of `size` leaves: its partial ones.
    #[must_use]
    pub fn needed(size: u64) -> Vec<Tile> {
        right_edge(size)
    }

    /// Goes on behind the tree of `frontier`. Each tile is checked against it, and each entry against its leaf hash.
    ///
    /// # Errors
    /// [`TileError`], naming the tile or entry that is missing or is not the one in the tree.
    pub fn resume<B: AsRef<[u8]>>(frontier: &Frontier, tiles: &BTreeMap<Tile, B>) -> Result<Self, TileError> {
        let size = frontier.size();
        let mut builder = Self { size, ..Self::default() };
        // The tiles of the higher levels hold the larger subtrees, which stand first in the frontier.
        let mut expected = frontier.hashes();
        for tile in right_edge(size).into_iter().rev() {
            let bytes = tiles.get(&tile).ok_or(TileError::Absent { tile })?.as_ref();
            match tile.level() {
                Level::Hashes(level) => {
                    let hashes = tile.hashes(bytes)?;
                    let roots = edge_roots(&hashes);
                    expected = expected.strip_prefix(roots.as_slice()).ok_or(TileError::Mismatch { tile })?;
                    builder.levels[usize::from(level)] = hashes;
                }
                Level::Entries => {
                    let entries =
                        bundle_entries(bytes, tile.width()).map_err(|error| TileError::Bundle { tile, error })?;
                    for (index, (entry, leaf)) in (tile.first_leaf()..).zip(entries.iter().zip(&builder.levels[0])) {
                        if leaf_hash(entry) != *leaf {
                            return Err(TileError::Entry { tile, index });
                        }
                    }
                    builder.bundle = bytes.to_vec();
                }
            }
        }
        Ok(builder)
    }

    /// Adds an entry, and returns the tiles and the bundle that it fills: in most cases none.
    ///
    /// # Errors
    /// [`BundleError::TooLong`]; then nothing was added.
    pub fn push(&mut self, entry: &[u8]) -> Result<Vec<(Tile, Vec<u8>)>, BundleError> {
        push_bundle_entry(&mut self.bundle, entry)?;
        self.levels[0].push(leaf_hash(entry));
        self.size += 1;
        debug_assert!(self.size <= MAX_SIZE, "sequence numbers end before that");

        let mut filled = Vec::new();
        if self.levels[0].len() < usize::from(TILE_WIDTH) {
            return Ok(filled);
        }
        let index = (self.size >> 8) - 1;
        let next = Vec::with_capacity(self.bundle.len());
        let bundle = std::mem::replace(&mut self.bundle, next);
        filled.push((Tile { level: Level::Entries, index, width: TILE_WIDTH }, bundle));
        for level in 0..=MAX_LEVEL {
            let hashes = &mut self.levels[usize::from(level)];
            if hashes.len() < usize::from(TILE_WIDTH) {
                break;
            }
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            filled.push((Tile { level: Level::Hashes(level), index, width: TILE_WIDTH }, to_bytes(hashes)));
            let root = complete_root(hashes);
            hashes.clear();
            if let Some(above) = self.levels.get_mut(usize::from(level) + 1) {
                above.extend(root);
            }
        }
        Ok(filled)
    }

    /// The partial tiles and the partial bundle as they are now.
    #[must_use]
    pub fn partials(&self) -> Vec<(Tile, Vec<u8>)> {
        let bytes = |tile: &Tile| match tile.level() {
            Level::Entries => self.bundle.clone(),
            Level::Hashes(level) => to_bytes(&self.levels[usize::from(level)]),
        };
        right_edge(self.size).into_iter().map(|tile| (tile, bytes(&tile))).collect()
    }

    /// How many entries the log has so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tree so far.
    ///
    /// # Errors
    /// [`FrontierError::TooLarge`], beyond 2^53 - 1 leaves.
    pub fn frontier(&self) -> Result<Frontier, FrontierError> {
        let hashes = self.levels.iter().rev().flat_map(|hashes| edge_roots(hashes)).collect();
        Frontier::from_hashes(self.size, hashes)
    }

    /// The size and root so far.
    ///
    /// # Errors
    /// [`FrontierError::TooLarge`], beyond 2^53 - 1 leaves.
    pub fn head(&self) -> Result<TreeHead, FrontierError> {
        self.frontier().map(|frontier| frontier.head())
    }
}

fn to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
