//! The function that anchors the tenants' logs.
//!
//! 1. Every week, the checkpoints of all trees that grew are appended, as events, to a log of our own
//!    ([`TenantId::anchor`]), so that one signature covers them all (`anchoring.rs`).
//! 2. That log's tree grows and is signed like any other.
//! 3. Its checkpoint is shown to witnesses, who sign that it extends what they saw before (`witness/`). One that cannot
//!    be reached, or refuses, is asked again every hour. It is seen in metrics, and stops nothing.

mod anchoring;
#[cfg(test)]
mod tests;
pub mod witness;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use domain::ids::TenantId;
use serde::Deserialize;
use store::{Aws, Clock, ConfigError, Integrator, StoreError};

use witness::{Client, Witness, WitnessConfigError};

/// What is kept of an invocation's time for what is under way at the deadline.
const RESERVE: Duration = Duration::from_secs(60);

/// What the schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Anchor what grew, then show it to the witnesses. `{"task":"anchor"}`
    Anchor,
    /// Ask the witnesses that are behind. `{"task":"witness"}`
    Witness,
}

/// A setting is missing or unusable.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Witness(#[from] WitnessConfigError),
}

/// The invocation has failed, and should come again.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    #[error("{trees} trees could not be anchored, the last because: {last}")]
    Trees { trees: usize, last: StoreError },
    #[error("the time was over before all trees were anchored")]
    OutOfTime,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Anchors logs.
#[derive(Debug, Clone)]
pub struct LedgerAnchor {
    pub(crate) integrator: Integrator,
    pub(crate) clock: Clock,
    witnesses: Arc<[Witness]>,
    client: Client,
}

impl LedgerAnchor {
    /// Reads `WITNESSES`, `WITNESS_ALLOW_LOOPBACK`, and what [`Integrator::from_env`] reads.
    ///
    /// # Errors
    /// [`SetupError`]
    pub fn from_env(aws: &Aws) -> Result<Self, SetupError> {
        let witnesses = witness::from_env()?;
        Ok(Self::new(Integrator::from_env(aws)?, witnesses, Client::new()?, Clock::System))
    }

    #[must_use]
    pub fn new(integrator: Integrator, witnesses: Vec<Witness>, client: Client, clock: Clock) -> Self {
        Self { integrator, clock, witnesses: witnesses.into(), client }
    }

    /// Does a task. `deadline`: when Lambda ends the invocation.
    ///
    /// # Errors
    /// [`AnchorError`]: the same task goes on where this one stopped. Never because of a witness.
    pub async fn handle(&self, task: Task, deadline: SystemTime) -> Result<(), AnchorError> {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = Instant::now() + left.saturating_sub(RESERVE);
        let anchored = match task {
            Task::Anchor => self.anchor_all(deadline).await,
            Task::Witness => Ok(()),
        };
        // What was anchored is signed and shown, whatever happened to the rest.
        self.grow(deadline).await?;
        self.witness_all().await?;
        anchored
    }

    /// Lets the anchor log's tree grow.
    async fn grow(&self, deadline: Instant) -> Result<(), StoreError> {
        let grown = self.integrator.integrate(&TenantId::anchor(), deadline).await;
        let refused = matches!(grown, Err(StoreError::Corrupt { .. }));
        metrics::counter!("TreesRefused").increment(refused.into());
        grown.map(drop)
    }

    /// Shows the anchor log's checkpoint to the witnesses that have not seen it.
    async fn witness_all(&self) -> Result<(), StoreError> {
        if self.witnesses.is_empty() {
            return Ok(());
        }
        let trees = self.integrator.trees();
        let Some(published) = trees.checkpoint(&TenantId::anchor()).await? else { return Ok(()) };
        let (published, now) = (&published, self.clock.now());
        let outcomes = self.witnesses.iter().map(|witness| async move {
            let outcome = witness::follow(trees, &self.client, witness, published, now).await;
            (witness, outcome)
        });
        let (mut failures, mut worst) = (0, 0);
        for (witness, followed) in futures::future::join_all(outcomes).await {
            worst = worst.max(followed.behind);
            if let Some(error) = followed.failed {
                tracing::warn!(witness = witness.name(), behind = followed.behind, %error, "a witness does not follow");
                failures += 1;
            }
        }
        metrics::counter!("WitnessFailures").increment(failures);
        #[expect(clippy::cast_precision_loss, reason = "a metric; lags are far below 2^52")]
        metrics::histogram!("WitnessLag").record(worst as f64);
        Ok(())
    }
}
