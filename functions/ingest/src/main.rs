//! `kinesis-ingest`: takes batches of the ingest stream, and appends their events to the logs of their tenants.

use kinesis_ingest::Ingest;
use store::Aws;
use telemetry::{Error, LambdaEvent};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let ingest = Ingest::from_env(&Aws::from_env().await)?;
    telemetry::run(|batch: LambdaEvent<_>| {
        let ingest = ingest.clone();
        async move { Ok(ingest.handle(batch.payload).await?) }
    })
    .await
}
