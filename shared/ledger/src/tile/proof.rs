//! Proofs out of tiles, without input and output: first which tiles are needed, then the proof from their bytes.
//!
//! The root says what the partial tiles at the right edge are, and each tile says what the full tiles below it are. Every
//! tile that is used is checked on that way, so a proof never rests on a tile that somebody changed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Level, Tile, TileError, complete_root, edge_roots, right_edge};
use crate::{
    hash::Hash,
    tree::{MAX_SIZE, Node, Span, TreeHead, consistency_spans, decompose, empty_root, fold, inclusion_spans},
};

/// What surrounds a range of leaves: with the range itself it makes up the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeProof {
    /// The hashes of `decompose(0, begin)`.
    pub left: Vec<Hash>,
    /// The hashes of `decompose(end, size)`.
    pub right: Vec<Hash>,
}

/// The tiles that [`inclusion_proof`] needs; none when there is no such leaf.
#[must_use]
pub fn inclusion_tiles(index: u64, size: u64) -> Vec<Tile> {
    if index >= size {
        return Vec::new();
    }
    let leaf = Node { level: 0, index };
    tiles(nodes(&inclusion_spans(index, size)).chain([leaf]), size)
}

/// The proof that a leaf is at `index` (from 0) of the tree.
///
/// # Errors
/// [`TileError`], naming the tile that is missing or wrong.
pub fn inclusion_proof<B: AsRef<[u8]>>(
    index: u64,
    head: &TreeHead,
    tiles: &BTreeMap<Tile, B>,
) -> Result<Vec<Hash>, TileError> {
    if index >= head.size {
        return Err(TileError::NoSuchLeaf { index, size: head.size });
    }
    let checked = Checked::new(head, tiles)?;
    inclusion_spans(index, head.size).into_iter().map(|span| checked.span(span)).collect()
}

/// The tiles that [`consistency_proof`] needs; none when `from > to`.
#[must_use]
pub fn consistency_tiles(from: u64, to: u64) -> Vec<Tile> {
    if from > to {
        return Vec::new();
    }
    tiles(nodes(&consistency_spans(from, to)).chain(decompose(0, from)), to)
}

/// The tree of the first `from` leaves, and the proof that `head` extends it.
///
/// # Errors
/// [`TileError`], naming the tile that is missing or wrong.
pub fn consistency_proof<B: AsRef<[u8]>>(
    from: u64,
    head: &TreeHead,
    tiles: &BTreeMap<Tile, B>,
) -> Result<(TreeHead, Vec<Hash>), TileError> {
    if from > head.size {
        return Err(TileError::NoSuchRange { begin: 0, end: from, size: head.size });
    }
    let checked = Checked::new(head, tiles)?;
    let older = if from == 0 { empty_root() } else { checked.span(Span { begin: 0, end: from })? };
    let proof =
        consistency_spans(from, head.size).into_iter().map(|span| checked.span(span)).collect::<Result<_, _>>()?;
    Ok((TreeHead { size: from, root: older }, proof))
}

/// The tiles that [`range_proof`] needs; none when there is no such range.
#[must_use]
pub fn range_tiles(begin: u64, end: u64, size: u64) -> Vec<Tile> {
    if begin >= end || end > size {
        return Vec::new();
    }
    tiles(decompose(0, begin).into_iter().chain(decompose(end, size)), size)
}

/// What surrounds the leaves from `begin` up to, not including, `end` (indices, from 0).
///
/// # Errors
/// [`TileError`], naming the tile that is missing or wrong.
pub fn range_proof<B: AsRef<[u8]>>(
    begin: u64,
    end: u64,
    head: &TreeHead,
    tiles: &BTreeMap<Tile, B>,
) -> Result<RangeProof, TileError> {
    if begin >= end || end > head.size {
        return Err(TileError::NoSuchRange { begin, end, size: head.size });
    }
    let checked = Checked::new(head, tiles)?;
    let hashes = |begin, end| -> Result<Vec<Hash>, TileError> {
        decompose(begin, end).into_iter().map(|node| checked.node(node)).collect()
    };
    Ok(RangeProof { left: hashes(0, begin)?, right: hashes(end, head.size)? })
}

fn nodes(spans: &[Span]) -> impl Iterator<Item = Node> {
    spans.iter().flat_map(|span| decompose(span.begin, span.end))
}

