//! A tenant of a test's own, and its tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{Answer, Api, Stack, random_name};

pub(crate) const ALL_ROLES: [&str; 4] = ["producer", "history_reader", "auditor", "admin"];

/// A tenant that nobody else uses.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) api: Api,
    everything: String,
}

impl Tenant {
    /// `theme`: what its name begins with, for those who look at a failed test's data.
    pub(crate) fn new(theme: &str) -> Self {
        let name = random_name(theme);
        let everything = sign(&claims(&[&name], &ALL_ROLES));
        Self { name, api: Api::new(), everything }
    }

    /// Another tenant, of this very name.
    pub(crate) fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), api: self.api.clone(), everything: sign(&claims(&[name], &ALL_ROLES)) }
    }

    /// GET with a token that has every role.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.api.get(path).token(&self.everything).send().await
    }

    /// POST with a token that has every role.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, body.to_string()).await
    }

    /// POST of any text, with a token that has every role.
    pub(crate) async fn post_text(&self, path: &str, body: String) -> Answer {
        self.api.post(path, body).token(&self.everything).send().await
    }

    /// A token with these roles, good for an hour.
    pub(crate) fn token(&self, roles: &[&str]) -> String {
        sign(&claims(&[&self.name], roles))
    }

    /// A token for these tenants, with every role.
    pub(crate) fn token_for(&self, tenants: &[&str]) -> String {
        sign(&claims(tenants, &ALL_ROLES))
    }

    /// The end of its log: sequence and hash.
    pub(crate) async fn head(&self) -> (u64, String) {
        let status = self.get("/ledger/status").await.expect(200).json;
        assert_eq!(status["sequence"], status["length"], "nothing is ever left out of a log");
        (status["sequence"].as_u64().unwrap(), status["ledger_hash"].as_str().unwrap().to_owned())
    }

    /// All items of a list, page by page.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}{cursor}")).await.expect(200).json;
            let Value::Array(found) = page["items"].take() else { panic!("{path} is no list") };
            items.extend(found);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("{separator}cursor={next}"),
                None => return items,
            }
        }
    }

    /// Tokens that must be refused: what is wrong with each, the token, and the problem.
    pub(crate) fn refused_tokens(&self) -> Vec<(&'static str, String, &'static str)> {
        let good = claims(&[&self.name], &ALL_ROLES);
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            sign(&claims)
        };
        let genuine = sign(&good);
        let (message, _) = genuine.rsplit_once('.').unwrap();
        let (_, payload) = message.split_once('.').unwrap();
        let stack = Stack::get();
        let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT", "kid": stack.key_id}).to_string());
        let other = Ed25519KeyPair::generate().unwrap();
        let other = EncodingKey::from_ed_der(other.to_pkcs8v1().unwrap().as_ref());
        let own = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&std::fs::read(&stack.signing_key).unwrap()).unwrap();
        let shared_secret = EncodingKey::from_secret(own.public_key().as_ref());
        let signed = |algorithm, kid: &str, key| {
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
            jsonwebtoken::encode(&header, &good, key).unwrap()
        };
        vec![
            ("expired", with("exp", json!(now() - 3600)), "expired-token"),
            ("signed by another key", signed(Algorithm::EdDSA, &stack.key_id, &other), "invalid-token"),
            ("signed by an unknown key", signed(Algorithm::EdDSA, "unknown", &other), "invalid-token"),
            ("alg none", format!("{none}.{payload}."), "invalid-token"),
            ("without its signature", format!("{message}."), "invalid-token"),
            ("HMAC with the public key", signed(Algorithm::HS256, &stack.key_id, &shared_secret), "invalid-token"),
            ("for another audience", with("aud", json!("billing")), "invalid-token"),
            ("of another issuer", with("iss", json!("https://elsewhere.example")), "invalid-token"),
            ("without an expiry", with("exp", Value::Null), "invalid-token"),
            ("not valid yet", with("nbf", json!(now() + 3600)), "invalid-token"),
            ("no token at all", "abc".to_owned(), "invalid-token"),
        ]
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims(tenants: &[&str], roles: &[&str]) -> Value {
    let Stack { issuer, audience, .. } = Stack::get();
    json!({
        "iss": issuer, "aud": audience, "sub": "end-to-end", "iat": now(), "exp": now() + 3600,
        "tenants": tenants, "roles": roles,
    })
}

fn sign(claims: &Value) -> String {
    let stack = Stack::get();
    let key = EncodingKey::from_ed_der(&std::fs::read(&stack.signing_key).unwrap());
    let header = Header { kid: Some(stack.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}
