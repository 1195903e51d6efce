//! `kill -9` of function processes of a local stack, and of nothing else.
//!
//! The emulator runs each environment of a function as a child process of its own, from a copy of the program in the
//! stack's state. A victim is a child of the emulator that the state names, running a program below that state. It is
//! held by a process file descriptor while this is looked at, so that a process that got its number later is never hit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Pid;
use serde::Deserialize;

use super::dice::Dice;

/// `emulator.json`, as `cargo local` writes it.
#[derive(Debug, Deserialize)]
struct Emulator {
    pid: i32,
}

/// Kills functions of one stack.
#[derive(Debug)]
pub(crate) struct Killer {
    emulator: i32,
    /// What runs from below this folder belongs to the stack.
    folder: PathBuf,
}

impl Killer {
    /// `state`: the folder of the stack's state.
    pub(crate) fn of(state: &Path) -> Result<Self> {
        ensure!(cfg!(target_os = "linux"), "functions can be killed on Linux only: their processes are found in /proc");
        let record = state.join("emulator.json");
        let text =
            std::fs::read(&record).with_context(|| format!("no local stack: cannot read {}", record.display()))?;
        let Emulator { pid } = serde_json::from_slice(&text).context("the emulator's record is damaged")?;
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        ensure!(
            String::from_utf8_lossy(&line).contains("ministack"),
            "process {pid} is not the emulator of this stack"
        );
        let folder = state.canonicalize().context("the stack's state is gone")?;
        Ok(Self { emulator: pid, folder })
    }

    /// Kills one process of one function, each function as likely as the others. Its name; nothing if none runs.
    pub(crate) fn strike(&self, dice: &mut Dice) -> Result<Option<String>> {
        let mut functions: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").context("cannot read /proc")? {
            let Some(pid) = entry.ok().and_then(|entry| entry.file_name().to_str()?.parse().ok()) else { continue };
            if let Some(function) = self.function(pid) {
                functions.entry(function).or_default().push(pid);
            }
        }
        let chosen = dice.below(functions.len() as u64);
        let Some((function, mut pids)) = functions.into_iter().nth(usize::try_from(chosen)?) else { return Ok(None) };
        pids.sort_unstable();
        let pid = pids[usize::try_from(dice.below(pids.len() as u64))?];
        Ok(self.kill(pid)?.then_some(function))
    }

    /// The function that a process runs, if it is one of this stack.
    fn function(&self, pid: i32) -> Option<String> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the program's name, which may hold anything but is in parentheses: state and parent.
        let parent: i32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        if parent != self.emulator || !program.starts_with(&self.folder) {
            return None;
        }
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let name =
            environment.split(|byte| *byte == 0).find_map(|line| line.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME="));
        Some(String::from_utf8_lossy(name?).into_owned())
    }

    /// Whether it was still there to be killed.
    #[cfg(target_os = "linux")]
    fn kill(&self, pid: i32) -> Result<bool> {
        use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

        let pid = Pid::from_raw(pid).context("a process has the number 0")?;
        let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(false) };
        if self.function(pid.as_raw_nonzero().get()).is_none() {
            return Ok(false);
        }
        Ok(pidfd_send_signal(&held, Signal::KILL).is_ok())
    }

    #[cfg(not(target_os = "linux"))]
    fn kill(&self, pid: i32) -> Result<bool> {
        Pid::from_raw(pid).context("a process has the number 0")?;
        Ok(false)
    }
}
