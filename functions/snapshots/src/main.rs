//! The function behind `/order-history/snapshots`, and the snapshots of an order.

use http_api::Gate;
use snapshots_api::{SnapshotsApi, router};
use store::{Aws, History, Log};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let log = Log::from_env(&aws)?;
    let history = History::from_env(&aws, &log)?;
    http_api::run(router(), SnapshotsApi { log, history, gate: Gate::from_env(&aws)? }).await
}
