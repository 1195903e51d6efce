//! Where the subschemas of a schema object are, and which values they are applied to.
//!
//! Only these places hold schemas: below `enum`, `const`, `default` or `examples` an object is a
//! value, whatever its keys look like.

use serde_json::{Map, Value};

use crate::pointer;

/// How the validator gets from the value that a schema is applied to, to the value that one of its
/// subschemas is applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// The same value: `allOf`, `not`, `if`, …
    Same,
    /// One named property of it.
    Property(&'a str),
    /// Any property's value: `additionalProperties`, `patternProperties`, …
    AnyProperty,
    /// The names of its properties.
    PropertyName,
    /// The element at one index.
    Item(usize),
    /// Any element: `items`, `contains`, …
    AnyItem,
    /// None: a definition, or an annotation.
    Nowhere,
}

/// One subschema.
#[derive(Debug, Clone)]
pub(crate) struct Subschema<'a> {
    /// Its JSON Pointer from the document's root.
    pub(crate) pointer: String,
    pub(crate) step: Step<'a>,
    pub(crate) schema: &'a Value,
}

/// The keyword holds one schema.
const SINGLE: [(&str, Step<'static>); 11] = [
    ("not", Step::Same),
    ("if", Step::Same),
    ("then", Step::Same),
    ("else", Step::Same),
    ("additionalProperties", Step::AnyProperty),
    ("unevaluatedProperties", Step::AnyProperty),
    ("propertyNames", Step::PropertyName),
    ("items", Step::AnyItem),
    ("contains", Step::AnyItem),
    ("unevaluatedItems", Step::AnyItem),
    ("contentSchema", Step::Nowhere),
];

/// The keyword holds an array of schemas.
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// The keyword holds an object whose values are schemas.
const MAPS: [(&str, Step<'static>); 4] = [
    ("patternProperties", Step::AnyProperty),
    ("dependentSchemas", Step::Same),
    ("$defs", Step::Nowhere),
    ("definitions", Step::Nowhere),
];

/// The subschemas of a schema object at `at`. The document must fit the meta-schema: a keyword of
/// the wrong type is passed over.
pub(crate) fn subschemas<'a>(object: &'a Map<String, Value>, at: &str) -> Vec<Subschema<'a>> {
    let mut found = Vec::new();
    let mut add = |pointer: String, step: Step<'a>, schema: &'a Value| {
        if schema.is_object() || schema.is_boolean() {
            found.push(Subschema { pointer, step, schema });
        }
    };
    for (keyword, step) in SINGLE {
        if let Some(schema) = object.get(keyword) {
            add(pointer::join(at, keyword), step, schema);
        }
    }
    for keyword in LISTS {
        for (index, schema) in array(object, keyword).iter().enumerate() {
            let base = pointer::join(at, keyword);
            add(format!("{base}/{index}"), Step::Same, schema);
        }
    }
    for (index, schema) in array(object, "prefixItems").iter().enumerate() {
        let base = pointer::join(at, "prefixItems");
        add(format!("{base}/{index}"), Step::Item(index), schema);
    }
    for (keyword, step) in MAPS {
        for (name, schema) in members(object, keyword) {
            let base = pointer::join(at, keyword);
            add(pointer::join(&base, name), step.clone(), schema);
        }
    }
    for (name, schema) in members(object, "properties") {
        let base = pointer::join(at, "properties");
        add(pointer::join(&base, name), Step::Property(name), schema);
    }
    found
}

/// The elements of an array keyword; none if it is absent.
pub(crate) fn array<'a>(object: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    object.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The members of an object keyword; none if it is absent.
pub(crate) fn members<'a>(
    object: &'a Map<String, Value>,
    keyword: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    object.get(keyword).and_then(Value::as_object).into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
