//! Letting a tenant's tree grow to the end of its log.
//!
//! 1. Read the tree's state, and the log from its end on. Compute every leaf anew, and check the chain.
//! 2. **Stage**: put the tiles and entry bundles that this makes. They are true whatever becomes of this run.
//! 3. **Commit**: one conditional write of the new state. Of two runs that started from one state, one goes on.
//! 4. **Publish**: sign what was committed, and replace the checkpoint (`publish.rs`).
//!
//! A crash anywhere leaves staged tiles that the next run finds equal to its own, or a state whose checkpoint the next
//! run publishes.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::{ids::TenantId, time::Timestamp};
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{
    Chain,
    tile::{Tile, TileBuilder},
};
use tokio::sync::OnceCell;

use super::{TreeState, Trees, read::Tiles, source, tile_key};
use crate::{Aws, Clock, Log, Signer, aws::ConfigError, conditional::Put, error::StoreError};

/// How many events a state is ahead of the one before, at most (but for the last segment). This bounds what a crash
/// makes the next run do again.
const MAX_PORTION: u64 = 65_536;
/// Full tiles that are held before they are put.
const MAX_STAGED: usize = 32;
/// Puts at once.
const PUTS: usize = 16;
/// How often a run that finds its state taken starts from the new one.
const MAX_RACES: u32 = 8;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integrated {
    /// How many events the tree has now.
    pub size: u64,
    /// How many of them this run added.
    pub added: u64,
    /// Whether this run published a checkpoint.
    pub published: bool,
    /// Whether it came to the log's end; otherwise its time was over.
    pub complete: bool,
    /// How long the oldest event that this run added had waited when it was published.
    pub lag: Option<Duration>,
}

/// Lets trees grow, and signs them.
#[derive(Debug, Clone)]
pub struct Integrator {
    pub(super) trees: Trees,
    log: Log,
    pub(super) signers: Arc<[Signer]>,
    pub(super) clock: Clock,
    /// The signers' keys are in the history of keys.
    pub(super) recorded: Arc<OnceCell<()>>,
}

/// What a portion of the log made of a tree.
struct Portion {
    state: TreeState,
    /// When the oldest of its events was received.
    oldest: Timestamp,
    /// There is nothing after it in the log.
    last: bool,
}

