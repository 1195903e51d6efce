//! Answers that are a success, by their status: the handler's return type says which it is.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::problem::Problem;

/// 200 with a JSON body; as an extractor, a JSON body that was read strictly.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// 201 with a JSON body.
#[derive(Debug, Clone, Copy)]
pub struct Created<T>(pub T);

/// 200 with a JSON body and an `ETag`; 304 without one for a client that has it already.
///
/// For answers that stay the same until something is written. They are for this caller only.
#[derive(Debug, Clone, Copy)]
pub struct Tagged<T>(pub T);

/// 200 with a body that is not JSON, and an `ETag` as [`Tagged`] has.
#[derive(Debug, Clone)]
pub struct Document {
    /// The `Content-Type`.
    media_type: &'static str,
    body: Bytes,
    file_name: Option<String>,
    forever: bool,
}

impl Document {
    /// Lines of text in UTF-8.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new("text/plain; charset=utf-8", Bytes::from(text.into()))
    }

    /// One JSON document a line.
    #[must_use]
    pub fn json_lines(lines: impl Into<Bytes>) -> Self {
        Self::new("application/x-ndjson", lines.into())
    }

    /// Bytes of no type that others know.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new("application/octet-stream", bytes.into())
    }

    fn new(media_type: &'static str, body: Bytes) -> Self {
        Self { media_type, body, file_name: None, forever: false }
    }

    /// What a browser should call it when it saves it: letters, digits and `-_.` of `name`, the rest as `_`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        let plain = |char: char| if char.is_ascii_alphanumeric() || "-_.".contains(char) { char } else { '_' };
        self.file_name = Some(name.chars().map(plain).collect());
        self
    }

    /// It never changes: whoever has it need not ask again.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.forever = true;
        self
    }
}

/// 303: the answer is at another address, which opens without a token (RFC 9110, section 15.4.4).
#[derive(Debug, Clone)]
pub struct SeeOther(pub String);

/// Marks a response that shall get an `ETag`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantsEtag;

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::OK, &self.0);
        response.extensions_mut().insert(WantsEtag);
        response
    }
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let media_type = HeaderValue::from_static(self.media_type);
        let mut response = (StatusCode::OK, [(CONTENT_TYPE, media_type)], self.body).into_response();
        response.extensions_mut().insert(WantsEtag);
        if self.forever {
            let a_year = HeaderValue::from_static("private, max-age=31536000, immutable");
            response.headers_mut().insert(CACHE_CONTROL, a_year);
        }
        let disposition = self.file_name.map(|name| HeaderValue::try_from(format!(r#"attachment; filename="{name}""#)));
        if let Some(Ok(disposition)) = disposition {
            response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
        }
        response
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        match HeaderValue::try_from(self.0) {
            Ok(address) => (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}
