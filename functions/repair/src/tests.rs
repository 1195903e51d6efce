#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{collections::HashMap, sync::Arc, sync::atomic::AtomicI64};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    event::{self, TenantSource},
    ids::TenantId,
};
use serde_json::{Value, json};
use store::{
    Clock, Log, OrderIndex, Orders,
    changes::Changes,
    log::{Repaired, Submission},
    orders::OrderFilter,
    testing::{INDEX, LocalDynamo, ORDERS, SEGMENTS},
};

use crate::{Repair, Task};

/// A batch as Lambda's poller composes it: what happened, to whose item at which sort key.
fn changes(changes: &[(&str, &str, u64)]) -> Changes {
    let record = |(kind, tenant, first): &(&str, &str, u64)| {
        json!({
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": kind,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_756_470_896,
                "Keys": {"tenant": {"S": tenant}, "first": {"N": first.to_string()}},
                "NewImage": {"tenant": {"S": tenant}, "first": {"N": first.to_string()}, "data": {"B": "KLUv/Q=="}},
                "SequenceNumber": "4421584500000000017450439091",
                "SizeBytes": 26,
                "StreamViewType": "NEW_IMAGE"
            },
            "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/any/stream/2025-08-29T00:00:00.000"
        })
    };
    serde_json::from_value(json!({"Records": changes.iter().map(record).collect::<Vec<Value>>()})).unwrap()
}

