//! Does a payload fit, and if not, where and why.

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde::Serialize;
use serde_json::Value;

use crate::{compile::Schema, pointer, wording};

/// The most violations that are reported of one instance.
pub const MAX_VIOLATIONS: usize = 50;

/// One place where an instance does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) to the value that does not fit, after the caller's prefix. One
    /// that would be longer than 1024 bytes names the nearest container within that length.
    pub pointer: String,
    /// The keyword of the schema that it fails, such as `required`.
    pub keyword: String,
    /// What the schema asks for: lower case, without a final stop. Never holds a value of the
    /// instance, which may be personal data; it is made from the schema alone.
    pub detail: String,
}

impl Schema {
    /// Whether the instance fits. Cheaper than [`Self::check`], which asks this first.
    #[must_use]
    pub fn accepts(&self, instance: &Value) -> bool {
        self.validator.is_valid(instance)
    }

    /// What does not fit, in the schema's order and [`MAX_VIOLATIONS`] at most; nothing if the
    /// instance fits.
    ///
    /// `prefix` is the JSON Pointer of the instance in what the caller speaks of, such as
    /// `/payload`, or the empty string.
    #[must_use]
    pub fn check(&self, instance: &Value, prefix: &str) -> Vec<Violation> {
        if self.accepts(instance) {
            return Vec::new();
        }
        let mut violations = Vec::new();
        for error in self.validator.iter_errors(instance) {
            add(&error, prefix, &mut violations);
            if violations.len() >= MAX_VIOLATIONS {
                violations.truncate(MAX_VIOLATIONS);
                break;
            }
        }
        violations
    }
}

fn add(error: &ValidationError<'_>, prefix: &str, violations: &mut Vec<Violation>) {
    let at = format!("{prefix}{}", error.instance_path().as_str());
    let kind = error.kind();
    // A bare `"additionalProperties": false` is reported once, for the object.
    let path = error.schema_path().as_str();
    if matches!(kind, ValidationErrorKind::FalseSchema)
        && path.ends_with("/additionalProperties")
        && !path.ends_with("/properties/additionalProperties")
    {
        violations.push(Violation {
            pointer: pointer::reported(at),
            keyword: "additionalProperties".to_owned(),
            detail: "must not have any properties".to_owned(),
        });
        return;
    }
    let mut push = |at: String| {
        violations.push(Violation {
            pointer: pointer::reported(at),
            keyword: kind.keyword().to_owned(),
            detail: wording::of(kind),
        });
    };
    // These name the properties in their message; here each is pointed at instead.
    if let ValidationErrorKind::AdditionalProperties { unexpected }
    | ValidationErrorKind::UnevaluatedProperties { unexpected } = kind
    {
        for name in unexpected.iter().take(MAX_VIOLATIONS) {
            push(pointer::join(&at, name));
        }
    } else {
        push(at);
    }
}
