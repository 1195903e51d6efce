//! The Schemas table: what payloads of a type and version look like, as the tenant registered it.
//!
//! A registered version stays as it is for ever: events were checked against it. The versions of a type form a row, in
//! the order of their registration, and each is compatible with the one before it in the way that it was registered
//! with.
//!
//! Two registrations at once must not both be compared with the same predecessor, or the row would have two ends. So
//! each type has a *head*, an item that names its last version, and a registration writes the version and the head in
//! one transaction: the head on condition that it still names the version that was compared. A condition on the head
//! alone would not do, with the version written before it or after it: a crash in between would leave a version that
//! is no part of the row, or a row that ends in nothing. A transaction costs twice the write units, on the rarest write
//! of all.
//!
//! Items: `name` is `<type>#<version>` for a version, `~<type>` for a head, and `~~<type>#<version>` for the rule by which
//! events of a version are folded, if it is not the usual one: all rules of a tenant are one query. No type has a `#` or
//! `~`, so heads and rules come after all versions, and none can be taken for another.

mod cache;
mod fold_rules;
#[cfg(test)]
mod tests;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, ReturnConsumedCapacity, TransactWriteItem},
};
use domain::{
    ids::{EventType, SchemaVersion, TenantId},
    json,
    order::FoldRule,
    time::Timestamp,
};
use schema::Compatibility;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) use self::fold_rules::rule_name;
pub use self::{
    cache::{NEGATIVE_SECONDS, SchemaCache, Verdict},
    fold_rules::{FoldRules, Rules},
};
use crate::{
    aws::{Aws, ConfigError, required},
    capacity,
    error::StoreError,
    item::{Item, from_item, n, s, to_item},
};

/// The table.
#[derive(Debug, Clone)]
pub struct Schemas {
    dynamo: Client,
    table: String,
}

/// What becomes of an event whose payload does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnMismatch {
    /// It is refused.
    #[default]
    Reject,
    /// It is recorded, with a tag that says so.
    Tag,
}

/// A version that is to be registered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSchema {
    pub event_type: EventType,
    pub version: SchemaVersion,
    /// A JSON Schema that [`schema::Schema::compile`] takes.
    pub schema: Value,
    pub on_mismatch: OnMismatch,
    /// How it is compatible with the version before it, which whoever registers it has checked.
    pub compatibility: Compatibility,
    /// What events of the type and version do to the state of their order.
    pub fold: FoldRule,
    pub created_at: Timestamp,
    /// The subject of the token; may name a person.
    pub created_by: String,
}

/// What is known of a registered version, apart from the schema itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaInfo {
    #[serde(rename = "type")]
    pub event_type: EventType,
    pub version: SchemaVersion,
    /// Its place in the row of its type's versions, from 1.
    pub revision: u64,
    pub on_mismatch: OnMismatch,
    pub compatibility: Compatibility,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub fold: FoldRule,
    /// SHA-256 of the schema's canonical JSON (RFC 8785), in hex.
    pub sha256: String,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// A registered version.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredSchema {
    pub info: SchemaInfo,
    pub schema: Value,
}

/// The last version of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub version: SchemaVersion,
    /// How many versions there are.
    pub revision: u64,
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq)]
pub enum Registration {
    Created(SchemaInfo),
    /// The version was there before; it may be the same, or another.
    Exists(RegisteredSchema),
    /// Another version came first: compare with that one, and try again.
    Overtaken,
}

/// Some of a tenant's versions, by type and then by version.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaPage {
    pub schemas: Vec<SchemaInfo>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

/// A version, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct SchemaItem {
    tenant: String,
    name: String,
    #[serde(flatten)]
    info: SchemaInfo,
    /// Canonical JSON.
    schema: String,
}

/// A rule, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct RuleItem {
    tenant: String,
    name: String,
    #[serde(rename = "type")]
    event_type: EventType,
    version: SchemaVersion,
    fold: FoldRule,
}

/// A head, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct HeadItem {
    tenant: String,
    name: String,
    #[serde(flatten)]
    head: Head,
}

