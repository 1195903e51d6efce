//! The rules by which a tenant's events are folded, as long as a function's instance lives.
//!
//! A rule never changes once it is registered, but one may be registered for events that are there already: it then
//! counts for all of them, after [`NEGATIVE_SECONDS`] at the latest. Most types have no rule of their own, so what is
//! read is not the rule of a type but all that the tenant has, in one query.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, builders::PutBuilder};
use domain::{
    event::Event,
    ids::{EventType, SchemaVersion, TenantId},
    order::FoldRule,
};

use super::{NEGATIVE_SECONDS, NewSchema, RuleItem, Schemas, is_usual, version_name};
use crate::{
    capacity,
    clock::Clock,
    error::StoreError,
    item::{from_item, s, to_item},
};

/// What the names of rules begin with.
const RULES: &str = "~~";
/// Of how many tenants the rules are kept.
const TENANTS: usize = 256;

/// The rules of a tenant; a type and version that is not among them merges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(BTreeMap<String, FoldRule>);

impl Rules {
    /// The rule of an event.
    #[must_use]
    pub fn of(&self, event: &Event) -> FoldRule {
        self.named(&version_name(&event.event_type, &event.schema_version))
    }

    /// The rule of `<type>#<version>`.
    #[must_use]
    pub fn named(&self, name: &str) -> FoldRule {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

/// A type and version as [`Rules`] name it.
#[must_use]
pub(crate) fn rule_name(event_type: &EventType, version: &SchemaVersion) -> String {
    version_name(event_type, version)
}

/// A tenant's rules, and the milliseconds since 1970 at which they were read.
type Known = (i64, Arc<Rules>);

/// The rules of all tenants; cheap to clone, and one cache in all clones.
#[derive(Debug, Clone)]
pub struct FoldRules {
    schemas: Schemas,
    clock: Clock,
    known: Arc<Mutex<HashMap<TenantId, Known>>>,
}

impl FoldRules {
    #[must_use]
    pub fn new(schemas: Schemas, clock: Clock) -> Self {
        Self { schemas, clock, known: Arc::default() }
    }

    /// A tenant's rules, at most [`NEGATIVE_SECONDS`] old.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn of(&self, tenant: &TenantId) -> Result<Arc<Rules>, StoreError> {
        let now = self.clock.now().as_millis();
        let holds = |read_at: i64| now.saturating_sub(read_at) < NEGATIVE_SECONDS * 1000;
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, rules)) = known.get(tenant).filter(|(read_at, _)| holds(*read_at)) {
                return Ok(Arc::clone(rules));
            }
        }
        let rules = Arc::new(self.schemas.rules(tenant).await?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TENANTS {
            known.retain(|_, (read_at, _)| holds(*read_at));
        }
        if known.len() < TENANTS {
            known.insert(tenant.clone(), (now, Arc::clone(&rules)));
        }
        Ok(rules)
    }
}

impl Schemas {
    /// All of a tenant's rules that are not the usual one. Up to date.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn rules(&self, tenant: &TenantId) -> Result<Rules, StoreError> {
        let mut rules = BTreeMap::new();
        let mut start = None;
        loop {
            let answer = self
                .dynamo
                .query()
                .table_name(&self.table)
                .key_condition_expression("tenant = :tenant AND begins_with(#name, :rules)")
                .expression_attribute_names("#name", "name")
                .expression_attribute_values(":tenant", s(tenant.as_str()))
                .expression_attribute_values(":rules", s(RULES))
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk("Query(Schemas)", &error))?;
            capacity::read(answer.consumed_capacity());
            for item in answer.items.unwrap_or_default() {
                let item: RuleItem = from_item(item)?;
                rules.insert(version_name(&item.event_type, &item.version), item.fold);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(Rules(rules));
            }
        }
    }

    /// The item of a version's rule, unless it is the usual one.
    pub(super) fn put_rule(&self, tenant: &TenantId, new: &NewSchema) -> Result<Option<PutBuilder>, StoreError> {
        if is_usual(&new.fold) {
            return Ok(None);
        }
        let item = RuleItem {
            tenant: tenant.to_string(),
            name: format!("{RULES}{}", version_name(&new.event_type, &new.version)),
            event_type: new.event_type.clone(),
            version: new.version.clone(),
            fold: new.fold.clone(),
        };
        Ok(Some(aws_sdk_dynamodb::types::Put::builder().table_name(&self.table).set_item(Some(to_item(&item)?))))
    }
}
