//! What a schema may use beyond fitting the meta-schema.
//!
//! Refused, because it would reach outside the document or check nothing while it seems to:
//! - `$ref` to anything but a place in the same document (`#`, `#/$defs/money`, `#anchor`), and
//!   with it `$id` and `$schema` below the root, `$dynamicRef`, `$dynamicAnchor`, `$vocabulary`;
//! - keywords of earlier drafts that 2020-12 ignores or reads otherwise (`dependencies`, …);
//! - a `format` that is not in [`FORMATS`]: the standard lets a validator ignore a format that it
//!   does not know, and a misspelt one would then never fail.
//!
//! Any other unknown keyword is an annotation, as the standard says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    fault::Fault,
    keywords,
    pointer::{self, of_reference},
};

/// The largest schema, in bytes of compact JSON.
pub const MAX_BYTES: usize = 64 * 1024;

/// The deepest nesting of arrays and objects in a schema.
pub const MAX_DEPTH: usize = 48;

/// The most different `pattern` and `patternProperties` expressions in one schema: each is
/// compiled, and stays in memory as long as the schema is in use.
pub const MAX_PATTERNS: usize = 32;

/// The formats that are asserted (JSON Schema Validation 2020-12, section 7.3). The
/// internationalised `idn-email` and `idn-hostname` are missing: they need Unicode's IDNA tables,
/// a tenth of a function's size.
pub const FORMATS: [&str; 17] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

const REFUSED: [(&str, &str); 7] = [
    ("$dynamicRef", "use `$ref` to a place in this document"),
    ("$dynamicAnchor", "use `$anchor`"),
    ("$vocabulary", "other vocabularies are not supported"),
    ("$recursiveRef", "is of an earlier draft; use `$ref`"),
    ("$recursiveAnchor", "is of an earlier draft; use `$anchor`"),
    ("dependencies", "is of an earlier draft; use `dependentRequired` or `dependentSchemas`"),
    ("additionalItems", "is of an earlier draft; use `prefixItems` and `items`"),
];

/// Every schema of a document, and its anchors.
pub(crate) struct Profile<'a> {
    /// By JSON Pointer: what a `$ref` may name.
    pub(crate) schemas: BTreeMap<String, &'a Value>,
    /// Pairs of `$anchor` and the JSON Pointer of the schema that carries it.
    pub(crate) anchors: Vec<(String, String)>,
    /// How many different patterns there are.
    pub(crate) patterns: usize,
}

/// Reads a document that fits the meta-schema, and lists what the profile refuses.
pub(crate) fn read(document: &Value) -> Result<Profile<'_>, Vec<Fault>> {
    let mut profile = Profile { schemas: BTreeMap::new(), anchors: Vec::new(), patterns: 0 };
    let mut faults = Vec::new();
    let mut patterns = BTreeSet::new();
    let mut references = Vec::new();
    let mut pending = vec![(String::new(), document)];
    while let Some((at, schema)) = pending.pop() {
        if let Some(object) = schema.as_object() {
            refused_keywords(object, &at, &mut faults);
            patterns.extend(object.get("pattern").and_then(Value::as_str));
            patterns.extend(keywords::members(object, "patternProperties").map(|(pattern, _)| pattern));
            if let Some(anchor) = object.get("$anchor").and_then(Value::as_str) {
                profile.anchors.push((anchor.to_owned(), at.clone()));
            }
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                references.push((pointer::join(&at, "$ref"), reference));
            }
            for sub in keywords::subschemas(object, &at) {
                pending.push((sub.pointer, sub.schema));
            }
        }
        profile.schemas.insert(at, schema);
    }
    profile.patterns = patterns.len();
    if profile.patterns > MAX_PATTERNS {
        let detail = format!("has {} different patterns, more than {MAX_PATTERNS}", profile.patterns);
        faults.push(Fault::new("", detail));
    }
    for (at, reference) in references {
        if let Some(detail) = bad_reference(reference, &profile) {
            faults.push(Fault::new(at, detail));
        }
    }
    duplicate_anchors(&profile.anchors, &mut faults);
    if faults.is_empty() { Ok(profile) } else { Err(faults) }
}

fn refused_keywords(object: &Map<String, Value>, at: &str, faults: &mut Vec<Fault>) {
    for (keyword, detail) in REFUSED {
        if object.contains_key(keyword) {
            faults.push(Fault::new(pointer::join(at, keyword), detail));
        }
    }
    for keyword in ["$id", "$schema"] {
        if !at.is_empty() && object.contains_key(keyword) {
            let detail = "may only be at the root of the document";
            faults.push(Fault::new(pointer::join(at, keyword), detail));
        }
    }
    if let Some(format) = object.get("format").and_then(Value::as_str)
        && !FORMATS.contains(&format)
    {
        let detail = format!("is none of the formats that are checked: {}", FORMATS.join(", "));
        faults.push(Fault::new(pointer::join(at, "format"), detail));
    }
}

fn bad_reference(reference: &str, profile: &Profile<'_>) -> Option<&'static str> {
    if !reference.starts_with('#') {
        return Some("may only name a place in this document, such as `#/$defs/money`");
    }
    match of_reference(reference, &profile.anchors) {
        Some(target) if profile.schemas.contains_key(&target) => None,
        Some(_) | None => Some("names no schema in this document"),
    }
}

fn duplicate_anchors(anchors: &[(String, String)], faults: &mut Vec<Fault>) {
    for (index, (name, at)) in anchors.iter().enumerate() {
        if anchors[..index].iter().any(|(other, _)| other == name) {
            let detail = "is the anchor of another schema too";
            faults.push(Fault::new(pointer::join(at, "$anchor"), detail));
        }
    }
}
