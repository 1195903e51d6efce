//! Somebody with the right to write has changed what is stored. Nothing may be signed then, and nobody else be stopped.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::*;
use crate::{
    item::{n, s},
    testing::{SEGMENTS, TREES},
};

/// The sort key of a log's watermark.
const WATERMARK: u64 = (1 << 53) - 1;

fn key(tenant: &TenantId, first: u64) -> HashMap<String, AttributeValue> {
    HashMap::from([("tenant".to_owned(), s(tenant.as_str())), ("first".to_owned(), n(first))])
}

/// Changes the entries of a segment, and leaves its hashes as they are.
pub(super) async fn rewrite_segment(
    world: &World,
    tenant: &TenantId,
    first: u64,
    change: impl FnOnce(&mut Vec<Value>),
) {
    let dynamo = world.dynamo.aws().dynamo();
    let found = dynamo.get_item().table_name(SEGMENTS).set_key(Some(key(tenant, first))).send().await.unwrap();
    let mut item = found.item.unwrap();
    let lines = zstd::decode_all(item["data"].as_b().unwrap().as_ref()).unwrap();
    let mut entries: Vec<_> =
        lines.split_inclusive(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect();
    change(&mut entries);
    let lines: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
    let packed = zstd::bulk::compress(lines.as_bytes(), 3).unwrap();
    item.insert("data".to_owned(), AttributeValue::B(packed.into()));
    dynamo.put_item().table_name(SEGMENTS).set_item(Some(item)).send().await.unwrap();
}

#[expect(clippy::ptr_arg, reason = "other ways of tampering with a segment add and remove events")]
pub(super) fn other_carrier(entries: &mut Vec<Value>) {
    entries[1]["event"]["payload"]["carrier"] = "UPS".into();
}

async fn delete_segment(world: &World, tenant: &TenantId, first: u64) {
    let request = world.dynamo.aws().dynamo().delete_item().table_name(SEGMENTS).set_key(Some(key(tenant, first)));
    request.send().await.unwrap();
}

/// The tree is refused, and nothing is signed or published.
async fn is_refused(world: &World, tenant: &TenantId) -> String {
    let (signed, contents) = (world.key.signed(), world.bucket.contents());
    let Err(StoreError::Corrupt { what }) = world.integrate(tenant).await else { panic!("the tree was not refused") };
    assert_eq!(world.key.signed(), signed);
    let checkpoint = format!("{tenant}/checkpoint");
    assert_eq!(world.bucket.contents().get(&checkpoint), contents.get(&checkpoint));
    what
}

#[tokio::test]
async fn a_changed_log_is_refused() {
    let world = World::start().await;
    let sealed = async |name: &str| {
        let acme = tenant(name);
        world.append(&acme, 3).await;
        world.integrate(&acme).await.unwrap();
        world.append(&acme, 3).await;
        world.append(&acme, 2).await;
        acme
    };

    let acme = sealed("changed-value").await;
    rewrite_segment(&world, &acme, 4, other_carrier).await;
    assert_eq!(is_refused(&world, &acme).await, "the events of the segment at 4 are not those that were recorded");

    let acme = sealed("swapped-events").await;
    rewrite_segment(&world, &acme, 4, |entries| entries.swap(0, 2)).await;
    assert_eq!(is_refused(&world, &acme).await, "the events of the segment at 4 are not those that were recorded");

    let acme = sealed("missing-segment").await;
    delete_segment(&world, &acme, 4).await;
    assert_eq!(is_refused(&world, &acme).await, "the log has no segment at 4");

    let acme = sealed("dropped-event").await;
    rewrite_segment(&world, &acme, 4, |entries| drop(entries.pop())).await;
    is_refused(&world, &acme).await;

    let acme = sealed("cut-at-the-tail").await;
    for first in [7, 4, 1] {
        delete_segment(&world, &acme, first).await;
    }
    // With the watermark behind its end as without it.
    assert_eq!(is_refused(&world, &acme).await, "the log has no event 3, which is in its tree");
    delete_segment(&world, &acme, WATERMARK).await;
    assert_eq!(is_refused(&world, &acme).await, "the log has no event 3, which is in its tree");
    // It grows again, into another log.
    world.append(&acme, 2).await;
    is_refused(&world, &acme).await;
    world.append(&acme, 4).await;
    is_refused(&world, &acme).await;

    // The others go on.
    let genuine = sealed("genuine").await;
    assert_eq!(world.integrate(&genuine).await.unwrap().size, 8);
}

#[tokio::test]
async fn a_changed_tile_or_checkpoint_is_refused() {
    let world = World::start().await;
    for (name, object) in [
        ("edge", "tile/0/001.p/44"),
        ("above", "tile/1/000.p/1"),
        ("entries", "tile/entries/001.p/44"),
        ("checkpoint", "checkpoint"),
    ] {
        let acme = tenant(name);
        world.append(&acme, 300).await;
        world.integrate(&acme).await.unwrap();
        world.append(&acme, 1).await;
        let object = format!("{name}/{object}");
        let genuine = world.bucket.contents()[&object].clone();
        let mut bent = genuine.to_vec();
        bent[5] ^= 1;
        world.bucket.overwrite(&object, bent);
        is_refused(&world, &acme).await;
        world.bucket.overwrite(&object, genuine);
        assert_eq!(world.integrate(&acme).await.unwrap().size, 301);
    }
}

#[tokio::test]
async fn a_tile_in_the_way_is_compared_byte_for_byte() {
    let (world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, 4).await;
    let (files, _) = files(&world.entries(&acme).await);
    let (tile, bytes) = files.iter().next().unwrap();
    let object = format!("acme/{}", tile.path());
    let mut other = bytes.to_vec();
    *other.last_mut().unwrap() ^= 1;
    world.bucket.overwrite(&object, other);
    assert_eq!(is_refused(&world, &acme).await, format!("{object} differs from what the log says"));

    world.bucket.overwrite(&object, bytes.clone());
    assert_eq!(world.integrate(&acme).await.unwrap().size, 4);
    world.check_published(&acme).await;
}

#[tokio::test]
async fn a_table_that_was_put_back_signs_nothing_else() {
    let (world, acme) = (World::start().await, tenant("acme"));
    let dynamo = world.dynamo.aws().dynamo();
    world.append(&acme, 3).await;
    world.integrate(&acme).await.unwrap();
    let older = dynamo
        .get_item()
        .table_name(TREES)
        .key("tenant", s("acme"))
        .key("name", s("tree"))
        .send()
        .await
        .unwrap()
        .item
        .unwrap();
    world.append(&acme, 3).await;
    world.integrate(&acme).await.unwrap();
    let put_back = async || {
        dynamo.put_item().table_name(TREES).set_item(Some(older.clone())).send().await.unwrap();
    };

    // The log is whole: the same trees grow again.
    put_back().await;
    assert_eq!(world.integrate(&acme).await.unwrap().size, 6);
    world.check_published(&acme).await;

    // The log was put back as well, and then went another way.
    put_back().await;
    delete_segment(&world, &acme, 4).await;
    delete_segment(&world, &acme, WATERMARK).await;
    assert_eq!(is_refused(&world, &acme).await, "a tree of 6 events is published, and its state has only 3");
    for count in [2, 1, 9] {
        world.append(&acme, count).await;
        is_refused(&world, &acme).await;
    }
}

#[tokio::test]
async fn a_key_that_lies_publishes_nothing() {
    let (world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, 3).await;
    world.key.lie();
    assert!(matches!(world.integrate(&acme).await, Err(StoreError::Corrupt { .. })));
    assert!(!world.bucket.contents().contains_key("acme/checkpoint"));
}
