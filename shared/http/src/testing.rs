//! What tests of handlers need: an issuer of tokens, a gate that trusts it, and a call that reads as a sentence.
//!
//! ```no_run
//! # async fn example(router: axum::Router<http_api::Gate>) {
//! use http_api::testing::{TestGate, get};
//!
//! let gate = TestGate::start().await;
//! let app = http_api::app(router, gate.gate());
//! let answer = get("/order-history/orders/o-1/timeline").token(&gate.token("acme", &["auditor"])).send(&app).await;
//! assert_eq!(answer.status, 200);
//! # }
//! ```

#![expect(clippy::expect_used, reason = "test support: a test that cannot start must stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use store::AccessLog;
use store::Clock;
use store::access::Access;
use store::requests::Requests;
use store::testing::{ACCESS, LocalDynamo, REQUESTS};
use tower::ServiceExt as _;

use crate::auth::{Keys, Verifier};
use crate::gate::Gate;
use crate::request_id::RequestId;

/// The issuer and the audience of the tokens.
pub const ISSUER: &str = "https://issuer.test/";
pub const AUDIENCE: &str = "order-history";

/// When the clock starts: 2025-08-29T12:00:00Z, in epoch seconds.
pub const NOW: i64 = 1_756_468_800;

/// A key that signs tokens with EdDSA.
#[derive(Debug)]
pub struct TokenKey {
    kid: String,
    pair: Ed25519KeyPair,
}

impl TokenKey {
    /// A new key.
    #[must_use]
    pub fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Ed25519KeyPair::generate().expect("a key") }
    }

    /// The set that has this key alone.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x}]})
    }

    /// A token with these claims.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        let pkcs8 = self.pair.to_pkcs8v1().expect("the key has a PKCS #8 form");
        let key = EncodingKey::from_ed_der(pkcs8.as_ref());
        jsonwebtoken::encode(&header, claims, &key).expect("a token")
    }
}

/// A gate with an issuer, a clock and a database of its own.
#[derive(Debug)]
pub struct TestGate {
    gate: Gate,
    key: TokenKey,
    millis: Arc<AtomicI64>,
    dynamo: LocalDynamo,
}

impl TestGate {
    /// A gate that trusts one new key, at [`NOW`].
    pub async fn start() -> Self {
        let key = TokenKey::new("test-key");
        let millis = Arc::new(AtomicI64::new(NOW * 1000));
        let clock = Clock::Manual(Arc::clone(&millis));
        let keys = Keys::fixed(key.jwks().to_string().as_bytes(), clock.clone()).expect("a set with one key");
        let dynamo = LocalDynamo::start().await;
        let requests = Requests::new(dynamo.aws(), REQUESTS);
        let access = AccessLog::new(dynamo.aws(), ACCESS, 400);
        let gate = Gate::new(Verifier::new(keys, ISSUER, AUDIENCE, clock.clone()), requests, access, clock);
        Self { gate, key, millis, dynamo }
    }

    /// The gate, for a function's state.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// The database behind it, which has every table, for the rest of the state.
    #[must_use]
    pub fn dynamo(&self) -> &LocalDynamo {
        &self.dynamo
    }

