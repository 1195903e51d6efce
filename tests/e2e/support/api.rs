//! The API over HTTP.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::Stack;

/// The first call of a function starts it, which takes a while on a machine that does everything else as well.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client. Each test has its own: connections belong to the test's runtime.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: reqwest::Client,
}

/// A request that is being put together.
#[derive(Debug)]
pub(crate) struct Call {
    request: RequestBuilder,
    /// For messages.
    what: String,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// With replacement characters if the body is no text.
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
    /// `null` when the body is none of JSON.
    pub(crate) json: Value,
    /// The request, for messages.
    pub(crate) what: String,
}

impl Api {
    pub(crate) fn new() -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        Self { client: client.expect("an HTTP client") }
    }

    /// A path of the API, without its base path.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let request = self.client.request(method.clone(), format!("{}{path}", Stack::get().api_url));
        Call { request, what: format!("{method} {path}") }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// POST this text, said to be JSON.
    pub(crate) fn post(&self, path: &str, body: impl Into<String>) -> Call {
        self.call(Method::POST, path).json(body)
    }
}

impl Call {
    pub(crate) fn json(self, body: impl Into<String>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Self {
        self.request = self.request.body(body.into());
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let Self { request, what } = self;
        let answer = request.send().await.unwrap_or_else(|error| panic!("{what} got no answer: {error:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap_or_else(|error| panic!("the answer to {what} broke off: {error}"));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = match headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json") {
            "application/json" | "application/problem+json" if !bytes.is_empty() => serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| panic!("{what} is answered with other than JSON: {text}")),
            _ => Value::Null,
        };
        Answer { status, headers, text, bytes: bytes.into(), json, what }
    }
}

impl Answer {
    /// The answer, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text);
        self
    }

    /// Stops the test unless this is that problem, told in the form that all problems have.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, slug: &str) -> Self {
        assert_eq!((self.status, self.problem()), (status, slug), "{}: {}", self.what, self.text);
        assert_eq!(self.json["status"], status, "{}", self.what);
        for member in ["title", "detail"] {
            assert!(self.json[member].as_str().is_some_and(|text| !text.is_empty()), "{} has no {member}", self.what);
        }
        self
    }

    /// The problem's name, such as `not-found`; empty if this is not a problem document.
    pub(crate) fn problem(&self) -> &str {
        let problem = self.headers.get(CONTENT_TYPE).is_some_and(|value| value == "application/problem+json");
        let uri = if problem { self.json["type"].as_str() } else { None };
        uri.and_then(|uri| uri.strip_prefix("urn:order-history:problem:")).unwrap_or_default()
    }

    /// The header's value; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The items of a page.
    #[track_caller]
    pub(crate) fn items(&self) -> &[Value] {
        assert_eq!(self.status, 200, "{}: {}", self.what, self.text);
        self.json["items"].as_array().unwrap_or_else(|| panic!("{} is no page: {}", self.what, self.text))
    }
}