impl NewSchema {
    /// Whether a registered version says the same, so that registering it again changes nothing.
    #[must_use]
    pub fn is(&self, registered: &RegisteredSchema) -> bool {
        let info = &registered.info;
        self.on_mismatch == info.on_mismatch
            && self.compatibility == info.compatibility
            && self.fold == info.fold
            && sha256(&json::canonical(&self.schema)) == info.sha256
    }
}

impl Schemas {
    /// The table `SCHEMAS_TABLE`.
    ///
    /// # Errors
    /// [`ConfigError`] when the variable is not set.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::new(aws, required("SCHEMAS_TABLE")?))
    }

    #[must_use]
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { dynamo: aws.dynamo().clone(), table: table.into() }
    }

    /// The last version of a type; none if it has no versions. Up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn head(&self, tenant: &TenantId, event_type: &EventType) -> Result<Option<Head>, StoreError> {
        let item: Option<HeadItem> = self.read(tenant, head_name(event_type)).await?;
        Ok(item.map(|item| item.head))
    }

    /// One version; none if it is not registered. Up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get(
        &self,
        tenant: &TenantId,
        event_type: &EventType,
        version: &SchemaVersion,
    ) -> Result<Option<RegisteredSchema>, StoreError> {
        let item: Option<SchemaItem> = self.read(tenant, version_name(event_type, version)).await?;
        item.map(|item| {
            let schema = serde_json::from_str(&item.schema).map_err(StoreError::corrupt)?;
            Ok(RegisteredSchema { info: item.info, schema })
        })
        .transpose()
    }

    /// Registers a version after `head`, which it has been compared with (none: there was no version). Nothing is
    /// written unless [`Registration::Created`] is the answer.
    ///
    /// # Errors
    /// [`StoreError`]; it may then have been registered all the same, and may be registered again.
    pub async fn register(
        &self,
        tenant: &TenantId,
        new: &NewSchema,
        head: Option<&Head>,
    ) -> Result<Registration, StoreError> {
        const OPERATION: &str = "TransactWriteItems(Schemas)";
        let canonical = json::canonical(&new.schema);
        let info = SchemaInfo {
            event_type: new.event_type.clone(),
            version: new.version.clone(),
            revision: head.map_or(1, |head| head.revision.saturating_add(1)),
            on_mismatch: new.on_mismatch,
            compatibility: new.compatibility,
            fold: new.fold.clone(),
            sha256: sha256(&canonical),
            created_at: new.created_at,
            created_by: new.created_by.clone(),
        };
        let next_head = HeadItem {
            tenant: tenant.to_string(),
            name: head_name(&new.event_type),
            head: Head { version: new.version.clone(), revision: info.revision },
        };
        let version = SchemaItem {
            tenant: tenant.to_string(),
            name: version_name(&new.event_type, &new.version),
            info: info.clone(),
            schema: String::from_utf8(canonical).map_err(StoreError::corrupt)?,
        };
        let put_head = Put::builder().table_name(&self.table).set_item(Some(to_item(&next_head)?));
        let put_head = match head {
            None => put_head.condition_expression("attribute_not_exists(tenant)"),
            Some(head) => put_head
                .condition_expression("revision = :revision")
                .expression_attribute_values(":revision", n(head.revision)),
        };
        let put_version = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&version)?))
            .condition_expression("attribute_not_exists(tenant)");
        let put_rule = self.put_rule(tenant, new)?;
        let mut request = self.dynamo.transact_write_items().return_consumed_capacity(ReturnConsumedCapacity::Total);
        for put in [Some(put_head), Some(put_version), put_rule].into_iter().flatten() {
            let put = put.build().map_err(StoreError::corrupt)?;
            request = request.transact_items(TransactWriteItem::builder().put(put).build());
        }
        match request.send().await {
            Ok(answer) => {
                answer.consumed_capacity().iter().for_each(|used| capacity::write(Some(used)));
                Ok(Registration::Created(info))
            }
            Err(error) => match Cancelled::of(&error) {
                Some(Cancelled::ByVersion) => {
                    let there = self.get(tenant, &new.event_type, &new.version).await?;
                    let there = there.ok_or_else(|| StoreError::corrupt("a version that is and is not there"))?;
                    Ok(Registration::Exists(there))
                }
                Some(Cancelled::ByHead) => Ok(Registration::Overtaken),
                Some(Cancelled::Throttled) => Err(StoreError::Throttled { operation: OPERATION }),
                None => Err(StoreError::from_sdk(OPERATION, &error)),
            },
        }
    }

    /// A tenant's versions, of one type or of all: at most `limit`, after the position that the page before ended
    /// with.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &self,
        tenant: &TenantId,
        event_type: Option<&EventType>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SchemaPage, StoreError> {
        let (condition, bound) = match event_type {
            Some(event_type) => ("tenant = :tenant AND begins_with(#name, :bound)", format!("{event_type}#")),
            // All but the heads.
            None => ("tenant = :tenant AND #name < :bound", "~".to_owned()),
        };
        let key = |name: &str| Item::from([("tenant".to_owned(), s(tenant.as_str())), ("name".to_owned(), s(name))]);
        let mut page = SchemaPage { schemas: Vec::new(), next: after.map(str::to_owned) };
        loop {
            let left = limit.saturating_sub(page.schemas.len());
            let answer = self
                .dynamo
                .query()
                .table_name(&self.table)
                .key_condition_expression(condition)
                .expression_attribute_names("#name", "name")
                .expression_attribute_values(":tenant", s(tenant.as_str()))
                .expression_attribute_values(":bound", s(&bound))
                // Without the schemas, of which a page could hold 64 MB.
                .projection_expression(
                    "#type, version, revision, on_mismatch, compatibility, #fold, sha256, created_at, created_by",
                )
                .expression_attribute_names("#type", "type")
                .expression_attribute_names("#fold", "fold")
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(page.next.as_deref().map(key))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk("Query(Schemas)", &error))?;
            capacity::read(answer.consumed_capacity());
            for item in answer.items.unwrap_or_default() {
                page.schemas.push(from_item(item)?);
            }
            // A query also ends after a megabyte read, short of its limit.
            page.next = answer.last_evaluated_key.map(name_of).transpose()?;
            if page.next.is_none() || page.schemas.len() >= limit {
                return Ok(page);
            }
        }
    }

    async fn read<T: DeserializeOwned>(&self, tenant: &TenantId, name: String) -> Result<Option<T>, StoreError> {
        let answer = self
            .dynamo
            .get_item()
            .table_name(&self.table)
            .key("tenant", s(tenant.as_str()))
            .key("name", s(name))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("GetItem(Schemas)", &error))?;
        capacity::read(answer.consumed_capacity());
        answer.item.map(from_item).transpose()
    }
}

