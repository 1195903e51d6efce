//! What makes a stored state useless, and what does not.

use domain::order::View;
use serde_json::json;

use super::{Question, World, at, event};

async fn world() -> World {
    let world = World::new().await;
    for (second, field) in [(1, "a"), (2, "b"), (3, "c")] {
        world.record([event("ord_1", field, second, "order.touched", json!({field: second}))]).await;
    }
    world
}

async fn base(world: &World) -> Option<String> {
    let told = world.history.as_of(&world.tenant, &"ord_1".parse().unwrap(), Question::default()).await.unwrap();
    told.unwrap().base.map(|base| base.to_string())
}

#[tokio::test]
async fn a_state_is_told_with_the_stored_state_that_is_nearest() {
    let world = world().await;
    let order_id = "ord_1".parse().unwrap();
    assert!(world.store(&order_id, "snap_2", at(2), View::Corrected).await);
    assert!(world.store(&order_id, "snap_1", at(1), View::Corrected).await);
    assert_eq!(base(&world).await.as_deref(), Some("snap_2"));
    // An event that happened between the two, and was recorded after them.
    world.record([event("ord_1", "late", 1, "order.touched", json!({"late": true}))]).await;
    world.record([event("ord_1", "later", 2, "order.touched", json!({"later": true}))]).await;
    assert_eq!(base(&world).await.as_deref(), Some("snap_1"));
    world.delete(&order_id, "snap_1").await;
    assert_eq!(base(&world).await, None);
}

#[tokio::test]
async fn a_stored_state_that_was_changed_or_is_gone_is_not_used() {
    let world = world().await;
    let order_id = "ord_1".parse().unwrap();
    world.store(&order_id, "snap_1", at(1), View::Corrected).await;
    world.store(&order_id, "snap_2", at(2), View::Corrected).await;
    let key = |name: &str| world.bucket.contents().into_keys().find(|key| key.contains(name)).unwrap();
    world.bucket.overwrite(&key("snap_2"), r#"{"a":1,"b":3}"#);
    assert_eq!(base(&world).await.as_deref(), Some("snap_1"));
    world.bucket.delete(&key("snap_1"));
    assert_eq!(base(&world).await, None);
}

#[tokio::test]
async fn a_rule_that_was_registered_later_makes_a_stored_state_useless() {
    let world = world().await;
    let order_id = "ord_1".parse().unwrap();
    world.record([event("ord_1", "d", 4, "order.paid", json!({"paid": 4}))]).await;
    world.store(&order_id, "snap_3", at(3), View::Corrected).await;
    world.store(&order_id, "snap_4", at(4), View::Corrected).await;
    world.rule("order.paid", json!({"rule": "append", "at": "/payments"})).await;
    let history = super::History::for_tests(world._dynamo.aws(), &world.log, &world.bucket);
    let told = history.as_of(&world.tenant, &order_id, Question::default()).await.unwrap().unwrap();
    assert_eq!(told.base.map(|base| base.to_string()).as_deref(), Some("snap_3"));
    assert_eq!(told.folded.state["payments"], json!([{"paid": 4}]));
}

#[tokio::test]
async fn an_order_without_events_has_no_state() {
    let world = world().await;
    let order_id = "ord_2".parse().unwrap();
    assert_eq!(world.history.as_of(&world.tenant, &order_id, Question::default()).await.unwrap(), None);
    let before = Question { known_at: Some(at(0)), ..Question::default() };
    let told = world.history.as_of(&world.tenant, &"ord_1".parse().unwrap(), before).await.unwrap().unwrap();
    assert_eq!((told.folded.events, told.through), (0, 0));
}
