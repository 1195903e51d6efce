//! API Gateway's proxy events to requests, and answers back.
//!
//! Format: <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>
//!
//! These few lines instead of crate `lambda_http`, which keeps one value of a repeated header, so that a second
//! `Authorization` would pass unseen, and panics on a `Host` that is not one.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::FromRef;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use serde::{Deserialize, Serialize};
use telemetry::LambdaEvent;
use tower::ServiceExt as _;
use utoipa_axum::router::OpenApiRouter;

use crate::app::app;
use crate::catalogue::ProblemType;
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
pub async fn run<S>(router: OpenApiRouter<S>, state: S) -> Result<(), telemetry::Error>
where
    S: Clone + Send + Sync + 'static,
    Gate: FromRef<S>,
{
    let app = app(router, state);
    telemetry::run(move |event: LambdaEvent<ProxyEvent>| {
        let app = app.clone();
        async move { Ok(answer(app, event.payload, event.context.request_id).await) }
    })
    .await
}

/// What API Gateway sends (payload format 1.0), as far as we need it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProxyEvent {
    http_method: String,
    path: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    /// The same headers, with every value of each; a hand-written event may do without.
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    query_string_parameters: Option<BTreeMap<String, String>>,
    /// Decoded by API Gateway.
    #[serde(default)]
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    #[serde(default)]
    request_context: ProxyContext,
}

/// What API Gateway says about the request itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyContext {
    #[serde(default)]
    request_id: Option<String>,
}

/// What API Gateway takes as an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProxyAnswer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

/// Answers one request. `lambda_id` is its id where there is no gateway.
pub(crate) async fn answer(app: Router, event: ProxyEvent, lambda_id: String) -> ProxyAnswer {
    let id = RequestId(event.request_context.request_id.clone().unwrap_or(lambda_id));
    let response = match request(event) {
        Ok(mut request) => {
            request.extensions_mut().insert(id);
            let answered: Result<Response, Infallible> = app.oneshot(request).await;
            answered.into_response()
        }
        Err(problem) => id.scope(async { problem.into_response() }).await,
    };
    into_answer(response).await
}

fn request(event: ProxyEvent) -> Result<Request<Body>, Problem> {
    let unreadable = |what: &'static str| Problem::new(ProblemType::InvalidParameter, what);
    let method = Method::try_from(event.http_method.as_str()).map_err(|_| unreadable("the method is not valid"))?;
    let query = merge(event.multi_value_query_string_parameters, event.query_string_parameters);
    let uri = uri(&event.path, &query).ok_or_else(|| unreadable("the path is not valid"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in merge(event.multi_value_headers, event.headers) {
        // A header that is none cannot have come over HTTP.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    let body = event.body.unwrap_or_default();
    let body = if event.is_base64_encoded {
        let bytes = STANDARD.decode(body);
        bytes.map_err(|_| Problem::new(ProblemType::MalformedJson, "the body's transfer encoding is broken"))?
    } else {
        body.into_bytes()
    };
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Names and values; where a name has several values, all of them.
fn merge(
    many: Option<BTreeMap<String, Vec<String>>>,
    single: Option<BTreeMap<String, String>>,
) -> Vec<(String, String)> {
    let many = many.unwrap_or_default();
    let single = single.unwrap_or_default().into_iter().filter(|(name, _)| !many.contains_key(name));
    let single: Vec<_> = single.collect();
    let many = many.into_iter().flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
    many.chain(single).collect()
}

/// The path from [`BASE_PATH`] on, and the query. Whether API Gateway has decoded the path depends on how it was
/// reached, so what cannot stand in a URI is encoded again and an escape is left alone.
fn uri(path: &str, query: &[(String, String)]) -> Option<Uri> {
    let start = path
        .match_indices(BASE_PATH)
        .map(|(start, _)| start)
        .find(|start| matches!(path.as_bytes().get(start + BASE_PATH.len()), None | Some(b'/')));
    let mut uri = String::with_capacity(path.len() + 64);
    for byte in path[start.unwrap_or(0)..].bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    if !query.is_empty() {
        uri.push('?');
        uri.push_str(&form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish());
    }
    uri.parse().ok()
}

async fn into_answer(response: Response) -> ProxyAnswer {
    let (parts, body) = response.into_parts();
    // All our bodies are in memory and are text.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&bytes).into_owned();
    if size_as_json(&body) > MAX_ANSWER_BYTES {
        let problem = Problem::internal(&"the answer is larger than Lambda can return");
        return Box::pin(into_answer(problem.into_response())).await;
    }
    let header =
        |(name, value): (&HeaderName, &HeaderValue)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()));
    let headers = parts.headers.iter().filter_map(header).collect();
    ProxyAnswer { status_code: parts.status.as_u16(), headers, body, is_base64_encoded: false }
}

/// How long `text` is as a JSON string, without its quotes.
fn size_as_json(text: &str) -> usize {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escape).sum()
}

#[cfg(test)]
mod tests;
