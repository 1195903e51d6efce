//! In the tables: segments and the index.

use aws_sdk_dynamodb::types::AttributeValue;

use super::super::programs::{python, verifier};
use super::super::tree::{Grown, unpacked};
use crate::support::{Item, Tables, binary, n, number};

/// A segment's `data` anew, from what `change` makes of its lines.
fn repacked(segment: &Item, change: impl Fn(String) -> String) -> Item {
    let lines = change(String::from_utf8(unpacked(segment)).unwrap());
    let mut changed = segment.clone();
    changed.insert("data".to_owned(), b(zstd::bulk::compress(lines.as_bytes(), 3).unwrap()));
    changed
}

fn b(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(bytes.into())
}

#[tokio::test]
async fn a_byte_of_a_stored_body_is_found() {
    let grown = Grown::new("body", 5).await;
    let genuine = grown.segment(3).await;
    let changed = repacked(&genuine, |lines| lines.replace(r#""carrier":"DHL""#, r#""carrier":"DHM""#));
    assert_ne!(changed, genuine);
    grown.tables.put(grown.tables.segments, changed).await;

    let said = grown.is_found_by_verify("evt_3", "log").await;
    let field = said["fields"].as_array().unwrap().iter().find(|field| field["status"] == "mismatch").unwrap();
    assert_eq!(field["pointer"], "/payload/carrier", "{said}");
    python(&[&grown.segments_file().await]).await.finds("sequence 3: ");
    // A range with content is taken from the segments, so that the altered value is in it.
    let (key, range_key) = (grown.vkey("checkpoint").await, grown.vkey("range").await);
    let bundle = grown.tenant.get("/ledger/proof?from=2&to=4&content=true").await;
    if bundle.status == 200 {
        let file = grown.file("bundle.ndjson", bundle.bytes);
        python(&["range", &file, "--key", &key, "--range-key", &range_key]).await.finds("sequence 3: ");
        verifier(&["range", &file, "--key", &key, "--range-key", &range_key]).await.finds("sequence 3");
    } else {
        assert_eq!(bundle.status, 500, "{}", bundle.text);
    }
    // What was signed before does not follow from what is there now, and the neighbours are as they were.
    assert!(grown.verify("evt_2").await.0);
}

#[tokio::test]
async fn a_byte_of_the_copy_in_the_index_is_found() {
    let grown = Grown::new("index", 2).await;
    let pk = format!("{}#O#ord_1", grown.tenant.name);
    let item = grown.tables.query(grown.tables.index, "pk", &pk).await.pop().expect("the event is in the index");
    let body = String::from_utf8(zstd::bulk::decompress(binary(&item, "body"), 1 << 20).unwrap()).unwrap();
    let forged = body.replace(r#""carrier":"DHL""#, r#""carrier":"DHM""#);
    assert_ne!(forged, body);
    let mut changed = item.clone();
    changed.insert("body".to_owned(), b(zstd::bulk::compress(forged.as_bytes(), 3).unwrap()));
    grown.tables.put(grown.tables.index, changed).await;
    assert_eq!(grown.tenant.get("/events/evt_2").await.expect(200).json["payload"]["carrier"], "DHM");

    let said = grown.is_found_by_verify("evt_2", "content").await;
    let field = said["fields"].as_array().unwrap().iter().find(|field| field["status"] == "mismatch").unwrap();
    assert_eq!(field["pointer"], "/payload/carrier", "{said}");
}

#[tokio::test]
async fn a_byte_of_a_chain_hash_is_found() {
    let grown = Grown::new("chain", 4).await;
    for (attribute, check) in [("end_hash", "chain"), ("prev_hash", "continuity")] {
        let genuine = grown.segment(2).await;
        let mut hash = binary(&genuine, attribute).to_vec();
        hash[7] ^= 1;
        let mut changed = genuine.clone();
        changed.insert(attribute.to_owned(), b(hash));
        grown.tables.put(grown.tables.segments, changed).await;
        grown.is_found_by_verify("evt_2", check).await;
        python(&[&grown.segments_file().await]).await.finds("sequence 2: ");
        grown.tables.put(grown.tables.segments, genuine).await;
    }
    assert!(grown.verify("evt_2").await.0);
}

#[tokio::test]
async fn a_dropped_segment_is_found() {
    let grown = Grown::new("dropped", 4).await;
    grown.tables.delete(grown.tables.segments, Tables::segment_key(&grown.tenant.name, 2)).await;
    grown.is_found_by_verify("evt_2", "log").await;
    python(&[&grown.segments_file().await]).await.finds("sequence 2: ");
}

#[tokio::test]
async fn swapped_segments_are_found() {
    let grown = Grown::new("swapped", 4).await;
    let (two, three) = (grown.segment(2).await, grown.segment(3).await);
    for (item, other) in [(&two, &three), (&three, &two)] {
        let mut item = item.clone();
        item.insert("first".to_owned(), other["first"].clone());
        grown.tables.put(grown.tables.segments, item).await;
    }
    grown.is_found_by_verify("evt_2", "log").await;
    grown.is_found_by_verify("evt_3", "log").await;
    python(&[&grown.segments_file().await]).await.finds("sequence 2: ");
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_found_and_not_signed_again() {
    let grown = Grown::new("truncated", 4).await;
    for first in [3, 4] {
        grown.tables.delete(grown.tables.segments, Tables::segment_key(&grown.tenant.name, first)).await;
    }
    grown.is_found_by_verify("evt_4", "log").await;
    // The log has fewer events than were signed, which every event of it tells.
    grown.is_found_by_verify("evt_1", "tree").await;
    let key = grown.vkey("checkpoint").await;
    let (segments, tiles) = (grown.segments_file().await, grown.tiles_folder().await);
    python(&[&segments]).await.holds();
    python(&[&segments, "--tiles", &tiles, "--key", &key]).await.finds("sequence 3: ");
    grown.is_refused().await;
    // Nothing is written to a log that ends before what is known to be in it. Who lowers that mark as well has writers
    // go on where the log ends now, and so write another history.
    let mut watermark = Tables::segment_key(&grown.tenant.name, Tables::WATERMARK);
    watermark.insert("watermark".to_owned(), n(3));
    grown.tables.put(grown.tables.segments, watermark).await;
    grown.is_refused().await;
    assert_eq!(grown.tenant.head().await.0, 5, "three events were added to what was left");
    let segments = grown.segments_file().await;
    python(&[&segments]).await.holds();
    python(&[&segments, "--tiles", &tiles, "--key", &key]).await.finds("sequence 3: ");
}

#[tokio::test]
async fn an_inserted_segment_is_found_and_not_signed() {
    let grown = Grown::new("inserted", 3).await;
    let last = grown.segment(3).await;
    let mut forged = repacked(&last, |lines| lines.replace("evt_3", "evt_4"));
    forged.insert("first".to_owned(), n(4));
    forged.insert("prev_hash".to_owned(), last["end_hash"].clone());
    grown.tables.put(grown.tables.segments, forged).await;
    grown.is_refused().await;
    python(&[&grown.segments_file().await]).await.finds("sequence 4: ");
}

#[tokio::test]
async fn a_leaf_of_another_tenant_is_found_and_not_signed() {
    let (grown, rival) = (Grown::new("replayed", 2).await, Grown::new("rival", 3).await);
    let mut replayed = rival.segment(3).await;
    replayed.insert("tenant".to_owned(), grown.segment(1).await["tenant"].clone());
    grown.tables.put(grown.tables.segments, replayed).await;
    grown.is_refused().await;
    python(&[&grown.segments_file().await]).await.finds("sequence 3: ");
    assert_eq!(number(&rival.segment(3).await, "first"), 3);
    assert!(rival.verify("evt_3").await.0, "and the other tenant has nothing to do with it");
}
