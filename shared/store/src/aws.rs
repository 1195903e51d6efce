//! The clients of AWS, made once in a function's init.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, SdkConfig,
    environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider},
    identity::IdentityCache,
    meta::region::ProvideRegion as _,
    retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::{Client, config::SharedCredentialsProvider};

/// How long one try of a call may take. DynamoDB answers in single milliseconds; a try that hangs is worth more as a
/// second one.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a call may take with all its tries; well below a function's own time limit.
const OPERATION: Duration = Duration::from_secs(9);
/// The same two for S3, which takes longer to answer, and to which up to 8 MiB are sent at once.
const OBJECT_ATTEMPT: Duration = Duration::from_secs(8);
const OBJECT_OPERATION: Duration = Duration::from_secs(20);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(1);

/// The configuration that every client of this process shares, and the DynamoDB client.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    dynamo: Client,
}

impl Aws {
    /// Region, credentials and endpoint come from the environment, as Lambda sets it; `AWS_ENDPOINT_URL` alone points
    /// everything at a local stack.
    ///
    /// The SDK's own chain also looks for profiles, roles and metadata services. A function has none of them, and the
    /// code for them would be a part of its package.
    pub async fn from_env() -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(EnvironmentVariableRegionProvider::new().region().await)
            .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
            .identity_cache(IdentityCache::lazy().build())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3));
        config.set_endpoint_url(std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty()));
        Self::new(config.build())
    }

    #[must_use]
    pub fn new(config: SdkConfig) -> Self {
        let dynamo = Client::new(&config);
        Self { config, dynamo }
    }

    /// For the clients of other services.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    #[must_use]
    pub fn dynamo(&self) -> &Client {
        &self.dynamo
    }

    /// Made when it is asked for, so that a function without buckets does not carry the client.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        // A bucket's name as a part of the host name needs a DNS that knows it, which a local endpoint has not.
        let path_style = self.config.endpoint_url().is_some();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(OBJECT_ATTEMPT)
            .operation_timeout(OBJECT_OPERATION)
            .build();
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .force_path_style(path_style)
            .timeout_config(timeouts)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// Made when it is asked for, as [`Aws::s3`] is.
    #[must_use]
    pub fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&self.config)
    }
}

/// A setting that a function cannot run without is not there, or not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {problem}")]
pub struct ConfigError {
    pub name: &'static str,
    pub problem: &'static str,
}

/// Reads a required setting.
///
/// # Errors
/// [`ConfigError`] when it is missing or empty.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or(ConfigError { name, problem: "is not set" })
}
