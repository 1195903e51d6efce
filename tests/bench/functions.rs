//! What the functions weigh, and how long they take from their start to their first poll.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use flate2::{Compression, write::DeflateEncoder};
use tokio::{io::AsyncReadExt, net::TcpListener, process::Command, time::timeout};

const STARTS: usize = 11;

/// Measures what `cargo local up` or `cargo local package` has built last.
pub(crate) async fn run() -> Result<()> {
    // Cargo sets it when it runs us: a path of the build would outlive a checkout that is moved.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("run this with `cargo run --example bench`")?;
    let built = Path::new(&package).join("../target/lambda");
    println!("\nThe functions in target/lambda, as they were built last:\n");
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["function", "package, MB zipped (budget 6)", "start to first poll, median ms (budget 25)"]);
    let mut folders: Vec<_> = match std::fs::read_dir(&built) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path().join("bootstrap"))).collect(),
        Err(_) => {
            println!("none; `cargo local up` builds them quickly, `cargo local package` as they are deployed");
            return Ok(());
        }
    };
    folders.retain(|bootstrap| bootstrap.exists());
    folders.sort();
    for bootstrap in folders {
        let name = bootstrap.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let bytes = std::fs::read(&bootstrap)?;
        let mut zip = DeflateEncoder::new(Vec::new(), Compression::default());
        zip.write_all(&bytes)?;
        let zipped = zip.finish()?.len() as f64 / 1e6;
        let start = match first_poll(&bootstrap).await {
            Ok(median) => format!("{:.1}", median.as_secs_f64() * 1e3),
            Err(error) => format!("not here: {error:#}"),
        };
        table.add_row([name.unwrap_or_default(), format!("{zipped:.1}"), start]);
    }
    println!("{table}");
    Ok(())
}

/// Starts a function over and over, each time with a Runtime API of ours, and waits for its first request.
async fn first_poll(bootstrap: &PathBuf) -> Result<Duration> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let api = TcpListener::bind("127.0.0.1:0").await?;
        let mut command = Command::new(bootstrap);
        command.env_clear().stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        for name in [
            "SEGMENTS_TABLE",
            "INDEX_TABLE",
            "SCHEMAS_TABLE",
            "REQUESTS_TABLE",
            "FAILURES_TABLE",
            "ORDERS_TABLE",
            "TREES_TABLE",
            "ACCESS_TABLE",
            "RANGE_KEY",
            "SIGNING_KEYS",
            "LEDGER_BUCKET",
            "DATA_BUCKET",
            "INGEST_STREAM",
            "LEDGER_ORIGIN",
            "JWT_ISSUER",
            "JWT_AUDIENCE",
            "AWS_LAMBDA_FUNCTION_NAME",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            command.env(name, "bench");
        }
        for name in [
            "FAILED_BATCHES_QUEUE_URL",
            "REPAIR_FAILURES_QUEUE_URL",
            "INTEGRATOR_FAILURES_QUEUE_URL",
            "ANCHOR_FAILURES_QUEUE_URL",
            "DEAD_LETTERS_QUEUE_URL",
        ] {
            command.env(name, "http://127.0.0.1:9/queue");
        }
        let key = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"bench","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        command.env("JWKS", key).env("FAILURE_RETENTION_DAYS", "30").env("ACCESS_LOG_RETENTION_DAYS", "30");
        command.env("RESPONSE_TRANSFER", "buffered");
        command.env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        command
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_RUNTIME_API", api.local_addr()?.to_string());
        let started = Instant::now();
        let _running = command.spawn().context("it cannot be started on this machine")?;
        let (mut poll, _) = timeout(Duration::from_secs(10), api.accept()).await.context("it does not poll")??;
        poll.read_u8().await?;
        times.push(started.elapsed());
    }
    times.sort();
    times.get(STARTS / 2).copied().context("it was not started")
}
