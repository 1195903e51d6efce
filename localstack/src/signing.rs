//! Tokens of the local stack: a key of its own, its public half as a key set, and tokens signed with it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use crate::project::State;

const KEY_FILE: &str = "signing-key.p8";

/// Who signs, and for whom: what the deployed functions are told to accept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Issuer {
    /// The file with the private key: Ed25519, PKCS #8 (RFC 5958), DER, readable by the owner alone.
    pub(crate) signing_key: PathBuf,
    /// The `kid` of tokens: the key's thumbprint (RFC 7638).
    pub(crate) key_id: String,
    /// The `iss` of tokens.
    pub(crate) issuer: String,
    /// The `aud` of tokens.
    pub(crate) audience: String,
}

/// What a token says (RFC 7519). `tenants` and `roles` are the template's names for those claims.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
    tenants: &'a [String],
    roles: &'a [String],
}

impl Issuer {
    /// The issuer of a stack; its key is made when there is none yet.
    pub(crate) fn of(state: &State) -> Result<Self> {
        let signing_key = state.file(KEY_FILE);
        if !signing_key.exists() {
            let random = aws_lc_rs::rand::SystemRandom::new();
            let key = Ed25519KeyPair::generate_pkcs8v1(&random).map_err(|_| anyhow!("cannot make a signing key"))?;
            write_secret(&signing_key, key.as_ref())?;
        }
        let key_id = public_key(&signing_key)?
            .thumbprint(ThumbprintHash::SHA256)
            .context("cannot take the thumbprint of the signing key")?;
        Ok(Self {
            signing_key,
            key_id,
            issuer: "https://issuer.order-history.local".to_owned(),
            audience: "order-history".to_owned(),
        })
    }

    /// The key set (RFC 7517) that the functions check tokens with.
    pub(crate) fn jwks(&self) -> Result<String> {
        let mut key = public_key(&self.signing_key)?;
        key.common.key_id = Some(self.key_id.clone());
        key.common.public_key_use = Some(PublicKeyUse::Signature);
        serde_json::to_string(&JwkSet { keys: vec![key] }).context("cannot write the key set")
    }

    /// A token of `subject` for these tenants and roles, good for `lifetime` from now.
    pub(crate) fn token(
        &self,
        subject: &str,
        tenants: &[String],
        roles: &[String],
        lifetime: Duration,
    ) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs();
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: subject,
            iat: now,
            exp: now + lifetime.as_secs(),
            tenants,
            roles,
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &private_key(&self.signing_key)?).context("cannot sign a token")
    }
}

fn private_key(file: &Path) -> Result<EncodingKey> {
    let der = fs::read(file).with_context(|| format!("cannot read the signing key {}", file.display()))?;
    Ok(EncodingKey::from_ed_der(&der))
}

fn public_key(file: &Path) -> Result<Jwk> {
    Jwk::from_encoding_key(&private_key(file)?, Algorithm::EdDSA)
        .with_context(|| format!("{} is not an Ed25519 key", file.display()))
}

fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};

    use super::Issuer;
    use crate::project::Project;

    #[test]
    fn a_token_checks_against_the_key_set_and_the_key_stays() {
        let dir = tempfile::tempdir().unwrap();
        let state = Project::at(dir.path()).state("dev");
        state.create().unwrap();

        let issuer = Issuer::of(&state).unwrap();
        assert_eq!(issuer.key_id, Issuer::of(&state).unwrap().key_id);
        let mode = issuer.signing_key.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let tenants = ["demo".to_owned()];
        let token = issuer.token("me", &tenants, &["admin".to_owned()], Duration::from_secs(60)).unwrap();
        let set: JwkSet = serde_json::from_str(&issuer.jwks().unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[&issuer.audience]);
        validation.set_issuer(&[&issuer.issuer]);
        let key = DecodingKey::from_jwk(set.find(&issuer.key_id).unwrap()).unwrap();
        let claims: serde_json::Value = jsonwebtoken::decode(&token, &key, &validation).unwrap().claims;
        assert_eq!(
            (&claims["sub"], &claims["tenants"][0], &claims["roles"][0]),
            (&"me".into(), &"demo".into(), &"admin".into())
        );
    }
}
