//! What everybody may read: checkpoints, tiles, and the proofs that follow from them.
//!
//! A proof is put together from the tiles of the published tree, and every tile is checked up to the published root:
//! what is not genuine never becomes a proof.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::ids::TenantId;
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{
    Hash,
    checkpoint::Checkpoint,
    note::Note,
    tile::{self, Level, Tile, bundle_entries},
    tree::TreeHead,
};

use super::{TreeState, Trees, checkpoint_key, tile_key};
use crate::error::StoreError;

/// Reads at once.
const GETS: usize = 8;

/// Tiles with what is in them.
pub(super) type Tiles = BTreeMap<Tile, Bytes>;

/// A checkpoint as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The signed note (<https://c2sp.org/signed-note>). Its text form is what is published, to the last byte.
    pub note: Note,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Names this version of it; an HTTP entity tag with its quotes.
    pub etag: String,
}

/// Why something about a tree cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreesError {
    /// It will be in the tree, but is not in the published one yet. `size`: how many events that has.
    #[error("the published tree has only {size} events")]
    NotInTree { size: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// That an event is in the published tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    pub published: Published,
    /// The place of its leaf, from 0: its sequence number less one.
    pub index: u64,
    /// RFC 6962 section 2.1.1, from the leaf's sibling upwards.
    pub hashes: Vec<Hash>,
}

/// That one tree extends another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    pub from: TreeHead,
    pub to: TreeHead,
    /// RFC 6962 section 2.1.2.
    pub hashes: Vec<Hash>,
    /// The checkpoint under which both trees are.
    pub published: Published,
}

impl Published {
    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.checkpoint.head()
    }
}

impl Trees {
    /// The published checkpoint; none before the first. One read of S3.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] when what is there is no checkpoint of this log.
    pub async fn checkpoint(&self, tenant: &TenantId) -> Result<Option<Published>, StoreError> {
        let Some(found) = self.bucket.get(&checkpoint_key(tenant)).await? else { return Ok(None) };
        let note = Note::parse(&found.bytes).map_err(StoreError::corrupt)?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(StoreError::corrupt)?;
        if checkpoint.origin != self.origin(tenant) {
            return Err(StoreError::corrupt("the published checkpoint is another log's"));
        }
        Ok(Some(Published { note, checkpoint, etag: found.etag }))
    }

    /// A tile or an entry bundle, as it is published. One read of S3. A partial one is there if a checkpoint of its
    /// size was published or was about to be.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn tile(&self, tenant: &TenantId, tile: &Tile) -> Result<Option<Bytes>, StoreError> {
        Ok(self.bucket.get(&tile_key(tenant, tile)).await?.map(|found| found.bytes))
    }

    /// The tree as it was committed last, which may be ahead of what is published.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn state(&self, tenant: &TenantId) -> Result<Option<TreeState>, StoreError> {
        self.table.state(tenant).await
    }

    /// Proves that the event with a sequence number is in the published tree. At a million events: six reads of S3.
    ///
    /// # Errors
    /// [`TreesError::NotInTree`] when it is not in it yet, or there is no such event; else [`TreesError::Store`].
    pub async fn inclusion(&self, tenant: &TenantId, sequence: u64) -> Result<Inclusion, TreesError> {
        let published = self.covering(tenant, sequence).await?;
        let (index, size) = (sequence - 1, published.checkpoint.size);
        let tiles = self.tiles(tenant, tile::inclusion_tiles(index, size), size).await?;
        let hashes = tile::inclusion_proof(index, &published.head(), &tiles).map_err(StoreError::corrupt)?;
        Ok(Inclusion { published, index, hashes })
    }

    /// Proves that the tree of `to` events extends the one of `from` events. Both are prefixes of the published tree,
    /// whether checkpoints of these sizes were ever published or not.
    ///
    /// # Errors
    /// [`TreesError::NotInTree`] when the published tree is smaller; else [`TreesError::Store`]. [`StoreError::Corrupt`]
    /// also when `from` is larger than `to`.
    pub async fn consistency(&self, tenant: &TenantId, from: u64, to: u64) -> Result<Consistency, TreesError> {
        let published = self.covering(tenant, to.max(1)).await?;
        let to = self.head_at(tenant, to, &published.head()).await?;
        let tiles = tile::consistency_tiles(from, to.size);
        let tiles = self.tiles(tenant, tiles, published.checkpoint.size).await?;
        let (from, hashes) = tile::consistency_proof(from, &to, &tiles).map_err(StoreError::corrupt)?;
        Ok(Consistency { from, to, hashes, published })
    }

    /// The tree of the first `size` events of a committed one, whose tiles are all there.
    pub(super) async fn head_at(&self, tenant: &TenantId, size: u64, whole: &TreeHead) -> Result<TreeHead, StoreError> {
        if size == whole.size {
            return Ok(*whole);
        }
        let tiles = self.tiles(tenant, tile::consistency_tiles(size, whole.size), whole.size).await?;
        tile::consistency_proof(size, whole, &tiles).map(|(head, _)| head).map_err(StoreError::corrupt)
    }

    /// The published checkpoint, if the event with a sequence number is under it.
    pub(super) async fn covering(&self, tenant: &TenantId, sequence: u64) -> Result<Published, TreesError> {
        match self.checkpoint(tenant).await? {
            Some(published) if (1..=published.checkpoint.size).contains(&sequence) => Ok(published),
            published => Err(TreesError::NotInTree { size: published.map_or(0, |found| found.checkpoint.size) }),
        }
    }

    /// Tiles of any tree that is a prefix of a committed one of `size` events. A partial tile that was never put is the
    /// beginning of the one that was.
    pub(super) async fn tiles(&self, tenant: &TenantId, wanted: Vec<Tile>, size: u64) -> Result<Tiles, StoreError> {
        stream::iter(wanted)
            .map(|tile| async move {
                let missing = || StoreError::corrupt(format_args!("the tile {} is missing", tile.path()));
                let there = Tile::holding(tile.level(), tile.index() << 8, size).ok_or_else(missing)?;
                let bytes = self.tile(tenant, &there).await?.ok_or_else(missing)?;
                let bytes = if there == tile { bytes } else { beginning(&there, &bytes, tile.width())? };
                Ok((tile, bytes))
            })
            .buffer_unordered(GETS)
            .try_collect()
            .await
    }
}

/// The first hashes or entries of a tile.
fn beginning(tile: &Tile, bytes: &Bytes, width: u16) -> Result<Bytes, StoreError> {
    let length = match tile.level() {
        Level::Hashes(_) => usize::from(width) * 32,
        Level::Entries => {
            let entries = bundle_entries(bytes, tile.width()).map_err(StoreError::corrupt)?;
            entries.iter().take(width.into()).map(|entry| 2 + entry.len()).sum()
        }
    };
    if length > bytes.len() {
        return Err(StoreError::corrupt(format_args!("the tile {} is cut", tile.path())));
    }
    Ok(bytes.slice(..length))
}
