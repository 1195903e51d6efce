//! The one form of every answer that is not a success: RFC 9457 `application/problem+json`.
//!
//! A handler returns `Result<…, Problem>` and uses `?`: errors of the store and of the domain become
//! problems by `From`. For its own refusals it names a [`ProblemType`] and says in `detail` what is wrong
//! and what would be right. A detail never repeats what the client sent: payloads and tokens must not
//! come back in answers that are logged and passed on.

use std::borrow::Cow;
use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalogue::ProblemType;
use crate::request_id;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// In the body: a JSON Pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// In the path or the query: the parameter's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// In the headers: the header's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    /// What is wrong, or what would be right.
    detail: String,
}

impl Fault {
    /// In the body, at this JSON Pointer.
    #[must_use]
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, header: None, detail: detail.into() }
    }

    fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.into()), header: None, detail: detail.into() }
    }

    fn header(name: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: None, header: Some(name.to_owned()), detail: detail.into() }
    }
}

/// A refusal or a failure, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: ProblemType,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    header: Option<Extra>,
}

/// A header that belongs to a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    /// Seconds.
    RetryAfter(u32),
    /// `WWW-Authenticate` (RFC 6750, section 3).
    Challenge(&'static str),
}

/// The members of a problem document, for the OpenAPI document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Which kind of problem: `urn:order-history:problem:<slug>`. Branch on this.
    #[schema(example = "urn:order-history:problem:invalid-parameter")]
    r#type: String,
    /// The kind in words, the same for every occurrence.
    #[schema(example = "A parameter is not valid")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// This occurrence in words, for a person.
    detail: Cow<'static, str>,
    /// What is wrong, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Fault>,
    /// The request, as in header `X-Request-Id` and in our logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Problem {
    /// A problem of this kind; `detail` says what happened this time.
    #[must_use]
    pub fn new(kind: ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), faults: Vec::new(), header: None }
    }

    /// Adds what is wrong, place by place.
    #[must_use]
    pub fn with(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// The thing that was asked for (`"event"`, `"schema"`) is not there, or is another tenant's.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ProblemType::NotFound, format!("the {what} does not exist"))
    }

    /// A path or query parameter is refused.
    #[must_use]
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(ProblemType::InvalidParameter, format!("parameter {name}: {detail}"))
            .with([Fault::parameter(name, detail)])
    }

    /// A header is refused.
    #[must_use]
    pub fn header(name: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(ProblemType::InvalidHeader, format!("header {name}: {detail}")).with([Fault::header(name, detail)])
    }

    /// A fault of ours. `error` goes to the log, under the request's id, and never into the answer.
    #[must_use]
    pub fn internal(error: &dyn Display) -> Self {
        tracing::error!(%error, "the request failed");
        Self::new(ProblemType::Internal, "the service made a mistake; the request id leads us to what happened")
    }

    /// Something that we need does not answer; the client may try again after `seconds`.
    #[must_use]
    pub fn unavailable(seconds: u32) -> Self {
        Self::new(ProblemType::Unavailable, "something that the service needs does not answer").retry_after(seconds)
    }

    /// The kind of problem.
    #[must_use]
    pub const fn kind(&self) -> ProblemType {
        self.kind
    }

    /// What is wrong, place by place.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Tells the client, in `Retry-After`, in how many seconds the same request may succeed.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.header = Some(Extra::RetryAfter(seconds));
        self
    }

    pub(crate) fn challenge(mut self, challenge: &'static str) -> Self {
        self.header = Some(Extra::Challenge(challenge));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            r#type: self.kind.uri(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail,
            errors: self.faults,
            request_id: request_id::current(),
        };
        // Strings and numbers always have a JSON form; should that ever be wrong, the status still says it.
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(CONTENT_TYPE, content_type)], json).into_response();
        match self.header {
            Some(Extra::RetryAfter(seconds)) => {
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            Some(Extra::Challenge(challenge)) => {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            None => {}
        }
        response.extensions_mut().insert(self.kind);
        response
    }
}
