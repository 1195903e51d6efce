//! The table Trees: how far each tenant's tree has come.
//!
//! | `tenant` | `name` | |
//! | --- | --- | --- |
//! | a tenant, or `~anchor` | `tree` | the state of its tree |
//! | `~keys` | `checkpoint#<id>`, `range#<id>` | a public key that has signed |
//! | `~anchor` | `witness#<name>` | what a witness has seen |
//!
//! Items with an attribute `open` are in the sparse index OpenTrees: trees that grew since they were last anchored.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ReturnConsumedCapacity},
};
use domain::{ids::TenantId, time::Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::{ByteArray, ByteBuf};

use super::state::TreeState;
use crate::{
    aws::{Aws, ConfigError, required},
    capacity,
    conditional::{self, Put},
    error::StoreError,
    item::{self, Item, n, s},
};

/// The sparse index of trees that grew since they were last anchored.
pub(crate) const OPEN_TREES: &str = "OpenTrees";
/// The sort key of a tree's state.
const TREE: &str = "tree";
/// The value of the attribute that puts an item into the index.
const OPEN: &str = "open";
/// Some tenants, and where the list of them goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantsPage {
    pub tenants: Vec<TenantId>,
    /// None at the end.
    pub next: Option<PageStart>,
}

/// Where a list of tenants goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct PageStart(HashMap<String, AttributeValue>);

impl Eq for PageStart {}

/// The table.
#[derive(Debug, Clone)]
pub(crate) struct TreeTable {
    pub(super) dynamo: Client,
    pub(super) name: String,
}

/// The item at (tenant, [`TREE`]).
#[derive(Debug, Serialize, Deserialize)]
struct StateItem {
    tenant: String,
    name: String,
    size: u64,
    root: ByteArray<32>,
    frontier: ByteBuf,
    ledger_hash: ByteArray<32>,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<String>,
}

/// The key of an item.
#[derive(Debug, Deserialize)]
struct TreeKey {
    tenant: String,
}

