//! The function behind `/order-history/orders`.

use http_api::Gate;
use orders_api::{OrdersApi, router};
use store::{Aws, History, Log, Orders};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let log = Log::from_env(&aws)?;
    let history = History::from_env(&aws, &log)?;
    let api = OrdersApi { log, orders: Orders::from_env(&aws)?, history, gate: Gate::from_env(&aws)? };
    http_api::run(router(), api).await
}
