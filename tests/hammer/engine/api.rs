//! The API over HTTP, as a good producer uses it: what may be sent again is sent again, and when the service says so.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::journal::Receipt;
use super::target::Target;

/// API Gateway gives up after 29 seconds.
const TIMEOUT: Duration = Duration::from_secs(35);

/// A read is tried so often.
const READS: u32 = 40;

/// What became of a POST.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 201.
    Created(Receipt),
    /// 200.
    Repeated(Receipt),
    /// 409, problem `event-conflict`.
    Conflict,
    /// Nobody knows whether the event is recorded; when the service says so, after a while of its choice.
    Unknown { what: String, after: Option<Duration> },
    /// 429: it is not recorded.
    Throttled { after: Option<Duration> },
    /// It will be answered like this however often it is sent.
    Refused { status: u16, body: String },
}

#[derive(Debug, Deserialize)]
struct Problem {
    r#type: String,
}

/// A client of one deployment.
#[derive(Debug, Clone)]
pub(crate) struct Api<'a> {
    client: reqwest::Client,
    target: &'a Target,
}

impl<'a> Api<'a> {
    pub(crate) fn new(target: &'a Target) -> Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().context("cannot make a client")?;
        Ok(Self { client, target })
    }

    /// Sends an event once, and waits `patience` for the answer.
    pub(crate) async fn post(&self, tenant: &str, body: String, patience: Option<Duration>) -> Result<Answer> {
        let request =
            self.client.post(format!("{}/events", self.target.api_url)).header(CONTENT_TYPE, "application/json");
        let request = self.for_tenant(request, tenant)?.timeout(patience.unwrap_or(TIMEOUT)).body(body);
        let lost = |error: &reqwest::Error| {
            let what = if error.is_timeout() {
                "timeout"
            } else if error.is_connect() {
                "no connection"
            } else {
                "broken off"
            };
            Ok(Answer::Unknown { what: what.to_owned(), after: None })
        };
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return lost(&error),
        };
        let status = answer.status().as_u16();
        let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let after = after.map(Duration::from_secs);
        let body = match answer.text().await {
            Ok(body) => body,
            Err(error) => return lost(&error),
        };
        Ok(match status {
            200 | 201 => {
                let receipt =
                    serde_json::from_str(&body).with_context(|| format!("{status} with no receipt: {body}"))?;
                if status == 201 { Answer::Created(receipt) } else { Answer::Repeated(receipt) }
            }
            409 if problem(&body) == "event-conflict" => Answer::Conflict,
            429 => Answer::Throttled { after },
            401 | 403 => bail!("the token is not good for {tenant}: {status} {body}"),
            // A function that ends without an answer is a 502, one that takes too long a 504.
            500..=599 => Answer::Unknown { what: status.to_string(), after },
            _ => Answer::Refused { status, body },
        })
    }

    /// What stands at a path, or nothing if that is a 404. Trouble is waited for.
    pub(crate) async fn get<T: DeserializeOwned>(&self, tenant: &str, path: &str) -> Result<Option<T>> {
        let mut trouble = String::new();
        for attempt in 0..READS {
            let request = self.client.get(format!("{}{path}", self.target.api_url));
            match self.for_tenant(request, tenant)?.send().await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    match (status, answer.text().await) {
                        (404, _) => return Ok(None),
                        (200, Ok(body)) => {
                            let read = serde_json::from_str(&body);
                            return read.map(Some).with_context(|| format!("GET {path} of {tenant} cannot be read"));
                        }
                        (429 | 500..=599, body) => trouble = format!("{status} {}", body.unwrap_or_default()),
                        (200, Err(error)) => trouble = format!("broke off: {error}"),
                        (_, body) => bail!("GET {path} of {tenant}: {status} {}", body.unwrap_or_default()),
                    }
                }
                Err(error) => trouble = format!("{error:#}"),
            }
            tokio::time::sleep(Duration::from_millis((100 << attempt.min(5)).min(3000))).await;
        }
        bail!("GET {path} of {tenant} failed {READS} times, at last: {trouble}")
    }

    fn for_tenant(&self, request: reqwest::RequestBuilder, tenant: &str) -> Result<reqwest::RequestBuilder> {
        Ok(request.bearer_auth(self.target.tokens.of(tenant)?).header("x-tenant-id", tenant))
    }
}

/// The problem's name; empty when it is none of ours.
fn problem(body: &str) -> String {
    let problem: Option<Problem> = serde_json::from_str(body).ok();
    let uri = problem.map(|problem| problem.r#type).unwrap_or_default();
    uri.strip_prefix("urn:order-history:problem:").unwrap_or_default().to_owned()
}
