//! Fetched keys, against an issuer on this machine.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::testing::TokenKey;

/// An issuer that serves one key set and can be switched off.
struct Issuer {
    keys: Keys,
    answer: Arc<RwLock<Option<Value>>>,
    asked: Arc<AtomicUsize>,
    millis: Arc<AtomicI64>,
}

impl Issuer {
    async fn new(set: Value) -> Self {
        let answer = Arc::new(RwLock::new(Some(set)));
        let asked = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, Arc::clone(&answer), Arc::clone(&asked)));
        let millis = Arc::new(AtomicI64::new(0));
        let keys = Keys::at(&url, Clock::Manual(Arc::clone(&millis))).unwrap();
        Self { keys, answer, asked, millis }
    }

    fn serves(&self, set: Option<Value>) {
        *self.answer.write().unwrap() = set;
    }

    fn advance(&self, seconds: i64) {
        self.millis.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    async fn find(&self, kid: &str) -> Result<(), NoKey> {
        self.keys.find(kid).await.map(drop)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, answer: Arc<RwLock<Option<Value>>>, asked: Arc<AtomicUsize>) {
    while let Ok((mut connection, _)) = listener.accept().await {
        let mut request = [0; 2048];
        drop(connection.read(&mut request).await);
        asked.fetch_add(1, Ordering::Relaxed);
        let body = answer.read().unwrap().as_ref().map(Value::to_string);
        let (status, body) = body.map_or(("500 Internal Server Error", String::new()), |body| ("200 OK", body));
        let length = body.len();
        let response = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        connection.write_all(response.as_bytes()).await.unwrap();
    }
}

fn set(kids: &[&str]) -> Value {
    let keys: Vec<Value> = kids.iter().map(|kid| TokenKey::new(kid).jwks()["keys"][0].clone()).collect();
    json!({ "keys": keys })
}

#[tokio::test]
async fn a_set_is_fetched_once_and_again_when_it_is_old() {
    let issuer = Issuer::new(set(&["a"])).await;
    assert_eq!(issuer.asked(), 0, "nothing is fetched before it is needed");
    for _ in 0..3 {
        assert_eq!(issuer.find("a").await, Ok(()));
    }
    assert_eq!(issuer.asked(), 1);
    issuer.serves(Some(set(&["b"])));
    issuer.advance(MAX_AGE_SECONDS - 1);
    assert_eq!(issuer.find("a").await, Ok(()));
    issuer.advance(1);
    assert_eq!(issuer.find("a").await, Err(NoKey::Unknown), "a key that was taken out is out after ten minutes");
    assert_eq!(issuer.find("b").await, Ok(()));
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_a_minute() {
    let issuer = Issuer::new(set(&["a"])).await;
    assert_eq!(issuer.find("a").await, Ok(()));
    issuer.serves(Some(set(&["a", "b"])));
    assert_eq!(issuer.find("b").await, Err(NoKey::Unknown), "the set was fetched just now");
    issuer.advance(MIN_INTERVAL_SECONDS);
    assert_eq!(issuer.find("b").await, Ok(()));
    for made_up in 0..5 {
        assert_eq!(issuer.find(&format!("made-up-{made_up}")).await, Err(NoKey::Unknown));
    }
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn known_keys_outlive_an_issuer_that_is_down_for_a_day_at_most() {
    let issuer = Issuer::new(set(&["a"])).await;
    assert_eq!(issuer.find("a").await, Ok(()));
    issuer.serves(None);
    issuer.advance(MAX_AGE_SECONDS);
    assert_eq!(issuer.find("a").await, Ok(()));
    assert_eq!(issuer.find("a").await, Ok(()));
    assert_eq!(issuer.asked(), 2, "an issuer in trouble is not asked for each request");
    issuer.advance(MAX_STALE_SECONDS);
    assert_eq!(issuer.find("a").await, Err(NoKey::Unavailable));
}

#[tokio::test]
async fn without_any_keys_the_service_is_unavailable_until_the_issuer_answers() {
    let issuer = Issuer::new(set(&["a"])).await;
    issuer.serves(None);
    assert_eq!(issuer.find("a").await, Err(NoKey::Unavailable));
    issuer.serves(Some(set(&["a"])));
    issuer.advance(MIN_INTERVAL_WITHOUT_KEYS_SECONDS);
    assert_eq!(issuer.find("a").await, Ok(()));
}

#[tokio::test]
async fn requests_at_once_ask_the_issuer_once() {
    let issuer = Issuer::new(set(&["a"])).await;
    let (one, two, three) = tokio::join!(issuer.find("a"), issuer.find("a"), issuer.find("a"));
    assert_eq!((one, two, three), (Ok(()), Ok(()), Ok(())));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn answers_that_are_no_key_set_are_refused() {
    let refused = async |answer: String| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let source = Source::at(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let issuer = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            drop(connection.read(&mut [0; 2048]).await);
            // The rest may not be wanted any more.
            drop(connection.write_all(answer.as_bytes()).await);
        };
        tokio::join!(source.fetch(), issuer).0.unwrap_err()
    };
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(refused(moved.to_owned()).await, "the issuer answered 302");
    let large = " ".repeat(256 * 1024 + 1);
    let large = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{large}", large.len());
    assert_eq!(refused(large).await, "the key set is larger than 256 KiB");
}

#[test]
fn keys_are_fetched_over_https_or_from_this_machine() {
    for good in ["https://issuer.test/jwks", "http://127.0.0.1:4566/jwks", "http://localhost/jwks", "http://[::1]/"] {
        assert!(Keys::at(good, Clock::System).is_ok(), "{good}");
    }
    for bad in ["http://issuer.test/jwks", "http://127.0.0.1.issuer.test/", "ftp://localhost/", "file:///jwks", "x"] {
        assert!(Keys::at(bad, Clock::System).is_err(), "{bad}");
    }
}

#[test]
fn keys_that_are_not_for_our_algorithms_are_passed_over() {
    let good = TokenKey::new("good").jwks()["keys"][0].clone();
    let changed = |name: &str, value: Value| {
        let mut key = good.clone();
        key["kid"] = json!("bad");
        key[name] = value;
        key
    };
    let bad = [
        changed("kid", Value::Null),
        changed("use", json!("enc")),
        changed("alg", json!("RS256")),
        changed("crv", json!("X25519")),
        json!({"kty": "oct", "kid": "bad", "alg": "HS256", "k": "c2VjcmV0"}),
        json!({"kty": "EC", "crv": "P-384", "kid": "bad", "x": "AA", "y": "AA"}),
        json!({"kty": "new", "kid": "bad"}),
    ];
    for key in bad {
        let keys = parse(json!({"keys": [key, good]}).to_string().as_bytes()).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["good"], "{key}");
        assert!(parse(json!({ "keys": [key] }).to_string().as_bytes()).is_err(), "{key}");
    }
    assert!(parse(b"{}").is_err());
}
