//! `POST /order-history/attachments`

use axum::extract::State;
use domain::{
    document::{Document, Said},
    ids::{AttachmentId, EventId, OrderId, TenantId},
    record::{self, AttachmentRegistered, Record},
};
use http_api::{
    Caller, Created, Fault, Json, Problem, ProblemBody, ProblemType, auth::Producer, openapi::WriteProblems, recording,
    resources,
};
use serde::{Deserialize, Serialize};
use store::{
    attachments::{Mismatch, NotUploaded},
    history,
    log::{Outcome, Receipt},
};
use utoipa::ToSchema;

use crate::{AttachmentsApi, checked, invalid, unknown_event};

/// A document that was uploaded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAttachment {
    /// From `POST /attachments/request-upload`. Exactly one of this and `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false, example = "att_8a1f0c9e5f0b4f7e9a530b2f6f1f3c11")]
    attachment_id: Option<AttachmentId>,
    /// The address that the document was uploaded to, with or without its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    url: Option<String>,
    /// The event that it belongs to, which must be recorded.
    #[schema(value_type = String, example = "evt_0001")]
    event_id: EventId,
    /// A name without a path; it may be another one than at the upload.
    #[schema(min_length = 1, max_length = 255, example = "invoice.pdf")]
    filename: String,
    /// The media type that it was uploaded with.
    #[schema(min_length = 3, max_length = 255, example = "application/pdf")]
    content_type: String,
    /// In bytes.
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

impl NewAttachment {
    /// What registers a document once it is uploaded.
    pub(crate) fn of(attachment_id: AttachmentId, event_id: EventId, document: Document) -> Self {
        let Document { filename, content_type, size, sha256, tags } = document;
        let sha256 = hex::encode(sha256);
        Self { attachment_id: Some(attachment_id), url: None, event_id, filename, content_type, size, sha256, tags }
    }
}

/// How a request names the document.
enum Named {
    Id(AttachmentId),
    Url(String),
}

impl Named {
    /// Where the request does so.
    fn pointer(&self) -> &'static str {
        match self {
            Self::Id(_) => "/attachment_id",
            Self::Url(_) => "/url",
        }
    }
}

/// Register a document that was uploaded
///
/// The document must be there, and be what the request says it is. That it is attached is then recorded as an event of the
/// order, with the document's SHA-256. An attachment is registered once and never changes.
#[utoipa::path(
    post,
    path = "/order-history/attachments",
    tag = "attachments",
    request_body = NewAttachment,
    responses(
        (status = 201, description = "The attachment is registered", body = resources::Attachment),
        WriteProblems,
        (status = 409, description = "The attachment is registered already (`attachment-exists`), or a request with this \
          idempotency key is still running (`idempotency-in-progress`)",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body is not right (`invalid-body`); there is no such event or document, or the \
          document is another one (`invalid-attachment`); or the idempotency key was used for another request \
          (`idempotency-key-reused`)",
         body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn register_attachment(
    caller: Caller<Producer>,
    State(api): State<AttachmentsApi>,
    Json(body): Json<NewAttachment>,
) -> Result<Created<resources::Attachment>, Problem> {
    let NewAttachment { attachment_id, url, event_id, filename, content_type, size, sha256, tags } = body;
    let named = match (attachment_id, url) {
        (Some(attachment_id), None) => Named::Id(attachment_id),
        (None, Some(url)) => Named::Url(url),
        (None, None) | (Some(_), Some(_)) => {
            let detail = "name the uploaded document by exactly one of attachment_id and url";
            return Err(Problem::new(ProblemType::InvalidBody, detail).with([Fault::at("/attachment_id", detail)]));
        }
    };
    let document = checked(Said { filename, content_type, size, sha256, tags })?;
    let pointer = named.pointer();
    let attachment_id = match named {
        Named::Id(attachment_id) => attachment_id,
        Named::Url(url) => {
            let found = api.documents.at(&caller.tenant, &url).await?;
            found.ok_or_else(|| invalid([missing(pointer)]))?
        }
    };
    let registered = registration(attachment_id, event_id, document.clone());
    let check = async {
        let order_id = check(&api, &caller.tenant, &registered, &document, pointer).await?;
        recording::submission(&api.gate, &caller, order_id, registered.clone())
    };
    match api.log.append_checked(&caller.tenant, check).await? {
        Outcome::Recorded(receipt) => {
            metrics::counter!("AttachmentsRegistered").increment(1);
            let Receipt { order_id, sequence, received_at, .. } = receipt;
            let said = history::Said { sequence, received_at, actor: Some(caller.subject), record: registered };
            Ok(Created(resources::Attachment::new(order_id, &said, None)))
        }
        // Repeated: somebody else registered the same at the very same millisecond.
        Outcome::Repeated(_) | Outcome::Conflict(_) => Err(exists()),
    }
}

/// Whether all of it is there, asked at once; the order of the event.
async fn check(
    api: &AttachmentsApi,
    tenant: &TenantId,
    registered: &AttachmentRegistered,
    document: &Document,
    pointer: &str,
) -> Result<OrderId, Problem> {
    let AttachmentRegistered { attachment_id, event_id, .. } = registered;
    let known = AttachmentRegistered::id_of(attachment_id).map_err(|error| Problem::internal(&error))?;
    let (known, order_id, uploaded) = tokio::try_join!(
        api.log.sequence_of(tenant, &known),
        api.log.order_of(tenant, event_id),
        api.documents.compare(tenant, attachment_id, document),
    )?;
    if known.is_some() {
        return Err(exists());
    }
    let mut faults = Vec::new();
    let order_id = order_id.filter(|_| !record::is_record_id(event_id));
    if order_id.is_none() {
        faults.push(unknown_event());
    }
    match uploaded {
        Ok(()) => {}
        Err(NotUploaded::Missing) => faults.push(missing(pointer)),
        Err(NotUploaded::Different(different)) => faults.extend(different.into_iter().map(mismatch)),
    }
    match order_id {
        Some(order_id) if faults.is_empty() => Ok(order_id),
        _ => Err(invalid(faults)),
    }
}

fn missing(pointer: &str) -> Fault {
    Fault::at(pointer, "nothing was uploaded for this")
}

fn mismatch(mismatch: Mismatch) -> Fault {
    match mismatch {
        Mismatch::Size => Fault::at("/size", "is not that of the uploaded document"),
        Mismatch::ContentType => Fault::at("/content_type", "is not that of the uploaded document"),
        Mismatch::Sha256 => Fault::at("/sha256", "is not that of the uploaded document"),
    }
}

fn exists() -> Problem {
    let detail = "an attachment is registered once; GET shows what is registered";
    Problem::new(ProblemType::AttachmentExists, detail)
}

fn registration(attachment_id: AttachmentId, event_id: EventId, document: Document) -> AttachmentRegistered {
    let Document { filename, content_type, size, sha256, tags } = document;
    let sha256 = hex::encode(sha256);
    AttachmentRegistered { attachment_id, event_id, filename, content_type, size_bytes: size, sha256, tags }
}
