//! What is hammered: a stack of `cargo local`, or any deployment that the options name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

/// How long tokens that are signed here are good for, and how old one may be that is used.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
const RENEWAL: Duration = Duration::from_secs(40 * 60);

/// A deployment.
#[derive(Debug)]
pub(crate) struct Target {
    /// The base address of the API, without a slash at its end.
    pub(crate) api_url: String,
    /// The ingest stream, if events are to go over it.
    pub(crate) stream: Option<String>,
    /// The table of the log, if its own copy is to be checked as well.
    pub(crate) segments: Option<String>,
    /// The bucket of what is too large for that table.
    pub(crate) bucket: Option<String>,
    pub(crate) aws: SdkConfig,
    pub(crate) tokens: Tokens,
    /// The state of a local stack.
    pub(crate) state: Option<PathBuf>,
}

/// `stack.json`, as `cargo local` writes it; localstack/src/stack.rs says what each field is.
#[derive(Debug, Deserialize)]
struct Stack {
    endpoint_url: String,
    region: String,
    credentials: Option<KeyPair>,
    api_url: String,
    outputs: BTreeMap<String, String>,
    #[serde(flatten)]
    signer: Signer,
}

#[derive(Debug, Deserialize)]
struct KeyPair {
    access_key_id: String,
    secret_access_key: String,
}

impl Target {
    /// The stack that a `stack.json` describes.
    pub(crate) async fn of_stack(file: &Path) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read the stack's description {}", file.display()))?;
        let stack: Stack =
            serde_json::from_slice(&text).with_context(|| format!("{} describes no stack", file.display()))?;
        let Stack { endpoint_url, region, credentials, api_url, mut outputs, signer } = stack;
        let loader =
            aws_config::defaults(BehaviorVersion::latest()).endpoint_url(endpoint_url).region(Region::new(region));
        let aws = match credentials {
            Some(KeyPair { access_key_id, secret_access_key }) => {
                let owner = Credentials::new(access_key_id, secret_access_key, None, None, "the stack's description");
                loader.credentials_provider(owner).load().await
            }
            None => loader.load().await,
        };
        Ok(Self {
            api_url,
            stream: outputs.remove("IngestStreamName"),
            segments: outputs.remove("SegmentsTableName"),
            bucket: outputs.remove("DataBucketName"),
            aws,
            tokens: Tokens::Signed { signer, made: Mutex::default() },
            state: file.parent().map(Path::to_owned),
        })
    }
}

/// Where tokens come from.
#[derive(Debug)]
pub(crate) enum Tokens {
    /// Signed here, one for each tenant.
    Signed { signer: Signer, made: Mutex<BTreeMap<String, (Instant, String)>> },
    /// One for all tenants, for as long as it is good.
    Given(String),
}

/// Who signs the tokens of a local stack.
#[derive(Debug, Deserialize)]
pub(crate) struct Signer {
    signing_key: PathBuf,
    key_id: String,
    issuer: String,
    audience: String,
}

/// What a token says (RFC 7519).
#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
    tenants: [&'a str; 1],
    roles: [&'a str; 4],
}

impl Tokens {
    /// A token with which to write and read a tenant's history.
    pub(crate) fn of(&self, tenant: &str) -> Result<String> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::Signed { signer, made } => {
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((when, token)) = made.get(tenant)
                    && when.elapsed() < RENEWAL
                {
                    return Ok(token.clone());
                }
                let token = signer.token(tenant)?;
                made.insert(tenant.to_owned(), (Instant::now(), token.clone()));
                Ok(token)
            }
        }
    }
}

impl Signer {
    fn token(&self, tenant: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs();
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: "hammer",
            iat: now,
            exp: now + LIFETIME.as_secs(),
            tenants: [tenant],
            roles: ["producer", "history_reader", "auditor", "admin"],
        };
        let key = fs::read(&self.signing_key).with_context(|| format!("cannot read {}", self.signing_key.display()))?;
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&key)).context("cannot sign a token")
    }
}
