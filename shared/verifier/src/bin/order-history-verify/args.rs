//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ledger::note::VerifierKey;
use verifier::{Limits, Noted};

/// Checks what an order history gives out: proofs of events, ranges of the log, and whole logs. Needs the files, the
/// log's public key, and nothing else.
///
/// A result goes to standard output, progress and errors to standard error.
#[derive(Debug, Parser)]
#[command(name = "order-history-verify", version, after_help = EXIT_CODES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print the result as one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  everything that was asked for holds
  1  something does not hold: what was given is not what the log's keys signed, or is not whole
  2  the command line is not right
  3  it could not be checked: a file cannot be read, a server does not answer, or something to compare with is missing";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the proof of one event (.tlog-proof)
    Proof(Proof),
    /// Check one range of the log, or several that follow on each other (order-history/range@v1)
    Range(Range),
    /// Check a whole log: every entry, every tile, and the checkpoint over them
    Tiles(Tiles),
    /// Check that one tree is the start of another
    Consistency(Consistency),
}

#[derive(Debug, Args)]
pub(crate) struct Proof {
    /// The proof, as GET /events/{event_id}/proof answers it; `-` is standard input
    pub(crate) file: PathBuf,
    /// An event as JSON, with `payload` and what else is known of it: must be the very event that the proof is about.
    /// The proof must have been asked for with `content=true`, or the file must have the event's `secret` or `opening`
    #[arg(long, value_name = "FILE")]
    pub(crate) event: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    pub(crate) history: History,
}

#[derive(Debug, Args)]
pub(crate) struct Range {
    /// The bundles, as GET /ledger/proof answers them, in order; `-` is standard input
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Public key of the log's range statements, `<origin>/range+…`; repeatable; @FILE reads one key a line
    #[arg(long, value_name = "VKEY", required = true, value_parser = keys)]
    pub(crate) range_key: Vec<KeyList>,
    /// A chain hash that was noted down earlier, and must still be the one at its sequence; repeatable
    #[arg(long, value_name = "SEQ:HEX", value_parser = noted)]
    pub(crate) ledger_hash: Vec<Noted>,
    #[command(flatten)]
    pub(crate) trust: Trust,
    #[command(flatten)]
    pub(crate) history: History,
}

#[derive(Debug, Args)]
pub(crate) struct Tiles {
    /// A folder with `checkpoint` and `tile/`, or the address under which a server has them, such as
    /// https://…/v1/order-history/ledger
    pub(crate) source: String,
    /// The environment variable that holds the bearer token for the server
    #[arg(long, value_name = "NAME")]
    pub(crate) token_env: Option<String>,
    /// The tenant, for a token that is good for several
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<String>,
    /// Certificate authorities (PEM) that the server's certificate must come from, in the place of those that browsers
    /// trust
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A chain hash that was noted down earlier, and must still be the one at its sequence; repeatable
    #[arg(long, value_name = "SEQ:HEX", value_parser = noted)]
    pub(crate) ledger_hash: Vec<Noted>,
    /// An older checkpoint, which the log must extend: finds a log that was rolled back or forked; repeatable
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) since: Vec<PathBuf>,
    /// Check that no event id stands in the log twice; takes some 60 bytes of memory an event
    #[arg(long)]
    pub(crate) unique_ids: bool,
    /// How many files to read at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) parallel: Option<u8>,
    #[command(flatten)]
    pub(crate) trust: Trust,
}

#[derive(Debug, Args)]
pub(crate) struct Consistency {
    /// The proof, as GET /ledger/consistency answers it; `-` is standard input
    pub(crate) file: PathBuf,
    /// A checkpoint of one of the two trees, so that its signature counts and not the word of the proof; repeatable
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) since: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: Trust,
}

/// Whose signatures count.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// Public key of the log, `<origin>+<id>+<base64>` (a C2SP vkey); repeatable, for a log that has changed its key;
    /// @FILE reads one key a line
    #[arg(long, value_name = "VKEY", required = true, value_parser = keys)]
    pub(crate) key: Vec<KeyList>,
    /// Public key of a witness that must have cosigned the checkpoint (a vkey of type 4); repeatable; @FILE reads one
    /// key a line
    #[arg(long, value_name = "VKEY", value_parser = keys)]
    pub(crate) witness: Vec<KeyList>,
    /// How many of the witnesses must have cosigned; all of them, if not given
    #[arg(long, value_name = "N", requires = "witness")]
    pub(crate) quorum: Option<usize>,
}

/// What was seen of the log before.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// An older checkpoint, which the checkpoint of the proof must extend: finds a log that was rolled back or forked
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) since: Option<PathBuf>,
    /// The consistency proof from that checkpoint's size to this one's (GET /ledger/consistency)
    #[arg(long, value_name = "FILE", requires = "since")]
    pub(crate) consistency: Option<PathBuf>,
}

/// What one `--key` names: a key, or those of a file.
#[derive(Debug, Clone)]
pub(crate) struct KeyList(pub(crate) Vec<VerifierKey>);

fn keys(text: &str) -> Result<KeyList, String> {
    let Some(path) = text.strip_prefix('@') else {
        return text.parse().map(|key| KeyList(vec![key])).map_err(|error| format!("{error}"));
    };
    let lines = verifier::source::read_file(path.as_ref(), Limits::KEYS).map_err(|error| error.to_string())?;
    let lines = String::from_utf8(lines).map_err(|_| format!("{path} is not text"))?;
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let list =
        lines.map(str::parse).collect::<Result<Vec<VerifierKey>, _>>().map_err(|error| format!("{path}: {error}"))?;
    if list.is_empty() { Err(format!("{path} has no key in it")) } else { Ok(KeyList(list)) }
}

fn noted(text: &str) -> Result<Noted, String> {
    let wrong = || "write it as 1234:<64 hexadecimal digits>".to_owned();
    let (sequence, hash) = text.split_once(':').ok_or_else(wrong)?;
    let ledger_hash = verifier::hex_hash(hash).ok_or_else(wrong)?;
    Ok(Noted { sequence: sequence.parse().map_err(|_| wrong())?, ledger_hash })
}
