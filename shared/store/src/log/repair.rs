//! What a crashed writer left is brought into the index here.

use std::time::Duration;

use domain::ids::TenantId;

use super::{Log, decide, index, segment::Segment, table::Head};
use crate::error::StoreError;

/// How long a segment is left to the writer that committed it. Applying it twice would be right, and cost twice.
const GRACE: Duration = Duration::from_secs(2);
/// The most rounds of one call; each brings the watermark forward, so this bounds only a log that is far behind.
const MAX_ROUNDS: usize = 1_000;

/// What a repair found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Segments whose index items were missing, and are there now.
    pub segments: usize,
    /// Everything below this sequence number is in the index.
    pub watermark: u64,
}

impl Log {
    /// Completes the index of a tenant's log and moves the watermark to its end.
    ///
    /// # Errors
    /// [`StoreError`]: the same call goes on where this one stopped.
    pub async fn repair(&self, tenant: &TenantId) -> Result<Repaired, StoreError> {
        let origin = self.origin(tenant);
        let mut repaired = Repaired::default();
        for _ in 0..MAX_ROUNDS {
            let mut head = self.tables.head(tenant, &origin).await?;
            repaired.watermark = head.watermark;
            if head.tail.is_empty() {
                return Ok(repaired);
            }
            if self.missing(tenant, &head).await?.is_empty() {
                repaired.watermark = self.raise_over(tenant, &head).await?;
            } else {
                tokio::time::sleep(self.time_left(&head)).await;
                let missing = self.missing(tenant, &head).await?;
                head.tail.retain(|segment| missing.contains(&segment.first));
                repaired.segments += head.tail.len();
                self.index_all(tenant, &head.tail).await?;
                // The next round finds everything there, and raises.
            }
        }
        Ok(repaired)
    }

    /// The first sequence numbers of the tail's segments that are not wholly in the index.
    async fn missing(&self, tenant: &TenantId, head: &Head) -> Result<Vec<u64>, StoreError> {
        let keys = head.tail.iter().flat_map(|segment| index::keys(tenant, segment)).collect();
        let found = self.tables.lookup(keys).await?;
        let found = found.keys().collect();
        Ok(head.tail.iter().filter(|segment| !decide::is_applied(tenant, segment, &found)).map(|s| s.first).collect())
    }

    /// How long the youngest segment is still its writer's.
    fn time_left(&self, head: &Head) -> Duration {
        let age = head.tail.last().map_or(0, |segment| self.clock.now().as_millis() - segment.received_at.as_millis());
        GRACE.saturating_sub(Duration::from_millis(u64::try_from(age).unwrap_or_default()))
    }

    /// Applies the segments of a head's tail, seen or not, and moves the watermark over them.
    pub(super) async fn catch_up(&self, tenant: &TenantId, head: &Head) -> Result<u64, StoreError> {
        self.index_all(tenant, &head.tail).await?;
        self.raise_over(tenant, head).await
    }

    async fn index_all(&self, tenant: &TenantId, segments: &[Segment]) -> Result<(), StoreError> {
        for segment in segments {
            self.tables.apply(index::items(tenant, segment)?).await?;
        }
        Ok(())
    }

    async fn raise_over(&self, tenant: &TenantId, head: &Head) -> Result<u64, StoreError> {
        let end = head.tail.last().map_or(head.watermark, Segment::next);
        self.tables.raise(tenant, end).await?;
        Ok(end)
    }
}
