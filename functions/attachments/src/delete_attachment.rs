//! `DELETE /order-history/attachments/{attachment_id}`

use axum::extract::State;
use domain::{ids::AttachmentId, record::AttachmentDeleted};
use http_api::{
    Caller, Json, Path, Problem, ProblemBody, Query,
    auth::Admin,
    openapi::ReadProblems,
    recording,
    resources::{self, DeleteParams},
};
use store::log::Outcome;

use crate::{AttachmentsApi, get_attachment::find};

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
    let mut attachment = find(&api, &caller.tenant, &attachment_id).await?;
    if attachment.deleted.is_none() {
        let deleted =
            AttachmentDeleted { attachment_id: attachment_id.clone(), event_id: attachment.event_id.clone(), reason };
        let outcome = recording::say(&api.log, &api.gate, &caller, attachment.order_id.clone(), deleted).await?;
        if matches!(outcome, Outcome::Recorded(_)) {
            metrics::counter!("AttachmentsDeleted").increment(1);
        }
        // By us or by somebody who was a little faster.
        attachment = find(&api, &caller.tenant, &attachment_id).await?;
    }
    // Also when it was recorded before: an earlier request may have come no further than that.
    api.documents.bury(&caller.tenant, &attachment_id).await?;
    Ok(Json(attachment))
}
