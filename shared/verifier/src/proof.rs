//! One event is in the log: `docs/LEDGER.md`, section 10.

mod event;

use ledger::{
    Opening,
    entry::{EntryError, Shown},
    proof::{TlogProof, TlogProofError},
};

use crate::{
    checkpoint::{Keys, refused_checkpoint, refused_note},
    outcome::{EventReport, Failure, Fault, Report},
};

/// What sentences call the checkpoint.
const CHECKPOINT: &str = "the checkpoint in the proof";

/// Checks the proof of one event. With `event`, a JSON document that the user has of it, that must be the proven one.
///
/// # Errors
/// [`Failure`]
pub fn verify(proof: &[u8], event: Option<&[u8]>, keys: &Keys) -> Result<Report, Failure> {
    let proof = TlogProof::parse(proof).map_err(|error| refused(error, None))?;
    let sequence = proof.index + 1;
    let proved = proof.verify(keys.all()).map_err(|error| refused(error, Some(sequence)))?;
    let signed = keys.checked(CHECKPOINT, &proved.checkpoint, &proved.verified)?;
    let entry = proved.shown.entry();
    let opening = match &proved.shown {
        Shown::Entry(_) => None,
        Shown::Opened(opened) => Some(&opened.opening),
    };

    let mut report = signed.report();
    let mut content_checked = opening.is_some();
    let mut erased = opening.map(erased).unwrap_or_default();
    if let Some(event) = event {
        let compared = event::compare(event, entry, opening)?;
        content_checked |= compared.content_checked;
        erased.extend(compared.erased);
        erased.sort_unstable();
        erased.dedup();
        report.notes.extend(compared.notes);
    }
    let given = if event.is_some() { ", and is the one that was given" } else { "" };
    report.sentence = format!("event {} is in the log {} at sequence {sequence}{given}", entry.event_id, entry.origin);
    report.event = Some(EventReport {
        sequence,
        event_id: entry.event_id.to_string(),
        order_id: entry.order_id.to_string(),
        event_type: entry.event_type.to_string(),
        received_at: entry.received_at,
        leaf_hash: entry.leaf_hash(),
        content_checked,
        erased,
    });
    Ok(report)
}

/// The pointers of erased fields.
fn erased(opening: &Opening) -> Vec<String> {
    match opening {
        Opening::Secret(_) => Vec::new(),
        Opening::Fields { erased, .. } => erased.keys().cloned().collect(),
    }
}

/// Why a proof was refused. `sequence` is the one that it is about, once it can be read.
fn refused(error: TlogProofError, sequence: Option<u64>) -> Fault {
    let malformed =
        |error: &TlogProofError| Fault::Malformed { what: "the proof".to_owned(), reason: error.to_string() };
    match (error, sequence) {
        (TlogProofError::Note(error), _) => refused_note(CHECKPOINT, error),
        (TlogProofError::Checkpoint(error), _) => refused_checkpoint(CHECKPOINT, error),
        (TlogProofError::Entry(error), Some(sequence)) => refused_entry(error, sequence),
        (TlogProofError::OtherLog { origin, found, .. }, Some(sequence)) => {
            Fault::EntryOfOtherLog { sequence, found, expected: origin }
        }
        (TlogProofError::OtherEvent { sequence: found, .. }, Some(sequence)) => {
            Fault::OtherSequence { sequence, found }
        }
        (TlogProofError::NotInTree { error, .. }, Some(sequence)) => {
            Fault::NotInTree { sequence, reason: error.to_string() }
        }
        (error, _) => malformed(&error),
    }
}

/// Why an entry that was handed out was refused.
pub(crate) fn refused_entry(error: EntryError, sequence: u64) -> Fault {
    let reason = error.to_string();
    match error {
        EntryError::Field { .. } | EntryError::MissingField { .. } | EntryError::Content => {
            Fault::OtherContent { sequence, reason }
        }
        EntryError::TooLarge
        | EntryError::Json(_)
        | EntryError::Form(_)
        | EntryError::NotCanonical
        | EntryError::Leaf(_) => Fault::NotAnEntry { sequence, reason },
    }
}
