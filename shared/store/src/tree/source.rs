//! The leaves of the tree, from the log, checked.

use ledger::{Chain, LeafEntry, chain, commitment, tree};

use crate::{
    error::StoreError,
    log::{Entry, Segment},
};

/// The leaf entries of a segment, and the chain after it. Everything is computed from the events as they are stored;
/// the hashes that are stored beside them are only compared.
///
/// # Errors
/// [`StoreError::Corrupt`], when the segment does not follow the chain or its events are not those that were recorded.
pub(super) fn entries(chain: &Chain, segment: &Segment) -> Result<(Vec<Vec<u8>>, Chain), StoreError> {
    let expected = chain.sequence() + 1;
    if segment.first != expected {
        return Err(StoreError::corrupt(format_args!("the log has no segment at {expected}")));
    }
    if segment.origin != *chain.origin() || segment.previous != chain.ledger_hash() {
        return Err(StoreError::corrupt(format_args!("the segment at {expected} does not continue the chain")));
    }
    let mut ledger_hash = segment.previous;
    let entries = (expected..)
        .zip(&segment.entries)
        .map(|(sequence, Entry { event, opening, .. })| {
            let content = commitment::content(opening, &event.payload, &event.metadata);
            let leaf = LeafEntry::new(event, content, &segment.origin, sequence, segment.received_at).to_bytes();
            ledger_hash = chain::link(sequence, ledger_hash, tree::leaf_hash(&leaf));
            leaf
        })
        .collect();
    if ledger_hash != segment.end {
        return Err(StoreError::corrupt(format_args!(
            "the events of the segment at {expected} are not those that were recorded"
        )));
    }
    Ok((entries, segment.chain()))
}
