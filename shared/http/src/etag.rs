//! Conditional GET (RFC 9110, sections 8.8.3 and 13.1.2) for answers that ask for it.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sha2::{Digest, Sha256};

use crate::answer::WantsEtag;
use crate::problem::Problem;

/// Tags a 200 answer to a GET with a hash of its body, and answers 304 to a client that has this very body.
///
/// The client may keep the answer, but must ask each time whether it still holds, as a token can be taken back; unless the
/// handler says that the answer never changes.
pub(crate) async fn tag(request: Request, next: Next) -> Response {
    let is_get = request.method() == Method::GET;
    let known: Vec<HeaderValue> = request.headers().get_all(IF_NONE_MATCH).iter().cloned().collect();
    let response = next.run(request).await;
    if !is_get || response.status() != StatusCode::OK || response.extensions().get::<WantsEtag>().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body: Bytes = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let tag = format!(r#""{}""#, hex::encode(&Sha256::digest(&body)[..16]));
    set(&mut parts.headers, &tag);
    if !known.iter().filter_map(|value| value.to_str().ok()).any(|list| matches(list, &tag)) {
        return Response::from_parts(parts, Body::from(body));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

fn set(headers: &mut HeaderMap, tag: &str) {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("authorization, x-tenant-id"));
}

/// The weak comparison that `If-None-Match` asks for: a cache on the way may have made the tag weak.
fn matches(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
