//! Rubbish on the stream: what is good around it is recorded, what is not is listed with its reason, the shard moves on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Form, Stream, Tables, Tenant, aggregated, event, eventually, gzip, text, zstd};

const WITHIN: Duration = Duration::from_secs(240);

#[tokio::test]
async fn rubbish_between_good_records_is_listed_with_its_reason_and_stops_nothing() {
    let tenant = Tenant::new("ingest");
    let stream = Stream::new().await;
    let of = |mut event: Value| {
        event["tenant_id"] = tenant.name.clone().into();
        event.to_string()
    };
    let good = |id: &str| of(event(id, "ord_1"));
    let with = |id: &str, field: &str, value: Value| {
        let mut changed = event(id, "ord_1");
        changed[field] = value;
        of(changed)
    };
    let key = tenant.name.clone();
    let mut records: Vec<(String, Vec<u8>)> = Vec::new();
    // What is expected of each record: nothing, or under which tenant it is listed and why.
    let mut expected: Vec<Vec<(bool, &str)>> = Vec::new();
    let mut put = |record: Vec<u8>, listed: &[(bool, &'static str)]| {
        records.push((key.clone(), record));
        expected.push(listed.to_vec());
    };
    const OURS: bool = true;
    const NOBODYS: bool = false;

    put(good("good_01").into_bytes(), &[]);
    put(b"\x00\xff this is not JSON".to_vec(), &[(NOBODYS, "not-json")]);
    put(good("good_02").into_bytes(), &[]);
    put(with("bad_time", "occurred_at", json!("yesterday")).into_bytes(), &[(OURS, "invalid-event")]);
    put(with("bad_field", "colour", json!("red")).into_bytes(), &[(OURS, "invalid-event")]);
    put(event("no_tenant", "ord_1").to_string().into_bytes(), &[(NOBODYS, "invalid-event")]);
    put(with("good_01", "type", json!("order.lost")).into_bytes(), &[(OURS, "event-conflict")]);
    put(with("big", "payload", json!({"n": 9_007_199_254_740_993_u64})).into_bytes(), &[(OURS, "number-out-of-range")]);
    put(with("huge", "payload", json!({"text": "x".repeat(256 * 1024)})).into_bytes(), &[(OURS, "event-too-large")]);
    put(Form::Ndjson.record(&[&good("good_03"), "{\"cut\":", &good("good_04")]), &[(NOBODYS, "not-json")]);
    put(Form::Array.record(&[&good("good_05"), "17", &good("good_06")]), &[(NOBODYS, "not-an-object")]);
    put(zstd(&vec![b' '; 64 << 20]), &[(NOBODYS, "decompressed-too-large")]);
    let mut broken = gzip(good("never").as_bytes());
    broken.truncate(broken.len() - 9);
    put(broken, &[(NOBODYS, "bad-gzip")]);
    let mut damaged = aggregated([good("never")]);
    *damaged.last_mut().unwrap() ^= 1;
    put(damaged, &[(NOBODYS, "bad-aggregate-checksum")]);
    put(aggregated([good("good_07"), "rubbish".to_owned(), good("good_08")]), &[(NOBODYS, "not-json")]);
    put(b" \n".to_vec(), &[(NOBODYS, "empty-record")]);
    put(gzip(good("good_09").as_bytes()), &[]);

    let numbers = stream.put(&records).await;
    let marks = stream.settle(&tenant, std::slice::from_ref(&key)).await;

    let stored = tenant.all("/events").await;
    let ids: Vec<&str> = stored.iter().map(|event| event["id"].as_str().unwrap()).collect();
    let good: Vec<String> = (1..=9).map(|n| format!("good_{n:02}")).collect();
    assert_eq!(
        ids,
        good.iter().chain(&marks).map(String::as_str).collect::<Vec<_>>(),
        "in their order, and nothing else"
    );

    // The tenant's list has what names the tenant. The rest belongs to nobody; operators find it in the table.
    let ours = listed(tenant.all("/diagnostics").await.iter().map(|failure| {
        (failure["sequence_number"].as_str().unwrap().to_owned(), failure["reason"].as_str().unwrap().to_owned())
    }));
    let tables = Tables::new().await;
    let nobodys = eventually("what is nobody's is in the table", WITHIN, || async {
        let items = tables.query(tables.failures, "tenant", "~unknown").await;
        let items =
            items.iter().map(|item| (text(item, "sequence_number").to_owned(), text(item, "reason").to_owned()));
        let found = listed(items.filter(|(number, _)| numbers.contains(number)));
        if found.is_empty() { Err("nothing is".to_owned()) } else { Ok(found) }
    })
    .await;
    for (index, (number, expected)) in numbers.iter().zip(&expected).enumerate() {
        for (whose, found) in [(OURS, &ours), (NOBODYS, &nobodys)] {
            let expected: BTreeSet<&str> =
                expected.iter().filter(|(of, _)| *of == whose).map(|(_, why)| *why).collect();
            let found: BTreeSet<&str> = found.get(number).into_iter().flatten().map(String::as_str).collect();
            assert_eq!(found, expected, "record {index}, {}", if whose { "the tenant's" } else { "nobody's" });
        }
    }
    each_failure_says_where_and_what(&tenant).await;
}

/// Reasons by the record's number.
fn listed(failures: impl Iterator<Item = (String, String)>) -> BTreeMap<String, BTreeSet<String>> {
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (number, reason) in failures {
        listed.entry(number).or_default().insert(reason);
    }
    listed
}

async fn each_failure_says_where_and_what(tenant: &Tenant) {
    // The newest first, page by page the same.
    let all = tenant.all("/diagnostics").await;
    assert_eq!(tenant.all("/diagnostics?limit=2").await, all);
    for failure in &all {
        assert!(failure["source"].as_str().unwrap().starts_with("kinesis:shardId-"), "{failure}");
        assert!(failure["size"].as_u64().unwrap() > 0, "{failure}");
        assert!(failure["sample"].as_str().unwrap().starts_with('{'), "{failure}");
        assert!(!failure["findings"][0]["detail"].as_str().unwrap().is_empty(), "{failure}");
    }
    let pointers: BTreeSet<&str> =
        all.iter().filter_map(|failure| failure["findings"][0]["pointer"].as_str()).collect();
    assert_eq!(pointers, BTreeSet::from(["/occurred_at", "/colour", "/event_id", "/payload/n"]));
}
