//! One tree is the start of another: `docs/LEDGER.md`, section 12.

use ledger::{
    Hash, Origin, TreeHead,
    tree::{empty_root, verify_consistency},
};
use serde::Deserialize;

use crate::{
    checkpoint::{Keys, Signed, same_log},
    outcome::{Failure, Fault, Report, Trouble},
};

/// A consistency proof as `GET /ledger/consistency` answers it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    /// The signed note of the newest checkpoint.
    checkpoint: String,
    from: ProofHead,
    hashes: Vec<HexHash>,
    origin: Origin,
    to: ProofHead,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofHead {
    root: HexHash,
    size: u64,
}

/// A hash in its one form, 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct HexHash(Hash);

impl TryFrom<String> for HexHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        crate::hex_hash(&text).map(Self).ok_or("a hash is 64 lower-case hexadecimal digits")
    }
}

impl From<ProofHead> for TreeHead {
    fn from(head: ProofHead) -> Self {
        Self { size: head.size, root: head.root.0 }
    }
}

impl Proof {
    fn parse(what: &str, bytes: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes)
            .map_err(|error| Fault::Malformed { what: what.to_owned(), reason: error.to_string() })
    }

    /// Checks that the hashes lead from the one tree to the other.
    fn holds(&self) -> Result<(), Fault> {
        let (from, to) = (TreeHead::from(self.from), TreeHead::from(self.to));
        let hashes: Vec<Hash> = self.hashes.iter().map(|hash| hash.0).collect();
        verify_consistency(&from, &to, &hashes).map_err(|error| Fault::Inconsistent {
            from: from.size,
            to: to.size,
            reason: error.to_string(),
        })
    }
}

/// What sentences call it.
const WHAT: &str = "the consistency proof";

/// Checks a consistency proof. Each of its two trees must be that of a signed checkpoint: the one in the proof, or one
/// of `known` (signed notes, each with the user's name for it). The tree of size 0 needs none.
///
/// # Errors
/// [`Failure`]
pub fn verify(proof: &[u8], known: &[(String, Vec<u8>)], keys: &Keys) -> Result<Report, Failure> {
    let proof = Proof::parse(WHAT, proof)?;
    let signed = keys.checkpoint("the checkpoint in the consistency proof", proof.checkpoint.as_bytes())?;
    same_log(WHAT, &proof.origin, &signed.origin)?;
    let older = keys.older(&signed, known)?;
    let heads: Vec<TreeHead> = older.into_iter().chain([signed.head]).collect();
    let (from, to) = (TreeHead::from(proof.from), TreeHead::from(proof.to));
    for head in [from, to] {
        is_signed(head, &heads, !known.is_empty())?;
    }
    proof.holds()?;
    let mut report = signed.report();
    report.sentence = format!("the tree of size {} is the start of the tree of size {}", from.size, to.size);
    report.extends = if to == signed.head { vec![from.into()] } else { Vec::new() };
    Ok(report)
}

/// Checks that a tree is one of those that were signed.
fn is_signed(head: TreeHead, signed: &[TreeHead], any_known: bool) -> Result<(), Failure> {
    let TreeHead { size, root } = head;
    let mut candidates = signed.iter().filter(|signed| signed.size == size).map(|signed| signed.root);
    let expected = if size == 0 { Some(empty_root()) } else { candidates.next() };
    match expected {
        Some(expected) if expected == root => Ok(()),
        Some(signed) => Err(Fault::Forked { size, found: root, signed }.into()),
        None if any_known => Err(Fault::HeadNotSigned { size }.into()),
        None => Err(Trouble::NoCheckpointOf { size }.into()),
    }
}

/// Checks that what was found extends an older checkpoint, with a consistency proof where their sizes differ.
///
/// # Errors
/// [`Failure`]
pub fn extends(
    mut report: Report,
    since: &(String, Vec<u8>),
    proof: Option<&[u8]>,
    keys: &Keys,
) -> Result<Report, Failure> {
    let head = TreeHead { size: report.checkpoint.size, root: report.checkpoint.root };
    let signed = Signed { origin: report.origin.clone(), head, signed_by: Vec::new(), cosigned_by: Vec::new() };
    let older = keys.older(&signed, std::slice::from_ref(since))?;
    for from in older {
        if report.extends.contains(&from.into()) {
            continue; // the entries have shown it
        }
        // The same size has the same root, as was compared already; the empty tree is the start of every one.
        if from.size != head.size && from.size != 0 {
            let bytes = proof.ok_or(Trouble::NoConsistency { from: from.size, to: head.size })?;
            let proof = Proof::parse(WHAT, bytes)?;
            same_log(WHAT, &proof.origin, &report.origin)?;
            for head in [TreeHead::from(proof.from), TreeHead::from(proof.to)] {
                is_signed(head, &[from, signed.head], true)?;
            }
            if (proof.from.size, proof.to.size) != (from.size, head.size) {
                return Err(Fault::HeadNotSigned { size: proof.from.size }.into());
            }
            proof.holds()?;
        }
        report.extends.push(from.into());
    }
    Ok(report)
}
