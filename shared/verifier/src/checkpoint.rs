//! Whose word counts, and what they signed.

use domain::time::Timestamp;
use ledger::{
    Origin, TreeHead,
    checkpoint::{Checkpoint, CheckpointError},
    note::{KeyType, Note, NoteError, Verified, VerifierKey},
};

use crate::outcome::{Cosigned, Fault, Report};

/// The keys that the user trusts.
#[derive(Debug, Clone)]
pub struct Keys {
    /// All of them; what each may sign follows from its type and its name.
    all: Vec<VerifierKey>,
    quorum: usize,
}

/// Keys that cannot serve for what they were given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    #[error("{key} is a witness's key; the log's own keys are of type 1")]
    NotALogKey { key: String },
    #[error("{key} is no witness's key; those are of type 4")]
    NotAWitnessKey { key: String },
    #[error("{quorum} witnesses are asked for, and {witnesses} are named")]
    Quorum { quorum: usize, witnesses: usize },
}

impl Keys {
    /// `log` sign checkpoints and `range` range statements, each under the name of the log it belongs to; `quorum` of
    /// the `witnesses` must have cosigned a checkpoint.
    ///
    /// # Errors
    /// [`KeysError`]
    pub fn new(
        log: Vec<VerifierKey>,
        range: Vec<VerifierKey>,
        witnesses: Vec<VerifierKey>,
        quorum: usize,
    ) -> Result<Self, KeysError> {
        if let Some(key) = log.iter().chain(&range).find(|key| key.key_type() != KeyType::Ed25519) {
            return Err(KeysError::NotALogKey { key: short(key) });
        }
        if let Some(key) = witnesses.iter().find(|key| key.key_type() != KeyType::Cosignature) {
            return Err(KeysError::NotAWitnessKey { key: short(key) });
        }
        let mut named: Vec<&VerifierKey> = Vec::new();
        for key in &witnesses {
            if !named.contains(&key) {
                named.push(key);
            }
        }
        if quorum > named.len() {
            return Err(KeysError::Quorum { quorum, witnesses: named.len() });
        }
        Ok(Self { all: [log, range, witnesses].concat(), quorum })
    }

    pub(crate) fn all(&self) -> &[VerifierKey] {
        &self.all
    }

    /// Reads a checkpoint that the log, and as many witnesses as are asked for, have signed. `what` names it in
    /// sentences.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn checkpoint(&self, what: &str, note: &[u8]) -> Result<Signed, Fault> {
        let signed = self.log_checkpoint(what, note)?;
        self.is_witnessed(what, &signed)?;
        Ok(signed)
    }

    /// Takes a checkpoint of which the signatures were checked already, with all of these keys.
    pub(crate) fn checked(
        &self,
        what: &str,
        checkpoint: &Checkpoint,
        verified: &[Verified<'_>],
    ) -> Result<Signed, Fault> {
        let signed = Signed::new(checkpoint, verified);
        self.is_witnessed(what, &signed)?;
        Ok(signed)
    }

    fn is_witnessed(&self, what: &str, signed: &Signed) -> Result<(), Fault> {
        let (found, needed) = (signed.cosigned_by.len(), self.quorum);
        if found >= needed { Ok(()) } else { Err(Fault::TooFewWitnesses { what: what.to_owned(), found, needed }) }
    }

    /// Reads a checkpoint that the log has signed; witnesses it may have or not.
    pub(crate) fn log_checkpoint(&self, what: &str, note: &[u8]) -> Result<Signed, Fault> {
        let note = Note::parse(note).map_err(|error| refused_note(what, error))?;
        let (checkpoint, verified) =
            Checkpoint::verify(&note, &self.all).map_err(|error| refused_checkpoint(what, error))?;
        Ok(Signed::new(&checkpoint, &verified))
    }

    /// Reads older checkpoints of the same log, which this one must not have fallen behind. Their witnesses do not
    /// count: what the log signed, it must stand by.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn older(&self, signed: &Signed, notes: &[(String, Vec<u8>)]) -> Result<Vec<TreeHead>, Fault> {
        notes.iter().map(|(name, note)| self.older_one(signed, name, note)).collect()
    }

    fn older_one(&self, signed: &Signed, name: &str, note: &[u8]) -> Result<TreeHead, Fault> {
        let what = format!("the checkpoint {name}");
        let older = self.log_checkpoint(&what, note)?;
        same_log(&what, &older.origin, &signed.origin)?;
        let (was, size) = (older.head.size, signed.head.size);
        if was > size {
            return Err(Fault::RolledBack { was, size });
        }
        if was == size && older.head.root != signed.head.root {
            return Err(Fault::Forked { size, found: signed.head.root, signed: older.head.root });
        }
        Ok(older.head)
    }
}

/// Why a checkpoint was refused, as a sentence about `what`.
pub(crate) fn refused_checkpoint(what: &str, error: CheckpointError) -> Fault {
    match error {
        CheckpointError::Note(error) => refused_note(what, error),
        CheckpointError::NotByLog { .. } => Fault::NotSigned { what: what.to_owned() },
        error => Fault::Malformed { what: what.to_owned(), reason: error.to_string() },
    }
}

/// Why a note was refused, as a sentence about `what`.
pub(crate) fn refused_note(what: &str, error: NoteError) -> Fault {
    let what = what.to_owned();
    match error {
        NoteError::Unsigned => Fault::NotSigned { what },
        NoteError::BadSignature { name } => Fault::WrongSignature { what, key: name },
        error => Fault::Malformed { what, reason: error.to_string() },
    }
}

/// Checks that something is of the log that it should be of.
pub(crate) fn same_log(what: &str, found: &Origin, expected: &Origin) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    let (what, found, expected) = (what.to_owned(), found.to_string(), expected.to_string());
    Err(Fault::OtherLog { what, found, expected })
}

/// A checkpoint whose signatures are good.
#[derive(Debug, Clone)]
pub struct Signed {
    pub origin: Origin,
    pub head: TreeHead,
    /// The log's keys, as `name+id`.
    pub signed_by: Vec<String>,
    pub cosigned_by: Vec<Cosigned>,
}

impl Signed {
    fn new(checkpoint: &Checkpoint, verified: &[Verified<'_>]) -> Self {
        let (origin, head) = (checkpoint.origin.clone(), checkpoint.head());
        let (mut signed_by, mut cosigned_by) = (Vec::new(), Vec::new());
        for Verified { key, timestamp } in verified {
            match timestamp {
                None if key.name() == origin.as_str() => signed_by.push(short(key)),
                // A key of another log, which the user trusts for that one.
                None => {}
                Some(seconds) => {
                    let millis = i64::try_from(*seconds).unwrap_or(i64::MAX).saturating_mul(1000);
                    cosigned_by
                        .push(Cosigned { witness: key.name().to_owned(), at: Timestamp::clamped_from_millis(millis) });
                }
            }
        }
        Self { origin, head, signed_by, cosigned_by }
    }

    pub(crate) fn report(&self) -> Report {
        Report::of(self.origin.clone(), self.head, self.signed_by.clone(), self.cosigned_by.clone())
    }
}

/// A key's name and id, as its vkey begins.
fn short(key: &VerifierKey) -> String {
    let vkey = key.to_string();
    let end = vkey.match_indices('+').nth(1).map_or(vkey.len(), |(end, _)| end);
    vkey[..end].to_owned()
}
