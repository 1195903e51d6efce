//! A tenant's log as it lies in the table, recomputed by tests/python/check_ledger.py, which shares no code with the
//! service. It needs the right to read the table, and python3.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use super::target::Target;

/// The checker's files, which come along with the program: it may run where the repository is not.
const CHECKER: [(&str, &str); 12] = [
    ("check_ledger.py", include_str!("../../python/check_ledger.py")),
    ("ledgercheck/__init__.py", include_str!("../../python/ledgercheck/__init__.py")),
    ("ledgercheck/ed25519.py", include_str!("../../python/ledgercheck/ed25519.py")),
    ("ledgercheck/encoding.py", include_str!("../../python/ledgercheck/encoding.py")),
    ("ledgercheck/events.py", include_str!("../../python/ledgercheck/events.py")),
    ("ledgercheck/merkle.py", include_str!("../../python/ledgercheck/merkle.py")),
    ("ledgercheck/notes.py", include_str!("../../python/ledgercheck/notes.py")),
    ("ledgercheck/proofs.py", include_str!("../../python/ledgercheck/proofs.py")),
    ("ledgercheck/refusals.py", include_str!("../../python/ledgercheck/refusals.py")),
    ("ledgercheck/segments.py", include_str!("../../python/ledgercheck/segments.py")),
    ("ledgercheck/tiles.py", include_str!("../../python/ledgercheck/tiles.py")),
    ("ledgercheck/vectors.py", include_str!("../../python/ledgercheck/vectors.py")),
];

/// A segment can unpack to this many bytes at most.
const MAX_SEGMENT: usize = 32 << 20;

/// What the checker finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Good { events: u64, ledger_hash: String },
    Bad(String),
}

/// Nothing when the target names no table, or the tenant has no event.
pub(super) async fn run(target: &Target, tenant: &str, folder: &Path) -> Result<Option<Said>> {
    let Some(table) = &target.segments else { return Ok(None) };
    let file = folder.join(format!("{tenant}.ndjson"));
    // An emulator has one address for all buckets.
    let s3 = aws_sdk_s3::config::Builder::from(&target.aws).force_path_style(target.aws.endpoint_url().is_some());
    let objects = Objects { client: aws_sdk_s3::Client::from_conf(s3.build()), bucket: target.bucket.as_deref() };
    if dump(&Client::new(&target.aws), table, &objects, tenant, &file).await? == 0 {
        return Ok(None);
    }
    // Each tenant's checker has files of its own: several run at once.
    let folder = folder.join(tenant);
    fs::create_dir_all(folder.join("ledgercheck")).context("cannot write the checker")?;
    for (name, text) in CHECKER {
        fs::write(folder.join(name), text).context("cannot write the checker")?;
    }
    let mut python = Command::new("python3");
    python.arg(folder.join("check_ledger.py")).arg(&file);
    let output = tokio::task::spawn_blocking(move || python.output()).await?.context("python3 does not run")?;
    fs::remove_file(&file).context("cannot remove the copy of a log")?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    // Without a word it has not got as far as the log.
    ensure!(output.status.code() != Some(2) && !said.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    // `12 events verify; ledger_hash 98b8…`
    let good = said.split_once(" events verify; ledger_hash ");
    Ok(Some(match good.and_then(|(events, hash)| Some((events.parse().ok()?, hash.to_owned()))) {
        Some((events, ledger_hash)) if output.status.success() => Said::Good { events, ledger_hash },
        _ => Said::Bad(said),
    }))
}

/// Writes a tenant's segments as the checker reads them, one a line. How many there are.
async fn dump(client: &Client, table: &str, objects: &Objects<'_>, tenant: &str, file: &Path) -> Result<u64> {
    let mut out = BufWriter::new(File::create(file).context("cannot make a copy of a log")?);
    let (mut count, mut start) = (0, None);
    loop {
        let query = client.query().table_name(table).consistent_read(true).key_condition_expression("tenant = :t");
        let query = query.expression_attribute_values(":t", AttributeValue::S(tenant.to_owned()));
        let page = query.set_exclusive_start_key(start).send().await.context("the table cannot be read")?;
        // What has no count is no segment: the watermark, and what else serves the writers.
        for item in page.items().iter().filter(|item| item.contains_key("count")) {
            let line = segment(item, objects).await.with_context(|| format!("a segment of {tenant} cannot be read"))?;
            writeln!(out, "{line}").context("cannot write a copy of a log")?;
            count += 1;
        }
        start = page.last_evaluated_key;
        if start.is_none() {
            out.flush().context("cannot write a copy of a log")?;
            return Ok(count);
        }
    }
}

/// Where the data of large segments is.
struct Objects<'a> {
    client: aws_sdk_s3::Client,
    bucket: Option<&'a str>,
}

impl Objects<'_> {
    /// The data of a segment that points to an object.
    async fn get(&self, key: &str, sha256: &[u8]) -> Result<Vec<u8>> {
        let bucket = self.bucket.context("its data is in S3, and the bucket is not known")?;
        let answer = self.client.get_object().bucket(bucket).key(key).send().await;
        let answer = answer.with_context(|| format!("the object {key} cannot be read"))?;
        let data = answer.body.collect().await.with_context(|| format!("the object {key} breaks off"))?.to_vec();
        let found = digest(&SHA256, &data);
        ensure!(found.as_ref() == sha256, "the object {key} is another than the segment says");
        Ok(data)
    }
}

async fn segment(item: &HashMap<String, AttributeValue>, objects: &Objects<'_>) -> Result<String> {
    let value = |name: &str| item.get(name).with_context(|| format!("there is no {name}"));
    let number = |name: &str| -> Result<u64> {
        let number = value(name)?.as_n().ok().and_then(|number| number.parse().ok());
        number.with_context(|| format!("{name} is no number"))
    };
    let text = |name: &str| anyhow::Ok(value(name)?.as_s().ok().with_context(|| format!("{name} is no text"))?);
    let bytes =
        |name: &str| anyhow::Ok(value(name)?.as_b().ok().with_context(|| format!("{name} is no bytes"))?.as_ref());
    let head = json!({
        "first": number("first")?, "count": number("count")?,
        "prev_hash": hex::encode(bytes("prev_hash")?), "end_hash": hex::encode(bytes("end_hash")?),
        "received_at": text("received_at")?, "origin": text("origin")?,
    });
    let data = match item.contains_key("object") {
        true => objects.get(text("object")?, bytes("sha256")?).await?,
        false => bytes("data")?.to_vec(),
    };
    let lines = zstd::bulk::decompress(&data, MAX_SEGMENT).context("its data does not unpack")?;
    let lines = String::from_utf8(lines).context("its data is no text")?;
    let lines: Vec<&str> = lines.lines().collect();
    let head = head.to_string();
    let head = head.strip_suffix('}').context("an object ends")?;
    Ok(format!("{head},\"entries\":[{}]}}", lines.join(",")))
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good { events, ledger_hash } => write!(f, "{events} events with hash {ledger_hash}"),
            Self::Bad(what) => write!(f, "\"{what}\""),
        }
    }
}
