//! The endpoint that plays AWS, and how programs are told to use it.

use std::env;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// What the emulator calls itself when nobody says otherwise.
const REGION: &str = "us-east-1";

/// To MiniStack this key is the owner of the account, whose signature it does not check. LocalStack takes any.
const TEST_CREDENTIAL: &str = "test";

/// An endpoint with a region and credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cloud {
    /// The one address of all services.
    pub(crate) endpoint_url: String,
    /// The region that everything is in.
    pub(crate) region: String,
    /// Made-up credentials. Absent when the user brings real ones, which we neither read nor keep.
    pub(crate) credentials: Option<Credentials>,
}

/// A key pair that opens nothing but an emulator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The key's public half.
    pub(crate) access_key_id: String,
    /// Its other half.
    pub(crate) secret_access_key: String,
}

impl Cloud {
    /// The emulator that we start ourselves.
    pub(crate) fn emulator(port: u16) -> Self {
        Self {
            endpoint_url: format!("http://127.0.0.1:{port}"),
            region: REGION.to_owned(),
            credentials: Some(Credentials::made_up()),
        }
    }

    /// The endpoint in `AWS_ENDPOINT_URL`, if that is set. Credentials come from the environment where there are any.
    pub(crate) fn from_environment() -> Result<Option<Self>> {
        let Some(endpoint_url) = set("AWS_ENDPOINT_URL") else { return Ok(None) };
        if endpoint_url.contains("amazonaws.com") {
            bail!("AWS itself has an endpoint a service. To deploy there, see docs/OPERATIONS.md");
        }
        let region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")).unwrap_or_else(|| REGION.to_owned());
        let own = set("AWS_ACCESS_KEY_ID").is_some() || set("AWS_PROFILE").is_some();
        let credentials = (!own).then(Credentials::made_up);
        Ok(Some(Self { endpoint_url: endpoint_url.trim_end_matches('/').to_owned(), region, credentials }))
    }

    /// Makes a program talk to this endpoint.
    pub(crate) fn configure(&self, command: &mut Command) {
        command
            .env("AWS_ENDPOINT_URL", &self.endpoint_url)
            .env("AWS_REGION", &self.region)
            .env("AWS_DEFAULT_REGION", &self.region);
        if let Some(credentials) = &self.credentials {
            command
                .env("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
                .env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key)
                .env_remove("AWS_SESSION_TOKEN")
                .env_remove("AWS_PROFILE")
                // A proxy cannot reach the emulator, which listens on this machine alone.
                .env("NO_PROXY", "127.0.0.1,localhost");
        }
    }

    /// The same for the SDK.
    pub(crate) async fn sdk_config(&self) -> aws_config::SdkConfig {
        let loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .endpoint_url(&self.endpoint_url)
            .region(aws_config::Region::new(self.region.clone()));
        match &self.credentials {
            Some(Credentials { access_key_id, secret_access_key }) => {
                let given = aws_sdk_kinesis::config::Credentials::new(
                    access_key_id,
                    secret_access_key,
                    None,
                    None,
                    "made up for an emulator",
                );
                loader.credentials_provider(given).load().await
            }
            None => loader.load().await,
        }
    }
}

impl Credentials {
    fn made_up() -> Self {
        Self { access_key_id: TEST_CREDENTIAL.to_owned(), secret_access_key: TEST_CREDENTIAL.to_owned() }
    }
}

/// The variable, unless it is missing or empty.
fn set(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
