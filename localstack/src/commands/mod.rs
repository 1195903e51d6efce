//! The commands, and their options.

mod down;
mod ingest;
mod invoke;
mod logs;
mod package;
mod status;
mod test;
mod token;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;

/// The stack that developers work with. The tests have one of their own.
const STACK: &str = "dev";

/// Runs all of Order History on this machine: an emulator of AWS, the real template, the real functions.
///
/// There is no need of Docker or of an AWS account. With AWS_ENDPOINT_URL set, everything works against that
/// address instead of an emulator of our own. The state of a stack lies in .local/ of the checkout; downloads are
/// kept in ORDER_HISTORY_CACHE (default: ~/.cache/order-history).
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Options),
    Down(down::Options),
    Status(status::Options),
    Token(token::Options),
    Invoke(invoke::Options),
    Ingest(ingest::Options),
    Logs(logs::Options),
    Test(test::Options),
    Package(package::Options),
}

impl Cli {
    /// Runs the command that was asked for.
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let project = Project::find()?;
        let state = project.state(STACK);
        match self.command {
            Command::Up(options) => options.run(&project, &state).await?,
            Command::Down(options) => options.run(&project, &state).await?,
            Command::Status(options) => return options.run(&state).await,
            Command::Token(options) => options.run(&state)?,
            Command::Invoke(options) => options.run(&project, &state).await?,
            Command::Ingest(options) => options.run(&state).await?,
            Command::Logs(options) => options.run(&project, &state).await?,
            Command::Test(options) => return options.run(&project).await,
            Command::Package(options) => options.run(&project).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