impl TreeTable {
    /// The one that `TREES_TABLE` names.
    pub(super) fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self { dynamo: aws.dynamo().clone(), name: required("TREES_TABLE")? })
    }

    /// The state of a tenant's tree, strongly consistent; none before its first event is in it.
    pub(super) async fn state(&self, tenant: &TenantId) -> Result<Option<TreeState>, StoreError> {
        let Some(stored) = self.get::<StateItem>(tenant.as_str(), TREE).await? else { return Ok(None) };
        TreeState::new(
            stored.size,
            &stored.root,
            &stored.frontier,
            ledger::Hash(stored.ledger_hash.into_array()),
            stored.updated_at,
            stored.open.is_some(),
        )
        .map(Some)
    }

    /// Replaces the state that a new one was built upon. This is the one step by which a tree grows.
    pub(super) async fn commit(&self, tenant: &TenantId, from: &TreeState, to: &TreeState) -> Result<Put, StoreError> {
        let stored = item::to_item(&StateItem {
            tenant: tenant.as_str().to_owned(),
            name: TREE.to_owned(),
            size: to.size(),
            root: ByteArray::new(to.root().0),
            frontier: ByteBuf::from(to.frontier().to_bytes()),
            ledger_hash: ByteArray::new(to.ledger_hash().0),
            updated_at: to.updated_at(),
            // The anchor log holds the other logs' checkpoints; its own stands nowhere.
            open: (!tenant.is_anchor()).then(|| OPEN.to_owned()),
        })?;
        let request = self.dynamo.put_item().table_name(&self.name).set_item(Some(stored));
        let request = if from.size() == 0 {
            request.condition_expression("attribute_not_exists(tenant)")
        } else {
            request
                .condition_expression("#size = :size AND #root = :root")
                .expression_attribute_names("#size", "size")
                .expression_attribute_names("#root", "root")
                .expression_attribute_values(":size", n(from.size()))
                .expression_attribute_values(":root", AttributeValue::B(from.root().0.to_vec().into()))
        };
        conditional::put("PutItem(Trees)", request).await
    }

    /// Takes a tree off the list of open ones, if it is still of this size; whether it was.
    pub(super) async fn close(&self, tenant: &TenantId, size: u64) -> Result<bool, StoreError> {
        let request = self
            .dynamo
            .update_item()
            .table_name(&self.name)
            .key("tenant", s(tenant.as_str()))
            .key("name", s(TREE))
            .update_expression("REMOVE #open")
            .condition_expression("#size = :size")
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#size", "size")
            .expression_attribute_values(":size", n(size));
        Ok(conditional::update("UpdateItem(Trees)", request).await? == Put::Done)
    }

    /// Tenants whose trees grew since they were last anchored. The index follows the table within moments.
    pub(super) async fn open(&self, start: Option<PageStart>, limit: i32) -> Result<TenantsPage, StoreError> {
        let answer = self
            .dynamo
            .query()
            .table_name(&self.name)
            .index_name(OPEN_TREES)
            .limit(limit)
            .key_condition_expression("#open = :open")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":open", s(OPEN))
            .set_exclusive_start_key(start.map(|start| start.0))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Query(Trees)", &error))?;
        capacity::read(answer.consumed_capacity());
        tenants_page(answer.items.unwrap_or_default(), answer.last_evaluated_key)
    }

    /// Every tenant that has a tree. Reads the whole table.
    pub(super) async fn all(&self, start: Option<PageStart>) -> Result<TenantsPage, StoreError> {
        let answer = self
            .dynamo
            .scan()
            .table_name(&self.name)
            .filter_expression("#name = :tree")
            .projection_expression("tenant")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":tree", s(TREE))
            .set_exclusive_start_key(start.map(|start| start.0))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("Scan(Trees)", &error))?;
        capacity::read(answer.consumed_capacity());
        tenants_page(answer.items.unwrap_or_default(), answer.last_evaluated_key)
    }

    /// One item, strongly consistent.
    pub(super) async fn get<T: DeserializeOwned>(&self, tenant: &str, name: &str) -> Result<Option<T>, StoreError> {
        let answer = self
            .dynamo
            .get_item()
            .table_name(&self.name)
            .key("tenant", s(tenant))
            .key("name", s(name))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("GetItem(Trees)", &error))?;
        capacity::read(answer.consumed_capacity());
        answer.item.map(item::from_item).transpose()
    }

    /// Puts an item; with `if_absent` only where none is, and says whether it was put.
    pub(super) async fn put<T: Serialize>(&self, value: &T, if_absent: bool) -> Result<bool, StoreError> {
        let request = self.dynamo.put_item().table_name(&self.name).set_item(Some(item::to_item(value)?));
        let request = if if_absent { request.condition_expression("attribute_not_exists(tenant)") } else { request };
        Ok(conditional::put("PutItem(Trees)", request).await? == Put::Done)
    }

    /// All items of a partition; only for the few of `~keys`.
    pub(super) async fn partition<T: DeserializeOwned>(&self, tenant: &str) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .dynamo
                .query()
                .table_name(&self.name)
                .consistent_read(true)
                .key_condition_expression("tenant = :tenant")
                .expression_attribute_values(":tenant", s(tenant))
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk("Query(Trees)", &error))?;
            capacity::read(answer.consumed_capacity());
            for stored in answer.items.unwrap_or_default() {
                found.push(item::from_item(stored)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }
}

fn tenants_page(items: Vec<Item>, next: Option<Item>) -> Result<TenantsPage, StoreError> {
    let tenants = items
        .into_iter()
        .map(|stored| {
            let key: TreeKey = item::from_item(stored)?;
            TenantId::from_stored(&key.tenant).map_err(StoreError::corrupt)
        })
        .collect::<Result<_, _>>()?;
    Ok(TenantsPage { tenants, next: next.map(PageStart) })
}
