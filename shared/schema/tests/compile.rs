//! What is taken as a schema, and where the refusal points.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use schema::{MAX_PATTERNS, Schema};
use serde_json::{Value, json};

/// The pointers and details of a refusal.
fn faults(document: &Value) -> Vec<(String, String)> {
    Schema::compile(document).unwrap_err().faults().into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
}

#[test]
fn takes_what_people_write() {
    for document in [
        json!(true),
        json!({}),
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}),
        json!({"$id": "https://example.com/order.created/v1", "type": "object"}),
        json!({"properties": {"amount": {"$ref": "#/$defs/money"}}, "$defs": {"money": {"type": "integer"}}}),
        json!({"properties": {"amount": {"$ref": "#money"}}, "$defs": {"m": {"$anchor": "money"}}}),
        json!({"definitions": {"m": {}}, "$ref": "#/definitions/m"}),
        json!({"properties": {"$ref": {"type": "string"}, "$dynamicRef": {}}}),
        json!({"enum": [{"$ref": "https://example.com/"}], "examples": [{"format": "nonsense"}]}),
        json!({"pattern": "^[A-Z]{3}$", "x-owner": "billing"}),
        json!({"pattern": "^\\p{L}{1,40}$"}),
    ] {
        assert!(Schema::compile(&document).is_ok(), "{document}");
    }
}

#[test]
fn points_at_what_is_wrong() {
    for (document, pointer, part) in [
        (json!(null), "", "type"),
        (json!([]), "", "type"),
        (json!({"type": "objekt"}), "/type", ""),
        (json!({"required": "id"}), "/required", "array"),
        (json!({"properties": {"a/b": {"minLength": -1}}}), "/properties/a~1b/minLength", "at least 0"),
        (json!({"items": [{}]}), "/items", "type"),
        (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), "/$schema", "2020-12"),
        (json!({"$schema": 7}), "/$schema", "2020-12"),
        (json!({"$ref": "https://example.com/other.json"}), "/$ref", "in this document"),
        (json!({"$ref": "file:///etc/passwd"}), "/$ref", "in this document"),
        (json!({"$ref": "other.json#/a"}), "/$ref", "in this document"),
        (json!({"$ref": "#/$defs/none"}), "/$ref", "names no schema"),
        (json!({"$ref": "#/examples/0", "examples": [{}]}), "/$ref", "names no schema"),
        (json!({"$ref": "#none"}), "/$ref", "names no schema"),
        (json!({"properties": {"a": {"$id": "b"}}}), "/properties/a/$id", "root"),
        (json!({"not": {"$dynamicRef": "#a"}}), "/not/$dynamicRef", "`$ref`"),
        (json!({"dependencies": {"a": ["b"]}}), "/dependencies", "dependentRequired"),
        (json!({"properties": {"at": {"format": "datetime"}}}), "/properties/at/format", "date-time"),
        (json!({"$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}}}), "/$defs/a/$anchor", "another"),
        (json!({"properties": {"a": {"pattern": "("}}}), "/properties/a/pattern", ""),
        (json!({"properties": {"a": {"pattern": "^(?=a)"}}}), "/properties/a/pattern", "linear time"),
        (json!({"properties": {"a": {"pattern": "(a)\\1"}}}), "/properties/a/pattern", "linear time"),
        (json!({"patternProperties": {"(a)\\1": {}}}), "/patternProperties", "linear time"),
        (json!({"pattern": "((a{100}){100}){100}"}), "/pattern", "linear time"),
    ] {
        let found = faults(&document);
        assert!(
            found.iter().any(|(at, detail)| at.starts_with(pointer) && detail.contains(part)),
            "{document}: {found:?}"
        );
    }
}

#[test]
fn bounds_size_depth_and_patterns() {
    let long = json!({"description": "x".repeat(65 * 1024)});
    assert!(faults(&long)[0].1.contains("larger"));

    let mut deep = json!({});
    for _ in 0..60 {
        deep = json!({"not": deep});
    }
    assert!(faults(&deep)[0].1.contains("deeper"));

    let mut properties = serde_json::Map::new();
    for index in 0..=MAX_PATTERNS {
        properties.insert(format!("p{index}"), json!({"pattern": format!("^a{index}+$")}));
    }
    let many = json!({"properties": properties});
    assert!(faults(&many)[0].1.contains("patterns"));
}

/// Forty definitions, each twice the next: a trillion subschemas in two kilobytes.
#[test]
fn refuses_a_schema_that_multiplies() {
    let mut definitions = serde_json::Map::new();
    for index in 0..40 {
        let next = format!("#/$defs/d{}", index + 1);
        definitions.insert(format!("d{index}"), json!({"properties": {"a": {"$ref": next}, "b": {"$ref": next}}}));
    }
    definitions.insert("d40".to_owned(), json!({"type": "string"}));
    let bomb = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    assert!(faults(&bomb)[0].1.contains("more than"));
}

#[test]
fn recursion_must_go_down_into_the_value_and_not_meet_itself() {
    let node = json!({"$ref": "#"});
    for taken in [
        json!({"properties": {"children": {"items": node}}}),
        json!({"properties": {"left": node, "right": node}}),
        json!({"properties": {"next": node}, "items": node}),
        json!({"prefixItems": [node, node]}),
        json!({"properties": {"node": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}}}),
    ] {
        assert!(Schema::compile(&taken).is_ok(), "{taken}");
    }
    for (refused, part) in [
        (json!({"$ref": "#"}), "same value"),
        (json!({"anyOf": [{"type": "null"}, node]}), "same value"),
        (json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}), "same value"),
        (json!({"properties": {"a": {"allOf": [node, node]}}}), "another recursive"),
        (json!({"properties": {"a": node}, "additionalProperties": node}), "another recursive"),
        (json!({"items": node, "contains": node}), "another recursive"),
        (json!({"oneOf": [{"properties": {"a": node}}, {"properties": {"a": node}}]}), "another recursive"),
        (json!({"allOf": [{"properties": {"a": node}}], "unevaluatedProperties": false}), "another recursive"),
    ] {
        let found = faults(&refused);
        assert!(found[0].1.contains(part), "{refused}: {found:?}");
    }
}

