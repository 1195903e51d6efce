//! The function behind `/order-history/orders`.

use http_api::Gate;
use orders_api::{OrdersApi, router};
use store::{Aws, Log};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let api = OrdersApi { log: Log::from_env(&aws)?, gate: Gate::from_env(&aws)? };
    http_api::run(router(), api).await
}
