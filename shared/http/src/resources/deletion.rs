//! Deletions of documents and stored states: how they are asked for, and what they leave.

use domain::record::{Reason, Record};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::history::Said;
use utoipa::{IntoParams, ToSchema};

/// Why something is deleted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteParams {
    /// Recorded with the deletion, for good: name no persons.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256, example = "retention period is over")]
    pub reason: Option<Reason>,
}

/// That something was deleted: its tombstone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Deletion {
    /// The number in the tenant's log of the event that says so.
    #[schema(minimum = 1)]
    pub sequence: u64,
    #[schema(value_type = String, format = DateTime)]
    pub deleted_at: Timestamp,
    /// Who deleted it: the subject of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub deleted_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub reason: Option<Reason>,
}

impl Deletion {
    /// As it was recorded, for this reason.
    #[must_use]
    pub fn new<T: Record>(said: &Said<T>, reason: Option<Reason>) -> Self {
        Self { sequence: said.sequence, deleted_at: said.received_at, deleted_by: said.actor.clone(), reason }
    }
}
