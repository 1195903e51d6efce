use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::api::Api;
use crate::emulator::Emulator;
use crate::main_job;
use crate::project::State;
use crate::stack::Stack;
use crate::ui;

/// Show what runs, where, and the head of the ledger; fails when nothing runs
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The tenant whose ledger is shown
    #[arg(long, default_value = main_job::TENANT)]
    tenant: String,
}

impl Options {
    pub(crate) async fn run(self, state: &State) -> Result<ExitCode> {
        let emulator = Emulator::find(state);
        let stack = Stack::find(state)?;
        match (&emulator, &stack) {
            (Some(emulator), _) if !emulator.answers().await => {
                ui::line(format_args!(
                    "emulator   does not answer on port {}: `cargo local up` starts another",
                    emulator.port
                ));
                return Ok(ExitCode::FAILURE);
            }
            (Some(emulator), _) => {
                ui::line(format_args!("emulator   runs on port {}, process {}", emulator.port, emulator.pid))
            }
            (None, Some(stack)) if !Emulator::is_behind(state) => {
                ui::line(format_args!("endpoint   {}", stack.cloud.endpoint_url))
            }
            (None, _) => {
                ui::line("nothing runs: start it with `cargo local up`");
                return Ok(ExitCode::FAILURE);
            }
        }
        let Some(stack) = stack else {
            ui::line("stack      not deployed: `cargo local up` does it");
            return Ok(ExitCode::FAILURE);
        };
        ui::line(format_args!("stack      {}", stack.stack_name));
        ui::line(format_args!("API        {}", stack.api_url));
        let head = Api::of(&stack, &self.tenant)?.ledger_status().await?;
        ui::line(format_args!(
            "ledger     {}: {} events, head {}",
            self.tenant,
            ui::count(head.length),
            head.ledger_hash
        ));
        let mut functions = ui::table(&["function", "deployed as"]);
        for (name, deployed) in &stack.functions {
            functions.add_row([name, deployed]);
        }
        ui::line(functions);
        Ok(ExitCode::SUCCESS)
    }
}
