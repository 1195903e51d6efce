use std::fs;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::deploy::{self, Sam};
use crate::emulator::Emulator;
use crate::project::{Project, State};
use crate::stack::Stack;
use crate::ui;

/// Stop the stack and remove all of its state: processes, events, keys, logs
///
/// At an endpoint of AWS_ENDPOINT_URL the CloudFormation stack is deleted; buckets with history stay there, as the
/// template says.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Remove the downloaded Python tools as well, which all checkouts share
    #[arg(long)]
    caches: bool,
}

impl Options {
    pub(crate) async fn run(self, project: &Project, state: &State) -> Result<()> {
        for what in take_down(project, state).await? {
            ui::note(format_args!("✓ {what}"));
        }
        if self.caches {
            let tools = project.cache().join("python");
            if tools.exists() {
                fs::remove_dir_all(&tools).with_context(|| format!("cannot remove {}", tools.display()))?;
            }
            ui::note(format_args!("✓ Downloads: {} removed", tools.display()));
        }
        Ok(())
    }
}

/// Takes down whatever there is, also what an interrupted `up` has left, and says what that was.
pub(crate) async fn take_down(project: &Project, state: &State) -> Result<Vec<String>> {
    let mut done = Vec::new();
    if let Some(emulator) = Emulator::find(state) {
        emulator.stop(state)?;
        done.push("Emulator: stopped, with all functions".to_owned());
    } else if Emulator::is_behind(state) {
        done.push("Emulator: had ended already".to_owned());
    } else if let Some(stack) = Stack::find(state)? {
        deploy::delete(state, &Sam::of(project, state).await?, &stack).await?;
        done.push(format!("Stack: {} deleted from {}", stack.stack_name, stack.cloud.endpoint_url));
    }
    done.push(match state.dir().exists() {
        true => "State: removed".to_owned(),
        false => "State: there was none".to_owned(),
    });
    state.remove()?;
    Ok(done)
}
