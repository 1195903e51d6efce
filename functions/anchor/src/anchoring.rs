//! Tenants' checkpoints into the anchor log.

use std::time::Instant;

use domain::{event::Event, ids::TenantId, time::Timestamp};
use futures::{StreamExt, stream};
use ledger::{Hash, Origin};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{StoreError, log::Submission, tree::Published};

use crate::{AnchorError, LedgerAnchor};

/// How many tenants are worked on at once.
const TENANTS_AT_ONCE: usize = 8;
/// The type, source and schema version of the events of the anchor log.
const EVENT_TYPE: &str = "ledger.checkpoint.anchored";
const SOURCE: &str = "ledger-anchor";
const SCHEMA_VERSION: &str = "v1";

/// The payload of an event of the anchor log.
#[derive(Debug, Serialize)]
struct Anchored<'a> {
    /// The signed note.
    checkpoint: String,
    origin: &'a Origin,
    size: u64,
    root: Hash,
}

impl LedgerAnchor {
    /// Anchors every tree that grew since it was last anchored, whatever happens to one of them.
    pub(crate) async fn anchor_all(&self, deadline: Instant) -> Result<(), AnchorError> {
        let trees = self.integrator.trees();
        let (mut anchored, mut refused, mut failed) = (0_u64, 0, None);
        let mut start = None;
        loop {
            let page = trees.open(start).await?;
            let mut checkpoints = Vec::with_capacity(page.tenants.len());
            let mut current = stream::iter(page.tenants)
                .map(|tenant| async move {
                    let published = self.current(&tenant, deadline).await;
                    (tenant, published)
                })
                .buffer_unordered(TENANTS_AT_ONCE);
            while let Some((tenant, outcome)) = current.next().await {
                match outcome {
                    Ok(Some(published)) => checkpoints.push((tenant, published)),
                    Ok(None) => {}
                    Err(error @ StoreError::Corrupt { .. }) => {
                        tracing::error!(%tenant, %error, "a tree was refused: it is not anchored");
                        refused += 1;
                    }
                    Err(error) => {
                        tracing::warn!(%tenant, %error, "a tree could not be anchored");
                        let trees = failed.map_or(0, |(trees, _)| trees) + 1;
                        failed = Some((trees, error));
                    }
                }
            }
            anchored += checkpoints.len() as u64;
            self.record(checkpoints).await?;
            start = page.next;
            if start.is_none() {
                break;
            }
            if Instant::now() >= deadline {
                return Err(AnchorError::OutOfTime);
            }
        }
        metrics::counter!("TreesAnchored").increment(anchored);
        metrics::counter!("TreesRefused").increment(refused);
        failed.map_or(Ok(()), |(trees, last)| Err(AnchorError::Trees { trees, last }))
    }

    /// A tenant's checkpoint, of all that is in its log by now. Integrating also makes sure that what is published is
    /// what was committed.
    async fn current(&self, tenant: &TenantId, deadline: Instant) -> Result<Option<Published>, StoreError> {
        self.integrator.integrate(tenant, deadline).await?;
        self.integrator.trees().checkpoint(tenant).await
    }

    /// Appends checkpoints to the anchor log, and then takes their trees off the list of open ones. Whatever is
    /// repeated after a crash is found to be there.
    async fn record(&self, checkpoints: Vec<(TenantId, Published)>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut submissions = Vec::with_capacity(checkpoints.len());
        for (tenant, published) in &checkpoints {
            submissions.push(Submission { event: event(tenant, published, now)?, schema: None });
        }
        // A checkpoint of this size may be there with other signatures or another time; the tree is the same one.
        self.integrator.log().append(&TenantId::anchor(), submissions).await?;
        for (tenant, published) in &checkpoints {
            if !self.integrator.trees().close(tenant, published.head().size).await? {
                tracing::debug!(%tenant, "the tree grew meanwhile, and stays open");
            }
        }
        Ok(())
    }
}

/// A checkpoint as an event. Its id is `<tenant>@<size>`, its order the tenant: each tree of a log is anchored once, and
/// the order's timeline is the list of a tenant's anchors.
pub(crate) fn event(tenant: &TenantId, published: &Published, now: Timestamp) -> Result<Event, StoreError> {
    let checkpoint = &published.checkpoint;
    let payload = Anchored {
        checkpoint: published.note.to_string(),
        origin: &checkpoint.origin,
        size: checkpoint.size,
        root: checkpoint.root,
    };
    let unfit = |what: &dyn std::fmt::Display| StoreError::Corrupt { what: format!("an anchor event: {what}") };
    let Value::Object(payload) = serde_json::to_value(payload).map_err(|error| unfit(&error))? else {
        return Err(unfit(&"no object"));
    };
    Ok(Event {
        event_id: format!("{tenant}@{}", checkpoint.size).parse().map_err(|error| unfit(&error))?,
        order_id: tenant.as_str().parse().map_err(|error| unfit(&error))?,
        occurred_at: now,
        source: SOURCE.parse().map_err(|error| unfit(&error))?,
        event_type: EVENT_TYPE.parse().map_err(|error| unfit(&error))?,
        schema_version: SCHEMA_VERSION.parse().map_err(|error| unfit(&error))?,
        correction_of: None,
        payload,
        metadata: Map::new(),
    })
}
