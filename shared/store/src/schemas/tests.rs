#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::event::{self, Event, TenantSource};
use serde_json::json;

use super::*;
use crate::{
    clock::Clock,
    log::SchemaTag,
    testing::{LocalDynamo, SCHEMAS},
};

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn new(event_type: &str, version: &str, schema: Value) -> NewSchema {
    NewSchema {
        event_type: event_type.parse().unwrap(),
        version: version.parse().unwrap(),
        schema,
        on_mismatch: OnMismatch::Reject,
        compatibility: Compatibility::Backward,
        fold: domain::order::FoldRule::default(),
        created_at: "2025-08-29T12:00:00Z".parse().unwrap(),
        created_by: "admin-1".to_owned(),
    }
}

fn event(version: &str, payload: Value) -> Event {
    let envelope = json!({
        "event_id": "e1", "order_id": "o1", "occurred_at": "2025-08-29T12:00:00Z", "source": "shop",
        "type": "order.created", "schema_version": version, "payload": payload,
    });
    event::from_value(envelope, TenantSource::Token(&tenant("acme"))).unwrap().1
}

/// Registers after the last version, as a caller does who has compared with it.
async fn register(schemas: &Schemas, whose: &str, new: &NewSchema) -> Registration {
    let head = schemas.head(&tenant(whose), &new.event_type).await.unwrap();
    schemas.register(&tenant(whose), new, head.as_ref()).await.unwrap()
}

#[tokio::test]
async fn versions_stand_in_a_row_and_never_change() {
    let local = LocalDynamo::start().await;
    let schemas = Schemas::new(local.aws(), SCHEMAS);
    let acme = tenant("acme");
    let v1 = new("order.created", "v1", json!({"type": "object", "minProperties": 1}));
    let v2 = new("order.created", "2025-08", json!({"type": "object"}));

    assert!(schemas.head(&acme, &v1.event_type).await.unwrap().is_none());
    assert!(schemas.get(&acme, &v1.event_type, &v1.version).await.unwrap().is_none());
    let Registration::Created(first) = register(&schemas, "acme", &v1).await else { panic!("not created") };
    assert_eq!((first.revision, first.sha256.len()), (1, 64));
    let Registration::Created(second) = register(&schemas, "acme", &v2).await else { panic!("not created") };
    assert_eq!(second.revision, 2);
    let head = schemas.head(&acme, &v1.event_type).await.unwrap().unwrap();
    assert_eq!(head, Head { version: v2.version.clone(), revision: 2 });

    // Registered again, with the same content and with another.
    let Registration::Exists(there) = register(&schemas, "acme", &v1).await else { panic!("not there") };
    assert!(v1.is(&there));
    assert_eq!((there.info, there.schema), (first.clone(), v1.schema.clone()));
    let other = NewSchema { schema: json!({"type": "object", "minProperties": 2}), ..v1.clone() };
    let Registration::Exists(there) = register(&schemas, "acme", &other).await else { panic!("not there") };
    assert!(!other.is(&there));
    assert!(!NewSchema { on_mismatch: OnMismatch::Tag, ..v1.clone() }.is(&there));
    assert!(!NewSchema { compatibility: Compatibility::None, ..v1.clone() }.is(&there));
    assert_eq!(schemas.head(&acme, &v1.event_type).await.unwrap(), Some(head));

    // Neither another tenant nor another type has any of it.
    assert!(schemas.get(&tenant("rival"), &v1.event_type, &v1.version).await.unwrap().is_none());
    assert!(schemas.get(&acme, &"order.created_at".parse().unwrap(), &v1.version).await.unwrap().is_none());
}

#[tokio::test]
async fn rules_are_found_all_at_once() {
    let local = LocalDynamo::start().await;
    let schemas = Schemas::new(local.aws(), SCHEMAS);
    let millis = Arc::new(AtomicI64::new(0));
    let rules = FoldRules::new(schemas.clone(), Clock::Manual(Arc::clone(&millis)));
    let acme = tenant("acme");
    assert_eq!(*rules.of(&acme).await.unwrap(), Rules::default());

    let ignored = NewSchema { fold: FoldRule::Ignore, ..new("order.created", "v1", json!({})) };
    register(&schemas, "acme", &ignored).await;
    register(&schemas, "acme", &new("order.created", "v2", json!({}))).await;
    assert_eq!(rules.of(&acme).await.unwrap().named("order.created#v1"), FoldRule::default(), "not read again yet");
    millis.fetch_add(NEGATIVE_SECONDS * 1000, Ordering::SeqCst);
    let found = rules.of(&acme).await.unwrap();
    assert_eq!(found.named("order.created#v1"), FoldRule::Ignore);
    assert_eq!(found.named("order.created#v2"), FoldRule::default());
    assert_eq!(*rules.of(&tenant("rival")).await.unwrap(), Rules::default());
    // They do not stand among the versions.
    assert_eq!(schemas.list(&acme, None, None, 10).await.unwrap().schemas.len(), 2);
}

