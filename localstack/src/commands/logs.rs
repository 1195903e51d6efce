use anyhow::Result;
use clap::Args;

use crate::deploy::Sam;
use crate::process;
use crate::project::{Project, State};
use crate::stack::Stack;

/// Print the logs of one function, or of all
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The function, as for `invoke`
    function: Option<String>,
    /// Go on and print new lines as they come
    #[arg(long, short)]
    follow: bool,
    /// How far back to begin
    #[arg(long, default_value = "10min ago")]
    since: String,
}

impl Options {
    pub(crate) async fn run(self, project: &Project, state: &State) -> Result<()> {
        let stack = Stack::running(state)?;
        let sam = Sam::of(project, state).await?;
        let mut logs =
            sam.command(&stack.cloud, &["logs", "--stack-name", &stack.stack_name, "--start-time", &self.since]);
        if let Some(function) = &self.function {
            logs.args(["--name", stack.function(function)?]);
        }
        if self.follow {
            logs.arg("--tail");
        }
        process::shown(&mut logs).await
    }
}
