use anyhow::Result;
use clap::Args;

use crate::functions::{self, Architecture};
use crate::project::Project;

/// Build the functions for AWS into target/lambda/, ready for `sam deploy`
///
/// Release profile, linked by zig against the C library of Amazon Linux 2023, on a machine of any kind. The first time
/// it compiles every dependency.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The template's parameter Architecture
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    architecture: Architecture,
}

impl Options {
    pub(crate) async fn run(self, project: &Project) -> Result<()> {
        functions::package(project, self.architecture).await
    }
}
