//! What a log hands out: proofs, ranges, consistency.

use ledger::{
    Hash, TreeHead,
    entry::{OpenedEntry, Shown},
    note::Note,
    proof::TlogProof,
    range::{RangeFooter, RangeHeader, Statement, line},
    tile::RangeProof,
};
use serde_json::json;

use super::{TestLog, tree};

impl TestLog {
    fn leaves(&self, size: u64) -> Vec<Hash> {
        self.events[..size as usize].iter().map(|recorded| recorded.leaf_hash).collect()
    }

    /// The tree of the first `size` events.
    #[must_use]
    pub fn head(&self, size: u64) -> TreeHead {
        TreeHead { size, root: tree::root(&self.leaves(size)) }
    }

    /// The entry of an event, with its content if that is asked for.
    #[must_use]
    pub fn shown(&self, sequence: u64, content: bool) -> Shown {
        let recorded = &self.events[sequence as usize - 1];
        let entry = recorded.entry.clone();
        if !content {
            return Shown::Entry(entry);
        }
        Shown::Opened(Box::new(OpenedEntry {
            entry,
            metadata: recorded.event.metadata.clone(),
            opening: recorded.opening.clone(),
            payload: recorded.event.payload.clone(),
        }))
    }

    /// The proof of an event in the tree of the first `size` events, under `checkpoint`, a signed note.
    #[must_use]
    pub fn proof_under(&self, sequence: u64, size: u64, content: bool, checkpoint: &str) -> String {
        let proof = TlogProof {
            extra: Some(self.shown(sequence, content).to_bytes()),
            index: sequence - 1,
            hashes: tree::inclusion(sequence as usize - 1, &self.leaves(size)),
            checkpoint: Note::parse(checkpoint.as_bytes()).unwrap(),
        };
        proof.to_string()
    }

    /// The proof of an event in the tree of the first `size` events.
    #[must_use]
    pub fn proof(&self, sequence: u64, size: u64, content: bool) -> String {
        self.proof_under(sequence, size, content, &self.checkpoint(size))
    }

    /// What the range key signs.
    #[must_use]
    pub fn statement(&self, from: u64, to: u64, size: u64) -> Statement {
        Statement {
            origin: self.origin.clone(),
            from,
            to,
            previous_ledger_hash: self.ledger_hash(from - 1),
            ledger_hash: self.ledger_hash(to),
            head: self.head(size),
        }
    }

    /// The lines of the range bundle `from` to `to` in the tree of the first `size` events.
    #[must_use]
    pub fn range_lines(&self, from: u64, to: u64, size: u64, content: bool) -> Vec<Vec<u8>> {
        let leaves = self.leaves(size);
        let (left, right) = (tree::cover(0, from - 1, &leaves), tree::cover(to, size, &leaves));
        let statement = self.statement(from, to, size);
        let mut lines = vec![RangeHeader::new(&statement, RangeProof { left, right }).to_line()];
        lines.extend((from..=to).map(|sequence| match self.shown(sequence, content) {
            Shown::Entry(entry) => line(entry.to_bytes()),
            Shown::Opened(opened) => line(opened.to_bytes()),
        }));
        let statement = self.range_signer.sign(&statement.text());
        lines.push(RangeFooter { checkpoint: self.checkpoint(size), statement }.to_line());
        lines
    }

    /// The range bundle `from` to `to` in the tree of the first `size` events.
    #[must_use]
    pub fn range(&self, from: u64, to: u64, size: u64, content: bool) -> Vec<u8> {
        self.range_lines(from, to, size, content).concat()
    }

    /// The proof that the tree of size `to` starts with that of size `from`, as `GET /ledger/consistency` answers it.
    #[must_use]
    pub fn consistency(&self, from: u64, to: u64) -> String {
        let hashes = tree::consistency(from as usize, &self.leaves(to));
        let head = |size| json!({"root": self.head(size).root, "size": size});
        let newest = self.checkpoint(self.size());
        json!({"checkpoint": newest, "from": head(from), "hashes": hashes, "origin": self.origin, "to": head(to)})
            .to_string()
    }
}
