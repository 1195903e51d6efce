//! The Python tools: each set in a virtual environment of its own, pinned by a requirements file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest;
use tokio::process::Command;

use crate::project::Project;
use crate::ui::Step;
use crate::{prerequisites, process};

/// A set of tools, named as its requirements file in `localstack/python/`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tools {
    /// MiniStack, which plays AWS.
    Emulator,
    /// The SAM CLI and cfn-lint.
    Deploy,
    /// cargo-lambda and zig, which build for AWS on any machine.
    Package,
    /// A Go toolchain, which builds a tool of the tests.
    Go,
    /// A Java runtime, for DynamoDB Local.
    Java,
    /// What holds the API against its OpenAPI document.
    Schemathesis,
}

impl Tools {
    fn name(self) -> &'static str {
        match self {
            Self::Emulator => "emulator",
            Self::Deploy => "tools",
            Self::Package => "package",
            Self::Go => "go",
            Self::Java => "java",
            Self::Schemathesis => "schemathesis",
        }
    }
}

/// A virtual environment that is ready.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    dir: PathBuf,
}

impl Environment {
    /// The environment of these tools; it is made first if it is not there, or was made for other requirements.
    pub(crate) async fn of(project: &Project, tools: Tools) -> Result<Self> {
        let name = tools.name();
        let file = project.own_file(&format!("python/{name}.txt"));
        let requirements = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        // The stamp is part of the folder's name: checkouts of different age do not fight over one folder.
        let stamp = hex::encode(&digest::digest(&digest::SHA256, &requirements).as_ref()[..6]);
        let parent = project.cache().join("python");
        let dir = parent.join(format!("{name}-{stamp}"));
        let ready = dir.join("ready");
        if ready.exists() {
            return Ok(Self { dir });
        }
        fs::create_dir_all(&parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
        let _lock = lock(&parent.join(format!("{name}.lock")))?;
        if !ready.exists() {
            install(&dir, &file, name).await?;
            File::create(&ready).context("cannot mark the environment as ready")?;
        }
        Ok(Self { dir })
    }

    /// A program of the environment. It sees no Python settings of the user's, and finds its siblings.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin().join(name));
        command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }

    /// Where the environment's programs are.
    pub(crate) fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }
}

async fn install(dir: &Path, requirements: &Path, name: &str) -> Result<()> {
    let python = prerequisites::check().await?;
    let step = Step::start(format!("Python environment '{name}'"));
    step.now("creating it");
    let log = dir.with_extension("log");
    process::logged(Command::new(python).args(["-m", "venv", "--clear"]).arg(dir), &log).await?;
    step.now("installing its packages");
    let mut pip = Command::new(dir.join("bin/python"));
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--requirement"]).arg(requirements);
    process::logged(&mut pip, &log)
        .await
        .context("Python packages could not be installed: is there a network, or a mirror in PIP_INDEX_URL?")?;
    let _ = fs::remove_file(&log);
    step.done("installed");
    Ok(())
}

/// Waits for others who make the same thing at this moment. The lock ends with the file.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}
