//! The failed-ingestion store: what came in and could not become an event, with the reason.
//!
//! A failure's key follows from where it came from, so a batch that comes again lists nothing twice. Keys begin with the
//! time of arrival, so a tenant's failures are read in its order, the newest first. They go when their retention is over.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, io::Read};

use aws_sdk_dynamodb::{
    Client,
    types::{PutRequest, ReturnConsumedCapacity, WriteRequest},
};
use domain::{ids::TenantId, time::Timestamp};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    aws::{Aws, ConfigError, required},
    batch, capacity,
    error::StoreError,
    item::{Item, from_item, s, to_item},
};

/// The partition of what names no valid tenant. No tenant's name has a `~`.
const UNKNOWN_TENANT: &str = "~unknown";
/// The most of a refused part that is kept, in bytes after compression.
const MAX_RAW_BYTES: usize = 64 * 1024;
/// The most findings that are kept of one refused event; it is not the place for a full report.
const MAX_FINDINGS: usize = 20;
/// The most characters that are kept of a pointer or a detail. Pointers hold names that the producer chose.
const MAX_TEXT_CHARS: usize = 512;
/// Calls at once.
const CONCURRENCY: usize = 4;

/// The table.
#[derive(Debug, Clone)]
pub struct Failures {
    dynamo: Client,
    table: String,
    retention_days: u32,
}

/// Where a refused part stood. No two parts have the same place, and a part has the same place whenever it comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// When it arrived at the source, by the source's clock.
    pub arrived_at: Timestamp,
    /// The source and the part of it that has an order of its own: `kinesis:shardId-000000000000`.
    pub source: String,
    /// The source's own number of the record.
    pub sequence_number: String,
    /// Which user record of an aggregated record, from 0; 0 when it is not aggregated.
    pub user_record: u32,
    /// Which element of that, from 0.
    pub element: u32,
}

impl Place {
    /// The sort key: in the order of arrival, as far as the source's clock tells.
    fn id(&self) -> String {
        let Self { arrived_at, source, sequence_number, user_record, element } = self;
        format!("{:015}-{source}-{sequence_number}-{user_record:06}-{element:06}", arrived_at.as_millis().max(0))
    }
}

/// One thing that is wrong with a refused part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where: a JSON Pointer (RFC 6901) into the event; not given when it is about the part as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What is wrong; never the value that was sent.
    pub detail: String,
}

/// A refused part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whose it is, if it says so in a way that can be believed.
    pub tenant: Option<TenantId>,
    pub place: Place,
    /// A stable word for the kind of failure, such as `invalid-event`.
    pub reason: String,
    pub findings: Vec<Finding>,
    /// Its size in bytes, as it came.
    pub size: u64,
    raw: Raw,
}

/// The bytes of a refused part, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Raw {
    /// zstd-compressed.
    raw: ByteBuf,
    /// Whether these are only the first of the bytes.
    raw_cut: bool,
}

impl Failure {
    /// Notes down a refused part; `bytes` are compressed at once, so this holds on to none of the caller's memory.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when they cannot be compressed.
    pub fn new(
        tenant: Option<TenantId>,
        place: Place,
        reason: &str,
        findings: Vec<Finding>,
        bytes: &[u8],
    ) -> Result<Self, StoreError> {
        let findings = findings.into_iter().take(MAX_FINDINGS).map(|finding| Finding {
            pointer: finding.pointer.map(|pointer| cut(&pointer)),
            detail: cut(&finding.detail),
        });
        Ok(Self {
            tenant,
            place,
            reason: reason.to_owned(),
            findings: findings.collect(),
            size: bytes.len() as u64,
            raw: Raw::of(bytes)?,
        })
    }

    /// The first bytes of what was refused, at most `limit` of them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when they are not what [`Failure::new`] kept.
    pub fn first_bytes(&self, limit: usize) -> Result<Vec<u8>, StoreError> {
        let mut first = Vec::new();
        let reader = zstd::Decoder::with_buffer(self.raw.raw.as_slice()).map_err(StoreError::corrupt)?;
        reader.take(limit as u64).read_to_end(&mut first).map_err(StoreError::corrupt)?;
        Ok(first)
    }

    /// Whether all of its bytes are kept, and not only the first of them.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.raw.raw_cut
    }

    /// How many bytes this holds on to, in the order of magnitude.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.raw.raw.len() + self.findings.iter().map(|finding| finding.detail.len()).sum::<usize>()
    }
}

