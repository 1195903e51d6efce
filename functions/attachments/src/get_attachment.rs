//! `GET /order-history/attachments/{attachment_id}`

use axum::extract::State;
use domain::{
    ids::{AttachmentId, TenantId},
    record::{AttachmentDeleted, AttachmentRegistered, Record},
};
use http_api::{
    Caller, Json, Path, Problem, ProblemBody, Query, auth::HistoryReader, openapi::ReadProblems, resources,
};
use store::{attachments::DOWNLOAD_LIFETIME, history::Said};

use crate::AttachmentsApi;

/// One attachment, with a link to its document
///
/// The link is good for five minutes. Of an attachment that was deleted, what was recorded is shown, with no link.
#[utoipa::path(
    get,
    path = "/order-history/attachments/{attachment_id}",
    tag = "attachments",
    params(("attachment_id" = String, Path, description = "The attachment")),
    responses(
        (status = 200, description = "The attachment", body = resources::Attachment),
        ReadProblems,
        (status = 404, description = "The tenant has no such attachment (`not-found`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get_attachment(
    caller: Caller<HistoryReader>,
    State(api): State<AttachmentsApi>,
    Path(attachment_id): Path<AttachmentId>,
    Query(()): Query<()>,
) -> Result<Json<resources::Attachment>, Problem> {
    let mut attachment = find(&api, &caller.tenant, &attachment_id).await?;
    if attachment.deleted.is_none() {
        // Before the link is made: it is good for a little longer than it says.
        let expires_at = api.after(DOWNLOAD_LIFETIME);
        let resources::Attachment { filename, content_type, .. } = &attachment;
        let url = api.documents.download_link(&caller.tenant, &attachment_id, filename, content_type).await?;
        attachment.download = Some(resources::Download { url, expires_at });
    }
    Ok(Json(attachment))
}

/// What is recorded of an attachment.
pub(crate) async fn find(
    api: &AttachmentsApi,
    tenant: &TenantId,
    attachment_id: &AttachmentId,
) -> Result<resources::Attachment, Problem> {
    let registered = AttachmentRegistered::id_of(attachment_id).map_err(|error| Problem::internal(&error))?;
    let deleted = AttachmentDeleted::id_of(attachment_id).map_err(|error| Problem::internal(&error))?;
    let (registered, deleted) = tokio::try_join!(api.log.event(tenant, &registered), api.log.event(tenant, &deleted))?;
    let said = registered.as_ref().and_then(|event| Some((&event.entry.event.order_id, Said::of(event)?)));
    let (order_id, registered) = said.ok_or_else(|| Problem::not_found("attachment"))?;
    let deleted = deleted.as_ref().and_then(Said::of);
    Ok(resources::Attachment::new(order_id.clone(), &registered, deleted.as_ref()))
}
