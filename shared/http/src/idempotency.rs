//! `Idempotency-Key` on every POST (draft-ietf-httpapi-idempotency-key-header): a client that lost an answer sends the
//! request again, under the same key, and it takes effect once.
//!
//! The key belongs to the token's tenant and subject, and to the route. Repetitions within 24 hours get the first
//! answer with `Idempotency-Replayed: true`; while the first request is running, 409; with another method, path or
//! body, 422. A request without the header costs nothing here.
//!
//! Not every answer is kept; see [`is_kept`]. One of over 300 KB is not, as it does not fit an item of the table:
//! its request runs again, which a handler must be able to stand anyway.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use sha2::{Digest, Sha256};
use store::requests::{Answer, Claim, Lease, MAX_ANSWER_BYTES, RequestId};

use crate::auth::Identity;
use crate::body;
use crate::catalogue::ProblemType;
use crate::gate::Gate;
use crate::problem::Problem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key, in characters.
pub(crate) const MAX_KEY_CHARS: usize = 255;

/// The headers that are part of an answer; the others are made anew for each.
const KEPT_HEADERS: [HeaderName; 2] = [CONTENT_TYPE, LOCATION];

/// Lets a POST with an `Idempotency-Key` take effect once.
pub(crate) async fn once(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    claim_and_run(&gate, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn claim_and_run(gate: &Gate, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    // First of all: whoever has no valid token is told so, and leaves no trace in the table.
    let identity = Identity::of(&mut parts, gate).await?;
    let key = key(&parts.headers)?;
    let body = body::read(body).await?;
    let route = format!("{} {}", parts.method, route(&parts));
    let request_id = RequestId { tenant: &identity.tenant, subject: &identity.subject, route: &route, key: &key };
    match gate.requests().claim(request_id, fingerprint(&parts, &body), gate.clock().now().as_seconds()).await? {
        Claim::Yours(lease) => {
            let response = next.run(Request::from_parts(parts, Body::from(body))).await;
            keep_or_release(gate, lease, response).await
        }
        Claim::Answered(answer) => Ok(replay(answer)),
        Claim::Running { seconds_left } => Err(Problem::new(
            ProblemType::IdempotencyInProgress,
            "the first request with this key has no answer yet; send it again a little later",
        )
        // Requests take milliseconds; only one whose function died takes all of its lease.
        .retry_after(seconds_left.min(2))),
        Claim::OtherRequest => Err(Problem::new(
            ProblemType::IdempotencyKeyReused,
            "the key was sent before with another path or body; choose a new key for each request",
        )),
    }
}

/// The key: 1 to 255 visible ASCII characters, sent once.
fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (values.next(), values.next()) {
        (Some(value), None)
            if (1..=MAX_KEY_CHARS).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic) =>
        {
            Ok(value.to_str().unwrap_or_default().to_owned())
        }
        _ => Err(Problem::new(
            ProblemType::InvalidIdempotencyKey,
            "Idempotency-Key must be sent once, with 1 to 255 visible ASCII characters",
        )),
    }
}

/// The route's template, such as `/order-history/events`.
fn route(parts: &Parts) -> &str {
    parts.extensions.get::<MatchedPath>().map_or(parts.uri.path(), MatchedPath::as_str)
}

/// SHA-256 over method, path and body, each preceded by its length.
fn fingerprint(parts: &Parts, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Whether an answer settles its request, so that repetitions get it as well.
///
/// A failure of ours settles nothing. Nor does a refusal that is about this attempt alone and not about what the
/// request asks for: the token's roles, the body's type or size.
fn is_kept(status: StatusCode) -> bool {
    !(status.is_server_error()
        || matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNSUPPORTED_MEDIA_TYPE
        ))
}

/// Stores the answer, or frees the key. Trouble in doing so is logged and not the client's: what it asked for has
/// happened.
async fn keep_or_release(gate: &Gate, lease: Lease, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|error| Problem::internal(&error))?;
    let answer = if is_kept(parts.status) { answer(&parts, &body) } else { None };
    let stored = match &answer {
        Some(answer) => gate.requests().answer(lease, answer).await,
        None => gate.requests().release(lease).await,
    };
    if let Err(error) = stored {
        tracing::warn!(%error, "the answer could not be kept under its idempotency key");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// What is kept of an answer; nothing if it is too large, or not text.
fn answer(parts: &http::response::Parts, body: &Bytes) -> Option<Answer> {
    if body.len() > MAX_ANSWER_BYTES {
        return None;
    }
    let kept = |name: HeaderName| {
        let value = parts.headers.get(&name)?.to_str().ok()?.to_owned();
        Some((name.as_str().to_owned(), value))
    };
    let headers: BTreeMap<_, _> = KEPT_HEADERS.into_iter().filter_map(kept).collect();
    let body = std::str::from_utf8(body).ok()?.to_owned();
    Some(Answer { status: parts.status.as_u16(), headers, body })
}

/// The first answer, again.
fn replay(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let stored = answer
        .headers
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
    response.headers_mut().extend(stored);
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    response
}
