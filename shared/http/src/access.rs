//! The record that every read of history leaves: who read what, when, from where and why.
//!
//! Nothing has to be done for it in a handler: a GET whose [`Caller`](crate::Caller) is let in is recorded, unless the
//! caller's permission [shows no history](crate::auth::Permission::SHOWS_HISTORY). The record is written while the
//! handler works, and is there before the answer leaves; where it cannot be written, the answer is `unavailable`
//! instead. What is answered little by little is recorded once, before its first byte.
//!
//! It says what was let in, not what was found: a read that finds nothing, or is refused for its parameters, is in it too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, Method};
use lambda_http::request::RequestContext;
use store::StoreError;
use store::access::{Access, Trace};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::auth::{Identity, single};
use crate::gate::Gate;
use crate::problem::Problem;
use crate::query::pairs;
use crate::request_id::RequestId;

/// Why somebody reads, in the caller's own words.
const X_PURPOSE: HeaderName = HeaderName::from_static("x-purpose");

/// The most characters of a purpose.
pub(crate) const MAX_PURPOSE_CHARS: usize = 200;

/// The write of a request's record, once it has begun.
#[derive(Debug, Clone, Default)]
struct Recording(Arc<Mutex<Option<Writing>>>);

type Writing = JoinHandle<Result<(), StoreError>>;

impl Recording {
    fn begin(&self, write: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
        let writing = tokio::spawn(write.in_current_span());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(writing);
    }

    fn take(&self) -> Option<Writing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whether this is a read; what changes something is recorded by what it changes.
pub(crate) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Begins to write the record of a read that is let in.
pub(crate) async fn begin(
    parts: &mut Parts,
    gate: &Gate,
    identity: &Identity,
    purpose: Option<String>,
) -> Result<(), Problem> {
    let Some(recording) = parts.extensions.get::<Recording>().cloned() else {
        return Err(Problem::internal(&"a read of history outside of the layer that records it"));
    };
    let access = Access {
        at: gate.clock().now(),
        request_id: RequestId::among(&parts.extensions).0,
        trace: Trace {
            subject: identity.subject.clone(),
            roles: identity.roles.names().map(str::to_owned).collect(),
            route: route(parts),
            path: path_parameters(parts).await,
            query: query(parts),
            source_ip: source_ip(&parts.extensions),
            user_agent: parts.headers.get(USER_AGENT).map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned()),
            purpose,
        },
    };
    let (log, tenant) = (gate.access().clone(), identity.tenant.clone());
    recording.begin(async move { log.write(&tenant, access).await });
    Ok(())
}

/// Lets a read be answered when its record is written.
pub(crate) async fn finish(mut request: Request, next: Next) -> Response {
    let recording = Recording::default();
    request.extensions_mut().insert(recording.clone());
    let response = next.run(request).await;
    let Some(writing) = recording.take() else { return response };
    let outcome = writing.await;
    let error: &dyn std::fmt::Display = match &outcome {
        Ok(Ok(())) => return response,
        Ok(Err(error)) => error,
        Err(error) => error,
    };
    tracing::error!(%error, "a read could not be recorded, and so is not answered");
    Problem::unavailable(2).into_response()
}

/// The purpose in `X-Purpose`, if it is there: 1 to [`MAX_PURPOSE_CHARS`] characters of ASCII that can be printed.
pub(crate) fn purpose(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    const SHOWN: &str = "X-Purpose";
    let Some(purpose) = single(headers, &X_PURPOSE, SHOWN)? else { return Ok(None) };
    let printable = |char: char| char == ' ' || char.is_ascii_graphic();
    if (1..=MAX_PURPOSE_CHARS).contains(&purpose.len()) && purpose.chars().all(printable) {
        return Ok(Some(purpose.to_owned()));
    }
    Err(Problem::header(SHOWN, format!("must be 1 to {MAX_PURPOSE_CHARS} characters of printable ASCII")))
}

/// Method and template, as the OpenAPI document has them.
fn route(parts: &Parts) -> String {
    let path = parts.extensions.get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
    format!("{} {}", parts.method, path.replace("{*", "{"))
}

/// Those of a path that is no text are left out: no handler takes it.
async fn path_parameters(parts: &mut Parts) -> BTreeMap<String, String> {
    let Ok(params) = RawPathParams::from_request_parts(parts, &()).await else { return BTreeMap::new() };
    params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The query without its cursor, which repeats what the rest says, and is long.
fn query(parts: &Parts) -> String {
    let asked = pairs(parts).into_iter().filter(|(name, _)| name != "cursor");
    form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish()
}

/// Who called the gateway, as the gateway saw it: `X-Forwarded-For` begins with whatever a client puts there.
fn source_ip(extensions: &Extensions) -> Option<String> {
    match extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV1(context) => context.identity.source_ip.clone(),
        _ => None,
    }
}
