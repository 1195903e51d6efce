//! `/order-history/attachments`: documents that belong to events. The attachments of an event are listed below that event's
//! own path, in `functions/events`.
//!
//! The bytes go from the client into the bucket and from there to the client. What is recorded of them is their size,
//! media type and SHA-256, as an event of the order.

mod delete_attachment;
mod get_attachment;
mod register_attachment;
mod request_upload;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::extract::FromRef;
use domain::{
    document::{Document, Said},
    time::Timestamp,
};
use http_api::{Fault, Gate, Problem, ProblemType, Routes, routes};
use store::{Attachments, Log};

/// What the handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct AttachmentsApi {
    pub log: Log,
    pub documents: Attachments,
    pub gate: Gate,
}

/// The routes of this family.
#[must_use]
pub fn router<R: Routes<AttachmentsApi>>() -> R {
    R::default()
        .routes(routes!(request_upload::request_upload))
        .routes(routes!(register_attachment::register_attachment))
        .routes(routes!(get_attachment::get_attachment, delete_attachment::delete_attachment))
}

/// The document that was described, if it can be one.
fn checked(said: Said) -> Result<Document, Problem> {
    Document::try_from(said).map_err(|violations| {
        Problem::new(ProblemType::InvalidBody, "the document is not described as it should be")
            .with(violations.into_iter().map(Fault::from))
    })
}

/// `invalid-attachment`, with what is wrong.
fn invalid(faults: impl IntoIterator<Item = Fault>) -> Problem {
    Problem::new(ProblemType::InvalidAttachment, "the document cannot be registered as it is described").with(faults)
}

/// Said of an event that is not there, or is another tenant's.
fn unknown_event() -> Fault {
    Fault::at("/event_id", "there is no event with this id that can have attachments")
}

impl AttachmentsApi {
    /// When something ends that begins now.
    fn after(&self, lifetime: Duration) -> Timestamp {
        let millis = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        Timestamp::clamped_from_millis(self.gate.clock().now().as_millis().saturating_add(millis))
    }
}