/// A chain of definitions, each of which refers to the next in some way.
fn chain(length: usize, link: impl Fn(Value) -> Value, last: Value) -> Value {
    let mut definitions = serde_json::Map::new();
    for index in 0..length {
        definitions.insert(format!("d{index}"), link(json!({ "$ref": format!("#/$defs/d{}", index + 1) })));
    }
    definitions.insert(format!("d{length}"), last);
    json!({ "$ref": "#/$defs/d0", "$defs": definitions })
}

#[test]
fn long_chains_of_references_are_refused() {
    let in_place = chain(1500, |next| next, json!({}));
    assert!(faults(&in_place)[0].1.contains("too many"));
    let downwards = chain(1000, |next| json!({ "properties": { "a": next } }), json!({}));
    assert!(faults(&downwards)[0].1.contains("too many"));
    assert!(Schema::compile(&chain(40, |next| json!({ "properties": { "a": next } }), json!({}))).is_ok());
}

/// What is taken must not exhaust the stack, even of the deepest payload: a test's thread has the 2 MB of a worker.
#[test]
fn the_deepest_schema_and_payload_fit_on_the_stack() {
    let mut links = 0;
    let recursive = (1..40)
        .map(|length| chain(length, |next| json!({ "anyOf": [next] }), json!({"items": {"$ref": "#"}, "minItems": 1})))
        .filter_map(|document| Schema::compile(&document).ok())
        .inspect(|_| links += 1)
        .last()
        .unwrap();
    assert!(links > 3, "{links}");
    let mut deep = json!([]);
    for _ in 0..63 {
        deep = json!([deep]);
    }
    assert!(!recursive.check(&deep, "/payload").is_empty());
}