/// What cancelled a registration.
enum Cancelled {
    /// The version is there.
    ByVersion,
    /// The head is another one, or is being written.
    ByHead,
    Throttled,
}

impl Cancelled {
    /// The version counts first: if both conditions failed, it was registered by someone else, or by us.
    fn of<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<Self> {
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return None;
        };
        let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("")).collect();
        let any = |code: &str| codes.contains(&code);
        if codes.get(1) == Some(&"ConditionalCheckFailed") {
            Some(Self::ByVersion)
        } else if any("ConditionalCheckFailed") || any("TransactionConflict") {
            Some(Self::ByHead)
        } else if any("ThrottlingError") || any("ProvisionedThroughputExceeded") {
            Some(Self::Throttled)
        } else {
            None
        }
    }
}

/// Of most versions: their rule needs no item.
fn is_usual(fold: &FoldRule) -> bool {
    *fold == FoldRule::default()
}

fn version_name(event_type: &EventType, version: &SchemaVersion) -> String {
    format!("{event_type}#{version}")
}

fn head_name(event_type: &EventType) -> String {
    format!("~{event_type}")
}

fn name_of(mut key: Item) -> Result<String, StoreError> {
    match key.remove("name") {
        Some(AttributeValue::S(name)) => Ok(name),
        _ => Err(StoreError::corrupt("the last key of a query")),
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