#[tokio::test]
async fn of_two_registrations_at_once_one_must_compare_again() {
    let local = LocalDynamo::start().await;
    let schemas = Schemas::new(local.aws(), SCHEMAS);
    let acme = tenant("acme");
    register(&schemas, "acme", &new("order.created", "v0", json!({}))).await;
    let head = schemas.head(&acme, &"order.created".parse().unwrap()).await.unwrap();
    let rivals: Vec<_> = (1..=8).map(|i| new("order.created", &format!("v{i}"), json!({}))).collect();
    let all = rivals.iter().map(|rival| schemas.register(&acme, rival, head.as_ref()));
    let all = futures::future::join_all(all).await;
    let created = all.iter().filter(|one| matches!(one, Ok(Registration::Created(_)))).count();
    let overtaken = all.iter().filter(|one| matches!(one, Ok(Registration::Overtaken))).count();
    assert_eq!((created, overtaken), (1, 7));
    let page = schemas.list(&acme, None, None, 100).await.unwrap();
    assert_eq!(page.schemas.len(), 2);

    // The first version of a type is no exception.
    let rivals: Vec<_> = (1..=2).map(|i| new("order.paid", &format!("v{i}"), json!({}))).collect();
    assert!(matches!(schemas.register(&acme, &rivals[0], None).await, Ok(Registration::Created(_))));
    assert!(matches!(schemas.register(&acme, &rivals[1], None).await, Ok(Registration::Overtaken)));
}

#[tokio::test]
async fn versions_are_listed_page_by_page() {
    let local = LocalDynamo::start().await;
    let schemas = Schemas::new(local.aws(), SCHEMAS);
    let mut expected = Vec::new();
    for event_type in ["order.created", "order.created_late", "order.paid"] {
        for version in ["v1", "v2", "v3"] {
            // Large enough that a query's megabyte does not hold them all.
            let new = new(event_type, version, json!({ "description": "x".repeat(60_000) }));
            register(&schemas, "acme", &new).await;
            expected.push(format!("{event_type} {version}"));
        }
    }
    register(&schemas, "rival", &new("order.created", "v9", json!({}))).await;
    for limit in [1, 4, 9, 100] {
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = schemas.list(&tenant("acme"), None, after.as_deref(), limit).await.unwrap();
            assert!(page.schemas.len() <= limit);
            listed.extend(page.schemas.iter().map(|info| format!("{} {}", info.event_type, info.version)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, expected, "pages of {limit}");
    }
    let only = schemas.list(&tenant("acme"), Some(&"order.created".parse().unwrap()), None, 100).await.unwrap();
    let only: Vec<_> = only.schemas.iter().map(|info| (info.version.as_str(), info.revision)).collect();
    assert_eq!(only, [("v1", 1), ("v2", 2), ("v3", 3)]);
}

#[tokio::test]
async fn a_verdict_follows_a_registration_within_seconds() {
    let local = LocalDynamo::start().await;
    let schemas = Schemas::new(local.aws(), SCHEMAS);
    let millis = Arc::new(AtomicI64::new(1_756_468_800_000));
    let cache = SchemaCache::new(schemas.clone(), Clock::Manual(Arc::clone(&millis)));
    let (acme, rival) = (tenant("acme"), tenant("rival"));
    let wrong = event("v1", json!({"total": "12"}));

    assert_eq!(cache.verdict(&acme, &wrong).await.unwrap(), Verdict::NotRegistered);
    let total = json!({"type": "object", "properties": {"total": {"type": "integer"}}});
    register(&schemas, "acme", &new("order.created", "v1", total.clone())).await;
    register(&schemas, "acme", &NewSchema { on_mismatch: OnMismatch::Tag, ..new("order.created", "v2", total) }).await;
    assert_eq!(cache.verdict(&acme, &wrong).await.unwrap(), Verdict::NotRegistered, "for five seconds");
    millis.fetch_add(NEGATIVE_SECONDS * 1000, Ordering::Relaxed);

    let refused = cache.verdict(&acme, &wrong).await.unwrap().admit().unwrap_err();
    assert_eq!((refused.len(), refused[0].pointer.as_str()), (1, "/payload/total"));
    let tagged = cache.verdict(&acme, &event("v2", json!({"total": "12"}))).await.unwrap();
    assert_eq!(tagged.admit(), Ok(Some(SchemaTag::Mismatch)));
    let good = cache.verdict(&acme, &event("v1", json!({"total": 12}))).await.unwrap();
    assert_eq!(good.admit(), Ok(Some(SchemaTag::Fits)));
    assert_eq!(cache.verdict(&rival, &wrong).await.unwrap().admit(), Ok(None));
}
