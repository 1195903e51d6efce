//! MiniStack, which plays AWS: its process, from start to end.
//!
//! It runs in a process group of its own, so that Ctrl-C in a terminal does not reach it, and so that the functions,
//! which are its children, end with it. A file in the stack's state says which group that is: whatever happens to the
//! command that started it, `status` and `down` find it again. All that it knows is in its memory.

use std::env;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpid};
use serde::{Deserialize, Serialize};

use crate::project::{Project, State};
use crate::python::{Environment, Tools};
use crate::ui::Step;

const RECORD: &str = "emulator.json";
const LOG: &str = "emulator.log";

/// It is up in two seconds; a machine that compiles at the same time needs longer.
const START_TIMEOUT: Duration = Duration::from_secs(90);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A running emulator.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Emulator {
    /// Its process, and the leader of its process group.
    pub(crate) pid: i32,
    /// The port that it listens on.
    pub(crate) port: u16,
}

impl Emulator {
    /// Starts one and waits until it answers.
    pub(crate) async fn start(project: &Project, state: &State, port: u16) -> Result<Self> {
        if TcpListener::bind(("127.0.0.1", port)).is_err() {
            bail!("port {port} is in use by another program: choose a free one, such as --port {}", free_port()?);
        }
        let python = Environment::of(project, Tools::Emulator).await?;
        let step = Step::start("Emulator");
        let log = state.file(LOG);
        let scratch = state.file("tmp");
        fs::create_dir_all(&scratch).context("cannot make the emulator's scratch folder")?;
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone().context("cannot share the log")?;
        let mut child = Command::new(python.bin().join("python"))
            .args(["-m", "ministack"])
            // The functions inherit this environment: nothing of the user's may leak into them.
            .env_clear()
            .envs(["PATH", "LANG"].iter().filter_map(|name| Some((name, env::var_os(name)?))))
            .env("HOME", state.dir())
            .env("AUTH", "true")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            // Where functions find AWS.
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            // Its process id file and the unpacked functions, which go when the state goes.
            .env("TMPDIR", &scratch)
            // Listeners on fixed ports that we have no use for.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .current_dir(state.dir())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .context("cannot start the emulator")?;
        let pid = i32::try_from(child.id()).context("a process id is out of range")?;
        let emulator = Self { pid, port };
        let record = serde_json::to_vec(&emulator).context("cannot write the emulator's record")?;
        fs::write(state.file(RECORD), record).context("cannot write the emulator's record")?;

        let deadline = Instant::now() + START_TIMEOUT;
        while !emulator.answers().await {
            if let Some(status) = child.try_wait().context("cannot watch the emulator")? {
                bail!("the emulator ended at once ({status}); see {}", log.display());
            }
            if Instant::now() > deadline {
                emulator.stop(state)?;
                bail!("the emulator did not answer within {START_TIMEOUT:?}; see {}", log.display());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        step.done(format_args!("listens on port {port}, checks every role (process {pid})"));
        Ok(emulator)
    }

    /// The one that an earlier command started and that still runs.
    pub(crate) fn find(state: &State) -> Option<Self> {
        let record = fs::read(state.file(RECORD)).ok()?;
        let emulator: Self = serde_json::from_slice(&record).ok()?;
        emulator.runs().then_some(emulator)
    }

    /// Whether a stack is one of an emulator of ours, be it one that has ended.
    pub(crate) fn is_behind(state: &State) -> bool {
        state.file(RECORD).exists()
    }

    /// Ends it and all functions that it runs.
    pub(crate) fn stop(self, state: &State) -> Result<()> {
        let group = self.group()?;
        let started = Instant::now();
        let mut signal = Signal::TERM;
        // The leader may be gone and functions still there, so it is the group that counts.
        while test_kill_process_group(group).is_ok() {
            kill_process_group(group, signal).ok();
            // If it is our own child, it stays in the group until someone asks how it ended.
            waitpid(Some(group), WaitOptions::NOHANG).ok();
            thread::sleep(Duration::from_millis(50));
            if started.elapsed() > STOP_TIMEOUT {
                signal = Signal::KILL;
            }
            if started.elapsed() > 2 * STOP_TIMEOUT {
                bail!("the emulator does not end: look at process {}", self.pid);
            }
        }
        fs::remove_file(state.file(RECORD)).ok();
        Ok(())
    }

    /// Whether it answers over HTTP.
    pub(crate) async fn answers(self) -> bool {
        let url = format!("http://127.0.0.1:{}/_ministack/health", self.port);
        let Ok(client) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build() else {
            return false;
        };
        client.get(url).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Whether its process is there and is what we think it is: after a restart of the machine, the number may be
    /// anybody's.
    fn runs(self) -> bool {
        let Ok(group) = self.group() else { return false };
        test_kill_process_group(group).is_ok() && command_line(self.pid).is_none_or(|line| line.contains("ministack"))
    }

    fn group(self) -> Result<Pid> {
        Pid::from_raw(self.pid).context("the emulator's record is damaged")
    }
}

/// What a process was called with; nothing when there is no such process.
fn command_line(pid: i32) -> Option<String> {
    let line = if Path::new("/proc/self/cmdline").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).ok()?
    } else {
        Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().ok()?.stdout
    };
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    (!line.trim().is_empty()).then_some(line)
}

/// A port that nobody uses at the moment.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("there is no free port")?;
    Ok(listener.local_addr().context("there is no free port")?.port())
}
