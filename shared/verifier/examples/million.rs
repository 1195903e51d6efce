//! How long a large log takes to check, and how much memory:
//!
//!     cargo run --release -p order-history-verifier --features testing --example million [EVENTS] [FOLDER]
//!
//! Makes the log in FOLDER (a temporary one, if not given), as tiles and as one range bundle, and runs the program over
//! both. Build the program first, with the same profile.

#![expect(clippy::unwrap_used, reason = "a measurement may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "what is measured is the result")]

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ledger::{
    range::{RangeFooter, RangeHeader, Statement, line},
    tile::{RangeProof, TileBuilder},
};
use verifier::testing::{Events, Signer, TestLog, checkpoint_text};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let events: u64 = arguments.next().map_or(1_000_000, |events| events.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = arguments.next().map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let keys = make(events, &folder);

    let tiles = folder.join("log").display().to_string();
    let bundle = folder.join("all.ndjson").display().to_string();
    // Twice: what counts is the second, when the files are in the memory of the operating system.
    for _ in 0..2 {
        measure(events, &["tiles", &tiles, "--key", &keys[0]]);
        measure(events, &["tiles", &tiles, "--key", &keys[0], "--unique-ids"]);
        measure(events, &["range", &bundle, "--key", &keys[0], "--range-key", &keys[1]]);
    }
}

/// Makes the log, as tiles and as a bundle; gives the keys.
fn make(events: u64, folder: &Path) -> [String; 2] {
    let started = Instant::now();
    let TestLog { origin, signer, range_signer, .. } = TestLog::new("acme", 0, 1);
    let (mut builder, mut previous) = (TileBuilder::new(), ledger::chain::genesis(&origin));
    let genesis = previous;
    fs::create_dir_all(folder.join("log")).unwrap();
    let mut body = BufWriter::new(File::create(folder.join("body")).unwrap());
    for recorded in Events::new("acme", 1).take(events as usize) {
        let entry = recorded.entry.to_bytes();
        write(&folder.join("log"), builder.push(&entry).unwrap());
        body.write_all(&line(entry)).unwrap();
        previous = recorded.ledger_hash;
    }
    write(&folder.join("log"), builder.partials());
    let head = builder.head().unwrap();
    let checkpoint = signer.sign(&checkpoint_text(origin.as_str(), &head));
    fs::write(folder.join("log/checkpoint"), &checkpoint).unwrap();

    body.into_inner().unwrap().sync_all().unwrap();
    let statement =
        Statement { origin, from: 1, to: events, previous_ledger_hash: genesis, ledger_hash: previous, head };
    let mut bundle = File::create(folder.join("all.ndjson")).unwrap();
    let header = RangeHeader::new(&statement, RangeProof { left: vec![], right: vec![] });
    bundle.write_all(&header.to_line()).unwrap();
    io::copy(&mut File::open(folder.join("body")).unwrap(), &mut bundle).unwrap();
    let statement = range_signer.sign(&statement.text());
    bundle.write_all(&RangeFooter { checkpoint, statement }.to_line()).unwrap();
    fs::remove_file(folder.join("body")).unwrap();

    let (files, bytes) = size(&folder.join("log"));
    say(&format!(
        "{events} events made in {:.1} s: {files} files with {:.1} MB as tiles, {:.1} MB as a bundle",
        started.elapsed().as_secs_f64(),
        bytes as f64 / 1e6,
        bundle.metadata().unwrap().len() as f64 / 1e6
    ));
    [&signer, &range_signer].map(|signer: &Signer| signer.key().to_string())
}

fn write(folder: &Path, files: Vec<(ledger::tile::Tile, Vec<u8>)>) {
    for (tile, bytes) in files {
        let path = folder.join(tile.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn size(folder: &Path) -> (u64, u64) {
    fs::read_dir(folder).unwrap().fold((0, 0), |(files, bytes), entry| {
        let entry = entry.unwrap();
        let (more, much) = match entry.metadata().unwrap() {
            metadata if metadata.is_dir() => size(&entry.path()),
            metadata => (1, metadata.len()),
        };
        (files + more, bytes + much)
    })
}

/// Runs the program and says how long it took, how long it kept a core busy, and how much memory it had at most, as
/// Linux counts (proc(5)).
fn measure(events: u64, arguments: &[&str]) {
    let program = std::env::current_exe().unwrap().parent().unwrap().with_file_name("order-history-verify");
    let started = Instant::now();
    let mut child = Command::new(program).args(arguments).arg("--quiet").stdout(Stdio::null()).spawn().unwrap();
    let (mut peak, mut ticks) = (String::new(), 0);
    let status = loop {
        if let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", child.id())) {
            // Behind the name, which is in brackets: utime and stime are the fields 14 and 15, in hundredths of a second.
            let fields = stat.rsplit(") ").next().unwrap().split(' ');
            ticks = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>().max(ticks);
        }
        if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", child.id()))
            && let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))
        {
            peak = line.trim().to_owned();
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let seconds = started.elapsed().as_secs_f64();
    assert!(status.success(), "the log holds");
    let rate = events as f64 / seconds;
    let busy = ticks as f64 / 100.0;
    let what = if arguments.contains(&"--unique-ids") { "tiles, unique ids" } else { arguments[0] };
    say(&format!("{what:17} {seconds:.2} s ({busy:.2} s of a core), {rate:.0} events/s, peak memory {peak}"));
}

fn say(text: &str) {
    println!("{text}");
}
