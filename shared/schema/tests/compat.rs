//! What changes are compatible, and what is said of those that are not.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use schema::{Compatibility, Direction, Schema, compat};
use serde_json::{Value, json};

/// Pointers of what breaks.
fn breaks(before: &Value, new: &Value, mode: Compatibility) -> Vec<(Direction, String)> {
    let (before, new) = (Schema::compile(before).unwrap(), Schema::compile(new).unwrap());
    compat::check(&before, &new, mode).into_iter().map(|found| (found.direction, found.pointer)).collect()
}

/// One property with this schema, in an object that is otherwise open.
fn holding(schema: &Value) -> Value {
    json!({"type": "object", "properties": {"p": schema}})
}

#[test]
fn changes_of_a_value() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    // Greater: the new one accepts more. Less: it accepts less. Equal: neither breaks.
    for (before, order, new) in [
        (json!({"type": "string"}), Equal, json!({"type": "string", "description": "a name"})),
        (json!({"type": "integer"}), Greater, json!({"type": "number"})),
        (json!({"type": "string"}), Greater, json!({"type": ["string", "null"]})),
        (json!({"type": "string"}), Greater, json!({"anyOf": [{"type": "null"}, {"type": "string"}]})),
        (json!({"type": ["string", "null"]}), Equal, json!({"anyOf": [{"type": "null"}, {"type": "string"}]})),
        (json!({"enum": ["a", "b"]}), Greater, json!({"enum": ["c", "b", "a"]})),
        (json!({"enum": ["a", "b"]}), Greater, json!({"type": "string", "maxLength": 1})),
        (json!({"const": "a"}), Greater, json!({"enum": ["a", "b"]})),
        (json!({"type": "boolean"}), Equal, json!({"enum": [true, false]})),
        (json!({"minimum": 1}), Greater, json!({"minimum": 0})),
        (json!({"minimum": 1}), Greater, json!({"exclusiveMinimum": 0.5})),
        (json!({"exclusiveMinimum": 1}), Greater, json!({"minimum": 1})),
        (json!({"maximum": 10}), Less, json!({"exclusiveMaximum": 10})),
        (json!({"minimum": 9_007_199_254_740_993_u64}), Greater, json!({"minimum": 9_007_199_254_740_992_u64})),
        (json!({"multipleOf": 10}), Greater, json!({"multipleOf": 5})),
        (json!({"type": "integer"}), Equal, json!({"type": "integer", "multipleOf": 1})),
        (json!({"minLength": 1, "maxLength": 5}), Greater, json!({"maxLength": 6})),
        (json!({"type": "string"}), Less, json!({"type": "string", "pattern": "^a"})),
        (json!({"type": "string"}), Less, json!({"type": "string", "format": "uuid"})),
        (json!({"type": "integer"}), Equal, json!({"type": "integer", "minLength": 3})),
        (json!({"type": "array", "items": {"type": "integer"}}), Greater, json!({"type": "array"})),
        (json!({"items": {"type": "integer"}}), Greater, json!({"items": {"type": "number"}})),
        (
            json!({"prefixItems": [{"type": "null"}], "items": {"type": "string"}}),
            Greater,
            json!({"items": {"type": ["null", "string"]}}),
        ),
        (json!({"type": "array", "maxItems": 1}), Equal, json!({"type": "array", "maxItems": 1, "uniqueItems": true})),
        (json!({"contains": {"type": "integer"}}), Greater, json!({"contains": {"type": "number"}})),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            Greater,
            json!({"anyOf": [{"type": "null"}, {"type": "integer"}, {"type": "string"}]}),
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "null"}]}),
            Greater,
            json!({"oneOf": [{"type": "null"}, {"type": "array"}, {"type": "string"}]}),
        ),
        (json!({"not": {"type": "string"}}), Less, json!({"not": {"type": ["string", "null"]}})),
        (json!({"type": "integer"}), Equal, json!({"type": "integer", "not": {"type": "string"}})),
        (json!({"allOf": [{"minimum": 1}, {"type": "integer"}]}), Equal, json!({"type": "integer", "minimum": 1})),
        (
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            Greater,
            json!({"type": "object", "additionalProperties": {"type": "number"}}),
        ),
        (json!({"type": "object", "required": ["a", "b"]}), Greater, json!({"type": "object", "required": ["a"]})),
        (
            json!({"if": {"type": "string"}, "then": {"minLength": 1}}),
            Equal,
            json!({"if": {"type": "string"}, "then": {"minLength": 1}, "title": "t"}),
        ),
        (
            json!({"oneOf": [
                {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "card"}}},
                {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cash"}}}
            ]}),
            Greater,
            json!({"oneOf": [
                {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "card"}}},
                {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cash"}}},
                {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "points"}}}
            ]}),
        ),
    ] {
        let found = breaks(&holding(&before), &holding(&new), Compatibility::Full);
        let backward = found.iter().any(|(way, _)| *way == Direction::Backward);
        let forward = found.iter().any(|(way, _)| *way == Direction::Forward);
        let expected = (order == Less, order == Greater);
        assert_eq!((backward, forward), expected, "{before} -> {new}: {found:?}");
    }
}

