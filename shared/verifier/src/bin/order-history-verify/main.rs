//! `order-history-verify`: checks what an order history gives out. All that it finds is found by the library; here are
//! the command line, progress and the words of the result.

mod args;
mod print;
mod progress;

use std::{
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use verifier::{
    Failure, Keys, Limits, Report, Trouble, consistency, proof, range,
    source::{Access, Folder, Server, Source, read_file},
    tiles,
};

use self::{
    args::{Cli, Command, History, KeyList, Trust},
    progress::Shown,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (json, quiet) = (cli.json, cli.quiet);
    let outcome = run(cli.command, &mut Shown::new(quiet));
    print::outcome(&outcome, json)
}

fn run(command: Command, progress: &mut Shown) -> Result<Report, Failure> {
    match command {
        Command::Proof(args) => {
            let keys = keys(args.trust, Vec::new());
            let event = args.event.as_deref().map(|path| input(path, Limits::PROOF)).transpose()?;
            let report = proof::verify(&input(&args.file, Limits::PROOF)?, event.as_deref(), &keys)?;
            extends(report, &args.history, since(&args.history)?, &keys)
        }
        Command::Range(args) => {
            let keys = keys(args.trust, args.range_key);
            let since = since(&args.history)?;
            let mut check = range::Check::new(&keys, &args.ledger_hash, since.as_ref())?;
            for file in &args.files {
                check.bundle(&file.display().to_string(), BufReader::with_capacity(1 << 16, open(file)?), progress)?;
            }
            extends(check.end()?, &args.history, since, &keys)
        }
        Command::Tiles(args) => {
            let memory = tiles::Memory {
                checkpoints: checkpoints(&args.since)?,
                noted: args.ledger_hash,
                unique_ids: args.unique_ids,
                parallel: args.parallel.map(usize::from),
            };
            let authorities = args.ca_file.as_deref().map(|path| read_file(path, Limits::KEYS)).transpose()?;
            let access = Access { token: args.token_env.as_deref().map(token), tenant: args.tenant, authorities };
            let source: Box<dyn Source> = if args.source.contains("://") {
                Box::new(Server::new(&args.source, access)?)
            } else {
                Box::new(Folder::open(args.source.as_ref())?)
            };
            tiles::verify(source.as_ref(), &keys(args.trust, Vec::new()), &memory, progress)
        }
        Command::Consistency(args) => {
            let keys = keys(args.trust, Vec::new());
            consistency::verify(&input(&args.file, Limits::PROOF)?, &checkpoints(&args.since)?, &keys)
        }
    }
}

/// The keys that the user trusts. More witnesses asked for than named is a slip that would fail every check.
fn keys(trust: Trust, range: Vec<KeyList>) -> Keys {
    let list = |lists: Vec<KeyList>| lists.into_iter().flat_map(|list| list.0).collect::<Vec<_>>();
    let witnesses = list(trust.witness);
    let quorum = trust.quorum.unwrap_or(witnesses.len());
    Keys::new(list(trust.key), list(range), witnesses, quorum).unwrap_or_else(|error| usage(&error.to_string()))
}

/// Takes the bearer token from the environment: on the command line every user of the machine could read it.
fn token(name: &str) -> String {
    match std::env::var(name) {
        Ok(token) if !token.is_empty() => token,
        Ok(_) | Err(_) => usage(&format!("the environment variable {name} holds no token")),
    }
}

/// Ends the program as any other wrong command line does, with exit code 2.
fn usage(message: &str) -> ! {
    Cli::command().error(ErrorKind::ValueValidation, message).exit()
}

/// Holds the report's checkpoint against an older one.
fn extends(
    report: Report,
    history: &History,
    since: Option<(String, Vec<u8>)>,
    keys: &Keys,
) -> Result<Report, Failure> {
    let Some(since) = since else { return Ok(report) };
    let proof = history.consistency.as_deref().map(|path| input(path, Limits::PROOF)).transpose()?;
    consistency::extends(report, &since, proof.as_deref(), keys)
}

fn since(history: &History) -> Result<Option<(String, Vec<u8>)>, Failure> {
    Ok(checkpoints(history.since.as_slice())?.pop())
}

fn checkpoints(paths: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    paths.iter().map(|path| Ok((path.display().to_string(), input(path, Limits::CHECKPOINT)?))).collect()
}

/// A whole file, or all of standard input.
fn input(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") { verifier::source::read_all(path, io::stdin(), limit) } else { read_file(path, limit) }
}

fn open(path: &Path) -> Result<Box<dyn Read>, Trouble> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match std::fs::File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(reason) => Err(Trouble::Read { path: path.display().to_string(), reason }),
    }
}
