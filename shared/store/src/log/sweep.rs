//! Objects of segments that were never committed: their writers lost the race for the slot, or crashed before it.
//!
//! An object may go when another segment stands where its own was to be put: slots are never freed, so nothing will
//! ever point to it. While the slot is empty, its writer may still be on the way, and the object stays.

use std::time::Duration;

use domain::ids::TenantId;
use futures::{StreamExt, TryStreamExt, stream};

use super::{Log, port::StagedObject};
use crate::error::StoreError;

/// Younger objects are left alone. It is only for the listing to be complete behind the place that is remembered.
const AGE: Duration = Duration::from_secs(60 * 60);
/// How many tenants, and how many slots of one, are looked at at once.
const AT_ONCE: usize = 8;

impl Log {
    /// Deletes the objects that no segment will ever point to, of all tenants, and returns how many there were. Each
    /// tenant's objects are listed once: how far is remembered.
    ///
    /// # Errors
    /// [`StoreError`] of one of the tenants; the others are swept all the same. The same call goes on where this one
    /// stopped.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let tenants = self.tables.staging_tenants().await?;
        let outcomes: Vec<_> = stream::iter(tenants)
            .map(|tenant| async move {
                let swept = self.sweep_tenant(&tenant).await;
                swept.inspect_err(|error| tracing::error!(%tenant, %error, "a tenant's objects could not be swept"))
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        outcomes.into_iter().sum()
    }

    async fn sweep_tenant(&self, tenant: &TenantId) -> Result<usize, StoreError> {
        let mut swept = 0;
        let mut from = self.tables.swept(tenant).await?;
        loop {
            let objects = self.tables.staged(tenant, from, AGE).await?;
            let page = objects.len();
            let verdicts: Vec<_> = stream::iter(objects)
                .map(|object| async move {
                    let is_orphan = self.is_orphan(tenant, &object).await?;
                    Ok::<_, StoreError>((object, is_orphan))
                })
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            let decided: Vec<_> = verdicts.into_iter().map_while(|(object, orphan)| Some((object, orphan?))).collect();
            let stopped = decided.len() < page;
            let Some(last) = decided.last().map(|(object, _)| object.first) else { return Ok(swept) };
            let orphans: Vec<_> =
                decided.into_iter().filter_map(|(object, is_orphan)| is_orphan.then_some(object)).collect();
            if !orphans.is_empty() {
                swept += orphans.len();
                self.tables.discard(tenant, orphans).await?;
            }
            // Others may have the same number, on the next page.
            let next = if stopped || page < 2 { last + 1 } else { last.max(from + 1) };
            self.tables.note_swept(tenant, next).await?;
            if stopped {
                return Ok(swept);
            }
            from = next;
        }
    }

    /// Whether nothing will ever point to an object; not known while its slot is empty.
    async fn is_orphan(&self, tenant: &TenantId, object: &StagedObject) -> Result<Option<bool>, StoreError> {
        let found = self.tables.segment_before(tenant, object.first).await?;
        let pointer = found.filter(|segment| segment.first() == object.first);
        Ok(pointer.map(|segment| segment.object(tenant).as_deref() != Some(&object.key)))
    }
}
