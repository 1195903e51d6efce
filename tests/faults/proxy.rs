//! A wire that fails: between the SDK and a DynamoDB of any kind.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::chance::{Chance, Fate};

/// Listens on a free port while it lives.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    server: JoinHandle<()>,
}

#[derive(Debug, Clone)]
struct Wire {
    client: reqwest::Client,
    /// `http://host:port`
    upstream: String,
    /// Who is said to have signed, where the signature is not looked at but the account is.
    access_key: Option<String>,
    chance: Arc<Chance>,
}

impl Proxy {
    pub(crate) async fn start(upstream: String, access_key: Option<String>, chance: Arc<Chance>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // A connection that the other side has closed meanwhile would be a fault that nobody has counted.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let wire = Wire { client, upstream, access_key, chance };
        let app = Router::new().fallback(pass_on).with_state(wire);
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, server }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass_on(State(wire): State<Wire>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    tokio::time::sleep(wire.chance.delay()).await;
    let answer = match wire.chance.fate("a request") {
        Fate::Answered => wire.make(&head.headers, &body).await,
        Fate::Throttled => failure(StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException"),
        Fate::NeverArrived => failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        Fate::AnswerLost => {
            wire.make(&head.headers, &body).await;
            failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
        }
        Fate::Late => {
            let (later, delay) = (wire.clone(), wire.chance.delay() * 4);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                later.make(&head.headers, &body).await;
            });
            failure(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
        }
        Fate::Twice => {
            wire.make(&head.headers, &body).await;
            wire.make(&head.headers, &body).await
        }
    };
    tokio::time::sleep(wire.chance.delay()).await;
    answer
}

impl Wire {
    async fn make(&self, headers: &HeaderMap, body: &Bytes) -> Response {
        let mut headers = headers.clone();
        for of_this_connection in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH]
        {
            headers.remove(of_this_connection);
        }
        if let (Some(key), Some(signed)) = (&self.access_key, headers.get(header::AUTHORIZATION)) {
            let signed = signed.to_str().unwrap();
            let scope = signed.split_once("Credential=").and_then(|(_, rest)| rest.split_once('/')).unwrap().1;
            let other = format!("AWS4-HMAC-SHA256 Credential={key}/{scope}");
            headers.insert(header::AUTHORIZATION, other.parse().unwrap());
        }
        let sent = self.client.post(&self.upstream).headers(headers).body(body.clone()).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("{} does not answer: {error:?}", self.upstream);
                return failure(StatusCode::BAD_GATEWAY, "ServiceUnavailable");
            }
        };
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        match answer.bytes().await {
            Ok(bytes) => (status, headers, Body::from(bytes)).into_response(),
            Err(_) => failure(StatusCode::BAD_GATEWAY, "ServiceUnavailable"),
        }
    }
}

/// As DynamoDB says it.
fn failure(status: StatusCode, kind: &str) -> Response {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"a test says so"}}"#);
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}