#[test]
fn both_kinds_of_calls_are_told_apart() {
    let task = |value: Value| serde_json::from_value::<Task>(value);
    assert!(matches!(task(json!({"Records": []})), Ok(Task::Changes(_))));
    assert!(matches!(task(json!({"schedule": "sweep"})), Ok(Task::Schedule(_))));
    assert!(task(json!({"schedule": "something else"})).is_err());
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn submission(id: &str) -> Submission {
    let event = json!({
        "tenant_id": "any", "event_id": id, "order_id": "ord_1", "occurred_at": "2025-08-29T12:34:56Z",
        "source": "warehouse", "type": "order.shipped", "schema_version": "v1", "payload": {"carrier": "DHL"}
    });
    let (_, event) = event::parse(event.to_string().as_bytes(), TenantSource::Envelope).unwrap();
    Submission { event, schema: None }
}

/// A database in which a tenant's events are committed, and nothing of what comes after a commit was done.
async fn left_half_way(tenants: &[&str]) -> (LocalDynamo, Log) {
    let dynamo = LocalDynamo::start().await;
    // Long ago, so that the writers are known to be gone.
    let log = Log::for_tests(dynamo.aws(), Clock::Manual(Arc::new(AtomicI64::new(1_756_470_896_000))));
    for name in tenants {
        log.append(&tenant(name), vec![submission("evt_1"), submission("evt_2")]).await.unwrap();
        forget(&dynamo, INDEX, |item| item["pk"].as_s().unwrap().starts_with(&format!("{name}#")), &["pk", "sk"]).await;
    }
    forget(&dynamo, SEGMENTS, |item| item.contains_key("watermark"), &["tenant", "first"]).await;
    let now = Log::for_tests(dynamo.aws(), Clock::System);
    (dynamo, now)
}

type Item = HashMap<String, AttributeValue>;

async fn forget(dynamo: &LocalDynamo, table: &str, which: impl Fn(&Item) -> bool, keys: &[&str]) {
    let client = dynamo.aws().dynamo();
    let found = client.scan().table_name(table).send().await.unwrap();
    for item in found.items.unwrap_or_default().into_iter().filter(which) {
        let key = item.into_iter().filter(|(name, _)| keys.contains(&name.as_str())).collect();
        client.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
    }
}

fn repair(dynamo: &LocalDynamo, log: &Log) -> Repair {
    Repair::new(log.clone(), OrderIndex::new(orders(dynamo), log.clone()))
}

fn orders(dynamo: &LocalDynamo) -> Orders {
    Orders::new(dynamo.aws(), ORDERS)
}

/// How many events the list of orders knows of a tenant's only order.
async fn listed(dynamo: &LocalDynamo, name: &str) -> Option<u64> {
    let page = orders(dynamo).list(&tenant(name), &OrderFilter::default(), None, 10).await.unwrap();
    assert!(page.orders.len() <= 1 && page.next.is_none());
    page.orders.first().map(|order| order.events)
}

#[tokio::test]
async fn what_a_crashed_writer_left_is_completed() {
    let (dynamo, log) = left_half_way(&["acme", "zeta"]).await;
    let repair = repair(&dynamo, &log);
    let event_id = "evt_2".parse().unwrap();
    assert!(log.event(&tenant("acme"), &event_id).await.unwrap().is_none());

    repair.handle(changes(&[("INSERT", "acme", 1), ("INSERT", "zeta", 1)])).await.unwrap();

    for name in ["acme", "zeta"] {
        assert_eq!(log.event(&tenant(name), &event_id).await.unwrap().unwrap().sequence, 2);
        let nothing_left = Repaired { segments: 0, watermark: 3 };
        assert_eq!(log.repair(&tenant(name)).await.unwrap(), nothing_left);
        assert_eq!(listed(&dynamo, name).await, Some(2));
    }
    // The batch comes again, and nothing changes.
    repair.handle(changes(&[("INSERT", "acme", 1), ("INSERT", "zeta", 1)])).await.unwrap();
    assert_eq!(listed(&dynamo, "acme").await, Some(2));
}

#[tokio::test]
async fn orders_follow_the_log_and_the_anchor_log_has_none() {
    let (dynamo, log) = left_half_way(&["acme"]).await;
    let repair = repair(&dynamo, &log);
    log.append(&TenantId::anchor(), vec![submission("evt_1")]).await.unwrap();
    // What was committed before somebody looked is taken along, whichever segment the batch names.
    log.append(&tenant("acme"), vec![submission("evt_3")]).await.unwrap();
    repair.handle(changes(&[("INSERT", "acme", 3), ("INSERT", "~anchor", 1), ("MODIFY", "zeta", 1)])).await.unwrap();

    assert_eq!(listed(&dynamo, "acme").await, Some(3));
    let items = dynamo.aws().dynamo().scan().table_name(ORDERS).send().await.unwrap().items.unwrap();
    assert!(items.iter().all(|item| item["tenant"].as_s().unwrap() == "acme"), "{items:?}");
}

#[tokio::test]
async fn a_list_that_cannot_be_written_brings_the_batch_again() {
    let (dynamo, log) = left_half_way(&["acme", "zeta"]).await;
    let missing = OrderIndex::new(Orders::new(dynamo.aws(), "Missing"), log.clone());
    let failed =
        Repair::new(log.clone(), missing).handle(changes(&[("INSERT", "acme", 1), ("INSERT", "zeta", 1)])).await;
    assert!(failed.unwrap_err().to_string().starts_with("the logs of 2 tenants could not be completed"));
    assert!(log.event(&tenant("zeta"), &"evt_1".parse().unwrap()).await.unwrap().is_some(), "the index comes first");
}

#[tokio::test]
async fn a_log_that_cannot_be_read_stops_no_other() {
    let (dynamo, log) = left_half_way(&["acme"]).await;
    let broken = HashMap::from([
        ("tenant".to_owned(), AttributeValue::S("aaa_broken".to_owned())),
        ("first".to_owned(), AttributeValue::N("1".to_owned())),
    ]);
    dynamo.aws().dynamo().put_item().table_name(SEGMENTS).set_item(Some(broken)).send().await.unwrap();

    repair(&dynamo, &log).handle(changes(&[("INSERT", "aaa_broken", 1), ("INSERT", "acme", 1)])).await.unwrap();

    assert!(log.event(&tenant("acme"), &"evt_1".parse().unwrap()).await.unwrap().is_some());
}
