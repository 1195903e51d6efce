//! Answers that are a success, by their status: the handler's return type says which it is.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
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

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}
