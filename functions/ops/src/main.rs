//! `ops-api`: needs the gate, the failed-ingestion store, and something to probe of each part of the service.

use http_api::Gate;
use ops_api::{Health, OpsApi, probes, router};
use store::{Aws, Failures};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let state = OpsApi {
        gate: Gate::from_env(&aws)?,
        failures: Failures::from_env(&aws)?,
        health: Health::new(probes::from_env(&aws)?),
    };
    http_api::run(router(), state).await
}
