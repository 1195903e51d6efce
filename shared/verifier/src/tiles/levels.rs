//! The tree of a log, computed from its leaves tile by tile, with nothing kept but the tiles at its right edge.

use ledger::{Hash, tree};

/// The width of a full tile, in hashes.
pub(super) const WIDTH: usize = 256;

/// The hashes of the tiles that are not full yet, one tile a level.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels(Vec<Edge>);

/// The last tile of a level.
#[derive(Debug, Clone, Default)]
struct Edge {
    /// How many full tiles stand before it.
    before: u64,
    hashes: Vec<Hash>,
}

/// A tile of inner nodes or leaves, as it follows from the entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Computed {
    pub(super) level: u8,
    pub(super) index: u64,
    pub(super) hashes: Vec<Hash>,
}

impl Levels {
    /// Adds the root over the leaves of the next full bundle. `full` hears of each tile above the leaves that became
    /// full by it.
    pub(super) fn push_full<E>(&mut self, root: Hash, full: impl FnMut(Computed) -> Result<(), E>) -> Result<(), E> {
        self.edge(0).before += 1;
        self.push_node(1, root, full)
    }

    /// Adds the leaves of the last bundle, which is not full.
    pub(super) fn push_last(&mut self, leaves: Vec<Hash>) {
        self.edge(0).hashes = leaves;
    }

    fn push_node<E>(
        &mut self,
        mut level: u8,
        mut node: Hash,
        mut full: impl FnMut(Computed) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let edge = self.edge(level);
            edge.hashes.push(node);
            if edge.hashes.len() < WIDTH {
                return Ok(());
            }
            node = subtree(&edge.hashes);
            let tile = Computed { level, index: edge.before, hashes: std::mem::take(&mut edge.hashes) };
            edge.before += 1;
            full(tile)?;
            level += 1;
        }
    }

    /// The partial tiles above the leaves, as the tree is now, the lowest first.
    pub(super) fn partial(&self) -> impl Iterator<Item = Computed> {
        let tiles = self.0.iter().zip(0..).skip(1).filter(|(edge, _)| !edge.hashes.is_empty());
        tiles.map(|(edge, level)| Computed { level, index: edge.before, hashes: edge.hashes.clone() })
    }

    /// The root of the tree with `leaves`, at most 256, after those that were added in full bundles.
    pub(super) fn root_with(&self, leaves: &[Hash]) -> Hash {
        let mut rest = (!leaves.is_empty()).then(|| subtree(leaves));
        for edge in self.0.iter().skip(1) {
            // What is left over from the level below is smaller than a node of this one, and so comes after them all.
            let nodes: Vec<Hash> = edge.hashes.iter().copied().chain(rest).collect();
            rest = (!nodes.is_empty()).then(|| subtree(&nodes));
        }
        rest.unwrap_or_else(tree::empty_root)
    }

    /// The root of the tree as it is now.
    pub(super) fn root(&self) -> Hash {
        self.root_with(self.0.first().map_or(&[], |edge| &edge.hashes))
    }

    fn edge(&mut self, level: u8) -> &mut Edge {
        let level = usize::from(level);
        if self.0.len() <= level {
            self.0.resize_with(level + 1, Edge::default);
        }
        &mut self.0[level]
    }
}

/// RFC 6962 section 2.1 over hashes that are there already: the left part is the largest power of two that is smaller
/// than all. One hash stands for itself.
pub(super) fn subtree(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => tree::empty_root(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            tree::node_hash(subtree(left), subtree(right))
        }
    }
}
