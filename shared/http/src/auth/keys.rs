//! The issuer's public keys: a JSON Web Key Set (RFC 7517), inline or fetched.

mod source;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;

use crate::config::ConfigError;
use source::Source;
use store::Clock;

/// A set of this age is fetched again before it is used: how long a key that was taken out stays valid.
const MAX_AGE_SECONDS: i64 = 10 * 60;

/// An old set is used for so long when the issuer does not answer: it may well be down for an hour.
const MAX_STALE_SECONDS: i64 = 24 * 60 * 60;

/// Unknown `kid`s and failures make us ask again no more often than this, so that made-up tokens are not
/// turned into requests to the issuer.
const MIN_INTERVAL_SECONDS: i64 = 60;

/// As above, while there is no set at all: then every request is refused, and waiting helps nobody.
const MIN_INTERVAL_WITHOUT_KEYS_SECONDS: i64 = 2;

/// A key that can check signatures, and the one algorithm that it is for.
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The issuer does not have it.
    Unknown,
    /// The issuer's keys cannot be had at the moment.
    Unavailable,
}

/// The keys of one issuer.
pub(crate) struct Keys {
    source: Option<Source>,
    current: RwLock<Option<Arc<Fetched>>>,
    /// Held while fetching, so that one request fetches and the others wait for it. Holds when that was last tried.
    fetching: Mutex<Option<i64>>,
    clock: Clock,
}

struct Fetched {
    keys: HashMap<String, Arc<Key>>,
    at: i64,
}

impl Keys {
    /// The keys in this JSON Web Key Set, for as long as the process lives.
    pub(crate) fn fixed(set: &[u8], clock: Clock) -> Result<Self, ConfigError> {
        let keys = parse(set).map_err(|reason| ConfigError::Unusable { name: "JWKS", reason })?;
        let fetched = Arc::new(Fetched { keys, at: clock.now().as_seconds() });
        Ok(Self { source: None, current: RwLock::new(Some(fetched)), fetching: Mutex::new(None), clock })
    }

    /// The keys in the set at `url`: https, or http on this very machine.
    pub(crate) fn at(url: &str, clock: Clock) -> Result<Self, ConfigError> {
        let unusable = |reason: &str| ConfigError::Unusable { name: "JWKS_URL", reason: reason.to_owned() };
        let source = Some(Source::at(url).map_err(unusable)?);
        Ok(Self { source, current: RwLock::new(None), fetching: Mutex::new(None), clock })
    }

    /// Fetches the set if there is none yet.
    pub(crate) async fn warm(&self) {
        if self.current().is_none() {
            self.refresh(None).await;
        }
    }

    /// The key with this id.
    pub(crate) async fn find(&self, kid: &str) -> Result<Arc<Key>, NoKey> {
        let known = self.current();
        if let Some(fetched) = &known
            && (self.source.is_none() || self.age(fetched) < MAX_AGE_SECONDS)
            && let Some(key) = fetched.keys.get(kid)
        {
            return Ok(Arc::clone(key));
        }
        self.refresh(known.map(|fetched| fetched.at)).await;
        let fetched = self.current().ok_or(NoKey::Unavailable)?;
        if self.source.is_some() && self.age(&fetched) >= MAX_STALE_SECONDS {
            return Err(NoKey::Unavailable);
        }
        fetched.keys.get(kid).map(Arc::clone).ok_or(NoKey::Unknown)
    }

    fn age(&self, fetched: &Fetched) -> i64 {
        self.clock.now().as_seconds().saturating_sub(fetched.at)
    }

    fn current(&self) -> Option<Arc<Fetched>> {
        // A panic while the lock was held cannot have left half a set: it is one pointer.
        self.current.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Fetches the set, unless that was just tried, or another request did since the caller saw the set of `seen`.
    async fn refresh(&self, seen: Option<i64>) {
        let Some(source) = &self.source else { return };
        let mut last_try = self.fetching.lock().await;
        let current_at = self.current().map(|fetched| fetched.at);
        if current_at != seen {
            return;
        }
        let now = self.clock.now().as_seconds();
        let interval = if current_at.is_some() { MIN_INTERVAL_SECONDS } else { MIN_INTERVAL_WITHOUT_KEYS_SECONDS };
        if last_try.is_some_and(|at| now.saturating_sub(at) < interval) {
            return;
        }
        *last_try = Some(now);
        match source.fetch().await.and_then(|set| parse(&set)) {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "the issuer's keys were fetched");
                let fetched = Some(Arc::new(Fetched { keys, at: now }));
                *self.current.write().unwrap_or_else(std::sync::PoisonError::into_inner) = fetched;
            }
            Err(reason) => {
                metrics::counter!("TokenKeysFetchFailures").increment(1);
                tracing::warn!(reason, "the issuer's keys could not be fetched");
            }
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("url", &self.source.as_ref().map(|source| source.url())).finish()
    }
}

/// The usable keys of a set, by id; keys of other kinds are passed over, as RFC 7517, section 5, asks.
fn parse(set: &[u8]) -> Result<HashMap<String, Arc<Key>>, String> {
    let set: JwkSet = serde_json::from_slice(set).map_err(|_| "it is not a JSON Web Key Set".to_owned())?;
    let keys: HashMap<_, _> = set.keys.iter().filter_map(usable).collect();
    if keys.is_empty() {
        return Err("it has no key with a kid that is for RS256, ES256 or EdDSA".to_owned());
    }
    Ok(keys)
}

fn usable(jwk: &Jwk) -> Option<(String, Arc<Key>)> {
    let algorithm = algorithm(&jwk.algorithm)?;
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let as_declared = jwk.common.key_algorithm.is_none_or(|declared| declared == KeyAlgorithm::from(algorithm));
    let key = DecodingKey::from_jwk(jwk).ok()?;
    let kid = jwk.common.key_id.clone()?;
    (for_signatures && as_declared).then(|| (kid, Arc::new(Key { algorithm, key })))
}

/// The one algorithm that we accept from a key of this type.
fn algorithm(parameters: &AlgorithmParameters) -> Option<Algorithm> {
    if let AlgorithmParameters::RSA(_) = parameters {
        return Some(Algorithm::RS256);
    }
    if let AlgorithmParameters::EllipticCurve(key) = parameters {
        return (key.curve == EllipticCurve::P256).then_some(Algorithm::ES256);
    }
    if let AlgorithmParameters::OctetKeyPair(key) = parameters {
        return (key.curve == EllipticCurve::Ed25519).then_some(Algorithm::EdDSA);
    }
    None
}

#[cfg(test)]
mod tests;
