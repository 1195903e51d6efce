//! Registered schemas, compiled, as long as a function's instance lives.
//!
//! A registered version never changes, so what was found is kept until there is no room. What was not found is asked
//! for again after [`NEGATIVE_SECONDS`]: that is how long an instance may let events pass unchecked after their schema
//! was registered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    event::Event,
    ids::{EventType, SchemaVersion, TenantId},
};
use schema::{Schema, Violation};
use serde_json::Value;

use super::{OnMismatch, RegisteredSchema, Schemas};
use crate::{clock::Clock, error::StoreError, log::SchemaTag};

/// How long a schema may go unnoticed after it was registered, in seconds.
pub const NEGATIVE_SECONDS: i64 = 5;

/// How much the cache holds: each schema counts one, and one more for each of its patterns, which may take two
/// megabytes. So it holds hundreds of schemas as people write them, and of the heaviest that can be registered seven.
const CAPACITY: usize = 256;

/// How an event stands to the schema of its type and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Fits,
    /// The tenant has registered no schema for this type and version: anything goes.
    NotRegistered,
    Mismatch {
        on_mismatch: OnMismatch,
        /// One at least; pointers begin with `/payload`.
        violations: Vec<Violation>,
    },
}

impl Verdict {
    /// The tag to record the event with.
    ///
    /// # Errors
    /// What does not fit, if the tenant chose to refuse such events.
    pub fn admit(self) -> Result<Option<SchemaTag>, Vec<Violation>> {
        match self {
            Self::Fits => Ok(Some(SchemaTag::Fits)),
            Self::NotRegistered => Ok(None),
            Self::Mismatch { on_mismatch: OnMismatch::Tag, .. } => Ok(Some(SchemaTag::Mismatch)),
            Self::Mismatch { on_mismatch: OnMismatch::Reject, violations } => Err(violations),
        }
    }
}

/// The cache; cheap to clone, and one in all clones.
#[derive(Debug, Clone)]
pub struct SchemaCache {
    schemas: Schemas,
    clock: Clock,
    entries: Arc<Mutex<Entries>>,
}

/// What an event is checked against.
#[derive(Debug)]
struct Rule {
    schema: Schema,
    on_mismatch: OnMismatch,
}

#[derive(Debug, Default)]
struct Entries {
    known: HashMap<String, Entry>,
    /// Counts the uses, to tell which entry was used last.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    rule: Option<Arc<Rule>>,
    /// Milliseconds since 1970.
    read_at: i64,
    used: u64,
}

impl SchemaCache {
    #[must_use]
    pub fn new(schemas: Schemas, clock: Clock) -> Self {
        Self { schemas, clock, entries: Arc::default() }
    }

