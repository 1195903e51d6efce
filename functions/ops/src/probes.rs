//! One question to each part of the service: the cheapest that only a working part can answer.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::TableStatus,
};
use aws_sdk_kinesis::types::StreamStatus;
use serde::Serialize;
use store::{Aws, ConfigError, required};
use utoipa::ToSchema;

/// The kinds of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Table,
    Bucket,
    Stream,
    Queue,
}

/// A question to one part.
#[derive(Debug)]
pub struct Probe {
    pub(crate) part: Part,
    /// Our own name for it; the resource's name is nobody's business.
    pub(crate) name: &'static str,
    target: Target,
}

/// What is asked. Each variant names the resource.
#[derive(Debug)]
enum Target {
    Table(aws_sdk_dynamodb::Client, String),
    Bucket(aws_sdk_s3::Client, String),
    Stream(aws_sdk_kinesis::Client, String),
    Queue(aws_sdk_sqs::Client, String),
}

/// What a part's answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Usable,
    /// It asks for fewer calls, so it is there.
    Busy,
    /// It refuses, or is being made or deleted.
    Unusable,
}

/// A probe for each part that the environment names.
///
/// # Errors
/// [`ConfigError`] when a variable is missing.
pub fn from_env(aws: &Aws) -> Result<Vec<Probe>, ConfigError> {
    // A bucket's name as a part of the host name needs a DNS that knows it, which a local endpoint has not.
    let path_style = aws.config().endpoint_url().is_some();
    let s3 = aws_sdk_s3::config::Builder::from(aws.config()).force_path_style(path_style).build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    let kinesis = aws_sdk_kinesis::Client::new(aws.config());
    let sqs = aws_sdk_sqs::Client::new(aws.config());
    let bucket = |name, variable| {
        Ok(Probe { part: Part::Bucket, name, target: Target::Bucket(s3.clone(), required(variable)?) })
    };
    let queue =
        |name, variable| Ok(Probe { part: Part::Queue, name, target: Target::Queue(sqs.clone(), required(variable)?) });
    Ok(vec![
        table(aws, "segments", required("SEGMENTS_TABLE")?),
        table(aws, "index", required("INDEX_TABLE")?),
        table(aws, "schemas", required("SCHEMAS_TABLE")?),
        table(aws, "requests", required("REQUESTS_TABLE")?),
        table(aws, "failures", required("FAILURES_TABLE")?),
        table(aws, "trees", required("TREES_TABLE")?),
        table(aws, "orders", required("ORDERS_TABLE")?),
        table(aws, "access", required("ACCESS_TABLE")?),
        bucket("ledger", "LEDGER_BUCKET")?,
        bucket("data", "DATA_BUCKET")?,
        Probe { part: Part::Stream, name: "ingest", target: Target::Stream(kinesis, required("INGEST_STREAM")?) },
        queue("failed_batches", "FAILED_BATCHES_QUEUE_URL")?,
        queue("repair_failures", "REPAIR_FAILURES_QUEUE_URL")?,
        queue("integrator_failures", "INTEGRATOR_FAILURES_QUEUE_URL")?,
        queue("anchor_failures", "ANCHOR_FAILURES_QUEUE_URL")?,
    ])
}

/// A probe for one table.
pub(crate) fn table(aws: &Aws, name: &'static str, table: impl Into<String>) -> Probe {
    Probe { part: Part::Table, name, target: Target::Table(aws.dynamo().clone(), table.into()) }
}

impl Probe {
    pub(crate) async fn ask(&self) -> Answer {
        match &self.target {
            Target::Table(client, name) => match client.describe_table().table_name(name).send().await {
                Ok(found) => {
                    let status = found.table.and_then(|table| table.table_status);
                    usable(matches!(status, Some(TableStatus::Active | TableStatus::Updating)))
                }
                Err(error) => self.failed(&error),
            },
            Target::Bucket(client, name) => match client.head_bucket().bucket(name).send().await {
                Ok(_) => Answer::Usable,
                Err(error) => self.failed(&error),
            },
            Target::Stream(client, name) => match client.describe_stream_summary().stream_name(name).send().await {
                Ok(found) => {
                    let status = found.stream_description_summary.map(|summary| summary.stream_status);
                    usable(matches!(status, Some(StreamStatus::Active | StreamStatus::Updating)))
                }
                Err(error) => self.failed(&error),
            },
            Target::Queue(client, url) => match client.get_queue_attributes().queue_url(url).send().await {
                Ok(_) => Answer::Usable,
                Err(error) => self.failed(&error),
            },
        }
    }

    fn failed<E: ProvideErrorMetadata, R>(&self, error: &SdkError<E, R>) -> Answer {
        let code = error.code().unwrap_or("no answer");
        match code {
            "ThrottlingException" | "LimitExceededException" | "RequestThrottled" | "SlowDown" => Answer::Busy,
            _ => {
                tracing::warn!(part = ?self.part, name = self.name, code, "a probe failed");
                Answer::Unusable
            }
        }
    }
}

fn usable(yes: bool) -> Answer {
    if yes { Answer::Usable } else { Answer::Unusable }
}
