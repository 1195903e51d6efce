//! Bodies of requests.

use std::ops::Deref;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::Json;
use crate::catalogue::ProblemType;
use crate::problem::{Fault, Problem};

/// The most bytes of any body: 4 MiB. API Gateway hands bodies over as Base64, which makes 5.6 MB of them, and Lambda
/// takes 6 MB with everything around it.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A body of type `application/json`, as its bytes: there is one, and it is not too large. Nobody has looked into it.
#[derive(Debug, Clone)]
pub struct RawJson(pub Bytes);

impl Deref for RawJson {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<S: Send + Sync> FromRequest<S> for RawJson {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(Problem::new(ProblemType::MissingBody, "send a JSON document as the body"));
        }
        expect_json(&parts.headers)?;
        Ok(Self(bytes))
    }
}

/// A JSON body, read strictly into a `T`.
impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let raw = RawJson::from_request(request, state).await?;
        typed(domain::json::parse(&raw)?).map(Self)
    }
}

/// Reads a body up to [`MAX_BODY_BYTES`].
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| Problem::new(ProblemType::BodyTooLarge, format!("a body may have at most {MAX_BODY_BYTES} bytes")))
}

/// `application/json`, with no charset or `utf-8` (RFC 8259, section 8.1), and not compressed.
fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail: &'static str| Err(Problem::new(ProblemType::UnsupportedMediaType, detail));
    if headers.contains_key(CONTENT_ENCODING) {
        return refuse("send the body as it is, without Content-Encoding");
    }
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(Ok(value)), None) = (values.next().map(|value| value.to_str()), values.next()) else {
        return refuse("send one header Content-Type: application/json");
    };
    let mut parts = value.split(';').map(str::trim);
    if !parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return refuse("send Content-Type: application/json");
    }
    let utf8 = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    if parts.all(utf8) { Ok(()) } else { refuse("of parameters, application/json may have charset=utf-8 alone") }
}

/// Reads a document into a `T`; the refusal names the place and what belongs there.
fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => {
                    domain::json::push_token(&mut pointer, &index.to_string());
                }
                serde_path_to_error::Segment::Map { key } => domain::json::push_token(&mut pointer, key),
                serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => {}
            }
        }
        let fault = Fault::at(pointer, without_value(&error.into_inner().to_string()));
        Problem::new(ProblemType::InvalidBody, "the body does not have the form that is expected here").with([fault])
    })
}

/// Serde's message without the value that it quotes: `invalid type: string "…", expected u32` is `expected u32`.
fn without_value(message: &str) -> String {
    let quotes = ["invalid type", "invalid value", "invalid length", "unknown variant", "unknown field"];
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if quotes.iter().any(|quote| message.starts_with(quote)) => "is not known here".to_owned(),
        None => message.to_owned(),
    }
}