impl Raw {
    fn of(bytes: &[u8]) -> Result<Self, StoreError> {
        let pack = |bytes| zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(StoreError::corrupt);
        let whole = pack(bytes)?;
        if whole.len() <= MAX_RAW_BYTES {
            return Ok(Self { raw: ByteBuf::from(whole), raw_cut: false });
        }
        let first = bytes.get(..MAX_RAW_BYTES).unwrap_or(bytes);
        Ok(Self { raw: ByteBuf::from(pack(first)?), raw_cut: true })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

/// A failure, as it is stored.
#[derive(Serialize, Deserialize)]
struct FailureItem {
    tenant: String,
    id: String,
    #[serde(flatten)]
    place: Place,
    reason: String,
    findings: Vec<Finding>,
    size: u64,
    #[serde(flatten)]
    raw: Raw,
    /// Epoch seconds; the table's TTL attribute.
    expires_at: i64,
}

/// Some failures of a tenant, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailurePage {
    pub failures: Vec<Failure>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

impl Failures {
    /// The table `FAILURES_TABLE`, whose items are kept for `FAILURE_RETENTION_DAYS`.
    ///
    /// # Errors
    /// [`ConfigError`] when a variable is missing or the days are not a whole number above 0.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        const DAYS: &str = "FAILURE_RETENTION_DAYS";
        let days = required(DAYS)?.parse().ok().filter(|days| *days > 0);
        let days = days.ok_or(ConfigError { name: DAYS, problem: "must be a whole number above 0" })?;
        Ok(Self::new(aws, required("FAILURES_TABLE")?, days))
    }

    #[must_use]
    pub fn new(aws: &Aws, table: impl Into<String>, retention_days: u32) -> Self {
        Self { dynamo: aws.dynamo().clone(), table: table.into(), retention_days }
    }

    /// Writes failures; one that is there already stays as it is but for its retention. Costs a write unit for each
    /// KB of each.
    ///
    /// # Errors
    /// [`StoreError`]; some may have been written, and all may be written again.
    pub async fn put_all(&self, failures: Vec<Failure>) -> Result<(), StoreError> {
        // A batch that names one key twice is refused as a whole.
        let mut items = BTreeMap::new();
        for failure in failures {
            let item = self.item_of(failure);
            items.insert((item.tenant.clone(), item.id.clone()), to_item(&item)?);
        }
        let items: Vec<Item> = items.into_values().collect();
        stream::iter(items.chunks(batch::MAX_WRITES))
            .map(|batch| self.put_batch(batch))
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }

    fn item_of(&self, failure: Failure) -> FailureItem {
        let Failure { tenant, place, reason, findings, size, raw } = failure;
        let retention = i64::from(self.retention_days) * 24 * 60 * 60;
        FailureItem {
            tenant: tenant.map_or_else(|| UNKNOWN_TENANT.to_owned(), String::from),
            id: place.id(),
            expires_at: place.arrived_at.as_seconds().saturating_add(retention),
            place,
            reason,
            findings,
            size,
            raw,
        }
    }

    async fn put_batch(&self, items: &[Item]) -> Result<(), StoreError> {
        let put = |item: &Item| {
            let put = PutRequest::builder().set_item(Some(item.clone())).build().map_err(StoreError::corrupt)?;
            Ok(WriteRequest::builder().put_request(put).build())
        };
        let writes = items.iter().map(put).collect::<Result<_, StoreError>>()?;
        batch::write(&self.dynamo, &self.table, "BatchWriteItem(Failures)", writes).await
    }

    /// Reads a tenant's failures, the newest first: at most `limit`, from `from` on (the `next` of the page before).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, tenant: &TenantId, from: Option<&str>, limit: usize) -> Result<FailurePage, StoreError> {
        let start = from.map(|id| Item::from([("tenant".to_owned(), s(tenant.as_str())), ("id".to_owned(), s(id))]));
        let read = self
            .dynamo
            .query()
            .table_name(&self.table)
            .key_condition_expression("tenant = :tenant")
            .expression_attribute_values(":tenant", s(tenant.as_str()))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Failures)", &error))?;
        capacity::read(read.consumed_capacity());
        let failures = read.items.unwrap_or_default().into_iter().map(|item| {
            let item: FailureItem = from_item(item)?;
            let FailureItem { tenant: _, id: _, place, reason, findings, size, raw, expires_at: _ } = item;
            Ok(Failure { tenant: Some(tenant.clone()), place, reason, findings, size, raw })
        });
        let next = read.last_evaluated_key.map(|mut key| {
            let id = key.remove("id").ok_or_else(|| StoreError::corrupt("the last key of a query"))?;
            id.as_s().cloned().map_err(|_| StoreError::corrupt("the last key of a query"))
        });
        Ok(FailurePage { failures: failures.collect::<Result<_, StoreError>>()?, next: next.transpose()? })
    }
}
