//! `ledger-anchor`: keeps the tenants' checkpoints in a log of its own, and shows that log to witnesses.

use ledger_anchor::LedgerAnchor;
use store::Aws;
use telemetry::{Error, LambdaEvent};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let anchor = LedgerAnchor::from_env(&Aws::from_env().await)?;
    telemetry::run(|event: LambdaEvent<_>| {
        let anchor = anchor.clone();
        async move { Ok(anchor.handle(event.payload, event.context.deadline()).await?) }
    })
    .await
}
