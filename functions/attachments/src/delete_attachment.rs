//! `DELETE /order-history/attachments/{attachment_id}`

use axum::extract::State;
use domain::{
    ids::AttachmentId,
    record::{AttachmentDeleted, Record},
};
use http_api::{Caller, Json, Path, Problem, ProblemBody, Query, auth::Admin, openapi::ReadProblems, resources};
use serde::Deserialize;
use store::log::{Outcome, Submission};
use utoipa::IntoParams;

use crate::{AttachmentsApi, get_attachment::find};

/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 256;

/// Why the document is deleted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteParams {
    /// Recorded with the deletion, for good: name no persons.
    #[param(min_length = 1, max_length = 256, example = "retention period is over")]
    reason: Option<String>,
}

/// Delete a document
///
/// That it was deleted is recorded, and what was recorded of the attachment stays. The document is not shown from then on;
/// how long storage keeps it is the deployment's to say. Deleting it again changes nothing.
#[utoipa::path(
    delete,
    path = "/order-history/attachments/{attachment_id}",
    tag = "attachments",
    params(("attachment_id" = String, Path, description = "The attachment"), DeleteParams),
    responses(
        (status = 200, description = "The document is deleted: what is left of it", body = resources::Attachment),
        ReadProblems,
        (status = 404, description = "The tenant has no such attachment (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete_attachment(
    caller: Caller<Admin>,
    State(api): State<AttachmentsApi>,
    Path(attachment_id): Path<AttachmentId>,
    Query(DeleteParams { reason }): Query<DeleteParams>,
) -> Result<Json<resources::Attachment>, Problem> {
    let is_right = |reason: &String| {
        (1..=MAX_REASON_CHARS).contains(&reason.chars().count()) && !reason.chars().any(char::is_control)
    };
    if !reason.as_ref().is_none_or(is_right) {
        return Err(Problem::parameter("reason", "must be 1 to 256 characters without control characters"));
    }
    let mut attachment = find(&api, &caller.tenant, &attachment_id).await?;
    if attachment.deleted.is_none() {
        let deleted = AttachmentDeleted {
            attachment_id: attachment_id.clone(),
            event_id: attachment.event_id.clone(),
            reason: reason.clone(),
        };
        let event = deleted.into_event(attachment.order_id.clone(), api.gate.clock().now(), &caller.subject);
        let event = event.map_err(|error| Problem::internal(&error))?;
        let outcomes = api.log.append(&caller.tenant, vec![Submission { event, schema: None }]).await?;
        if matches!(outcomes[..], [Outcome::Recorded(_)]) {
            metrics::counter!("AttachmentsDeleted").increment(1);
        }
        // By us or by somebody who was a little faster.
        attachment = find(&api, &caller.tenant, &attachment_id).await?;
    }
    // Also when it was recorded before: an earlier request may have come no further than that.
    api.documents.bury(&caller.tenant, &attachment_id).await?;
    Ok(Json(attachment))
}
