//! The function that builds the tenants' Merkle trees: on the stream of the segments table, and on a schedule that
//! catches up with what the stream could not do.
//!
//! A tenant whose log is not what was signed before is refused, and stops nobody else. Trouble of our own fails the
//! batch, which then comes again; what is done already is found done.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant, SystemTime};

use domain::ids::{InvalidId, TenantId};
use futures::{StreamExt, stream};
use serde::Deserialize;
use store::{
    Aws, ConfigError, StoreError,
    changes::Changes,
    tree::{Integrated, Integrator, PageStart},
};

/// How many trees grow at once. Each holds at most a few dozen tiles and segments.
const TENANTS_AT_ONCE: usize = 8;
/// What is kept of an invocation's time for writing the last tiles, signing and publishing.
const RESERVE: Duration = Duration::from_secs(12);

/// Why the function was called.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Call {
    /// The segments table changed.
    Stream(Changes),
    /// The schedule, or a person, asks for trees.
    Scope(Scope),
}

/// Which trees.
#[derive(Debug, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum Scope {
    /// Those that grew since they were last anchored. `{"scope":"open"}`
    Open,
    /// All that there are. Completes a change of keys. `{"scope":"all"}`
    All,
    /// One, whether there is a tree yet or not. `{"scope":"tenant","tenant":"acme"}`
    Tenant { tenant: String },
}

/// The invocation has failed, and must come again.
#[derive(Debug, thiserror::Error)]
pub enum IntegrateError {
    #[error("{trees} trees could not grow, the last because: {last}")]
    Failed { trees: usize, last: StoreError },
    #[error("the time was over before {trees} trees were complete")]
    OutOfTime { trees: usize },
    #[error("the list of trees could not be read: {0}")]
    List(#[source] StoreError),
    #[error("no tenant has such a name: it {0}")]
    Tenant(#[from] InvalidId),
}

/// Lets trees grow.
#[derive(Debug, Clone)]
pub struct TreeIntegrator {
    integrator: Integrator,
}

/// What became of several trees.
#[derive(Debug, Default)]
struct Tally {
    refused: u64,
    unfinished: usize,
    failed: usize,
    last: Option<StoreError>,
    lag: Duration,
}

impl TreeIntegrator {
    /// # Errors
    /// [`ConfigError`] when a setting is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::new(Integrator::from_env(aws)?))
    }

    #[must_use]
    pub fn new(integrator: Integrator) -> Self {
        Self { integrator }
    }

    /// Lets the trees grow that the call is about. `deadline`: when Lambda ends the invocation.
    ///
    /// # Errors
    /// [`IntegrateError`]: the same call goes on where this one stopped.
    pub async fn handle(&self, call: Call, deadline: SystemTime) -> Result<(), IntegrateError> {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = Instant::now() + left.saturating_sub(RESERVE);
        let mut tally = Tally::default();
        match call {
            Call::Stream(changes) => self.integrate(changes.committers(), deadline, &mut tally).await,
            Call::Scope(Scope::Tenant { tenant }) => {
                self.integrate([TenantId::from_stored(&tenant)?], deadline, &mut tally).await;
            }
            Call::Scope(scope) => {
                let mut start = None;
                loop {
                    let page = self.page(&scope, start).await.map_err(IntegrateError::List)?;
                    self.integrate(page.tenants, deadline, &mut tally).await;
                    start = page.next;
                    if start.is_none() {
                        break;
                    }
                    if Instant::now() >= deadline {
                        tally.unfinished += 1;
                        break;
                    }
                }
            }
        }
        tally.settle()
    }

    async fn page(&self, scope: &Scope, start: Option<PageStart>) -> Result<store::tree::TenantsPage, StoreError> {
        match scope {
            Scope::All => self.integrator.trees().all(start).await,
            Scope::Open | Scope::Tenant { .. } => self.integrator.trees().open(start).await,
        }
    }

    /// Lets several trees grow, whatever happens to one of them.
    async fn integrate(&self, tenants: impl IntoIterator<Item = TenantId>, deadline: Instant, tally: &mut Tally) {
        let mut outcomes = stream::iter(tenants)
            .map(|tenant| async move {
                let outcome = self.integrator.integrate(&tenant, deadline).await;
                (tenant, outcome)
            })
            .buffer_unordered(TENANTS_AT_ONCE);
        while let Some((tenant, outcome)) = outcomes.next().await {
            tally.add(&tenant, outcome);
        }
    }
}

impl Tally {
    fn add(&mut self, tenant: &TenantId, outcome: Result<Integrated, StoreError>) {
        match outcome {
            Ok(done) => {
                tracing::debug!(%tenant, size = done.size, added = done.added, published = done.published, "integrated");
                self.lag = self.lag.max(done.lag.unwrap_or_default());
                self.unfinished += usize::from(!done.complete);
            }
            Err(error @ StoreError::Corrupt { .. }) => {
                // Coming again would not help, and would keep the other tenants of the shard waiting.
                tracing::error!(%tenant, %error, "a tree was refused: nothing is signed before a person has looked");
                self.refused += 1;
            }
            Err(error) => {
                tracing::warn!(%tenant, %error, "a tree could not grow");
                self.failed += 1;
                self.last = Some(error);
            }
        }
    }

    fn settle(self) -> Result<(), IntegrateError> {
        metrics::counter!("TreesRefused").increment(self.refused);
        if !self.lag.is_zero() {
            metrics::histogram!("TreeLag").record(self.lag.as_secs_f64() * 1000.0);
        }
        match self.last {
            Some(last) => Err(IntegrateError::Failed { trees: self.failed, last }),
            None if self.unfinished > 0 => Err(IntegrateError::OutOfTime { trees: self.unfinished }),
            None => Ok(()),
        }
    }
}
