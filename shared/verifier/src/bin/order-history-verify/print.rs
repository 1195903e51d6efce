//! The result, for people or for programs.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

use serde::Serialize;
use verifier::{Failure, Fault, Report, Trouble};

/// A result as JSON.
#[derive(Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
enum Verdict<'a> {
    Holds {
        #[serde(flatten)]
        report: &'a Report,
    },
    Broken {
        sentence: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        first_broken_sequence: Option<u64>,
        fault: &'a Fault,
    },
    Unchecked {
        sentence: String,
    },
}

/// Prints how a check ended, and turns it into the exit code.
pub(crate) fn outcome(outcome: &Result<Report, Failure>, json: bool) -> ExitCode {
    let code = match outcome {
        Ok(_) => 0,
        Err(Failure::Broken(_)) => 1,
        Err(Failure::Unchecked(_)) => 3,
    };
    if json {
        let verdict = match outcome {
            Ok(report) => Verdict::Holds { report },
            Err(Failure::Broken(fault)) => {
                Verdict::Broken { sentence: fault.to_string(), first_broken_sequence: fault.sequence(), fault }
            }
            Err(Failure::Unchecked(trouble)) => Verdict::Unchecked { sentence: trouble.to_string() },
        };
        // The exit code tells it in any case, should nobody read this any more.
        let _ = serde_json::to_writer(io::stdout(), &verdict);
        let _ = writeln!(io::stdout());
    } else {
        match outcome {
            Ok(report) => line(&holds(report)),
            Err(Failure::Broken(fault)) => line(&format!("BROKEN: {fault}\n")),
            Err(Failure::Unchecked(trouble)) => not_checked(trouble),
        }
    }
    ExitCode::from(code)
}

/// Says on standard error why nothing was checked.
fn not_checked(trouble: &Trouble) {
    let _ = writeln!(io::stderr(), "not checked: {trouble}");
}

fn line(text: &str) {
    let _ = write!(io::stdout(), "{text}");
}

/// The sentence, and below it what was found, a line each.
fn holds(report: &Report) -> String {
    let mut text = format!("holds: {}\n", report.sentence);
    let mut fact = |name: &str, value: String| {
        // A String takes everything.
        let _ = writeln!(text, "  {name:<14} {value}");
    };
    fact("log", report.origin.to_string());
    fact("checkpoint", format!("size {}, root {}", report.checkpoint.size, report.checkpoint.root));
    for key in &report.signed_by {
        fact("signed by", key.clone());
    }
    for cosigned in &report.cosigned_by {
        fact("witnessed by", format!("{} at {}", cosigned.witness, cosigned.at));
    }
    for head in &report.extends {
        fact("extends", format!("size {}, root {}", head.size, head.root));
    }
    if let Some(event) = &report.event {
        fact("event", format!("{} ({}), sequence {}", event.event_id, event.event_type, event.sequence));
        fact("order", event.order_id.clone());
        fact("received at", event.received_at.to_string());
        fact("leaf hash", event.leaf_hash.to_string());
        fact("content", if event.content_checked { "as recorded" } else { "not given, so not checked" }.to_owned());
        for pointer in &event.erased {
            fact("erased", pointer.clone());
        }
    }
    if let Some(opened) = report.opened {
        fact("contents", format!("{opened} checked"));
    }
    if let Some(before) = report.starts_after {
        fact("chain before", format!("{}:{}", before.sequence, before.ledger_hash));
    }
    if let Some(end) = report.ends_at {
        fact("chain at end", format!("{}:{}", end.sequence, end.ledger_hash));
    }
    if let Some(at) = report.last_received_at {
        fact("last received", at.to_string());
    }
    for note in &report.notes {
        fact("note", note.clone());
    }
    text
}
