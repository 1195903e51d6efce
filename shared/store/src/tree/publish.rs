//! Signing what was committed.
//!
//! Two checkpoints of which neither extends the other are the one thing that must never be signed. What is signed here
//! is always the state in the table, read strongly and at that moment; states replace each other only by extending
//! ([`Integrator`]), and before a checkpoint is replaced it is made sure that the new one extends it, in case somebody
//! has put back an older table.

use bytes::Bytes;
use domain::ids::TenantId;
use ledger::{
    Origin,
    checkpoint::Checkpoint,
    note::{Note, Signature},
    tree::TreeHead,
};
use metrics::counter;

use super::{Integrator, KeyKind, Published, TreeState, checkpoint_key, verifier_key};
use crate::{
    bucket::{Condition, Put},
    error::StoreError,
    retry,
};

/// How often a run that finds the checkpoint replaced looks again.
const MAX_ATTEMPTS: u32 = 8;

impl Integrator {
    /// Publishes the committed state, unless that is done; whether this call did it. `lineage`: trees that are known to
    /// extend each other, in any order.
    pub(super) async fn publish(&self, tenant: &TenantId, lineage: &[TreeHead]) -> Result<bool, StoreError> {
        for attempt in 0..MAX_ATTEMPTS {
            // In this order: whatever is published was committed before, so the state is not behind it.
            let published = self.trees.checkpoint(tenant).await?;
            let Some(state) = self.trees.table.state(tenant).await? else {
                return match published {
                    None => Ok(false),
                    Some(_) => Err(StoreError::corrupt("a checkpoint is published, and there is no state of its tree")),
                };
            };
            if let Some(published) = &published {
                self.check_extends(tenant, published, &state, lineage).await?;
                if published.checkpoint.size == state.size() && self.is_signed(published).await? {
                    return Ok(false);
                }
            }
            let note = self.sign(&self.trees.origin(tenant), &state).await?;
            let condition = published.as_ref().map_or(Condition::Absent, |published| Condition::Is(&published.etag));
            let key = checkpoint_key(tenant);
            if self.trees.bucket.put(&key, Bytes::from(note), "text/plain; charset=utf-8", condition).await?
                == Put::Done
            {
                return Ok(true);
            }
            retry::pause(attempt).await;
        }
        Err(StoreError::Contended { attempts: MAX_ATTEMPTS })
    }

    async fn check_extends(
        &self,
        tenant: &TenantId,
        published: &Published,
        state: &TreeState,
        lineage: &[TreeHead],
    ) -> Result<(), StoreError> {
        let (from, to) = (published.head(), state.head());
        if from.size > to.size {
            return Err(StoreError::corrupt(format_args!(
                "a tree of {} events is published, and its state has only {}",
                from.size, to.size
            )));
        }
        if from == to || (lineage.contains(&from) && lineage.contains(&to)) {
            return Ok(());
        }
        if self.trees.head_at(tenant, from.size, &to).await? == from {
            return Ok(());
        }
        Err(StoreError::corrupt("the tree that is published is no beginning of the tree's state"))
    }

    /// Whether every key that signs now has signed it; a new key has not.
    async fn is_signed(&self, published: &Published) -> Result<bool, StoreError> {
        for signer in self.signers.iter() {
            let key = [verifier_key(KeyKind::Checkpoint, &published.checkpoint.origin, signer.public_key().await?)?];
            if published.note.verify(&key).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The checkpoint of a committed state, signed with all keys. Nothing else in this crate signs checkpoints.
    async fn sign(&self, origin: &Origin, state: &TreeState) -> Result<String, StoreError> {
        self.record_keys().await?;
        let checkpoint = Checkpoint { origin: origin.clone(), size: state.size(), root: state.root() };
        let mut note = Note::new(checkpoint.text(), Vec::new()).map_err(StoreError::corrupt)?;
        for signer in self.signers.iter() {
            let key = verifier_key(KeyKind::Checkpoint, origin, signer.public_key().await?)?;
            let signature = signer.sign(note.text().as_bytes()).await?;
            note.push(Signature::ed25519(&key, &signature));
        }
        counter!("CheckpointsSigned").increment(1);
        Ok(note.to_string())
    }

    /// A key's first use is noted before it.
    async fn record_keys(&self) -> Result<(), StoreError> {
        self.recorded
            .get_or_try_init(|| async {
                for signer in self.signers.iter() {
                    self.trees.record_key(KeyKind::Checkpoint, signer, self.clock.now()).await?;
                }
                Ok(())
            })
            .await
            .copied()
    }
}