#[test]
fn changes_of_an_object() {
    let closed = |properties: Value| json!({"type": "object", "properties": properties, "additionalProperties": false});
    for (before, new, pointers) in [
        // The exception: an optional property that was not declared.
        (holding(&json!({})), json!({"type": "object", "properties": {"p": {}, "q": {"type": "string"}}}), vec![]),
        (holding(&json!({})), json!({"allOf": [{"properties": {"q": {"type": "string"}}}], "type": "object"}), vec![]),
        // … but not a required one, nor one that the object speaks of.
        (
            holding(&json!({})),
            json!({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}),
            vec!["/required"],
        ),
        (
            json!({"type": "object", "properties": {"p": {}}, "required": ["q"]}),
            json!({"type": "object", "properties": {"q": {"type": "string"}}}),
            vec!["/properties/q/type"],
        ),
        (
            json!({"type": "object", "properties": {"p": {}}, "patternProperties": {"^q": {"type": "integer"}}}),
            json!({"type": "object", "properties": {"q": {"type": "string"}}}),
            vec!["/properties/q/type"],
        ),
        (
            json!({"properties": {"p": {}}, "anyOf": [{"properties": {"q": {"type": "integer"}}}, {"minProperties": 1}]}),
            json!({"properties": {"q": {"type": "string"}}}),
            vec!["/properties/q/type"],
        ),
        // … nor in a map.
        (json!({"type": "object"}), holding(&json!({"type": "string"})), vec!["/properties/p/type"]),
        (
            json!({"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "integer"}}),
            json!({"type": "object", "properties": {"a": {}, "q": {"type": "string"}}}),
            vec!["/properties/q/type"],
        ),
        // Closed objects may gain optional properties, by the letter.
        (closed(json!({"a": {}})), closed(json!({"a": {}, "b": {"type": "string"}})), vec![]),
        (closed(json!({"a": {}, "b": {}})), closed(json!({"a": {}})), vec!["/additionalProperties"]),
        (closed(json!({"a": {}})), json!({"type": "object"}), vec![]),
        // Closing an open object is not covered by the exception.
        (holding(&json!({})), closed(json!({"p": {}})), vec!["/additionalProperties"]),
        // `unevaluatedProperties` alone closes too.
        (
            closed(json!({"a": {}})),
            json!({"type": "object", "properties": {"a": {}}, "unevaluatedProperties": false}),
            vec![],
        ),
        (
            closed(json!({"a": {}})),
            json!({"type": "object", "allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}),
            vec!["/unevaluatedProperties"],
        ),
        // Every mistake is pointed at.
        (
            json!({"type": "object", "properties": {"a/b": {"type": "integer"}, "c": {"type": "string"}}}),
            json!({"type": "object", "properties": {"a/b": {"type": "string"}, "c": {"type": "string", "maxLength": 5}}, "required": ["c"]}),
            vec!["/required", "/properties/a~1b/type", "/properties/c/maxLength"],
        ),
    ] {
        let found = breaks(&before, &new, Compatibility::Backward);
        let found: Vec<&str> = found.iter().map(|(_, pointer)| pointer.as_str()).collect();
        assert_eq!(found, pointers, "{before} -> {new}");
    }
}

#[test]
fn references_and_recursion() {
    let tree = |leaf: Value| {
        json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {
                "type": "object",
                "properties": {"leaf": leaf, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}
            }}
        })
    };
    let inlined = json!({"type": "object", "properties": {"leaf": {"type": "integer"}, "children": {
        "type": "array", "items": {"type": "object", "properties": {"leaf": {"type": "number"}}}
    }}});
    let (integers, numbers) = (tree(json!({"type": "integer"})), tree(json!({"type": "number"})));
    assert_eq!(breaks(&integers, &integers, Compatibility::Full), []);
    assert_eq!(breaks(&integers, &numbers, Compatibility::Backward), []);
    let found = breaks(&numbers, &integers, Compatibility::Backward);
    assert_eq!(found, [(Direction::Backward, "/$defs/node/properties/leaf/type".to_owned())]);
    assert_eq!(breaks(&integers, &inlined, Compatibility::Backward), []);

    // The words are the same, and what they refer to is not.
    let referring = |to: &str| json!({"properties": {"a": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"type": to}}});
    let found = breaks(&referring("string"), &referring("integer"), Compatibility::Backward);
    assert_eq!(found, [(Direction::Backward, "/$defs/t/type".to_owned())]);
}

