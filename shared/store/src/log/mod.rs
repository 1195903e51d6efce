//! A tenant's log and the index over it.
//!
//! The log is a run of *segments*, each at the sequence number of its first event; putting one where nothing is *is*
//! the commit. The index (an event by its id, an order's timeline) is written after the commit and can be written again
//! by anybody. The *watermark* says how far the index is complete. docs/ARCHITECTURE.md tells the life of an event.

mod append;
mod draft;
mod dynamo;
mod hints;
mod index;
#[cfg(feature = "testing")]
pub mod memory;
mod packing;
pub mod port;
pub mod protocol;
mod read;
mod segment;
mod stored;
mod sweep;
mod tail;
#[cfg(test)]
mod tests;
mod timeline;

use std::sync::Arc;

use domain::ids::TenantId;
use ledger::Origin;

pub use draft::{Draft, Submission};
pub use index::{EventItem, Found, IndexItem, IndexKey, Listing, Receipt, RecordedEvent};
pub use protocol::{Outcome, Repaired};
pub use read::{LogPosition, ScanPage, Status};
pub use segment::{Entry, SchemaTag, Segment};
pub use stored::StoredSegment;
pub use tail::{Batch, Tail};
pub use timeline::{Order, TimelinePage, TimelinePosition};

use crate::{
    Aws, Clock,
    aws::{ConfigError, required},
    dice::Dice,
};
use dynamo::{DynamoTables, Objects};
use hints::Hints;
use port::{LogName, Tables};

/// The logs of all tenants.
#[derive(Debug, Clone)]
pub struct Log {
    tables: Arc<dyn Tables>,
    origin_prefix: String,
    clock: Clock,
    hints: Hints,
    dice: Dice,
    limits: Limits,
}

/// How large commits may be.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Of JSON, before compression.
    bytes: usize,
    /// Compressed entries that are longer are staged.
    stage_over: usize,
}

impl Limits {
    const STAGED: Self = Self { bytes: segment::MAX_STAGED_BYTES, stage_over: 64 * 1024 };
    #[cfg(feature = "testing")]
    const INLINE: Self = Self { bytes: segment::MAX_INLINE_BYTES, stage_over: usize::MAX };
}

impl Log {
    /// Reads `SEGMENTS_TABLE`, `INDEX_TABLE`, `DATA_BUCKET` and `LEDGER_ORIGIN`.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let tables = DynamoTables {
            client: aws.dynamo().clone(),
            segments: required("SEGMENTS_TABLE")?,
            index: required("INDEX_TABLE")?,
            objects: Some(Objects { client: aws.s3(), bucket: required("DATA_BUCKET")? }),
        };
        let origin_prefix = required("LEDGER_ORIGIN")?;
        let (clock, hints, limits) = (Clock::System, Hints::default(), Limits::STAGED);
        Ok(Self { tables: Arc::new(tables), origin_prefix, clock, hints, limits, dice: Dice::default() })
    }

    /// Over the tables of an embedded DynamoDB, without a bucket: nothing is staged.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(aws: &Aws, clock: Clock) -> Self {
        let tables = DynamoTables {
            client: aws.dynamo().clone(),
            segments: crate::testing::SEGMENTS.to_owned(),
            index: crate::testing::INDEX.to_owned(),
            objects: None,
        };
        Self { limits: Limits::INLINE, ..Self::over(Arc::new(tables), clock) }
    }

    /// Over tables of any kind; the origins are `history.example.com/<tenant>`.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn over(tables: Arc<dyn Tables>, clock: Clock) -> Self {
        let origin_prefix = "history.example.com".to_owned();
        Self { tables, origin_prefix, clock, hints: Hints::default(), dice: Dice::default(), limits: Limits::STAGED }
    }

    /// With random numbers that follow from a seed.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        let dice = Dice::Seeded(Arc::new(std::sync::atomic::AtomicU64::new(seed)));
        Self { dice, ..self }
    }

    /// The name of a tenant's log.
    #[must_use]
    pub fn origin(&self, tenant: &TenantId) -> Origin {
        Origin::new(&self.origin_prefix, tenant)
    }

    fn name(&self, tenant: &TenantId) -> Arc<LogName> {
        Arc::new(LogName { tenant: tenant.clone(), origin: self.origin(tenant) })
    }
}
