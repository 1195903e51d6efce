//! The Requests table: which requests with an idempotency key were made, what they were answered, and the
//! service's key for signing cursors.
//!
//! A request *claims* its key before it does anything. A claim is a lease: if its holder dies, the key is free
//! again when the lease is over. Then either the answer is stored, and every repetition gets it, or the claim is
//! released, and a repetition runs as if it were the first.
//!
//! DynamoDB deletes expired items days late, so the times in an item are compared here as well.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::ids::TenantId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::aws::{Aws, ConfigError, required};
use crate::error::StoreError;
use crate::item::{Item, from_item, s, to_item};

/// How long an answer is kept for repetitions, in seconds.
pub const KEEP_SECONDS: i64 = 24 * 60 * 60;

/// How long a claim holds without an answer, in seconds. Longer than any function may run, so that two holders
/// never run at once.
pub const LEASE_SECONDS: i64 = 60;

/// The largest answer that is stored, in bytes of its body. An item may have 400 KB in all.
pub const MAX_ANSWER_BYTES: usize = 300 * 1024;

/// The item that holds the key for cursors. No tenant's name has a `~`, so no claim's key can be this.
const CURSOR_KEY: &str = "~cursor-key";

/// The table.
#[derive(Debug, Clone)]
pub struct Requests {
    dynamo: Client,
    table: String,
}

/// One request that must be answered once: who makes it, where, under which `Idempotency-Key`.
#[derive(Debug, Clone, Copy)]
pub struct RequestId<'a> {
    pub tenant: &'a TenantId,
    /// The token's subject: callers do not share keys.
    pub subject: &'a str,
    /// Method and route, such as `POST /order-history/events`.
    pub route: &'a str,
    /// The client's own key.
    pub key: &'a str,
}

impl RequestId<'_> {
    /// The tenant stays readable, for an operator; the rest is hashed, since a subject may name a person. Every part
    /// is preceded by its length, so that no two requests are spelt alike.
    fn partition_key(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.subject, self.route, self.key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        format!("{}#{}", self.tenant, hex::encode(hash.finalize()))
    }
}

/// What became of an attempt to claim a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Go on, and then [`Requests::answer`] or [`Requests::release`].
    Yours(Lease),
    /// It was done before, with this answer.
    Answered(Answer),
    /// It is being done; its lease ends in so many seconds at the latest.
    Running { seconds_left: u32 },
    /// The key was used for a request with another fingerprint.
    OtherRequest,
}

/// The right to answer a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    partition_key: String,
    owner: String,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

/// An answer as it was given the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    /// Lower-case names.
    pub headers: BTreeMap<String, String>,
    /// At most [`MAX_ANSWER_BYTES`].
    pub body: String,
}

/// A claim, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct ClaimItem {
    key: String,
    /// SHA-256 of the request, in hex: tells a repetition from another request under the same key.
    fingerprint: String,
    /// Random; names the holder of the lease.
    owner: String,
    /// Epoch seconds.
    lease_until: i64,
    /// Epoch seconds; the table's TTL attribute.
    expires_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
}

/// The key for cursors, as it is stored. It has no `expires_at`, and so stays.
#[derive(Serialize, Deserialize)]
struct CursorKeyItem {
    key: String,
    /// 32 random bytes, in hex.
    secret: String,
}

