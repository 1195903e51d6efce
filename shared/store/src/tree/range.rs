//! Range bundles: proof that these are all the events from one sequence number to another (docs/LEDGER.md).
//!
//! A bundle is written as it is read, a part at a time. What was written is checked on the way: the statement is signed,
//! and the last line given out, only when the entries lead from the one chain hash to the other and to the root of the
//! published tree. A bundle without its last line is none.

use std::sync::Arc;

use bytes::Bytes;
use domain::ids::TenantId;
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use ledger::{
    Hash, LeafEntry, TreeHead, chain, commitment,
    entry::OpenedEntry,
    note::{Note, Signature},
    range::{RangeFooter, RangeHeader, Statement, line},
    tile::{self, Level, TILE_WIDTH, Tile, bundle_entries},
    tree::{Frontier, decompose, leaf_hash},
};
use tokio::sync::OnceCell;

use super::{KeyKind, Published, Trees, TreesError, export::Exports, verifier_key};
use crate::{Aws, Clock, Log, Signer, aws::ConfigError, error::StoreError, log::Segment};

/// Makes range bundles.
#[derive(Debug, Clone)]
pub struct Ranges {
    trees: Trees,
    log: Log,
    signer: Signer,
    pub(super) exports: Exports,
    clock: Clock,
    /// The signer's key is in the history of keys.
    recorded: Arc<OnceCell<()>>,
}

/// A bundle that can be written.
#[derive(Debug)]
pub struct RangeBundle {
    ranges: Ranges,
    tenant: TenantId,
    published: Published,
    header: RangeHeader,
    statement: Statement,
    content: bool,
}

/// A part of the entries: their lines, and their leaf hashes.
type Part = (Vec<u8>, Vec<Hash>);

/// What has been written of a bundle's entries.
struct Written {
    frontier: Frontier,
    sequence: u64,
    ledger_hash: Hash,
}

impl Ranges {
    /// Reads `RANGE_KEY`, `DATA_BUCKET` and what [`Trees::from_env`] and [`Log::from_env`] read.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let exports = Exports::from_env(aws)?;
        Ok(Self::new(Trees::from_env(aws)?, Log::from_env(aws)?, Signer::range_key(aws)?, exports))
    }

    /// Large bundles go into `bucket`.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(trees: Trees, log: Log, signer: Signer, bucket: &crate::testing::MemoryBucket) -> Self {
        Self::new(trees, log, signer, Exports::Memory(bucket.clone()))
    }

    fn new(trees: Trees, log: Log, signer: Signer, exports: Exports) -> Self {
        Self { trees, log, signer, exports, clock: Clock::System, recorded: Arc::default() }
    }

    /// A bundle of the events `from` to `to`, both included; `1 <= from <= to`. With `content` it holds what the events
    /// say, as it is now: with erased fields, if any were.
    ///
    /// # Errors
    /// [`TreesError::NotInTree`] when the published tree does not reach `to`; else [`TreesError::Store`].
    pub async fn bundle(
        &self,
        tenant: &TenantId,
        from: u64,
        to: u64,
        content: bool,
    ) -> Result<RangeBundle, TreesError> {
        let published = self.trees.covering(tenant, to).await?;
        let head = published.head();
        if from == 0 || from > to {
            return Err(TreesError::NotInTree { size: head.size });
        }
        let wanted = tile::range_tiles(from - 1, to, head.size);
        let (tiles, previous, last) = futures::join!(
            self.trees.tiles(tenant, wanted, head.size),
            self.ledger_hash(tenant, from - 1),
            self.ledger_hash(tenant, to),
        );
        let proof = tile::range_proof(from - 1, to, &head, &tiles?).map_err(StoreError::corrupt)?;
        let origin = published.checkpoint.origin.clone();
        let statement = Statement { origin, from, to, previous_ledger_hash: previous?, ledger_hash: last?, head };
        let header = RangeHeader::new(&statement, proof);
        Ok(RangeBundle { ranges: self.clone(), tenant: tenant.clone(), published, header, statement, content })
    }

    /// The chain's hash after an event, as the log says.
    async fn ledger_hash(&self, tenant: &TenantId, sequence: u64) -> Result<Hash, StoreError> {
        if sequence == 0 {
            return Ok(chain::genesis(&self.trees.origin(tenant)));
        }
        let missing = || StoreError::corrupt(format_args!("the log has no event {sequence}"));
        let segment = self.log.segment_of(tenant, sequence).await?.ok_or_else(missing)?;
        segment
            .sealed()
            .map(|(_, sealed)| sealed)
            .find(|sealed| sealed.sequence == sequence)
            .map_or_else(|| Err(missing()), |sealed| Ok(sealed.ledger_hash))
    }

    /// The signed statement.
    async fn sign(&self, statement: &Statement) -> Result<Note, StoreError> {
        self.recorded.get_or_try_init(|| self.trees.record_key(KeyKind::Range, &self.signer, self.clock.now())).await?;
        let key = verifier_key(KeyKind::Range, &statement.origin, self.signer.public_key().await?)?;
        let mut note = Note::new(statement.text(), Vec::new()).map_err(StoreError::corrupt)?;
        let signature = self.signer.sign(note.text().as_bytes()).await?;
        note.push(Signature::ed25519(&key, &signature));
        Ok(note)
    }
}

