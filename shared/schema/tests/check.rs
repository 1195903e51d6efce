//! Where a payload does not fit, and what the answer says, and does not say, about it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use schema::{MAX_VIOLATIONS, Schema};
use serde_json::{Value, json};

/// Pointer, keyword and detail of what does not fit under `/payload`.
fn violations(schema: &Value, instance: &Value) -> Vec<(String, String, String)> {
    Schema::compile(schema)
        .unwrap()
        .check(instance, "/payload")
        .into_iter()
        .map(|found| (found.pointer, found.keyword, found.detail))
        .collect()
}

#[test]
fn every_keyword_is_pointed_at_and_no_value_is_repeated() {
    let secret = "jane.doe@example.com";
    for (schema, instance, pointer, keyword, detail) in [
        (json!({"type": "object"}), json!(secret), "", "type", "must be of type object"),
        (
            json!({"properties": {"a/b": {"type": ["integer", "null"]}}}),
            json!({"a/b": secret}),
            "/a~1b",
            "type",
            "must be of type",
        ),
        (json!({"required": ["id"]}), json!({"x": secret}), "", "required", "must have the property \"id\""),
        (json!({"dependentRequired": {"x": ["id"]}}), json!({"x": secret}), "", "required", "\"id\""),
        (
            json!({"properties": {"x": {}}, "additionalProperties": false}),
            json!({"y": secret}),
            "/y",
            "additionalProperties",
            "is not a property",
        ),
        (
            json!({"properties": {"x": {}}, "unevaluatedProperties": false}),
            json!({"y": secret}),
            "/y",
            "unevaluatedProperties",
            "is not a property",
        ),
        (json!({"properties": {"x": false}}), json!({"x": secret}), "/x", "falseSchema", "must not be there"),
        (json!({"propertyNames": {"maxLength": 3}}), json!({secret: 1}), "", "propertyNames", "at most 3"),
        (json!({"enum": ["EUR", "GBP"]}), json!(secret), "", "enum", "must be one of [\"EUR\",\"GBP\"]"),
        (json!({"const": "EUR"}), json!(secret), "", "const", "must be \"EUR\""),
        (json!({"pattern": "^[A-Z]{3}$"}), json!(secret), "", "pattern", "^[A-Z]{3}$"),
        (json!({"maxLength": 3}), json!(secret), "", "maxLength", "at most 3 characters"),
        (json!({"format": "uuid"}), json!(secret), "", "format", "`uuid`"),
        (json!({"minimum": 1}), json!(-4242), "", "minimum", "at least 1"),
        (json!({"exclusiveMaximum": 1.5}), json!(4242), "", "exclusiveMaximum", "less than 1.5"),
        (json!({"multipleOf": 5}), json!(4242), "", "multipleOf", "multiple of 5"),
        (json!({"items": {"type": "integer"}}), json!([1, secret]), "/1", "type", "integer"),
        (json!({"uniqueItems": true}), json!([secret, secret]), "", "uniqueItems", "twice"),
        (json!({"contains": {"type": "integer"}}), json!([secret]), "", "contains", "must contain"),
        (json!({"prefixItems": [{}], "items": false}), json!([1, secret]), "/1", "falseSchema", ""),
        (json!({"not": {"type": "string"}}), json!(secret), "", "not", "`not`"),
        (json!({"anyOf": [{"type": "null"}, {"type": "integer"}]}), json!(secret), "", "anyOf", "at least one of 2"),
        (json!({"oneOf": [{"type": "null"}, {"type": "integer"}]}), json!(secret), "", "oneOf", "fits none"),
        (json!({"oneOf": [{"type": "string"}, {"minLength": 1}]}), json!(secret), "", "oneOf", "fits more"),
        (json!({"if": {"type": "string"}, "then": {"maxLength": 1}}), json!(secret), "", "maxLength", "at most 1"),
        (json!({"additionalProperties": false}), json!({"y": secret}), "", "additionalProperties", "must not have any"),
    ] {
        let found = violations(&schema, &instance);
        assert_eq!(found.len(), 1, "{schema}: {found:?}");
        let (at, by, text) = &found[0];
        assert_eq!(*at, format!("/payload{pointer}"), "{schema}");
        assert_eq!(by, keyword, "{schema}");
        assert!(text.contains(detail), "{schema}: {text}");
        assert!(!text.contains(secret) && !text.contains("4242"), "{schema}: {text}");
    }
}

#[test]
fn formats_are_asserted() {
    for (format, good, bad) in [
        ("date", "2025-08-29", "2025-02-30"),
        ("date-time", "2025-08-29T12:34:56Z", "2025-08-29T12:34:56"),
        ("time", "12:34:56Z", "12:34"),
        ("duration", "P1DT2H", "1 day"),
        ("email", "a@example.com", "a@"),
        ("hostname", "api.example.com", "-a"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "2001:db8"),
        ("uri", "https://example.com/a", "/a"),
        ("uri-reference", "/a", "\\a"),
        ("iri", "https://example.com/é", "/é"),
        ("iri-reference", "/é", "\\é"),
        ("uri-template", "/orders/{id}", "/orders/{id"),
        ("uuid", "0f2f7d1e-9f5c-4b1e-8a11-0d6a3f4f6f4e", "0f2f7d1e"),
        ("json-pointer", "/a~0", "/a~"),
        ("relative-json-pointer", "1/a", "/a"),
        ("regex", "^a$", "("),
    ] {
        let schema = Schema::compile(&json!({ "format": format })).unwrap();
        assert!(schema.accepts(&json!(good)), "{format}");
        assert!(!schema.accepts(&json!(bad)), "{format}");
        assert!(schema.accepts(&json!(1)), "{format} is about strings");
    }
    assert_eq!(schema::FORMATS.len(), 17);
}

#[test]
fn violations_are_bounded() {
    let wrong: Vec<Value> = (0..5000).map(Value::from).collect();
    let found = violations(&json!({"items": {"type": "string"}}), &json!(wrong));
    assert_eq!(found.len(), MAX_VIOLATIONS);

    let names: serde_json::Map<String, Value> = (0..500).map(|index| (format!("n{index}"), json!(1))).collect();
    let found = violations(&json!({"properties": {"a": {}}, "additionalProperties": false}), &json!(names));
    assert_eq!(found.len(), MAX_VIOLATIONS);
}

#[test]
fn a_payload_that_fits_has_no_violations() {
    let schema = json!({
        "type": "object",
        "required": ["amount", "lines"],
        "properties": {
            "amount": {"$ref": "#/$defs/money"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}
        },
        "$defs": {
            "money": {"type": "integer", "minimum": 0},
            "line": {
                "type": "object",
                "properties": {"parts": {"type": "array", "items": {"$ref": "#/$defs/line"}}},
                "additionalProperties": false
            }
        }
    });
    let good = json!({"amount": 5194, "lines": [{"parts": [{"parts": []}]}]});
    assert_eq!(violations(&schema, &good), []);
    let bad = json!({"amount": 5194, "lines": [{"parts": [{"sku": "x"}]}]});
    let found = violations(&schema, &bad);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "/payload/lines/0/parts/0/sku");
}
