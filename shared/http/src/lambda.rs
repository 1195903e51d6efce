//! API Gateway's proxy events to requests, and answers back, by crate `lambda_http`.

mod streaming;

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::FromRef;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, Request, Service as _, service_fn};
use serde::Serialize;
pub use streaming::{Transfer, run_streaming};
use tower::ServiceExt as _;

use crate::app::app;
use crate::gate::Gate;
use crate::problem::Problem;
use crate::request_id::RequestId;

/// Every path of the API starts with this. What is before it is the stage's or the custom domain's.
const BASE_PATH: &str = "/order-history";

/// Lambda's limit for an answer is 6 MB of JSON, in which our body is a string.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024 - 64 * 1024;

/// Answers API Gateway's requests with `router` until Lambda stops the environment.
///
/// # Errors
/// When the Lambda Runtime API cannot be used.
pub async fn run<S>(router: Router<S>, state: S) -> Result<(), telemetry::Error>
where
    S: Clone + Send + Sync + 'static,
    Gate: FromRef<S>,
{
    let app = app(router, state);
    telemetry::run(move |event: LambdaEvent<ApiGatewayProxyRequest>| {
        let app = app.clone();
        async move { Ok(answer(app, event).await) }
    })
    .await
}

/// Answers one request.
pub(crate) async fn answer(
    app: Router,
    LambdaEvent { mut payload, context }: LambdaEvent<ApiGatewayProxyRequest>,
) -> impl Serialize {
    tidy(&mut payload);
    let id = request_id(&payload, &context);
    let mut service = Adapter::from(service_fn(|request: Request| serve(app.clone(), id.clone(), request)));
    let Ok(answer) = service.call(LambdaEvent { payload: LambdaRequest::ApiGatewayV1(payload), context }).await;
    answer
}

fn request_id(event: &ApiGatewayProxyRequest, context: &Context) -> String {
    event.request_context.request_id.clone().unwrap_or_else(|| context.request_id.clone())
}

/// Takes out of an event what `lambda_http` would stumble over.
fn tidy(event: &mut ApiGatewayProxyRequest) {
    // It lets the one value in `headers` replace all those in `multi_value_headers`; then a second Authorization would
    // pass unseen.
    if !event.multi_value_headers.is_empty() {
        event.headers.clear();
    }
    // It builds an absolute URL from the caller's Host and X-Forwarded-Proto, and panics if that is none. We need
    // neither: with no host it builds the path alone.
    event.headers.remove(http::header::HOST);
    event.request_context.domain_name = None;
    event.request_context.stage = None;
    let path = event.path.take().unwrap_or_default();
    event.path = Some(below_base(&path));
}

/// The path from [`BASE_PATH`] on. API Gateway may have decoded it, so what cannot stand in a path is encoded again:
/// `lambda_http` reads a URL as browsers do, which would end the path at `?` and `#`, drop control characters and take
/// `\` for `/`, so that one id would be taken for another.
fn below_base(path: &str) -> String {
    let start = path
        .match_indices(BASE_PATH)
        .map(|(start, _)| start)
        .find(|start| matches!(path.as_bytes().get(start + BASE_PATH.len()), None | Some(b'/')));
    let path = &path[start.unwrap_or(0)..];
    let mut encoded = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        encoded.push('/');
    }
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"?#\\".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

async fn serve(app: Router, id: String, request: Request) -> Result<Whole, Infallible> {
    Ok(in_memory(route(app, id, request).await).await)
}

/// An answer of which is settled whether it is text. `lambda_http` would ask its headers, and decode text from whatever
/// character encoding they name: ours is UTF-8, and the tables of all others would be a part of every package.
struct Whole(http::Response<lambda_http::Body>);

impl lambda_http::IntoResponse for Whole {
    fn into_response(self) -> Pin<Box<dyn Future<Output = http::Response<lambda_http::Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

async fn route(app: Router, id: String, request: Request) -> Response {
    let mut request = request.map(|body| Body::from(body.to_vec()));
    request.extensions_mut().insert(RequestId(id));
    let Ok(response) = app.oneshot(request).await;
    response
}

/// The whole body; one that is too large for Lambda becomes a problem.
///
/// Text and JSON are handed over as text, and anything else as Base64, which API Gateway turns back into bytes: see
/// `BinaryMediaTypes` in the template.
async fn in_memory(response: Response) -> Whole {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let (body, size) = match is_text(&parts.headers).then(|| std::str::from_utf8(&bytes)) {
        Some(Ok(text)) => (lambda_http::Body::from(text), size_as_json(&bytes)),
        _ => (lambda_http::Body::from(&*bytes), bytes.len().div_ceil(3) * 4),
    };
    if size > MAX_ANSWER_BYTES {
        let problem = Problem::internal(&"the answer is larger than Lambda can return");
        return Box::pin(in_memory(problem.into_response())).await;
    }
    Whole(http::Response::from_parts(parts, body))
}

/// Whether a body with these headers is text.
fn is_text(headers: &HeaderMap) -> bool {
    let essence = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    essence.starts_with("text") || essence.starts_with("application/json") || essence.ends_with("+json")
}

/// How long this text is as a JSON string, without its quotes.
fn size_as_json(text: &[u8]) -> usize {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.iter().copied().map(escape).sum()
}

#[cfg(test)]
mod tests;
