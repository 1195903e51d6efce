//! Trouble of our own: what fails a batch, and what does not.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use store::{Clock, Failures, SchemaCache, testing::SEGMENTS};

use super::{World, event, line};
use crate::{Ingest, IngestError};

#[tokio::test]
async fn trouble_with_one_tenant_fails_the_batch_and_stops_no_other_tenant() {
    let world = World::new().await;
    world.take_in(&[line("moved", "evt_0")]).await.unwrap();
    let move_to = async |origin: &str| {
        let update = world.dynamo.aws().dynamo().update_item().table_name(SEGMENTS);
        let update = update.key("tenant", AttributeValue::S("moved".to_owned()));
        let update = update.key("first", AttributeValue::N("1".to_owned())).update_expression("SET origin = :origin");
        let origin = AttributeValue::S(origin.to_owned());
        update.expression_attribute_values(":origin", origin).send().await.unwrap();
    };
    // As if the setting of our name had changed.
    move_to("elsewhere.example.com/moved").await;
    let records = [
        line("acme", "evt_1"),
        line("moved", "evt_1"),
        line("zeta", "evt_1"),
        "rubbish".into(),
        line("moved", "evt_2"),
    ];

    let error = world.take_in(&records).await.unwrap_err();
    assert!(matches!(error, IngestError::Tenants { tenants: 1, .. }), "{error}");
    assert_eq!(world.ids("acme").await, ["evt_1"]);
    assert_eq!(world.ids("zeta").await, ["evt_1"]);
    assert_eq!(world.reasons().await.len(), 1);

    // Once the trouble is over, the batch that comes again is completed.
    move_to("history.example.com/moved").await;
    world.take_in(&records).await.unwrap();
    assert_eq!(world.ids("moved").await, ["evt_0", "evt_1", "evt_2"]);
    assert_eq!(world.ids("acme").await, ["evt_1"]);
    assert_eq!(world.reasons().await.len(), 1);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_stops_no_shard_and_its_events_are_set_aside() {
    let world = World::new().await;
    let broken = HashMap::from([
        ("tenant".to_owned(), AttributeValue::S("broken".to_owned())),
        ("first".to_owned(), AttributeValue::N("1".to_owned())),
    ]);
    let dynamo = world.dynamo.aws().dynamo();
    dynamo.put_item().table_name(SEGMENTS).set_item(Some(broken.clone())).send().await.unwrap();
    let records = [line("broken", "evt_1"), line("acme", "evt_1"), line("broken", "evt_2")];

    world.take_in(&records).await.unwrap();
    world.take_in(&records).await.unwrap();
    assert_eq!(world.ids("acme").await, ["evt_1"]);
    let aside = world.failures("broken").await;
    assert_eq!(aside.len(), 2, "what comes again is set aside once");
    for (failure, sent) in aside.iter().zip([&records[0], &records[2]]) {
        assert_eq!((failure.reason.as_str(), failure.is_whole()), ("log-refused", true));
        assert_eq!(failure.first_bytes(1000).unwrap(), sent.as_bytes());
    }

    // What would not fit in there as a whole must come again.
    let mut large = event("broken", "evt_3");
    let mut state = 1_u64;
    let noise = (0..20_000).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{:08x}", state >> 32)
    });
    large["payload"]["noise"] = noise.collect::<String>().into();
    let error = world.take_in(&[large.to_string(), line("acme", "evt_2")]).await.unwrap_err();
    assert!(matches!(error, IngestError::Tenants { tenants: 1, .. }), "{error}");
    assert_eq!(world.ids("acme").await, ["evt_1", "evt_2"]);
    assert_eq!(world.failures("broken").await.len(), 2);

    // A mended log takes them in again, from wherever they come.
    dynamo.delete_item().table_name(SEGMENTS).set_key(Some(broken)).send().await.unwrap();
    world.take_in(&records).await.unwrap();
    assert_eq!(world.ids("broken").await, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn a_failure_that_cannot_be_listed_fails_the_batch() {
    let mut world = World::new().await;
    let cache = SchemaCache::new(world.schemas.clone(), Clock::System);
    world.ingest = Ingest::new(world.log.clone(), cache, Failures::new(world.dynamo.aws(), "Missing", 30));

    let error = world.take_in(&["rubbish".to_owned(), line("acme", "evt_1")]).await.unwrap_err();
    assert!(matches!(error, IngestError::Failures(_)), "{error}");
    assert_eq!(world.ids("acme").await, ["evt_1"]);
    // Without rubbish there is nothing to list, and no reason to fail.
    world.take_in(&[line("acme", "evt_2")]).await.unwrap();
}
