#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::event::{self, TenantSource};
use serde_json::{Value, json};
use store::{
    Clock, Log, Signer, Trees,
    log::Submission,
    testing::{Faults, LocalDynamo, MemoryBucket, MemoryKey, Moment, SEGMENTS},
};

use super::*;

struct World {
    dynamo: LocalDynamo,
    log: Log,
    trees: Trees,
}

impl World {
    async fn start() -> Self {
        let dynamo = LocalDynamo::start().await;
        let log = Log::for_tests(dynamo.aws(), Clock::System);
        let trees = Trees::for_tests(dynamo.aws(), &MemoryBucket::default());
        Self { log, trees, dynamo }
    }

    fn function(&self) -> TreeIntegrator {
        self.function_over(self.trees.clone())
    }

    fn function_over(&self, trees: Trees) -> TreeIntegrator {
        let signers = vec![Signer::in_memory(MemoryKey::new([1; 32]))];
        TreeIntegrator::new(Integrator::new(trees, self.log.clone(), signers, Clock::System))
    }

    async fn append(&self, tenant: &TenantId, id: &str) {
        let text = format!(
            r#"{{"event_id":"{id}","order_id":"ord_1","occurred_at":"2025-08-29T12:00:00Z","source":"warehouse",
            "type":"order.shipped","schema_version":"v1","payload":{{}},"tenant_id":"any"}}"#
        );
        let event = event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1;
        self.log.append(tenant, vec![Submission { event, schema: None }]).await.unwrap();
    }

    async fn published(&self, tenant: &TenantId) -> u64 {
        self.trees.checkpoint(tenant).await.unwrap().map_or(0, |published| published.head().size)
    }

    /// An item in the segments table that is no segment of ours.
    async fn break_log(&self, tenant: &str, first: u64) {
        let item = HashMap::from([
            ("tenant".to_owned(), AttributeValue::S(tenant.to_owned())),
            ("first".to_owned(), AttributeValue::N(first.to_string())),
        ]);
        self.dynamo.aws().dynamo().put_item().table_name(SEGMENTS).set_item(Some(item)).send().await.unwrap();
    }
}

fn tenant(name: &str) -> TenantId {
    TenantId::from_stored(name).unwrap()
}

/// A batch of new segments, as Lambda's poller composes it.
fn stream(tenants: &[&str]) -> Call {
    let record = |tenant: &&str| {
        json!({
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {"Keys": {"tenant": {"S": tenant}, "first": {"N": "1"}}, "StreamViewType": "NEW_IMAGE"}
        })
    };
    serde_json::from_value(json!({"Records": tenants.iter().map(record).collect::<Vec<Value>>()})).unwrap()
}

fn call(text: &str) -> Call {
    serde_json::from_str(text).unwrap()
}

fn in_a_minute() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

#[tokio::test]
async fn the_trees_of_all_committers_grow_and_the_anchors_too() {
    let world = World::start().await;
    for name in ["acme", "zeta", "~anchor"] {
        world.append(&tenant(name), "evt_1").await;
    }
    world.function().handle(stream(&["acme", "~anchor", "acme"]), in_a_minute()).await.unwrap();
    assert_eq!(world.published(&tenant("acme")).await, 1);
    assert_eq!(world.published(&tenant("~anchor")).await, 1);
    assert_eq!(world.published(&tenant("zeta")).await, 0);
}

#[tokio::test]
async fn a_log_that_is_refused_stops_no_other_and_fails_no_batch() {
    let world = World::start().await;
    world.append(&tenant("acme"), "evt_1").await;
    world.break_log("aaa_broken", 1).await;
    world.function().handle(stream(&["aaa_broken", "acme"]), in_a_minute()).await.unwrap();
    assert_eq!(world.published(&tenant("acme")).await, 1);
    assert_eq!(world.published(&tenant("aaa_broken")).await, 0);
}

#[tokio::test]
async fn trouble_of_our_own_fails_the_batch_and_the_next_one_completes_it() {
    let world = World::start().await;
    world.append(&tenant("acme"), "evt_1").await;
    let faulty = world.function_over(world.trees.with_faults(&Faults::crash(3, Moment::After)));
    let failed = faulty.handle(stream(&["acme"]), in_a_minute()).await;
    assert!(matches!(failed, Err(IntegrateError::Failed { trees: 1, .. })), "{failed:?}");
    world.function().handle(stream(&["acme"]), in_a_minute()).await.unwrap();
    assert_eq!(world.published(&tenant("acme")).await, 1);
}

#[tokio::test]
async fn without_time_the_batch_comes_again() {
    let world = World::start().await;
    world.append(&tenant("acme"), "evt_1").await;
    let late = world.function().handle(stream(&["acme"]), SystemTime::now()).await;
    assert!(matches!(late, Err(IntegrateError::OutOfTime { trees: 1 })), "{late:?}");
}

#[tokio::test]
async fn the_schedule_catches_up_with_what_is_open() {
    let world = World::start().await;
    let function = world.function();
    for name in ["acme", "zeta"] {
        world.append(&tenant(name), "evt_1").await;
        function.handle(stream(&[name]), in_a_minute()).await.unwrap();
        world.append(&tenant(name), "evt_2").await;
    }
    // Anchored, and so not looked at until it grows again.
    assert!(world.trees.close(&tenant("zeta"), 1).await.unwrap());
    function.handle(call(r#"{"scope":"open"}"#), in_a_minute()).await.unwrap();
    assert_eq!((world.published(&tenant("acme")).await, world.published(&tenant("zeta")).await), (2, 1));
    function.handle(call(r#"{"scope":"all"}"#), in_a_minute()).await.unwrap();
    assert_eq!(world.published(&tenant("zeta")).await, 2);
}

#[tokio::test]
async fn a_person_may_name_a_tenant() {
    let world = World::start().await;
    world.append(&tenant("acme"), "evt_1").await;
    let function = world.function();
    function.handle(call(r#"{"scope":"tenant","tenant":"acme"}"#), in_a_minute()).await.unwrap();
    assert_eq!(world.published(&tenant("acme")).await, 1);
    let nobody = function.handle(call(r#"{"scope":"tenant","tenant":"~keys"}"#), in_a_minute()).await;
    assert!(matches!(nobody, Err(IntegrateError::Tenant(_))), "{nobody:?}");
    assert!(serde_json::from_str::<Call>(r#"{"scope":"everything"}"#).is_err());
}
