//! Where things are on this machine.

use std::env;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The checkout that we run in, and the folder that outlives it.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    root: PathBuf,
    cache: PathBuf,
}

impl Project {
    /// Finds the checkout by way of Cargo, and the cache in `ORDER_HISTORY_CACHE`, else where caches of users lie.
    pub(crate) fn find() -> Result<Self> {
        // `cargo run` sets this at run time. The value of compile time is for a binary that is called directly.
        let package =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().context("the package has no folder above it")?.to_owned();
        let cache = match (env::var_os("ORDER_HISTORY_CACHE"), env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
            (Some(ours), _, _) => PathBuf::from(ours),
            (None, Some(caches), _) => Path::new(&caches).join("order-history"),
            (None, None, Some(home)) => Path::new(&home).join(".cache/order-history"),
            (None, None, None) => anyhow::bail!("set HOME, or ORDER_HISTORY_CACHE to a folder for downloads"),
        };
        Ok(Self { root, cache })
    }

    /// A checkout in `root`, with its cache in it.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), cache: root.join("cache") }
    }

    /// The root of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Downloads and virtual environments: shared by all checkouts, outside of them.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// A file of this package.
    pub(crate) fn own_file(&self, path: &str) -> PathBuf {
        self.root.join("localstack").join(path)
    }

    /// The template that is deployed, here and to AWS.
    pub(crate) fn template(&self) -> PathBuf {
        self.root.join("template.yaml")
    }

    /// Where the template finds the functions: `<bin>/bootstrap` below this folder.
    pub(crate) fn packages(&self) -> PathBuf {
        self.root.join("target/lambda")
    }

    /// The state of a stack of this checkout.
    pub(crate) fn state(&self, name: &str) -> State {
        State { name: name.to_owned(), dir: self.root.join(".local").join(name) }
    }
}

/// The folder in which one stack keeps everything that dies with it: keys, logs, process ids, outputs.
#[derive(Debug, Clone)]
pub(crate) struct State {
    name: String,
    dir: PathBuf,
}

impl State {
    /// The folder itself, which may not exist.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the stack is called in CloudFormation.
    pub(crate) fn stack_name(&self) -> String {
        format!("order-history-{}", self.name)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes the folder, for the owner alone: a signing key lies in it.
    pub(crate) fn create(&self) -> Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .with_context(|| format!("cannot make the folder {}", self.dir.display()))
    }

    /// Removes the folder and all in it, and the folder above it when that was the last.
    pub(crate) fn remove(&self) -> Result<()> {
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).with_context(|| format!("cannot remove {}", self.dir.display()))?;
        }
        if let Some(above) = self.dir.parent() {
            // Fails, as it should, when another stack of this checkout still has state there.
            let _ = fs::remove_dir(above);
        }
        Ok(())
    }
}
