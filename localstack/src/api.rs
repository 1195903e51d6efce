//! The deployed API, as far as these commands call it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::stack::Stack;

/// The first call of a function starts it, which takes a while on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The API of one stack, on behalf of one tenant.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    base: String,
    token: String,
}

/// `GET /ledger/status`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LedgerStatus {
    /// The sequence of the newest event; 0 when there is none.
    pub(crate) sequence: u64,
    /// The hash of the whole chain up to it, in hex.
    pub(crate) ledger_hash: String,
    /// How many events there are.
    pub(crate) length: u64,
}

/// `GET /events/{event_id}`, and an item of a timeline: the parts that we show.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StoredEvent {
    /// The producer's id of it.
    pub(crate) id: String,
    /// Its place in the tenant's ledger.
    pub(crate) sequence: u64,
    /// When it happened, as its producer says.
    pub(crate) occurred_at: String,
    /// What happened.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Who says so.
    pub(crate) source: String,
    /// The hashes that vouch for it.
    pub(crate) integrity: Integrity,
}

/// The part of an event's receipt that others can check.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Integrity {
    /// The event's leaf hash, in hex.
    pub(crate) sha256: String,
    /// The chain's hash with the event at its end, in hex.
    pub(crate) ledger_hash: String,
}

/// `GET /events/{event_id}/verify`: the parts that we show.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Verification {
    /// Whether everything that can be checked is as it was.
    pub(crate) verified: bool,
}

/// `GET /orders/{order_id}/timeline`
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<StoredEvent>,
    next_cursor: Option<String>,
}

/// An answer of 400 and above (RFC 9457).
#[derive(Debug, Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

impl Api {
    /// The API of this stack for a reader of `tenant`.
    pub(crate) fn of(stack: &Stack, tenant: &str) -> Result<Self> {
        let mut client = Client::builder().timeout(TIMEOUT);
        if stack.api_url.contains("://127.0.0.1:") {
            client = client.no_proxy();
        }
        let client = client.build().context("cannot make an HTTP client")?;
        let token = stack.own_token(tenant, "auditor")?;
        Ok(Self { client, base: stack.api_url.clone(), token })
    }

    /// The head of the ledger.
    pub(crate) async fn ledger_status(&self) -> Result<LedgerStatus> {
        self.get("/ledger/status").await?.context("the API does not know /ledger/status")
    }

    /// An event with its receipt, if it is there.
    pub(crate) async fn event(&self, event_id: &str) -> Result<Option<StoredEvent>> {
        self.get(&format!("/events/{event_id}")).await
    }

    /// What a check of an event against the ledger says.
    pub(crate) async fn verify(&self, event_id: &str) -> Result<Verification> {
        let path = format!("/events/{event_id}/verify");
        self.get(&path).await?.with_context(|| format!("the ledger has no event {event_id}"))
    }

    /// All events of an order, in the order of the ledger.
    pub(crate) async fn timeline(&self, order_id: &str) -> Result<Vec<StoredEvent>> {
        let mut events = Vec::new();
        let mut query = String::new();
        loop {
            let path = format!("/orders/{order_id}/timeline{query}");
            let Some(page) = self.get::<Page>(&path).await? else { return Ok(events) };
            events.extend(page.items);
            let Some(cursor) = page.next_cursor else { return Ok(events) };
            query = format!("?cursor={cursor}");
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let url = format!("{}{path}", self.base);
        let request = self.client.get(&url).bearer_auth(&self.token);
        let answer = request.send().await.with_context(|| format!("GET {path} got no answer"))?;
        let status = answer.status();
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body = answer.bytes().await.with_context(|| format!("the answer to GET {path} broke off"))?;
        if !status.is_success() {
            let problem: Option<Problem> = serde_json::from_slice(&body).ok();
            let text = problem.and_then(|problem| problem.detail.or(problem.title)).unwrap_or_default();
            bail!("GET {path}: {status} {text}");
        }
        serde_json::from_slice(&body).map(Some).with_context(|| format!("GET {path} answers in an unexpected form"))
    }
}
