use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::token;
use crate::deploy::Sam;
use crate::main_job;
use crate::process;
use crate::project::{Project, State};
use crate::stack::Stack;
use crate::ui;

/// What sample requests have in place of a token.
const TOKEN_PLACEHOLDER: &str = "Bearer ${TOKEN}";

/// Invoke one function with an event from a file; print its answer, and the end of its log
///
/// The files in events/ are samples for every function. `Bearer ${TOKEN}` in a file becomes a fresh token.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The function: events-api, corrections-api, attachments-api, snapshots-api, schemas-api, orders-api, stream-api,
    /// ledger-api, ops-api, kinesis-ingest, segment-repair, tree-integrator or ledger-anchor
    function: String,
    /// A JSON file with the event
    event_file: PathBuf,
    /// The tenant that the token is for
    #[arg(long, default_value = main_job::TENANT)]
    tenant: String,
}

impl Options {
    pub(crate) async fn run(self, project: &Project, state: &State) -> Result<()> {
        let stack = Stack::running(state)?;
        let function = stack.function(&self.function)?;
        let event = fs::read_to_string(&self.event_file)
            .with_context(|| format!("cannot read {}", self.event_file.display()))?;
        let token = token::everything(&stack, &self.tenant)?;
        let event = event.replace(TOKEN_PLACEHOLDER, &format!("Bearer {token}"));
        let sam = Sam::of(project, state).await?;
        // A file, as an event can be longer than an argument may be. The folder is for the owner alone.
        let file = state.file("event.json");
        fs::write(&file, event).with_context(|| format!("cannot write {}", file.display()))?;
        let mut invoke = sam
            .command(&stack.cloud, &["remote", "invoke", function, "--stack-name", &stack.stack_name, "--event-file"]);
        invoke.arg(file);
        process::shown(&mut invoke).await?;
        // The answer comes without an end of line.
        ui::line("");
        Ok(())
    }
}