impl Integrator {
    /// Reads `TREES_TABLE`, `LEDGER_BUCKET`, `LEDGER_ORIGIN`, `SIGNING_KEYS` and what [`Log::from_env`] reads.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let signers = Signer::checkpoint_keys(aws)?;
        Ok(Self::new(Trees::from_env(aws)?, Log::from_env(aws)?, signers, Clock::System))
    }

    #[must_use]
    pub fn new(trees: Trees, log: Log, signers: Vec<Signer>, clock: Clock) -> Self {
        Self { trees, log, signers: signers.into(), clock, recorded: Arc::default() }
    }

    #[must_use]
    pub fn trees(&self) -> &Trees {
        &self.trees
    }

    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Brings a tenant's tree to the end of its log, and publishes its checkpoint. What cannot be done before the
    /// deadline is left to the next run.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]: the log, the state or what is published does not fit the others. Nothing was signed, and
    /// nothing will be until a person has looked. Any other [`StoreError`]: the same call goes on where this one stopped.
    pub async fn integrate(&self, tenant: &TenantId, deadline: Instant) -> Result<Integrated, StoreError> {
        let mut state = self.state(tenant).await?;
        let start = state.size();
        // The trees that this run has seen, each of which extends the one before.
        let mut lineage = vec![state.head()];
        let (mut complete, mut oldest, mut races) = (false, None::<Timestamp>, 0);
        while !complete && Instant::now() < deadline {
            let Some(portion) = self.stage(tenant, &state, deadline).await? else {
                complete = true;
                break;
            };
            match self.trees.table.commit(tenant, &state, &portion.state).await? {
                Put::Done => {
                    metrics::counter!("TreeEvents").increment(portion.state.size() - state.size());
                    state = portion.state;
                    oldest = oldest.or(Some(portion.oldest));
                    complete = portion.last;
                }
                // Another run was faster, or this is our own write, done twice. Either way we go on from what is there.
                Put::Taken => {
                    races += 1;
                    if races > MAX_RACES {
                        return Err(StoreError::Contended { attempts: races });
                    }
                    state = self.state(tenant).await?;
                    if state.head() == portion.state.head() {
                        oldest = oldest.or(Some(portion.oldest));
                        complete = portion.last;
                    }
                    if state.size() < lineage.last().map_or(0, |head| head.size) {
                        return Err(StoreError::corrupt("the tree's state went back"));
                    }
                }
            }
            lineage.push(state.head());
        }
        let published = self.publish(tenant, &lineage).await?;
        let now = self.clock.now();
        let waited = |since: Timestamp| u64::try_from(now.as_millis() - since.as_millis()).unwrap_or_default();
        let lag = oldest.map(|oldest| Duration::from_millis(waited(oldest)));
        Ok(Integrated { size: state.size(), added: state.size() - start, published, complete, lag })
    }

    async fn state(&self, tenant: &TenantId) -> Result<TreeState, StoreError> {
        let stored = self.trees.table.state(tenant).await?;
        Ok(stored.unwrap_or_else(|| TreeState::empty(&self.trees.origin(tenant))))
    }

    /// Puts all tiles that the next part of the log makes. None when there is nothing after the state.
    async fn stage(
        &self,
        tenant: &TenantId,
        state: &TreeState,
        deadline: Instant,
    ) -> Result<Option<Portion>, StoreError> {
        let mut segments = pin!(self.log.segments(tenant, state.size() + 1, u64::MAX));
        let Some(mut segment) = segments.try_next().await? else {
            self.check_end(tenant, state).await?;
            return Ok(None);
        };
        let mut chain = Chain::at(self.trees.origin(tenant), state.size(), state.ledger_hash());
        let (mut builder, edge) = self.resume(tenant, state).await?;
        let mut filled = Vec::new();
        let oldest = segment.received_at;
        let last = loop {
            let (entries, after) = source::entries(&chain, &segment)?;
            chain = after;
            for entry in entries {
                filled.extend(builder.push(&entry).map_err(StoreError::corrupt)?);
            }
            if filled.len() >= MAX_STAGED {
                self.put(tenant, std::mem::take(&mut filled)).await?;
            }
            match segments.try_next().await? {
                None => break true,
                Some(_) if chain.sequence() - state.size() >= MAX_PORTION || Instant::now() >= deadline => break false,
                Some(next) => segment = next,
            }
        };
        // The higher partial tiles are seldom other ones than before.
        filled.extend(builder.partials().into_iter().filter(|(tile, _)| !edge.contains_key(tile)));
        self.put(tenant, filled).await?;
        let frontier = builder.frontier().map_err(StoreError::corrupt)?;
        let grown = TreeState::grown(frontier, chain.ledger_hash(), self.clock.now());
        Ok(Some(Portion { state: grown, oldest, last }))
    }

    /// There is nothing after the tree's last event: then that event must be the log's last.
    async fn check_end(&self, tenant: &TenantId, state: &TreeState) -> Result<(), StoreError> {
        // Asked first: of a log that ends before its watermark, the end cannot be read, which looks like trouble of ours
        // and would have the batch come again and again.
        if state.size() > 0 && self.log.segment_of(tenant, state.size()).await?.is_none() {
            let lost = format_args!("the log has no event {}, which is in its tree", state.size());
            return Err(StoreError::corrupt(lost));
        }
        let end = self.log.status(tenant).await?;
        if (end.sequence, end.ledger_hash) == (state.size(), state.ledger_hash()) {
            return Ok(());
        }
        if end.sequence > state.size() {
            // It has grown since; then a segment begins where the tree ends.
            let next = state.size() + 1;
            let segment = self.log.segment_of(tenant, next).await?;
            if segment.is_some_and(|segment| segment.first == next) {
                return Ok(());
            }
        }
        Err(StoreError::corrupt(format_args!(
            "the log of {} events does not extend the tree of {}",
            end.sequence,
            state.size()
        )))
    }

    /// The tree's right edge, from the tiles; they must be those of the state.
    async fn resume(&self, tenant: &TenantId, state: &TreeState) -> Result<(TileBuilder, Tiles), StoreError> {
        let edge = self.trees.tiles(tenant, TileBuilder::needed(state.size()), state.size()).await?;
        let builder = TileBuilder::resume(state.frontier(), &edge).map_err(StoreError::corrupt)?;
        Ok((builder, edge))
    }

    async fn put(&self, tenant: &TenantId, tiles: Vec<(Tile, Vec<u8>)>) -> Result<(), StoreError> {
        stream::iter(tiles)
            .map(|(tile, bytes)| async move {
                let key = tile_key(tenant, &tile);
                self.trees.bucket.put_for_ever(&key, Bytes::from(bytes)).await
            })
            .buffer_unordered(PUTS)
            .try_collect()
            .await
    }
}
