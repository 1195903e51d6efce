use anyhow::{Result, ensure};
use clap::Args;

use crate::cloud::Cloud;
use crate::deploy::{self, Sam};
use crate::emulator::Emulator;
use crate::functions::{self, Architecture};
use crate::main_job;
use crate::prerequisites;
use crate::project::{Project, State};
use crate::stack::Stack;
use crate::ui;

/// Bring the stack up and run the main job on it; what is up to date is left alone
///
/// Prepares the pinned Python tools, builds the functions, starts the emulator, deploys template.yaml, then puts events
/// on Kinesis, waits until the ledger has them, and shows what has become of them.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the emulator; an emulator that runs keeps the one that it has
    #[arg(long, env = "ORDER_HISTORY_PORT", default_value_t = 4566)]
    port: u16,
    /// Stop after the deployment: send no events
    #[arg(long)]
    no_data: bool,
}

impl Options {
    pub(crate) async fn run(self, project: &Project, state: &State) -> Result<()> {
        let stack = bring_up(project, state, self.port).await?;
        let file = main_job::input(project);
        if !self.no_data {
            main_job::run(&stack, &file).await?;
        }
        let order_id = match self.no_data {
            true => "ORDER_ID".to_owned(),
            false => main_job::example_order(&file)?,
        };
        ui::headline("API");
        ui::line(format_args!("  {}", stack.api_url));
        ui::headline(format_args!(
            "Token (tenant {}, every role, good for 8 hours; more with `cargo local token`)",
            main_job::TENANT
        ));
        ui::line(format_args!("  {}", super::token::everything(&stack, main_job::TENANT)?));
        ui::headline("To try next");
        ui::line(format_args!(
            "  curl -H \"Authorization: Bearer $(cargo local token)\" {}/orders/{order_id}/timeline",
            stack.api_url
        ));
        ui::line("  cargo local invoke events-api events/events-api/post-event.json");
        ui::line("  cargo local logs kinesis-ingest --follow");
        Ok(())
    }
}

/// Everything up to a deployed stack. Whatever is there and up to date stays as it is.
pub(crate) async fn bring_up(project: &Project, state: &State, port: u16) -> Result<Stack> {
    prerequisites::check().await?;
    state.create()?;
    let sam = Sam::of(project, state).await?;
    let architecture = Architecture::of_this_machine();
    let cloud = match Cloud::from_environment()? {
        Some(given) => {
            ensure!(
                Emulator::find(state).is_none(),
                "our own emulator runs: `cargo local down` first, or unset AWS_ENDPOINT_URL"
            );
            ui::note(format_args!("✓ Endpoint: {} (AWS_ENDPOINT_URL)", given.endpoint_url));
            functions::package(project, architecture).await?;
            given
        }
        None => {
            functions::build(project).await?;
            Cloud::emulator(emulator(project, state, port).await?.port)
        }
    };
    deploy::deploy(project, state, &sam, cloud, architecture).await
}

/// The emulator that runs, or a new one. One that does not answer is of no use, nor one that has nothing deployed: a
/// deployment into it may have failed half-way.
async fn emulator(project: &Project, state: &State, port: u16) -> Result<Emulator> {
    if let Some(running) = Emulator::find(state) {
        if running.answers().await && Stack::find(state)?.is_some() {
            ui::note(format_args!("✓ Emulator: runs already, on port {}", running.port));
            return Ok(running);
        }
        running.stop(state)?;
    }
    if let Some(stack) = Stack::find(state)? {
        let elsewhere = !Emulator::is_behind(state);
        ensure!(
            !elsewhere,
            "the stack is at {}: set AWS_ENDPOINT_URL to it, or `cargo local down` first",
            stack.cloud.endpoint_url
        );
    }
    // What an earlier emulator had is gone with it.
    Stack::forget(state);
    Emulator::start(project, state, port).await
}
