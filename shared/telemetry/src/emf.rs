//! Metrics in CloudWatch's embedded metric format: a JSON line on stdout that CloudWatch turns into
//! metrics, so that recording one costs no call.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::env;
use std::sync::OnceLock;

use metrics::Unit;
use metrics_cloudwatch_embedded::{Builder, Collector};

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Collects metrics from now on, in namespace `METRICS_NAMESPACE` (default `OrderHistory`), with the
/// name of the Lambda function as dimension `Function`.
pub(crate) fn init() {
    let namespace = env::var("METRICS_NAMESPACE").unwrap_or_else(|_| "OrderHistory".to_owned());
    let function = env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "local".to_owned());
    let built = Builder::new().cloudwatch_namespace(namespace).with_dimension("Function", function).init();
    match built {
        Ok(collector) => {
            COLLECTOR.get_or_init(|| collector);
            metrics::describe_counter!("ColdStarts", Unit::Count, "environments started");
        }
        // A test may have a recorder of its own; a function without metrics still does its work.
        Err(error) => tracing::warn!(%error, "metrics are off"),
    }
}

/// Writes what was recorded since the last flush.
fn flush() {
    if let Some(collector) = COLLECTOR.get()
        && let Err(error) = collector.flush(std::io::stdout().lock())
    {
        tracing::warn!(%error, "metrics could not be written");
    }
}

/// Flushes when it is dropped, and so after a panic as well.
pub(crate) struct FlushOnDrop;

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        flush();
    }
}
