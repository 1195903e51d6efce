//! The function behind `/order-history/attachments`.

use attachments_api::{AttachmentsApi, router};
use http_api::Gate;
use store::{Attachments, Aws, Log};

#[tokio::main]
async fn main() -> Result<(), http_api::Error> {
    telemetry::init();
    let aws = Aws::from_env().await;
    let documents = Attachments::from_env(&aws)?;
    let api = AttachmentsApi { log: Log::from_env(&aws)?, documents, gate: Gate::from_env(&aws)? };
    http_api::run(router(), api).await
}