    /// The records of a tenant's reads today, the earliest first.
    ///
    /// # Panics
    /// When there are more than a page of them.
    pub async fn accesses(&self, tenant: &str) -> Vec<Access> {
        let tenant = tenant.parse().expect("a tenant");
        let page = self.gate.access().list(&tenant, self.gate.clock().now(), None, 1000).await;
        let page = page.expect("the access log is read");
        assert_eq!(page.next, None, "more records than a test can want");
        page.records
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.millis.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// What a genuine token of this tenant says; it is valid for an hour.
    #[must_use]
    pub fn claims(&self, tenant: &str, roles: &[&str]) -> Value {
        let now = self.millis.load(Ordering::Relaxed) / 1000;
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": now, "exp": now + 3600,
            "tenants": [tenant], "roles": roles,
        })
    }

    /// A genuine token.
    #[must_use]
    pub fn token(&self, tenant: &str, roles: &[&str]) -> String {
        self.key.sign(&self.claims(tenant, roles))
    }

    /// A token of our issuer with whatever claims.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.key.sign(claims)
    }

    /// Tokens that must be refused, each with what is wrong with it: expired, too early, of another issuer, audience,
    /// key or algorithm, not signed, not a token.
    #[must_use]
    pub fn refused_tokens(&self, tenant: &str, roles: &[&str]) -> Vec<(&'static str, String)> {
        let good = self.claims(tenant, roles);
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            self.key.sign(&claims)
        };
        let now = self.millis.load(Ordering::Relaxed) / 1000;
        let genuine = self.key.sign(&good);
        let (message, _) = genuine.rsplit_once('.').expect("a token has three parts");
        let (_, payload) = message.split_once('.').expect("a token has three parts");
        let alg_none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT", "kid": self.key.kid}).to_string());
        let mut hmac = Header::new(Algorithm::HS256);
        hmac.kid = Some(self.key.kid.clone());
        let public_key = EncodingKey::from_secret(self.key.pair.public_key().as_ref());
        vec![
            ("expired", with("exp", json!(now - 60))),
            ("without exp", with("exp", Value::Null)),
            ("not valid yet", with("nbf", json!(now + 120))),
            ("of another issuer", with("iss", json!("https://elsewhere.test/"))),
            ("for another audience", with("aud", json!(["billing"]))),
            ("without a subject", with("sub", Value::Null)),
            ("signed by another key of the same name", TokenKey::new(&self.key.kid).sign(&good)),
            ("signed by an unknown key", TokenKey::new("other-key").sign(&good)),
            ("alg none", format!("{alg_none}.{payload}.")),
            ("HMAC with the public key", jsonwebtoken::encode(&hmac, &good, &public_key).expect("a token")),
            ("without its signature", format!("{message}.")),
            ("not a token", "abc".to_owned()),
        ]
    }
}

/// A request that is being put together.
#[derive(Debug)]
pub struct Call {
    request: Request<Body>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// `null` when the body is none of JSON.
    pub json: Value,
    pub bytes: Bytes,
}

impl Answer {
    /// The problem's name, such as `not-found`; empty if this is not a problem document.
    #[must_use]
    pub fn problem(&self) -> &str {
        let problem = self.headers.get(CONTENT_TYPE).is_some_and(|value| value == "application/problem+json");
        let uri = if problem { self.json["type"].as_str() } else { None };
        uri.and_then(|uri| uri.strip_prefix("urn:order-history:problem:")).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("a body of UTF-8")
    }

    /// The header's value; empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// GET this path and query.
#[must_use]
pub fn get(uri: &str) -> Call {
    Call::new(Method::GET, uri, Body::empty())
}

/// POST this JSON.
#[must_use]
pub fn post(uri: &str, body: &Value) -> Call {
    post_text(uri, body.to_string())
}

/// POST this text, said to be JSON.
#[must_use]
pub fn post_text(uri: &str, body: impl Into<String>) -> Call {
    Call::new(Method::POST, uri, Body::from(body.into())).header("content-type", "application/json")
}

impl Call {
    /// Any method.
    #[must_use]
    pub fn new(method: Method, uri: &str, body: Body) -> Self {
        let request = Request::builder().method(method).uri(uri).body(body);
        Self { request: request.expect("a valid method and path") }
    }

    /// With this bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = http::HeaderName::try_from(name).expect("a header's name");
        self.request.headers_mut().append(name, value.parse().expect("a header's value"));
        self
    }

    /// Without this header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    /// Calls the function. Each request has an id of its own, as behind the gateway.
    pub async fn send(mut self, app: &Router) -> Answer {
        static SENT: AtomicU64 = AtomicU64::new(0);
        let id = RequestId(format!("request-{:06}", SENT.fetch_add(1, Ordering::Relaxed)));
        self.request.extensions_mut().insert(id);
        let response = app.clone().oneshot(self.request).await.expect("a router answers everything");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body in memory");
        let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let json = match media_type {
            // An answer to HEAD has the type alone.
            "application/json" | "application/problem+json" if !bytes.is_empty() => {
                serde_json::from_slice(&bytes).expect("a JSON body")
            }
            _ => Value::Null,
        };
        Answer { status: parts.status, headers: parts.headers, json, bytes }
    }
}

/// Calls the function with an event of API Gateway, as Lambda hands it over, and returns what Lambda hands back.
pub async fn invoke(app: &Router, event: Value) -> Value {
    let mut context = telemetry::Context::default();
    context.request_id = "lambda-request".to_owned();
    let payload = serde_json::from_value(event).expect("an event of API Gateway");
    let answer = crate::lambda::answer(app.clone(), telemetry::LambdaEvent { payload, context }).await;
    serde_json::to_value(answer).expect("an answer has a JSON form")
}
