//! The stack that is tested, as `cargo local` describes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use serde::Deserialize;

/// The file that `cargo local` writes; localstack/src/stack.rs says what each field is.
#[derive(Debug, Deserialize)]
pub(crate) struct Stack {
    pub(crate) endpoint_url: String,
    pub(crate) region: String,
    pub(crate) credentials: Option<KeyPair>,
    pub(crate) api_url: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) functions: BTreeMap<String, String>,
    pub(crate) signing_key: PathBuf,
    pub(crate) key_id: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct KeyPair {
    access_key_id: String,
    secret_access_key: String,
}

static STACK: LazyLock<Stack> = LazyLock::new(|| {
    let path = std::env::var("ORDER_HISTORY_STACK");
    let path = path.expect("ORDER_HISTORY_STACK is not set: run the tests with `cargo local test`");
    let text =
        std::fs::read(&path).unwrap_or_else(|error| panic!("cannot read the stack's description {path}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path} does not describe a stack: {error}"))
});

impl Stack {
    pub(crate) fn get() -> &'static Self {
        &STACK
    }

    /// An output of the template.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("the template has no output {name}"))
    }

    /// For clients of AWS that act as the account's owner.
    pub(crate) async fn aws(&self) -> SdkConfig {
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint_url)
            .region(Region::new(self.region.clone()));
        match &self.credentials {
            Some(KeyPair { access_key_id, secret_access_key }) => {
                let owner = Credentials::new(access_key_id, secret_access_key, None, None, "the stack's description");
                loader.credentials_provider(owner).load().await
            }
            None => loader.load().await,
        }
    }
}
