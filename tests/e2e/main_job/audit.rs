//! An auditor's look at the log: every leaf and chain hash computed anew by tests/python/check_ledger.py, which was
//! written from docs/LEDGER.md alone.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::Receipt;
use crate::ledger::{self, ndjson, python, segment_json};
use crate::support::{Tables, Tenant};

/// The log checks out as it is, and so does its tree; and no more when one byte of one payload is another.
pub(super) async fn check(tenant: &Tenant, receipts: &BTreeMap<String, Receipt>) {
    let mut segments: Vec<Value> = Tables::new().await.segments(&tenant.name).await.iter().map(segment_json).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: String| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let events = receipts.iter().map(|(id, (sequence, sha256, ledger_hash))| {
        json!({"sequence": sequence, "id": id, "sha256": sha256, "ledger_hash": ledger_hash})
    });
    let events = file("events.ndjson", ndjson(events));

    let genuine = python(&[&file("segments.ndjson", ndjson(&segments)), &events]).await.holds();
    let (last, _, head) = receipts.values().max().unwrap();
    assert_eq!(genuine, format!("{last} events verify; ledger_hash {head}\n"));
    ledger::accept(tenant, *last, head).await;

    let sequence = forge(&mut segments);
    let forged = python(&[&file("forged.ndjson", ndjson(&segments)), &events]).await;
    assert!(forged.said.starts_with(&format!("sequence {sequence}: ")), "another event is named: {}", forged.said);
    forged.finds("sequence ");
}

/// Changes one byte of a payload in the middle of the log, and returns its sequence.
fn forge(segments: &mut [Value]) -> u64 {
    let middle = segments.len() / 2;
    let segment = &mut segments[middle];
    let first = segment["first"].as_u64().unwrap();
    let entries = segment["entries"].as_array_mut().unwrap();
    let found = entries.iter_mut().zip(first..).find_map(|(entry, sequence)| {
        let payload = entry["event"]["payload"].as_object_mut()?;
        let text = payload.values_mut().find(|value| value.as_str().is_some_and(|text| !text.is_empty()))?;
        let mut forged = text.as_str()?.to_owned();
        let last = if forged.ends_with('x') { 'y' } else { 'x' };
        forged.pop();
        forged.push(last);
        *text = forged.into();
        Some(sequence)
    });
    found.expect("some payload in the middle of the log has a text")
}