impl Requests {
    /// The table `REQUESTS_TABLE`.
    ///
    /// # Errors
    /// [`ConfigError`] when the variable is not set.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::new(aws, required("REQUESTS_TABLE")?))
    }

    #[must_use]
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { dynamo: aws.dynamo().clone(), table: table.into() }
    }

    /// Claims a key at `now` (epoch seconds), in one round trip.
    ///
    /// # Errors
    /// [`StoreError`]; the key may have been claimed by then, and is free again after [`LEASE_SECONDS`].
    pub async fn claim(&self, request: RequestId<'_>, fingerprint: [u8; 32], now: i64) -> Result<Claim, StoreError> {
        let item = ClaimItem {
            key: request.partition_key(),
            fingerprint: hex::encode(fingerprint),
            owner: hex::encode(random::<16>()?),
            lease_until: now.saturating_add(LEASE_SECONDS),
            expires_at: now.saturating_add(KEEP_SECONDS),
            answer: None,
        };
        let put = self
            .dynamo
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(&item)?))
            // Free: never used, or out of date, or left behind by a holder of the same request that is gone.
            .condition_expression(
                "attribute_not_exists(#key) OR expires_at <= :now \
                 OR (attribute_not_exists(answer) AND lease_until <= :now AND fingerprint = :fingerprint)",
            )
            .expression_attribute_names("#key", "key")
            .expression_attribute_values(":now", AttributeValue::N(now.to_string()))
            .expression_attribute_values(":fingerprint", s(&item.fingerprint))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let lease = Lease { partition_key: item.key, owner: item.owner };
        let Err(error) = put else { return Ok(Claim::Yours(lease)) };
        let there: ClaimItem = from_item(taken("PutItem on Requests", error)?)?;
        Ok(match there {
            // Our own put, of which the SDK lost the answer and then tried again.
            ClaimItem { owner, .. } if owner == lease.owner => Claim::Yours(lease),
            ClaimItem { fingerprint, .. } if fingerprint != item.fingerprint => Claim::OtherRequest,
            ClaimItem { answer: Some(answer), .. } => Claim::Answered(answer),
            ClaimItem { lease_until, .. } => {
                let left = lease_until.saturating_sub(now).clamp(1, LEASE_SECONDS);
                Claim::Running { seconds_left: u32::try_from(left).unwrap_or(1) }
            }
        })
    }

    /// Stores the answer for repetitions. Does nothing when the lease was lost meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; repetitions are then told that the request is running until the lease is over.
    pub async fn answer(&self, lease: Lease, answer: &Answer) -> Result<(), StoreError> {
        let answer = serde_dynamo::to_attribute_value(answer).map_err(StoreError::corrupt)?;
        let update = self
            .dynamo
            .update_item()
            .table_name(&self.table)
            .key("key", s(lease.partition_key))
            .update_expression("SET answer = :answer")
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":answer", answer)
            .expression_attribute_values(":owner", s(lease.owner))
            .send()
            .await;
        match update {
            Err(error)
                if !error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Err(StoreError::from_sdk("UpdateItem on Requests", &error))
            }
            _ => Ok(()),
        }
    }

    /// Frees the key: the request was not done. Does nothing when the lease was lost meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; the key is then free when the lease is over.
    pub async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let delete = self
            .dynamo
            .delete_item()
            .table_name(&self.table)
            .key("key", s(lease.partition_key))
            .condition_expression("#owner = :owner AND attribute_not_exists(answer)")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", s(lease.owner))
            .send()
            .await;
        match delete {
            Err(error)
                if !error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Err(StoreError::from_sdk("DeleteItem on Requests", &error))
            }
            _ => Ok(()),
        }
    }

    /// The key for signing cursors, which all functions share; made by whoever needs it first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        // A stale read may miss the item; the conditional write below then finds it.
        let read = self.dynamo.get_item().table_name(&self.table).key("key", s(CURSOR_KEY)).send().await;
        let read = read.map_err(|error| StoreError::from_sdk("GetItem on Requests", &error))?;
        let item = match read.item {
            Some(item) => item,
            None => self.make_cursor_key().await?,
        };
        let item: CursorKeyItem = from_item(item)?;
        let mut secret = [0; 32];
        hex::decode_to_slice(&item.secret, &mut secret).map_err(|_| StoreError::corrupt("the key for cursors"))?;
        Ok(secret)
    }

    async fn make_cursor_key(&self) -> Result<Item, StoreError> {
        let item = to_item(&CursorKeyItem { key: CURSOR_KEY.to_owned(), secret: hex::encode(random::<32>()?) })?;
        let put = self
            .dynamo
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.clone()))
            .condition_expression("attribute_not_exists(#key)")
            .expression_attribute_names("#key", "key")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(item),
            Err(error) => taken("PutItem on Requests", error),
        }
    }
}

/// The item that made a conditional put fail, or why the put failed otherwise.
fn taken<R>(
    operation: &'static str,
    error: aws_sdk_dynamodb::error::SdkError<PutItemError, R>,
) -> Result<Item, StoreError> {
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(failed)) => {
            failed.item.clone().ok_or_else(|| StoreError::corrupt("the item that a condition failed on"))
        }
        _ => Err(StoreError::from_sdk(operation, &error)),
    }
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(StoreError::corrupt)?;
    Ok(bytes)
}
