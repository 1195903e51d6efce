//! The clients of AWS, made once in a function's init.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::Client;

/// How long one try of a call may take. DynamoDB answers in single milliseconds; a try that hangs is worth more as a
/// second one.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a call may take with all its tries; well below a function's own time limit.
const OPERATION: Duration = Duration::from_secs(9);

/// The configuration that every client of this process shares, and the DynamoDB client.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    dynamo: Client,
}

impl Aws {
    /// Region, credentials and endpoint come from the environment; `AWS_ENDPOINT_URL` alone points everything at a
    /// local stack.
    pub async fn from_env() -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .load()
            .await;
        Self::new(config)
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
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(path_style).build();
        aws_sdk_s3::Client::from_conf(config)
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
