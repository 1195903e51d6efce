//! What is around every handler of every API function.
//!
//! From the outside in: the request's id, span, log line and metrics; headers; panics; then for routes that exist,
//! idempotency keys, `ETag`s and the records of reads. A path or method that is unknown gets a problem, like everything
//! else.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{FromRef, MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use crate::catalogue::ProblemType;
use crate::gate::Gate;
use crate::problem::Problem;
use crate::request_id::{self, RequestId};
use crate::{access, etag, idempotency};

/// The function as a service: its routes, with everything that all functions have in common around them.
///
/// [`run`](crate::run) makes the same; tests call it with [`testing::call`](crate::testing).
pub fn app<S>(router: Router<S>, state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
    Gate: FromRef<S>,
{
    let gate = Gate::from_ref(&state);
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(unknown_path)
        // Innermost, so that an idempotency key is free again after a panic.
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(access::finish))
        .layer(middleware::from_fn(etag::tag))
        .layer(middleware::from_fn_with_state(gate, idempotency::once))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(observe))
        .with_state(state)
}

async fn unknown_path() -> Problem {
    Problem::new(ProblemType::NotFound, "no such path in this API")
}

async fn method_not_allowed() -> Problem {
    Problem::new(ProblemType::MethodNotAllowed, "the Allow header lists the methods of this path")
}

/// What the panic said is in no answer and no log: it may quote a payload. The hook in `telemetry` logs where it was.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal(&"a handler panicked").into_response()
}

/// Gives the request its id, and logs and counts its answer.
///
/// The log line has the route's template and never the path or the query, which name orders and persons.
async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(&request);
    let id_header = HeaderValue::try_from(&id.0);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let span = tracing::error_span!("request", request_id = id.0, %method, route, tenant = tracing::field::Empty);
    let mut response = id.scope(next.run(request)).instrument(span.clone()).await;
    let headers = response.headers_mut();
    if let Ok(value) = id_header {
        headers.insert(request_id::HEADER, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    span.in_scope(|| record(&response, started));
    response
}

fn record(response: &Response, started: Instant) {
    let status = response.status();
    let latency_ms = started.elapsed().as_secs_f64() * 1000.0;
    metrics::counter!("Requests").increment(1);
    metrics::histogram!("LatencyMs").record(latency_ms);
    if status.is_server_error() {
        metrics::counter!("ServerErrors").increment(1);
    } else if status.is_client_error() {
        metrics::counter!("ClientErrors").increment(1);
    }
    let problem = response.extensions().get::<ProblemType>().map(|kind| kind.slug());
    tracing::info!(status = status.as_u16(), latency_ms, problem, "answered");
}
