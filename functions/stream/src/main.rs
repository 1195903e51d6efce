//! The function behind `/order-history/events/stream`.

use http_api::{Gate, Transfer};
use store::{Aws, Log};
use stream_api::{StreamApi, router};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let transfer = Transfer::from_env()?;
    let api = StreamApi { log: Log::from_env(&aws)?, gate: Gate::from_env(&aws)?, transfer };
    http_api::run_streaming(router(), api, transfer).await
}
