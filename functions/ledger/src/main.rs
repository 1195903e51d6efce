//! The function behind `/order-history/ledger`.

use http_api::Gate;
use ledger_api::{LedgerApi, router};
use store::{
    Aws, Log,
    tree::{Ranges, Trees},
};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let api = LedgerApi {
        log: Log::from_env(&aws)?,
        trees: Trees::from_env(&aws)?,
        ranges: Ranges::from_env(&aws)?,
        gate: Gate::from_env(&aws)?,
    };
    http_api::run(router(), api).await
}
