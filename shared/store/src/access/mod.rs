//! The access log: which history was read, when, by whom, from where and why.
//!
//! One item for each read that was let in, under the tenant and the day, in the order of time. Nothing changes an item;
//! it goes when its retention is over. An ordinary record fits one write unit.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{Client, types::ReturnConsumedCapacity};
use domain::{ids::TenantId, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    aws::{Aws, ConfigError, required},
    capacity,
    error::StoreError,
    item::{Item, from_item, s, to_item},
};

/// The most characters that are kept of one text that the caller chose. Every text that a read can use is shorter.
const MAX_TEXT_CHARS: usize = 256;
/// The most characters that are kept of a query.
const MAX_QUERY_CHARS: usize = 1024;
/// What a text that was cut ends with.
const CUT: char = '…';

/// The table.
#[derive(Debug, Clone)]
pub struct AccessLog {
    dynamo: Client,
    table: String,
    retention_days: u32,
}

/// A read that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// When it was let in, to the millisecond.
    pub at: Timestamp,
    /// The id that the answer has as `X-Request-Id`.
    pub request_id: String,
    pub trace: Trace,
}

/// What a read says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Who: the token's `sub`.
    pub subject: String,
    /// The roles in the token.
    pub roles: Vec<String>,
    /// What: method and template of the route, such as `GET /order-history/orders/{order_id}/timeline`.
    pub route: String,
    /// The values in the path, by their names in the template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub path: BTreeMap<String, String>,
    /// The query, without its cursor, in the form of `application/x-www-form-urlencoded`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// From where: the address of whoever called the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The caller's program, as it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Why, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

impl Trace {
    /// Cut to what is kept: whatever a client sends, a record stays small.
    fn cut(self) -> Self {
        Self {
            path: self.path.into_iter().map(|(name, value)| (name, cut(value, MAX_TEXT_CHARS))).collect(),
            query: cut(self.query, MAX_QUERY_CHARS),
            user_agent: self.user_agent.map(|agent| cut(agent, MAX_TEXT_CHARS)),
            purpose: self.purpose.map(|purpose| cut(purpose, MAX_TEXT_CHARS)),
            ..self
        }
    }
}

fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push(CUT);
    }
    text
}

/// A record, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct AccessItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    trace: Trace,
    /// Epoch seconds; the table's TTL attribute.
    expires_at: i64,
}

/// Some records of a tenant's day, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPage {
    pub records: Vec<Access>,
    /// Where the next page goes on; none at the end.
    pub next: Option<String>,
}

impl AccessLog {
    /// The table `ACCESS_TABLE`, whose items are kept for `ACCESS_LOG_RETENTION_DAYS`.
    ///
    /// # Errors
    /// [`ConfigError`] when a variable is missing or the days are not a whole number above 0.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        const DAYS: &str = "ACCESS_LOG_RETENTION_DAYS";
        let days = required(DAYS)?.parse().ok().filter(|days| *days > 0);
        let days = days.ok_or(ConfigError { name: DAYS, problem: "must be a whole number above 0" })?;
        Ok(Self::new(aws, required("ACCESS_TABLE")?, days))
    }

    #[must_use]
    pub fn new(aws: &Aws, table: impl Into<String>, retention_days: u32) -> Self {
        Self { dynamo: aws.dynamo().clone(), table: table.into(), retention_days }
    }

    /// Writes one record. Costs a write unit for each KB of it, and so one.
    ///
    /// # Errors
    /// [`StoreError`]; it may have been written, and may be written again.
    pub async fn write(&self, tenant: &TenantId, access: Access) -> Result<(), StoreError> {
        let item = self.item_of(tenant, access)?;
        let put = self
            .dynamo
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("PutItem(Access)", &error))?;
        capacity::write(put.consumed_capacity());
        Ok(())
    }

    fn item_of(&self, tenant: &TenantId, access: Access) -> Result<Item, StoreError> {
        let Access { at, request_id, trace } = access;
        let retention = i64::from(self.retention_days) * 24 * 60 * 60;
        to_item(&AccessItem {
            pk: partition(tenant, at),
            sk: format!("{}#{request_id}", to_the_millisecond(at)),
            trace: trace.cut(),
            expires_at: at.as_seconds().saturating_add(retention),
        })
    }

    /// Reads who read a tenant's history on the day (UTC) of an instant, in the order of time: at most `limit` records,
    /// after `after` (the `next` of the page before). Strongly consistent: a read that was answered is in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &self,
        tenant: &TenantId,
        day: Timestamp,
        after: Option<&str>,
        limit: usize,
    ) -> Result<AccessPage, StoreError> {
        let pk = partition(tenant, day);
        let start = after.map(|sk| Item::from([("pk".to_owned(), s(&pk)), ("sk".to_owned(), s(sk))]));
        let read = self
            .dynamo
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(&pk))
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Access)", &error))?;
        capacity::read(read.consumed_capacity());
        let records = read.items.unwrap_or_default().into_iter().map(|item| access_of(from_item(item)?));
        let next = read.last_evaluated_key.map(|mut key| {
            let sk = key.remove("sk").ok_or_else(|| StoreError::corrupt("the last key of a query"))?;
            sk.as_s().cloned().map_err(|_| StoreError::corrupt("the last key of a query"))
        });
        Ok(AccessPage { records: records.collect::<Result<_, StoreError>>()?, next: next.transpose()? })
    }
}

fn access_of(item: AccessItem) -> Result<Access, StoreError> {
    let AccessItem { pk: _, sk, trace, expires_at: _ } = item;
    let (at, request_id) = sk.split_once('#').ok_or_else(|| StoreError::corrupt("the key of an access record"))?;
    let at = at.parse().map_err(StoreError::corrupt)?;
    Ok(Access { at, request_id: request_id.to_owned(), trace })
}

fn partition(tenant: &TenantId, at: Timestamp) -> String {
    let instant = at.to_string();
    format!("{tenant}#{}", instant.split('T').next().unwrap_or(&instant))
}

/// The instant with all three digits of its milliseconds, so that the order of the texts is that of the instants.
fn to_the_millisecond(at: Timestamp) -> String {
    let millis = at.as_millis();
    let seconds = Timestamp::clamped_from_millis(millis - millis.rem_euclid(1000)).to_string();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), millis.rem_euclid(1000))
}
