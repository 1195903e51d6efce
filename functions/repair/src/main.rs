//! `segment-repair`: takes the changes of the segments table, completes the logs that a writer left half-way, and brings
//! the list of orders up to date; once a day it deletes what was staged and never committed.

use segment_repair::Repair;
use store::Aws;
use telemetry::{Error, LambdaEvent};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let repair = Repair::from_env(&Aws::from_env().await)?;
    telemetry::run(|task: LambdaEvent<_>| {
        let repair = repair.clone();
        async move { Ok(repair.run(task.payload).await?) }
    })
    .await
}
