//! Histories in tables and a bucket in memory, held against a fold of all events with nothing clever around it.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod generated;
mod long;
mod real;
mod rules;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use domain::{
    event::Event,
    ids::{OrderId, SnapshotId, TenantId},
    order::{AsOf, Corrections, Fold, FoldRule, Folded, Recorded, View},
    record::{Record, SnapshotDeleted, SnapshotStored},
    time::Timestamp,
};
use futures::TryStreamExt;
use serde_json::{Value, json};

use super::{History, Question, States, recorded, sha256};
use crate::{
    Clock, Log,
    log::{Listing, Submission, memory::MemoryTables},
    schemas::{FoldRules, NewSchema, OnMismatch, Schemas},
    testing::{LocalDynamo, MemoryBucket, SCHEMAS},
};

/// The service, with a clock that moves a second with each commit.
struct World {
    log: Log,
    history: History,
    bucket: MemoryBucket,
    schemas: Schemas,
    millis: Arc<AtomicI64>,
    tenant: TenantId,
    _dynamo: LocalDynamo,
}

/// The instant `second` seconds after 1970 began.
fn at(second: i64) -> Timestamp {
    Timestamp::clamped_from_millis(1_000 * second)
}

fn event(order_id: &str, id: &str, second: i64, event_type: &str, payload: Value) -> Event {
    serde_json::from_value(json!({
        "event_id": id, "order_id": order_id, "occurred_at": at(second), "source": "shop", "type": event_type,
        "schema_version": "v1", "payload": payload,
    }))
    .unwrap()
}

fn correction(order_id: &str, id: &str, of: &str, second: i64, payload: Value) -> Event {
    Event { correction_of: Some(of.parse().unwrap()), ..event(order_id, id, second, "order.corrected", payload) }
}

impl World {
    async fn new() -> Self {
        let dynamo = LocalDynamo::start().await;
        let millis = Arc::new(AtomicI64::new(1_000_000_000));
        let clock = Clock::Manual(Arc::clone(&millis));
        let log = Log::over(Arc::new(MemoryTables::default()), clock.clone());
        let schemas = Schemas::new(dynamo.aws(), SCHEMAS);
        let bucket = MemoryBucket::default();
        let rules = FoldRules::new(schemas.clone(), Clock::System);
        let history = History::new(log.clone(), rules, States::for_tests(&bucket));
        Self { log, history, bucket, schemas, millis, tenant: "acme".parse().unwrap(), _dynamo: dynamo }
    }

    async fn record(&self, events: impl IntoIterator<Item = Event>) {
        self.millis.fetch_add(1_000, Ordering::SeqCst);
        let submissions = events.into_iter().map(|event| Submission { event, schema: None }).collect();
        self.log.append(&self.tenant, submissions).await.unwrap();
    }

    /// Stores the state at an instant as its producer would; whether later folds may start from it.
    async fn store(&self, order_id: &OrderId, snapshot_id: &str, captured_at: Timestamp, view: View) -> bool {
        let question = Question { at: Some(captured_at), view, ..Question::default() };
        let told = self.history.as_of(&self.tenant, order_id, question).await.unwrap();
        let state = told.map(|told| told.folded.state).unwrap_or_default();
        let snapshot_id: SnapshotId = snapshot_id.parse().unwrap();
        let captured =
            self.history.capture(&self.tenant, order_id, &snapshot_id, captured_at, view, &state).await.unwrap();
        assert!(captured.matches);
        let canonical = domain::json::canonical(&state);
        let record = SnapshotStored {
            snapshot_id: snapshot_id.clone(),
            captured_at,
            source: "shop".to_owned(),
            sha256: sha256(&canonical),
            size_bytes: canonical.len() as u64,
            metadata: serde_json::Map::new(),
            matches_history: true,
            base: captured.base,
        };
        let is_base = record.base.is_some();
        self.history.states.put(&self.tenant, &snapshot_id, canonical.into()).await.unwrap();
        self.record([record.into_event(order_id.clone(), at(0), "ann").unwrap()]).await;
        is_base
    }

    async fn delete(&self, order_id: &OrderId, snapshot_id: &str) {
        let deleted = SnapshotDeleted { snapshot_id: snapshot_id.parse().unwrap(), reason: None };
        self.record([deleted.into_event(order_id.clone(), at(0), "ann").unwrap()]).await;
    }

    async fn rule(&self, event_type: &str, rule: Value) {
        let new = NewSchema {
            event_type: event_type.parse().unwrap(),
            version: "v1".parse().unwrap(),
            schema: json!({}),
            on_mismatch: OnMismatch::Reject,
            compatibility: schema::Compatibility::None,
            fold: serde_json::from_value(rule).unwrap(),
            created_at: at(0),
            created_by: "admin".to_owned(),
        };
        self.schemas.register(&self.tenant, &new, None).await.unwrap();
    }

    /// All events of an order, as they were recorded.
    async fn all(&self, order_id: &OrderId) -> Vec<Recorded> {
        let mut all = Vec::new();
        let mut events = pin!(self.log.listed(&self.tenant, order_id, Listing::Timeline, 0));
        while let Some(event) = events.try_next().await.unwrap() {
            all.push(recorded(event));
        }
        all
    }

    /// Asks, and holds the answer against the fold of all events; whether it started from a stored state.
    async fn check(&self, order_id: &OrderId, all: &[Recorded], question: Question, rules: &Rules) -> bool {
        let told = self.history.as_of(&self.tenant, order_id, question).await.unwrap().unwrap();
        let expected = naive(all, question, rules);
        let canonical = |folded: &Folded| domain::json::canonical(&folded.state);
        assert_eq!(canonical(&told.folded), canonical(&expected), "{question:?} from {:?}", told.base);
        assert_eq!(told.folded.redacted, expected.redacted);
        assert_eq!(told.folded.occurred_at, expected.occurred_at, "{question:?} from {:?}", told.base);
        assert_eq!(told.folded.explained, expected.explained);
        told.base.is_some()
    }
}

/// By type; a type that is not there merges.
type Rules = std::collections::BTreeMap<String, FoldRule>;

/// Everything, sorted, through one fold.
fn naive(all: &[Recorded], question: Question, rules: &Rules) -> Folded {
    let Question { at, known_at, view, explain } = question;
    let mut corrections = Corrections::default();
    for event in all.iter().filter(|event| event.event.correction_of.is_some()) {
        corrections.add(event.clone()).unwrap();
    }
    let mut fold = Fold::new(AsOf { at, known_at, view, through: None }, corrections);
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort_by_key(|event| event.position());
    let merge = FoldRule::default();
    for event in sorted {
        let rule = rules.get(event.event.event_type.as_str()).unwrap_or(&merge);
        fold.apply(event.clone(), rule).unwrap();
    }
    fold.answer(explain).unwrap()
}
