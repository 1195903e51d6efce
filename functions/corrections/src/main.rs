//! The function behind `/order-history/corrections`.

use corrections_api::{CorrectionsApi, router};
use http_api::Gate;
use store::{
    Aws, Clock, Log,
    schemas::{SchemaCache, Schemas},
};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let schemas = SchemaCache::new(Schemas::from_env(&aws)?, Clock::System);
    let api = CorrectionsApi { log: Log::from_env(&aws)?, schemas, gate: Gate::from_env(&aws)? };
    http_api::run(router(), api).await
}
