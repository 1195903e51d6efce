//! The function behind `/order-history/schemas`.

use http_api::Gate;
use schemas_api::{SchemasApi, router};
use store::{Aws, Schemas};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let api = SchemasApi { schemas: Schemas::from_env(&aws)?, gate: Gate::from_env(&aws)? };
    http_api::run(router(), api).await
}