#[test]
fn modes() {
    let (narrow, wide) = (holding(&json!({"type": "integer"})), holding(&json!({"type": "number"})));
    assert_eq!(breaks(&narrow, &wide, Compatibility::Backward), []);
    let at = "/properties/p/type".to_owned();
    assert_eq!(breaks(&narrow, &wide, Compatibility::Forward), [(Direction::Forward, at.clone())]);
    assert_eq!(breaks(&wide, &narrow, Compatibility::Full), [(Direction::Backward, at)]);
    assert_eq!(breaks(&wide, &narrow, Compatibility::None), []);
    assert_eq!(Compatibility::default(), Compatibility::Backward);
    assert_eq!(serde_json::to_value(Compatibility::Full).unwrap(), json!("full"));
}

#[test]
fn messages_say_which_version_allows_more() {
    let before = Schema::compile(&holding(&json!({"enum": ["EUR", "GBP"]}))).unwrap();
    let new = Schema::compile(&holding(&json!({"enum": ["EUR"]}))).unwrap();
    let found = compat::check(&before, &new, Compatibility::Backward);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].detail, "the version before allows \"GBP\", which does not fit here");
    let found = compat::check(&new, &before, Compatibility::Forward);
    assert_eq!(found[0].detail, "the new version allows \"GBP\", which does not fit here");
}

/// Choices within choices: the answer comes, and it is the safe one.
#[test]
fn a_comparison_that_explodes_is_given_up() {
    let choices = |salt: usize| {
        let all: Vec<Value> = (0..14)
            .map(|index| {
                json!({"anyOf": [
                    {"properties": {format!("a{index}"): {"minimum": salt}}},
                    {"properties": {format!("b{index}"): {"maximum": salt}}}
                ]})
            })
            .collect();
        json!({"type": "object", "allOf": all})
    };
    assert!(!breaks(&choices(1), &choices(2), Compatibility::Backward).is_empty());
}

#[test]
fn values_are_tried_on_the_subschema_itself() {
    let referring = |codes: Value| {
        json!({
            "$id": "https://example.com/order",
            "properties": {"p/q %": {"$ref": "#/$defs/a%20b~0"}, "r": {"allOf": [{"$ref": "#code"}]}},
            "$defs": {"a b~": {"$anchor": "code", "anyOf": [{"$ref": "#/$defs/codes"}, {"type": "null"}]}, "codes": codes}
        })
    };
    let two = referring(json!({"enum": ["a", "b"]}));
    assert_eq!(breaks(&two, &referring(json!({"type": "string", "maxLength": 1})), Compatibility::Backward), []);
    let found = breaks(&two, &referring(json!({"pattern": "^a"})), Compatibility::Backward);
    assert!(!found.is_empty());
}

#[test]
fn deep_schemas_are_compared_within_the_stack() {
    let chain = |leaf: &str| {
        let mut definitions = serde_json::Map::new();
        for index in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", index + 1)});
            definitions.insert(format!("d{index}"), json!({"properties": {"a": {"anyOf": [next, {"type": "null"}]}}}));
        }
        definitions.insert("d40".to_owned(), json!({ "type": leaf }));
        json!({"$ref": "#/$defs/d0", "$defs": definitions})
    };
    assert_eq!(breaks(&chain("integer"), &chain("integer"), Compatibility::Full), []);
    assert!(!breaks(&chain("number"), &chain("integer"), Compatibility::Backward).is_empty());
}
