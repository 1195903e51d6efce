//! docs/openapi.json is what the functions say of themselves. A change of the API shows up there, in review.

use std::collections::{BTreeMap, BTreeSet};

use http_api::openapi::{document, part};
use serde_json::Value;

use crate::template::Template;

const SNAPSHOT: &str = "docs/openapi.json";

/// Each API function with its part of the document.
pub(crate) fn parts() -> [(&'static str, Value); 9] {
    let json = |part| serde_json::to_value(document([part])).unwrap();
    [
        ("events-api", json(part(events_api::router()))),
        ("corrections-api", json(part(corrections_api::router()))),
        ("attachments-api", json(part(attachments_api::router()))),
        ("snapshots-api", json(part(snapshots_api::router()))),
        ("schemas-api", json(part(schemas_api::router()))),
        ("orders-api", json(part(orders_api::router()))),
        ("stream-api", json(part(stream_api::router()))),
        ("ledger-api", json(part(ledger_api::router()))),
        ("ops-api", json(part(ops_api::router()))),
    ]
}

fn whole() -> String {
    let document = document([
        part(events_api::router()),
        part(corrections_api::router()),
        part(attachments_api::router()),
        part(snapshots_api::router()),
        part(schemas_api::router()),
        part(orders_api::router()),
        part(stream_api::router()),
        part(ledger_api::router()),
        part(ops_api::router()),
    ]);
    document.to_pretty_json().unwrap() + "\n"
}

/// `GET /path`, for each operation of a document.
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    })
}

#[test]
fn the_published_document_is_what_the_functions_say() {
    let now = whole();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(crate::file(SNAPSHOT), &now).unwrap();
        return;
    }
    let published = std::fs::read_to_string(crate::file(SNAPSHOT)).unwrap_or_default();
    let differs = published.lines().zip(now.lines()).position(|(published, now)| published != now);
    let line = differs.unwrap_or(published.lines().count().min(now.lines().count())) + 1;
    assert!(
        published == now,
        "{SNAPSHOT} is not what the functions say, from line {line} on:\n  there: {}\n  now:   {}\n\
         If the API was meant to change, write it anew: UPDATE_SNAPSHOTS=1 cargo test --workspace --test contract",
        published.lines().nth(line - 1).unwrap_or("(its end)"),
        now.lines().nth(line - 1).unwrap_or("(its end)"),
    );
}

#[test]
fn every_route_is_deployed_to_its_function_and_nothing_else_is() {
    let deployed = Template::read().routes();
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (function, part) in parts() {
        described.insert(function.to_owned(), operations(&part).map(|(name, _)| name).collect());
    }
    assert_eq!(deployed, described, "left: template.yaml; right: the routers of the functions");
}

#[test]
fn the_document_holds_together() {
    let document: Value = serde_json::from_str(&whole()).unwrap();
    let mut refs = Vec::new();
    collect_refs(&document, &mut refs);
    assert!(!refs.is_empty());
    for reference in refs {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name} has the operationId of another");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        let in_path = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "path");
        let described: BTreeSet<&str> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        let written: BTreeSet<&str> =
            name.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(described, written, "the path parameters of {name}");
    }
}

fn collect_refs<'a>(value: &'a Value, refs: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            refs.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| collect_refs(value, refs));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_refs(value, refs)),
        _ => {}
    }
}
