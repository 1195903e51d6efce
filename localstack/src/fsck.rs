//! `fsck` of transparency-dev/tessera: a program of other people that checks logs in the form that ours have.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::process;
use crate::project::Project;
use crate::python::{self, Environment, Tools};
use crate::ui::Step;

/// The module and the version that the tests are written for. Go's checksum database vouches for what it is.
const MODULE: &str = "github.com/transparency-dev/tessera/cmd/fsck";
const VERSION: &str = "v1.0.4";

/// `TESSERA_FSCK=no` leaves it out, and the tests that need it with it.
pub(crate) fn is_wanted() -> bool {
    env::var_os("TESSERA_FSCK").is_none_or(|value| value != "no")
}

/// The program; it is built first if it is not in the cache, with a Go that is fetched for it.
pub(crate) async fn program(project: &Project) -> Result<PathBuf> {
    let bin = project.cache().join("bin");
    let program = bin.join(format!("tessera-fsck-{VERSION}"));
    if program.exists() {
        return Ok(program);
    }
    let go = Environment::of(project, Tools::Go).await?;
    fs::create_dir_all(&bin).with_context(|| format!("cannot make the folder {}", bin.display()))?;
    let _lock = python::lock(&bin.join("tessera-fsck.lock"))?;
    if program.exists() {
        return Ok(program);
    }

    let step = Step::start("Tessera's fsck");
    step.now("building it once, for the cache");
    // All that Go downloads and compiles; nothing else needs it afterwards.
    let folder = project.cache().join("go");
    let mut build = go.program("go");
    build
        .args(["install", &format!("{MODULE}@{VERSION}")])
        .env("GOPATH", folder.join("path"))
        .env("GOMODCACHE", folder.join("path/mod"))
        .env("GOCACHE", folder.join("build"))
        .env("GOBIN", folder.join("bin"))
        // The Go that is pinned, and no C compiler.
        .env("GOTOOLCHAIN", "local")
        .env("CGO_ENABLED", "0")
        // Go writes its downloads read-only otherwise, and the folder could not be removed.
        .env("GOFLAGS", "-modcacherw");
    process::logged(&mut build, &bin.join("tessera-fsck.log"))
        .await
        .with_context(|| format!("{MODULE} could not be built: is there a network, or a Go proxy in GOPROXY?"))?;
    fs::rename(folder.join("bin/fsck"), &program).context("cannot move the program to its place")?;
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    step.done("built");
    Ok(program)
}