    /// How an event stands to the schema that its tenant registered for its type and version. Reads the table, at
    /// most once a type and version every [`NEGATIVE_SECONDS`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verdict(&self, tenant: &TenantId, event: &Event) -> Result<Verdict, StoreError> {
        let Some(rule) = self.rule(tenant, &event.event_type, &event.schema_version).await? else {
            return Ok(Verdict::NotRegistered);
        };
        let payload = Value::Object(event.payload.clone());
        let violations = rule.schema.check(&payload, "/payload");
        if violations.is_empty() {
            return Ok(Verdict::Fits);
        }
        Ok(Verdict::Mismatch { on_mismatch: rule.on_mismatch, violations })
    }

    async fn rule(
        &self,
        tenant: &TenantId,
        event_type: &EventType,
        version: &SchemaVersion,
    ) -> Result<Option<Arc<Rule>>, StoreError> {
        // None of the three can have a `#`.
        let key = format!("{tenant}#{event_type}#{version}");
        let now = self.clock.now().as_millis();
        if let Some(known) = self.entries().find(&key, now) {
            return Ok(known);
        }
        // Nothing is locked meanwhile: at worst a schema is read and compiled twice.
        let registered = self.schemas.get(tenant, event_type, version).await?;
        let rule = registered.and_then(compile).map(Arc::new);
        self.entries().keep(key, rule.clone(), now);
        Ok(rule)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // A panic cannot leave an entry half-made.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` if it no longer compiles, which only a stricter release of ours can bring about. An event is not to be
/// refused, and a shard not to be stopped, for that; it is checked as if there were no schema, and the log says so.
fn compile(registered: RegisteredSchema) -> Option<Rule> {
    let RegisteredSchema { info, schema } = registered;
    match Schema::compile(&schema) {
        Ok(schema) => Some(Rule { schema, on_mismatch: info.on_mismatch }),
        Err(error) => {
            let (event_type, version) = (info.event_type.as_str(), info.version.as_str());
            tracing::error!(event_type, version, %error, "a registered schema is not usable");
            None
        }
    }
}

impl Entries {
    /// What is known and still holds: `Some(None)` is a schema that is not registered.
    fn find(&mut self, key: &str, now: i64) -> Option<Option<Arc<Rule>>> {
        let entry = self.known.get_mut(key).filter(|entry| entry.holds(now))?;
        self.uses += 1;
        entry.used = self.uses;
        Some(entry.rule.clone())
    }

    fn keep(&mut self, key: String, rule: Option<Arc<Rule>>, now: i64) {
        self.uses += 1;
        self.known.insert(key, Entry { rule, read_at: now, used: self.uses });
        if self.weight() <= CAPACITY {
            return;
        }
        self.known.retain(|_, entry| entry.holds(now));
        while self.weight() > CAPACITY && self.known.len() > 1 {
            let oldest = self.known.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.known.remove(&key));
        }
    }

    fn weight(&self) -> usize {
        self.known.values().map(Entry::weight).sum()
    }
}

impl Entry {
    fn holds(&self, now: i64) -> bool {
        self.rule.is_some() || now.saturating_sub(self.read_at) < NEGATIVE_SECONDS * 1000
    }

    fn weight(&self) -> usize {
        1 + self.rule.as_ref().map_or(0, |rule| rule.schema.patterns())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use serde_json::json;

    use super::*;

    fn rule(patterns: usize) -> Option<Arc<Rule>> {
        let properties: serde_json::Map<_, _> =
            (0..patterns).map(|i| (format!("p{i}"), json!({ "pattern": format!("^{i}$") }))).collect();
        let schema = Schema::compile(&json!({ "properties": properties })).unwrap();
        Some(Arc::new(Rule { schema, on_mismatch: OnMismatch::Reject }))
    }

    #[test]
    fn what_is_found_stays_and_what_is_missing_is_asked_for_again() {
        let mut entries = Entries::default();
        entries.keep("there".to_owned(), rule(0), 0);
        entries.keep("missing".to_owned(), None, 0);
        let millis = NEGATIVE_SECONDS * 1000;
        assert!(entries.find("missing", millis - 1).is_some_and(|rule| rule.is_none()));
        assert!(entries.find("missing", millis).is_none());
        assert!(entries.find("there", millis * 1000).is_some_and(|rule| rule.is_some()));
        assert!(entries.find("other", 0).is_none());
    }

    #[test]
    fn the_longest_unused_gives_way() {
        let mut entries = Entries::default();
        for i in 0..7 {
            entries.keep(format!("heavy{i}"), rule(32), 0);
        }
        entries.find("heavy0", 0);
        entries.keep("heavy7".to_owned(), rule(32), 0);
        assert!(entries.weight() <= CAPACITY);
        assert!(entries.find("heavy0", 0).is_some() && entries.find("heavy7", 0).is_some());
        assert!(entries.find("heavy1", 0).is_none());

        // What is missing and out of date goes first.
        let mut entries = Entries::default();
        for i in 0..CAPACITY - 1 {
            entries.keep(format!("missing{i}"), None, 0);
        }
        entries.keep("light".to_owned(), rule(0), 0);
        entries.keep("one more".to_owned(), None, NEGATIVE_SECONDS * 1000);
        assert_eq!(entries.known.len(), 2);
    }
}
