//! Whether a bearer token is genuine, and what it says.

use domain::ids::TenantId;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::keys::{Keys, NoKey};
use super::roles::Roles;
use crate::catalogue::ProblemType;
use crate::config::{self, ConfigError};
use crate::problem::Problem;
use store::Clock;

/// How far the issuer's clock and ours may be apart.
const LEEWAY_SECONDS: i64 = 30;

/// Longer tokens are not looked at: API Gateway allows 10,240 bytes for all headers together.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Checks bearer tokens: JSON Web Tokens signed with RS256, ES256 or EdDSA (Ed25519).
///
/// The key is chosen by the token's `kid`, and the algorithm by the key: a token cannot choose how it is
/// checked (RFC 8725, sections 3.1 and 3.2). `exp`, `iss`, `aud` and `sub` must be there.
#[derive(Debug)]
pub struct Verifier {
    keys: Keys,
    issuer: String,
    audience: String,
    tenants_claim: String,
    roles_claim: String,
    clock: Clock,
}

/// What a genuine token says.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    pub(crate) subject: String,
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) roles: Roles,
}

impl Verifier {
    /// From `JWKS_URL` or `JWKS`, `JWT_ISSUER`, `JWT_AUDIENCE`, `TENANTS_CLAIM` (default `tenants`) and
    /// `ROLES_CLAIM` (default `roles`). Nothing is fetched yet.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing or unusable.
    pub fn from_env(clock: Clock) -> Result<Self, ConfigError> {
        let keys = match (config::optional("JWKS_URL"), config::optional("JWKS")) {
            (Some(url), None) => Keys::at(&url, clock.clone())?,
            (None, Some(set)) => Keys::fixed(set.as_bytes(), clock.clone())?,
            (None, None) | (Some(_), Some(_)) => return Err(ConfigError::TokenKeys),
        };
        Ok(Self {
            keys,
            issuer: store::required("JWT_ISSUER")?,
            audience: store::required("JWT_AUDIENCE")?,
            tenants_claim: config::optional("TENANTS_CLAIM").unwrap_or_else(|| "tenants".to_owned()),
            roles_claim: config::optional("ROLES_CLAIM").unwrap_or_else(|| "roles".to_owned()),
            clock,
        })
    }

    /// A verifier with the default names of claims.
    #[cfg(feature = "testing")]
    pub(crate) fn new(keys: Keys, issuer: &str, audience: &str, clock: Clock) -> Self {
        Self {
            keys,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            tenants_claim: "tenants".to_owned(),
            roles_claim: "roles".to_owned(),
            clock,
        }
    }

    /// Fetches the keys ahead of the first request.
    pub(crate) async fn warm(&self) {
        self.keys.warm().await;
    }

    /// Checks `token` and returns what it says.
    pub(crate) async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(invalid("the token is longer than 8 KiB"));
        }
        let header = decode_header(token).map_err(|_| invalid("the token is not a JWT of an accepted algorithm"))?;
        // RFC 7515, section 4.1.11: extensions that are not understood must not be ignored. We understand none.
        if header.crit.is_some() {
            return Err(invalid("the token has critical extensions"));
        }
        let kid = header.kid.ok_or_else(|| invalid("the token's header names no key (kid)"))?;
        let key = self.keys.find(&kid).await.map_err(|no_key| match no_key {
            NoKey::Unknown => invalid("the token's key is not among the issuer's keys"),
            NoKey::Unavailable => Problem::unavailable(5),
        })?;
        if header.alg != key.algorithm {
            return Err(invalid("the token's algorithm is not that of its key"));
        }
        let decoded = decode::<Map<String, Value>>(token, &key.key, &signature_only(key.algorithm))
            .map_err(|_| invalid("the token's signature does not verify"))?;
        self.check(&decoded.claims)
    }

    /// The registered claims (RFC 7519, section 4.1), by our own clock.
    fn check(&self, claims: &Map<String, Value>) -> Result<Claims, Problem> {
        let now = self.clock.now().as_seconds();
        let expires = numeric_date(claims.get("exp")).ok_or_else(|| invalid("the token has no expiry (exp)"))?;
        if expires.saturating_add(LEEWAY_SECONDS) <= now {
            return Err(Problem::new(ProblemType::ExpiredToken, "the token has expired; get a new one").challenge(
                r#"Bearer realm="order-history", error="invalid_token", error_description="the token has expired""#,
            ));
        }
        match claims.get("nbf").map(|nbf| numeric_date(Some(nbf))) {
            None => {}
            Some(Some(not_before)) if not_before <= now.saturating_add(LEEWAY_SECONDS) => {}
            Some(_) => return Err(invalid("the token is not valid yet (nbf)")),
        }
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(invalid("the token is from another issuer (iss)"));
        }
        if !strings(claims.get("aud")).any(|audience| audience == self.audience) {
            return Err(invalid("the token is for another audience (aud)"));
        }
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
        Ok(Claims {
            subject: subject.ok_or_else(|| invalid("the token names no subject (sub)"))?.to_owned(),
            // What is not a tenant id cannot be a tenant of ours.
            tenants: strings(claims.get(&self.tenants_claim)).filter_map(|tenant| tenant.parse().ok()).collect(),
            roles: Roles::from_names(strings(claims.get(&self.roles_claim))),
        })
    }
}

/// The library checks the signature; the claims are checked above, by a clock that can be set.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

/// NumericDate (RFC 7519, section 2): seconds, perhaps with a fraction, which is cut off.
fn numeric_date(claim: Option<&Value>) -> Option<i64> {
    let claim = claim?;
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and so does the comparison")]
    claim.as_i64().or_else(|| claim.as_f64().map(|seconds| seconds as i64))
}

/// A claim that is one string or an array of strings; anything else is no string at all.
fn strings(claim: Option<&Value>) -> impl Iterator<Item = &str> {
    let (one, many) = match claim {
        Some(Value::String(one)) => (Some(one.as_str()), None),
        Some(Value::Array(many)) => (None, Some(many)),
        _ => (None, None),
    };
    one.into_iter().chain(many.into_iter().flatten().filter_map(Value::as_str))
}

/// The token is refused; `why` is about its form or its claims' names, never about its content.
fn invalid(why: &'static str) -> Problem {
    Problem::new(ProblemType::InvalidToken, why).challenge(r#"Bearer realm="order-history", error="invalid_token""#)
}

#[cfg(test)]
mod tests;
