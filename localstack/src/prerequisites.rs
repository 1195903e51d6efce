//! What must be on the machine before anything can work: a C compiler and Python. Cargo is there, as it runs us.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::process;

/// The oldest Python that all pinned packages support.
const OLDEST_PYTHON: (u32, u32) = (3, 11);

/// Prints its version, and fails when it cannot make virtual environments.
const PYTHON_PROBE: &str = "import sys, venv, ensurepip; print(sys.version_info[0], sys.version_info[1])";

/// Finds everything, or says all that is missing and how to get it. The answer is the Python to use.
pub(crate) async fn check() -> Result<PathBuf> {
    let mut missing = Vec::new();
    if !has_c_compiler().await {
        missing.push(
            "a C compiler (the cryptography library is partly C)\n\
             \x20   Debian, Ubuntu: sudo apt install build-essential\n\
             \x20   Fedora:         sudo dnf install gcc\n\
             \x20   macOS:          xcode-select --install",
        );
    }
    let python = python().await;
    if python.is_none() {
        missing.push(
            "Python 3.11 or newer with venv and pip (the emulator and the SAM CLI run on it)\n\
             \x20   Debian, Ubuntu: sudo apt install python3 python3-venv\n\
             \x20   Fedora:         sudo dnf install python3\n\
             \x20   macOS:          brew install python\n\
             \x20   or name one:    ORDER_HISTORY_PYTHON=/path/to/python3 cargo local up",
        );
    }
    match python {
        Some(python) if missing.is_empty() => Ok(python),
        _ => bail!("this machine lacks:\n  - {}", missing.join("\n  - ")),
    }
}

/// The first suitable Python among the names that it goes by.
pub(crate) async fn python() -> Option<PathBuf> {
    if let Some(named) = env::var_os("ORDER_HISTORY_PYTHON") {
        let named = PathBuf::from(named);
        return is_suitable(&named).await.then_some(named);
    }
    for name in ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"] {
        let name = PathBuf::from(name);
        if is_suitable(&name).await {
            return Some(name);
        }
    }
    None
}

async fn is_suitable(python: &Path) -> bool {
    let Ok(printed) = process::output(Command::new(python).args(["-c", PYTHON_PROBE])).await else { return false };
    let printed = String::from_utf8_lossy(&printed);
    let mut numbers = printed.split_whitespace().map(str::parse);
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST_PYTHON)
}

/// Cargo's build scripts look for `$CC`, else `cc`.
async fn has_c_compiler() -> bool {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    process::output(Command::new(compiler).arg("--version")).await.is_ok()
}
