//! From a JSON document to a schema that events can be checked against.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;
use thiserror::Error;

use crate::{
    cost,
    fault::Fault,
    pointer,
    profile::{self, MAX_BYTES, MAX_DEPTH},
    wording,
};

/// The only draft that is taken.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The most faults that are reported at once.
const MAX_FAULTS: usize = 50;

/// The most memory that one compiled pattern, and its cache of states, may take, in bytes.
const PATTERN_BYTES: usize = 2 * 1024 * 1024;

/// Why a document is not taken as a schema.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// More than [`MAX_BYTES`] of compact JSON.
    #[error("the schema is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the schema is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// `$schema` names another draft.
    #[error("the schema is not of draft 2020-12")]
    OtherDraft,
    /// It does not fit the meta-schema of draft 2020-12.
    #[error("the schema is not valid under draft 2020-12")]
    Invalid(Vec<Fault>),
    /// It uses what this service does not support; see [`Schema::compile`].
    #[error("the schema uses what is not supported here")]
    Unsupported(Vec<Fault>),
}

impl SchemaError {
    /// What is wrong and where, one at least and [`MAX_FAULTS`] at most.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        match self {
            Self::TooLarge => {
                let detail = format!("is larger than {MAX_BYTES} bytes of compact JSON");
                vec![Fault::new("", detail)]
            }
            Self::TooDeep => {
                let detail = format!("is nested deeper than {MAX_DEPTH} levels");
                vec![Fault::new("", detail)]
            }
            Self::OtherDraft => {
                let detail = format!("must be `{DRAFT}`, or be left out");
                vec![Fault::new("/$schema", detail)]
            }
            Self::Invalid(faults) | Self::Unsupported(faults) => faults.iter().take(MAX_FAULTS).cloned().collect(),
        }
    }
}

/// A schema that has been found fit, compiled.
#[derive(Debug)]
pub struct Schema {
    document: Value,
    anchors: Vec<(String, String)>,
    patterns: usize,
    pub(crate) validator: Validator,
}

impl Schema {
    /// Takes a JSON Schema of draft 2020-12 (no `$schema` means that one).
    ///
    /// Bounds: [`MAX_BYTES`], [`MAX_DEPTH`], [`profile::MAX_PATTERNS`], [`cost::MAX_WORK`], and two
    /// megabytes for each compiled pattern. Patterns are run by the `regex` crate, in
    /// time linear in the text: look-around and back-references are refused. References stay
    /// within the document, formats are asserted and must be known; see [`profile`].
    ///
    /// # Errors
    /// [`SchemaError`] says which of these does not hold, with JSON Pointers into the schema.
    pub fn compile(document: &Value) -> Result<Self, SchemaError> {
        if depth_exceeds(document, MAX_DEPTH) {
            return Err(SchemaError::TooDeep);
        }
        if document.to_string().len() > MAX_BYTES {
            return Err(SchemaError::TooLarge);
        }
        if document.get("$schema").is_some_and(|draft| draft != DRAFT) {
            return Err(SchemaError::OtherDraft);
        }
        fits_meta_schema(document)?;
        let profile = profile::read(document).map_err(SchemaError::Unsupported)?;
        cost::check(document, &profile).map_err(|fault| SchemaError::Unsupported(vec![fault]))?;
        let (anchors, patterns) = (profile.anchors, profile.patterns);
        Ok(Self { validator: build(document)?, document: document.clone(), anchors, patterns })
    }

    /// The document that was compiled.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// How many different patterns are compiled in it: what makes one schema take much more memory
    /// than another, up to two megabytes each.
    #[must_use]
    pub fn patterns(&self) -> usize {
        self.patterns
    }

    /// The schema that a `$ref` names, with its JSON Pointer.
    pub(crate) fn resolve(&self, reference: &str) -> Option<(String, &Value)> {
        let at = pointer::of_reference(reference, &self.anchors)?;
        let schema = self.document.pointer(&at)?;
        Some((at, schema))
    }
}

/// Compiles a document with this crate's options.
pub(crate) fn build(document: &Value) -> Result<Validator, SchemaError> {
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(patterns)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .offline()
        .build(document)
        .map_err(|error| {
            let at = error.instance_path().as_str().to_owned();
            SchemaError::Unsupported(vec![Fault::new(at, wording::of_build_error(&error))])
        })
}

fn fits_meta_schema(document: &Value) -> Result<(), SchemaError> {
    let meta = jsonschema::draft202012::meta::validator();
    let faults: Vec<Fault> = meta
        .iter_errors(document)
        .take(MAX_FAULTS)
        .map(|error| {
            let at = pointer::reported(error.instance_path().as_str().to_owned());
            Fault::new(at, wording::of(error.kind()))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(SchemaError::Invalid(faults)) }
}

/// Whether arrays and objects are nested deeper than `limit`; without recursion, so that the
/// answer does not itself depend on the depth.
fn depth_exceeds(document: &Value, limit: usize) -> bool {
    let mut pending = vec![(document, 0)];
    while let Some((value, depth)) = pending.pop() {
        if depth > limit {
            return true;
        }
        match value {
            Value::Array(elements) => {
                pending.extend(elements.iter().map(|element| (element, depth + 1)));
            }
            Value::Object(members) => {
                pending.extend(members.values().map(|member| (member, depth + 1)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    false
}
