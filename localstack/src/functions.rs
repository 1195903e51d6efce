//! Building the functions, and laying them where the template looks for them.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::process;
use crate::project::Project;
use crate::python::{Environment, Tools};
use crate::ui;

/// One line of Cargo's JSON output, as far as it is about a program that was built.
#[derive(Debug, Deserialize)]
struct Artifact {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    target: Option<Target>,
    executable: Option<PathBuf>,
    #[serde(default)]
    fresh: bool,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// The processors that functions can be built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Architecture {
    /// Graviton: cheaper, and the template's default.
    Arm64,
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86,
}

impl Architecture {
    /// What this machine has.
    pub(crate) fn of_this_machine() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::X86 }
    }

    /// As the template's parameter has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86 => "x86_64",
        }
    }
}

/// Builds all functions with the quick profile for this very machine, which runs them itself.
///
/// Plain Cargo does it, on purpose: cargo-lambda always builds for a named target, for which Cargo would compile every
/// dependency a second time. No package is named either, for then Cargo would choose other features of shared
/// dependencies than `cargo test` does, and compile the SDKs twice as well.
pub(crate) async fn build(project: &Project) -> Result<()> {
    ui::note("… Functions: cargo build (the first time, this takes some minutes)");
    let mut cargo = cargo(project);
    cargo.args(["build", "--bins", "--message-format", "json-render-diagnostics"]).stdout(Stdio::piped());
    let child = cargo.kill_on_drop(true).spawn().context("cannot start cargo")?;
    let output = child.wait_with_output().await.context("cannot watch cargo")?;
    ensure!(output.status.success(), "the functions cannot be built: see above");

    let artifacts = output.stdout.split(|&byte| byte == b'\n').filter_map(|line| program(project, line));
    let (mut all, mut built) = (0, 0);
    for (name, executable, fresh) in artifacts {
        all += 1;
        built += u32::from(!fresh);
        lay_out(&executable, &project.packages().join(name)).await?;
    }
    ensure!(all > 0, "the workspace has no functions");
    match built {
        0 => ui::note(format_args!("✓ Functions: all {all} are up to date")),
        _ => ui::note(format_args!("✓ Functions: {built} of {all} built")),
    }
    Ok(())
}

/// The function that a line of Cargo's output is about: its name, its file, and whether it was there already.
fn program(project: &Project, line: &[u8]) -> Option<(String, PathBuf, bool)> {
    let artifact: Artifact = serde_json::from_slice(line).ok()?;
    let ours = artifact.manifest_path.starts_with(project.root().join("functions"));
    if artifact.reason != "compiler-artifact" || !ours {
        return None;
    }
    Some((artifact.target?.name, artifact.executable?, artifact.fresh))
}

/// Puts the program where it is packed from, unless that has the same bytes: an unchanged file is not deployed again.
async fn lay_out(executable: &Path, package: &Path) -> Result<()> {
    let bootstrap = package.join("bootstrap");
    let new = tokio::fs::read(executable).await.with_context(|| format!("cannot read {}", executable.display()))?;
    if tokio::fs::read(&bootstrap).await.is_ok_and(|old| old == new) {
        return Ok(());
    }
    fs::create_dir_all(package).with_context(|| format!("cannot make the folder {}", package.display()))?;
    fs::copy(executable, &bootstrap).with_context(|| format!("cannot write {}", bootstrap.display()))?;
    Ok(())
}

/// Builds all functions as they go to AWS: release profile, and zig as the linker, for the C library of Amazon Linux.
pub(crate) async fn package(project: &Project, architecture: Architecture) -> Result<()> {
    let environment = Environment::of(project, Tools::Package).await?;
    let mut path = OsString::from(environment.bin());
    if let Some(rest) = env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    let target = match architecture {
        Architecture::Arm64 => "--arm64",
        Architecture::X86 => "--x86-64",
    };
    let mut lambda = environment.program("cargo-lambda");
    lambda
        // It looks for zig there.
        .env("PATH", path)
        .current_dir(project.root())
        .args(["lambda", "build", "--locked", "--release", target, "--workspace"])
        .args([
            "--exclude",
            "local",
            "--exclude",
            "order-history-tests",
            "--exclude",
            "order-history-verifier",
            "--lambda-dir",
        ])
        .arg(project.packages());
    process::shown(&mut lambda).await?;
    let packages = bootstraps(project)?;
    for bootstrap in &packages {
        let bytes = fs::metadata(bootstrap).map_or(0, |file| file.len());
        ui::note(format_args!("✓ {}: {:.1} MB", bootstrap.display(), bytes as f64 / 1e6));
    }
    Ok(())
}

/// The programs that are laid out, sorted.
pub(crate) fn bootstraps(project: &Project) -> Result<Vec<PathBuf>> {
    let dir = project.packages();
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path().join("bootstrap"))).filter(|file| file.exists()).collect();
    files.sort();
    if files.is_empty() {
        bail!("there are no built functions in {}", dir.display());
    }
    Ok(files)
}

/// The Cargo that runs us, in the workspace.
pub(crate) fn cargo(project: &Project) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(project.root());
    cargo
}
