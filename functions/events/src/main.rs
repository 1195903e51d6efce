//! The function behind `/order-history/events`.

use events_api::{EventsApi, router};
use http_api::Gate;
use store::{
    Aws, Clock, Log,
    schemas::{SchemaCache, Schemas},
    tree::Trees,
};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let schemas = SchemaCache::new(Schemas::from_env(&aws)?, Clock::System);
    let api =
        EventsApi { log: Log::from_env(&aws)?, schemas, trees: Trees::from_env(&aws)?, gate: Gate::from_env(&aws)? };
    http_api::run(router(), api).await
}