/// The tiles that hold the nodes, those that vouch for them, and the right edge, which the root vouches for.
fn tiles(nodes: impl Iterator<Item = Node>, size: u64) -> Vec<Tile> {
    let mut needed: BTreeSet<_> = edge(size).into_iter().collect();
    for (level, position, _) in nodes.map(place) {
        let mut next = Tile::holding(Level::Hashes(level), position, size);
        while let Some(tile) = next {
            needed.insert(tile);
            next = parent(tile, size);
        }
    }
    needed.into_iter().collect()
}

/// The partial tiles; their entry bundle proves nothing.
fn edge(size: u64) -> Vec<Tile> {
    right_edge(size).into_iter().filter(|tile| tile.level() != Level::Entries).collect()
}

/// The tile that holds the root of a full tile.
fn parent(tile: Tile, size: u64) -> Option<Tile> {
    match tile.level() {
        Level::Hashes(level) if !tile.is_partial() => Tile::holding(Level::Hashes(level + 1), tile.index(), size),
        _ => None,
    }
}

/// Where the hash of a subtree comes from: the level of tiles, the first of its hashes there, and how many they are.
fn place(node: Node) -> (u8, u64, usize) {
    let height = node.level % 8;
    (node.level / 8, node.index << height, 1 << height)
}

/// Tiles of one tree, each of which is known to be the right one.
struct Checked {
    size: u64,
    tiles: BTreeMap<Tile, Vec<Hash>>,
}

impl Checked {
    fn new<B: AsRef<[u8]>>(head: &TreeHead, given: &BTreeMap<Tile, B>) -> Result<Self, TileError> {
        let size = head.size;
        if size > MAX_SIZE {
            return Err(TileError::TooLarge);
        }
        let mut tiles = BTreeMap::new();
        for (&tile, bytes) in given.iter().filter(|(tile, _)| tile.level() != Level::Entries) {
            if Tile::holding(tile.level(), tile.index() << 8, size) != Some(tile) {
                return Err(TileError::NotOfTree { tile, size });
            }
            tiles.insert(tile, tile.hashes(bytes.as_ref())?);
        }
        let checked = Self { size, tiles };
        checked.edge_leads_to(head.root)?;
        // A parent that is itself wrong is found when its own turn comes.
        for (&tile, hashes) in checked.tiles.iter().filter(|(tile, _)| !tile.is_partial()) {
            let above = parent(tile, size).ok_or(TileError::NotOfTree { tile, size })?;
            let expected = checked.hashes(above)?.get(within(tile.index()));
            if complete_root(hashes).as_ref() != expected {
                return Err(TileError::Mismatch { tile });
            }
        }
        Ok(checked)
    }

    fn edge_leads_to(&self, root: Hash) -> Result<(), TileError> {
        let mut roots = Vec::new();
        for tile in edge(self.size).into_iter().rev() {
            roots.extend(edge_roots(self.hashes(tile)?));
        }
        match fold(roots.into_iter()).unwrap_or_else(empty_root) == root {
            true => Ok(()),
            false => Err(TileError::Root { size: self.size }),
        }
    }

    fn hashes(&self, tile: Tile) -> Result<&[Hash], TileError> {
        self.tiles.get(&tile).map(Vec::as_slice).ok_or(TileError::Absent { tile })
    }

    fn node(&self, node: Node) -> Result<Hash, TileError> {
        let (level, position, count) = place(node);
        let absent = TileError::NoSuchLeaf { index: node.index << node.level, size: self.size };
        let tile = Tile::holding(Level::Hashes(level), position, self.size).ok_or_else(|| absent.clone())?;
        let first = within(position);
        self.hashes(tile)?.get(first..first + count).and_then(complete_root).ok_or(absent)
    }

    fn span(&self, span: Span) -> Result<Hash, TileError> {
        let hashes: Vec<_> =
            decompose(span.begin, span.end).into_iter().map(|node| self.node(node)).collect::<Result<_, _>>()?;
        fold(hashes.into_iter()).ok_or(TileError::NoSuchRange { begin: span.begin, end: span.end, size: self.size })
    }
}

/// The place of a hash within its tile.
fn within(position: u64) -> usize {
    usize::from(position.to_le_bytes()[0])
}
