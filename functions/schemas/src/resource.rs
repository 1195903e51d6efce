//! Schemas as the API shows them.

use domain::{
    ids::{EventType, SchemaVersion},
    order::FoldRule,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::schemas::{self, RegisteredSchema, SchemaInfo};
use utoipa::ToSchema;

/// What is known of a registered version, apart from the schema itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SchemaSummary {
    /// The type of the events whose payloads it describes.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "order.payment.succeeded")]
    event_type: EventType,
    /// The `schema_version` of those events.
    #[schema(value_type = String, example = "v1")]
    version: SchemaVersion,
    /// Its place among the versions of its type, in the order of their registration.
    #[schema(minimum = 1)]
    revision: u64,
    on_mismatch: OnMismatch,
    compatibility: Compatibility,
    /// What an event of this type and version does to the state of its order.
    #[schema(value_type = Fold)]
    fold: FoldRule,
    /// SHA-256 of the schema's canonical JSON (RFC 8785), in hex.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
    /// When it was registered. In UTC.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who registered it: the subject of the token.
    created_by: String,
}

/// A registered version. It never changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Schema {
    #[serde(flatten)]
    summary: SchemaSummary,
    /// JSON Schema 2020-12.
    #[schema(value_type = Object)]
    schema: Value,
}

/// What becomes of an event whose payload does not fit.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnMismatch {
    /// It is refused.
    #[default]
    Reject,
    /// It is recorded, and tagged as a mismatch.
    Tag,
}

/// How a version must be compatible with the version of its type that was registered before it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compatibility {
    /// It accepts every payload that the version before accepts. Optional properties may be added.
    #[default]
    Backward,
    /// The version before accepts every payload that it accepts.
    Forward,
    /// Both.
    Full,
    /// Nothing is compared.
    None,
}

/// What an event does to the state of its order. Described here, read by `domain::order::FoldRule`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the document's description of what FoldRule reads")]
pub(crate) enum Fold {
    Whole(FoldWord),
    At(FoldAt),
}

/// A rule for the whole state.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FoldWord {
    /// The payload is a JSON Merge Patch (RFC 7396) for the state.
    Merge,
    /// The payload becomes the state.
    Replace,
    /// The state stays as it is.
    Ignore,
}

/// A rule for one place in the state.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the document's description of what FoldRule reads")]
pub(crate) struct FoldAt {
    /// `merge`: the payload is a JSON Merge Patch for what is there. `append`: it becomes the last item of the array there.
    #[schema(inline)]
    rule: FoldAtWord,
    /// A JSON Pointer (RFC 6901) of at most 16 steps; what is missing on the way is made.
    #[schema(example = "/payments")]
    at: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FoldAtWord {
    Merge,
    Append,
}

impl From<SchemaInfo> for SchemaSummary {
    fn from(info: SchemaInfo) -> Self {
        let SchemaInfo {
            event_type,
            version,
            revision,
            on_mismatch,
            compatibility,
            fold,
            sha256,
            created_at,
            created_by,
        } = info;
        Self {
            event_type,
            version,
            revision,
            on_mismatch: on_mismatch.into(),
            compatibility: compatibility.into(),
            fold,
            sha256,
            created_at,
            created_by,
        }
    }
}

impl From<RegisteredSchema> for Schema {
    fn from(RegisteredSchema { info, schema }: RegisteredSchema) -> Self {
        Self { summary: info.into(), schema }
    }
}

impl From<schemas::OnMismatch> for OnMismatch {
    fn from(choice: schemas::OnMismatch) -> Self {
        match choice {
            schemas::OnMismatch::Reject => Self::Reject,
            schemas::OnMismatch::Tag => Self::Tag,
        }
    }
}

impl From<OnMismatch> for schemas::OnMismatch {
    fn from(choice: OnMismatch) -> Self {
        match choice {
            OnMismatch::Reject => Self::Reject,
            OnMismatch::Tag => Self::Tag,
        }
    }
}

impl From<schema::Compatibility> for Compatibility {
    fn from(mode: schema::Compatibility) -> Self {
        match mode {
            schema::Compatibility::Backward => Self::Backward,
            schema::Compatibility::Forward => Self::Forward,
            schema::Compatibility::Full => Self::Full,
            schema::Compatibility::None => Self::None,
        }
    }
}

impl From<Compatibility> for schema::Compatibility {
    fn from(mode: Compatibility) -> Self {
        match mode {
            Compatibility::Backward => Self::Backward,
            Compatibility::Forward => Self::Forward,
            Compatibility::Full => Self::Full,
            Compatibility::None => Self::None,
        }
    }
}
