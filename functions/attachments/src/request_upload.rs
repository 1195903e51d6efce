//! `POST /order-history/attachments/request-upload`

use std::collections::BTreeMap;

use axum::extract::State;
use domain::{
    document::{Document, Said},
    ids::{AttachmentId, EventId},
    record,
    time::Timestamp,
};
use http_api::{Caller, Json, Problem, ProblemBody, auth::Producer, openapi::WriteProblems};
use serde::{Deserialize, Serialize};
use store::attachments::{self, UPLOAD_LIFETIME, UploadLink};
use utoipa::ToSchema;

use crate::{AttachmentsApi, checked, invalid, register_attachment::NewAttachment, unknown_event};

/// A document that is going to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// The event that it belongs to, which must be recorded.
    #[schema(value_type = String, example = "evt_0001")]
    event_id: EventId,
    /// A name without a path.
    #[schema(min_length = 1, max_length = 255, example = "invoice.pdf")]
    filename: String,
    /// A media type.
    #[schema(min_length = 3, max_length = 255, example = "application/pdf")]
    content_type: String,
    /// In bytes; at most 100 MiB.
    #[schema(minimum = 1, maximum = 104_857_600)]
    size: u64,
    /// Of the document, in hexadecimal. `hash` is taken for it as well.
    #[serde(alias = "hash")]
    #[schema(pattern = "^[0-9A-Fa-f]{64}$")]
    sha256: String,
    #[serde(default)]
    #[schema(required = false, max_items = 10)]
    tags: Vec<String>,
}

/// How the document is uploaded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Upload {
    /// What the attachment will be called when it is registered.
    #[schema(value_type = String, example = "att_8a1f0c9e5f0b4f7e9a530b2f6f1f3c11")]
    attachment_id: AttachmentId,
    /// PUT the document there, without the `Authorization` header.
    url: String,
    /// Must be sent with it, exactly as they are. Most clients send `content-length` by themselves.
    headers: BTreeMap<String, String>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// What `POST /attachments` takes when the document is there: all that was said of it here, its tags among it. Nothing
    /// of it is kept until then.
    registration: NewAttachment,
}

/// Get a link to upload a document
///
/// The link is good for fifteen minutes and for this document alone: storage refuses one of another size, media type or
/// SHA-256. Nothing is recorded yet; register the attachment when the document is there.
#[utoipa::path(
    post,
    path = "/order-history/attachments/request-upload",
    tag = "attachments",
    request_body = NewUpload,
    responses(
        (status = 200, description = "The link", body = Upload),
        WriteProblems,
        (status = 409, description = "A request with this idempotency key is still running (`idempotency-in-progress`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body is not right (`invalid-body`), there is no such event \
          (`invalid-attachment`), or the idempotency key was used for another request (`idempotency-key-reused`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn request_upload(
    caller: Caller<Producer>,
    State(api): State<AttachmentsApi>,
    Json(body): Json<NewUpload>,
) -> Result<Json<Upload>, Problem> {
    let NewUpload { event_id, filename, content_type, size, sha256, tags } = body;
    let document: Document = checked(Said { filename, content_type, size, sha256, tags })?;
    if record::is_record_id(&event_id) || api.log.order_of(&caller.tenant, &event_id).await?.is_none() {
        return Err(invalid([unknown_event()]));
    }
    let attachment_id = attachments::new_id()?;
    // Before the link is made: it is good for a little longer than it says.
    let expires_at = api.after(UPLOAD_LIFETIME);
    let UploadLink { url, headers } = api.documents.upload_link(&caller.tenant, &attachment_id, &document).await?;
    let headers = headers.into_iter().collect();
    let registration = NewAttachment::of(attachment_id.clone(), event_id, document);
    Ok(Json(Upload { attachment_id, url, headers, expires_at, registration }))
}
