//! An auditor's look at the log: every leaf and chain hash computed anew by tests/python/check_ledger.py, which was
//! written from docs/LEDGER.md alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::Receipt;
use crate::support::{Item, Tables, Tenant, binary, number, text};

/// A segment can unpack to this many bytes at most.
const MAX_SEGMENT: usize = 16 << 20;

/// The log checks out as it is, and no more when one byte of one payload is another.
pub(super) async fn check(tenant: &Tenant, receipts: &BTreeMap<String, Receipt>) {
    let mut segments: Vec<Value> = Tables::new().await.segments(&tenant.name).await.iter().map(segment).collect();
    let folder = tempfile::tempdir().unwrap();
    let events = receipts.iter().map(|(id, (sequence, sha256, ledger_hash))| {
        json!({"sequence": sequence, "id": id, "sha256": sha256, "ledger_hash": ledger_hash})
    });
    fs::write(folder.path().join("events.ndjson"), ndjson(events)).unwrap();

    let genuine = run(folder.path(), &segments);
    let (last, _, head) = receipts.values().max().unwrap();
    let expected = format!("{last} events verify; ledger_hash {head}\n");
    assert_eq!((genuine.status.code(), said(&genuine)), (Some(0), expected));

    let sequence = forge(&mut segments);
    let forged = run(folder.path(), &segments);
    assert_eq!(forged.status.code(), Some(1), "a changed payload is not noticed: {}", said(&forged));
    assert!(said(&forged).starts_with(&format!("sequence {sequence}: ")), "another event is named: {}", said(&forged));
}

/// A segment as the check reads it.
fn segment(item: &Item) -> Value {
    let lines = zstd::bulk::decompress(binary(item, "data"), MAX_SEGMENT).unwrap();
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(entries.len() as u64, number(item, "count"));
    json!({
        "first": number(item, "first"), "count": number(item, "count"),
        "prev_hash": hex::encode(binary(item, "prev_hash")), "end_hash": hex::encode(binary(item, "end_hash")),
        "received_at": text(item, "received_at"), "origin": text(item, "origin"), "entries": entries,
    })
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

fn run(folder: &Path, segments: &[Value]) -> Output {
    let check = Path::new("python/check_ledger.py");
    fs::write(folder.join("segments.ndjson"), ndjson(segments)).unwrap();
    let mut python = Command::new("python3");
    python.arg(check).arg("segments.ndjson").arg("events.ndjson").current_dir(folder);
    python.output().expect("python3 runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn ndjson<T: std::fmt::Display>(lines: impl IntoIterator<Item = T>) -> String {
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}
