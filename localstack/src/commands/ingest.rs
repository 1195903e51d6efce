use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::api::Api;
use crate::events;
use crate::main_job;
use crate::project::State;
use crate::stack::Stack;
use crate::ui;

/// Put a file of events on Kinesis and wait until the ledger has them
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One JSON event a line, plain or gzip
    file: PathBuf,
    /// The tenant of events that name none
    #[arg(long, default_value = main_job::TENANT)]
    tenant: String,
}

impl Options {
    pub(crate) async fn run(self, state: &State) -> Result<()> {
        let stack = Stack::running(state)?;
        let events = events::read(&self.file, &self.tenant)?;
        ensure!(!events.is_empty(), "{} has no events", self.file.display());
        let head = main_job::ingest(&stack, &Api::of(&stack, &self.tenant)?, &events).await?;
        ui::line(format_args!(
            "{} events in the ledger of {}, head {}",
            ui::count(head.length),
            self.tenant,
            head.ledger_hash
        ));
        Ok(())
    }
}
