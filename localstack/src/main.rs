//! `cargo local …`: the whole service on a laptop, without Docker and without an AWS account.
//!
//! Each command is one file in `commands/`; what they share lies beside this file, one subject each.

mod api;
mod cloud;
mod commands;
mod deploy;
mod dynamodb_local;
mod emulator;
mod events;
mod fsck;
mod functions;
mod main_job;
mod prerequisites;
mod process;
mod project;
mod python;
mod signing;
mod stack;
mod stream;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match commands::Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            ui::error(&error);
            ExitCode::FAILURE
        }
    }
}
