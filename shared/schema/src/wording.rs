//! Messages made from the keyword and the schema, never from the instance.
//!
//! The library's own messages repeat the instance's values; its masked ones still name the
//! unexpected properties. An instance is a customer's data, and messages travel: into problem
//! details, failure records and logs.

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use crate::pointer::quoted;

/// How many characters of a schema's own value a message repeats.
const QUOTED: usize = 200;

/// What the schema asks for, where `kind` failed.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library may grow kinds; an unknown one is named by its keyword"
)]
pub(crate) fn of(kind: &Kind) -> String {
    match kind {
        Kind::AdditionalItems { limit } => format!("must not have more than {limit} elements"),
        Kind::AdditionalProperties { .. } => "is not a property that the schema allows".to_owned(),
        Kind::AnyOf { context } => {
            format!("must fit at least one of {} schemas", context.len())
        }
        Kind::Constant { expected_value } => {
            format!("must be {}", quoted(expected_value, QUOTED))
        }
        Kind::Contains => "must contain elements that fit the schema, as many as it asks for".to_owned(),
        Kind::ContentEncoding { content_encoding } => {
            format!("must be encoded as {content_encoding}")
        }
        Kind::ContentMediaType { content_media_type } => {
            format!("must hold a document of type {content_media_type}")
        }
        Kind::FromUtf8 { .. } => "must hold UTF-8 text once decoded".to_owned(),
        Kind::Enum { options } => format!("must be one of {}", quoted(options, QUOTED)),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be greater than {limit}"),
        Kind::FalseSchema => "must not be there".to_owned(),
        Kind::Format { format } => format!("must be in the format `{format}`"),
        Kind::MaxItems { limit } => format!("must have at most {limit} elements"),
        Kind::MinItems { limit } => format!("must have at least {limit} elements"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} properties"),
        Kind::MinProperties { limit } => format!("must have at least {limit} properties"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::Not { .. } => "must not fit the schema under `not`".to_owned(),
        Kind::OneOfMultipleValid { context } => {
            let count = context.len();
            format!("must fit exactly one of {count} schemas, and fits more")
        }
        Kind::OneOfNotValid { context } => {
            let count = context.len();
            format!("must fit exactly one of {count} schemas, and fits none")
        }
        Kind::Pattern { pattern } => {
            let pattern = Value::from(pattern.as_str());
            format!("must match the pattern {}", quoted(&pattern, QUOTED))
        }
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            "could not be matched against the schema's pattern".to_owned()
        }
        Kind::PropertyNames { error } => {
            format!("has a property whose name does not fit: it {}", of(error.kind()))
        }
        Kind::Required { property } => {
            format!("must have the property {}", quoted(property, QUOTED))
        }
        Kind::Type { kind } => format!("must be of type {}", types(kind)),
        Kind::UnevaluatedItems { .. } => "has elements that the schema does not allow".to_owned(),
        Kind::UnevaluatedProperties { .. } => "is not a property that the schema allows".to_owned(),
        Kind::UniqueItems => "must not have the same element twice".to_owned(),
        other => format!("does not fit the keyword `{}`", other.keyword()),
    }
}

/// Why a document that fits the meta-schema could not be compiled.
pub(crate) fn of_build_error(error: &ValidationError<'_>) -> String {
    if let Kind::Format { format } = error.kind()
        && format == "regex"
    {
        return "is a pattern that cannot be run in linear time and bounded memory: look-around, \
                back-references and very large repetitions are not supported"
            .to_owned();
    }
    of(error.kind())
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.as_str().to_owned(),
        TypeKind::Multiple(several) => several.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" or "),
    }
}