impl RangeBundle {
    /// How many events it has.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.statement.to - self.statement.from + 1
    }

    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The first and the last sequence number.
    #[must_use]
    pub fn bounds(&self) -> (u64, u64) {
        (self.statement.from, self.statement.to)
    }

    /// The bundle, in blocks of whole lines. At most a segment or an entry bundle is held at once.
    ///
    /// # Errors
    /// In the stream, after which it ends: [`StoreError`]; [`StoreError::Corrupt`] when what is stored is not what was
    /// signed.
    pub fn blocks(self) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
        let Self { ranges, tenant, published, header, statement, content } = self;
        let first = stream::iter([Ok(Bytes::from(header.to_line()))]);
        let start = Frontier::from_hashes(statement.from - 1, header.left).map_err(StoreError::corrupt);
        let right = header.right;
        let rest = stream::once(async move {
            let written =
                Written { frontier: start?, sequence: statement.from - 1, ledger_hash: statement.previous_ledger_hash };
            let parts = ranges.clone().parts(tenant, &statement, content);
            Ok::<_, StoreError>(stream::try_unfold(Some((parts, written)), move |state| {
                let (ranges, statement) = (ranges.clone(), statement.clone());
                let (right, published) = (right.clone(), published.clone());
                async move {
                    let Some((mut parts, mut written)) = state else { return Ok(None) };
                    if let Some((lines, leaves)) = parts.try_next().await? {
                        written.add(&leaves)?;
                        return Ok(Some((Bytes::from(lines), Some((parts, written)))));
                    }
                    written.check(&statement, &right)?;
                    let note = ranges.sign(&statement).await?;
                    let footer = RangeFooter { checkpoint: published.note.to_string(), statement: note.to_string() };
                    Ok(Some((Bytes::from(footer.to_line()), None)))
                }
            }))
        })
        .try_flatten();
        first.chain(rest)
    }
}

impl Ranges {
    fn parts(
        self,
        tenant: TenantId,
        statement: &Statement,
        content: bool,
    ) -> BoxStream<'static, Result<Part, StoreError>> {
        let (from, to, size) = (statement.from, statement.to, statement.head.size);
        if content { self.opened(tenant, from, to) } else { self.alone(tenant, from, to, size) }
    }

    /// The entries out of the bundles in the bucket.
    fn alone(self, tenant: TenantId, from: u64, to: u64, size: u64) -> BoxStream<'static, Result<Part, StoreError>> {
        let width = u64::from(TILE_WIDTH);
        let bundles = (from - 1) / width..=(to - 1) / width;
        stream::iter(bundles)
            .map(move |bundle| {
                let (trees, tenant) = (self.trees.clone(), tenant.clone());
                async move {
                    let missing = || StoreError::corrupt(format_args!("the entry bundle {bundle} is missing"));
                    let tile = Tile::holding(Level::Entries, bundle * width, size).ok_or_else(missing)?;
                    let bytes = trees.tile(&tenant, &tile).await?.ok_or_else(missing)?;
                    let entries = bundle_entries(&bytes, tile.width()).map_err(StoreError::corrupt)?;
                    let (mut lines, mut leaves) = (Vec::with_capacity(bytes.len()), Vec::new());
                    for (sequence, entry) in (tile.first_leaf() + 1..).zip(entries) {
                        if (from..=to).contains(&sequence) {
                            lines.extend(line(entry.to_vec()));
                            leaves.push(leaf_hash(entry));
                        }
                    }
                    Ok((lines, leaves))
                }
            })
            .buffered(4)
            .boxed()
    }

    /// The entries out of the log, opened.
    fn opened(self, tenant: TenantId, from: u64, to: u64) -> BoxStream<'static, Result<Part, StoreError>> {
        let log = self.log;
        stream::once(async move {
            let missing = || StoreError::corrupt(format_args!("the log has no event {from}"));
            let first = log.segment_of(&tenant, from).await?.ok_or_else(missing)?;
            let others = log.segments(&tenant, first.next(), to);
            Ok::<_, StoreError>(stream::iter([Ok(first)]).chain(others))
        })
        .try_flatten()
        .map_ok(move |segment| open(&segment, from, to))
        .boxed()
    }
}

/// The opened entries of a segment from one sequence number to another.
fn open(segment: &Segment, from: u64, to: u64) -> Part {
    let (mut lines, mut leaves) = (Vec::new(), Vec::new());
    for (sequence, stored) in (segment.first..).zip(&segment.entries) {
        if !(from..=to).contains(&sequence) {
            continue;
        }
        let event = &stored.event;
        let content = commitment::content(&stored.opening, &event.payload, &event.metadata);
        let entry = LeafEntry::new(event, content, &segment.origin, sequence, segment.received_at);
        leaves.push(entry.leaf_hash());
        let opened = OpenedEntry {
            entry,
            metadata: event.metadata.clone(),
            opening: stored.opening.clone(),
            payload: event.payload.clone(),
        };
        lines.extend(line(opened.to_bytes()));
    }
    (lines, leaves)
}

impl Written {
    fn add(&mut self, leaves: &[Hash]) -> Result<(), StoreError> {
        for leaf in leaves {
            self.sequence += 1;
            self.ledger_hash = chain::link(self.sequence, self.ledger_hash, *leaf);
            self.frontier.push(*leaf).map_err(StoreError::corrupt)?;
        }
        Ok(())
    }

    /// That what was written is what the statement says, up to the published root.
    fn check(mut self, statement: &Statement, right: &[Hash]) -> Result<(), StoreError> {
        let TreeHead { size, .. } = statement.head;
        for (node, hash) in decompose(statement.to, size).into_iter().zip(right) {
            self.frontier.push_subtree(node.level, *hash).map_err(StoreError::corrupt)?;
        }
        if self.sequence != statement.to || self.ledger_hash != statement.ledger_hash {
            return Err(StoreError::corrupt(format_args!(
                "the events {} to {} do not lead to the chain's hash",
                statement.from, statement.to
            )));
        }
        if self.frontier.head() != statement.head {
            return Err(StoreError::corrupt(format_args!(
                "the events {} to {} are not those in the published tree",
                statement.from, statement.to
            )));
        }
        Ok(())
    }
}
