//! `tree-integrator`: lets the trees of all tenants that committed something grow, signs them, and publishes them.

use store::Aws;
use telemetry::{Error, LambdaEvent};
use tree_integrator::TreeIntegrator;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let integrator = TreeIntegrator::from_env(&Aws::from_env().await)?;
    telemetry::run(|event: LambdaEvent<_>| {
        let integrator = integrator.clone();
        async move { Ok(integrator.handle(event.payload, event.context.deadline()).await?) }
    })
    .await
}
