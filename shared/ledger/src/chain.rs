//! The chain: `docs/LEDGER.md`, section 4.

use domain::{event::Event, time::Timestamp};

use crate::{
    commitment::{self, Opening},
    hash::Hash,
    leaf::LeafEntry,
    origin::Origin,
};

/// Starts the input of the hash before the first event.
pub const GENESIS_TAG: &[u8] = b"oh:genesis:v1\0";
/// Starts the input of every later one.
pub const CHAIN_TAG: &[u8] = b"oh:chain:v1\0";

/// `ledger_hash_0 = SHA-256(tag ‖ origin)`.
#[must_use]
pub fn genesis(origin: &Origin) -> Hash {
    Hash::of(&[GENESIS_TAG, origin.as_str().as_bytes()])
}

/// `ledger_hash_n = SHA-256(tag ‖ u64be(n) ‖ ledger_hash_{n-1} ‖ leaf_hash_n)`.
#[must_use]
pub fn link(sequence: u64, previous: Hash, leaf_hash: Hash) -> Hash {
    Hash::of(&[CHAIN_TAG, &sequence.to_be_bytes(), &previous.0, &leaf_hash.0])
}

/// The end of a log, to which events can be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    origin: Origin,
    sequence: u64,
    ledger_hash: Hash,
}

/// What sealing an event gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    pub sequence: u64,
    pub content: Hash,
    /// The RFC 6962 leaf hash; `sha256` in the API.
    pub leaf_hash: Hash,
    pub ledger_hash: Hash,
}

impl Chain {
    /// A log without an event.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        let ledger_hash = genesis(&origin);
        Self { origin, sequence: 0, ledger_hash }
    }

    /// A log whose last event is number `sequence`, with the chain's hash there.
    #[must_use]
    pub fn at(origin: Origin, sequence: u64, ledger_hash: Hash) -> Self {
        Self { origin, sequence, ledger_hash }
    }

    /// The number of the last event; 0 when there is none.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    #[must_use]
    pub fn ledger_hash(&self) -> Hash {
        self.ledger_hash
    }

    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Gives the event the next sequence number and links it.
    pub fn seal(&mut self, event: &Event, received_at: Timestamp, opening: &Opening) -> Sealed {
        let sequence = self.sequence + 1;
        let content = commitment::content(opening, &event.payload, &event.metadata);
        let leaf_hash = LeafEntry::new(event, content, &self.origin, sequence, received_at).leaf_hash();
        self.ledger_hash = link(sequence, self.ledger_hash, leaf_hash);
        self.sequence = sequence;
        Sealed { sequence, content, leaf_hash, ledger_hash: self.ledger_hash }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use crate::Secret;
    use domain::event::TenantSource;

    fn event(id: &str) -> Event {
        let text = format!(
            r#"{{"event_id":"{id}","order_id":"ord_1","occurred_at":"2025-08-29T12:34:56Z","source":"warehouse",
            "type":"order.shipped","schema_version":"v1","payload":{{"carrier":"DHL"}},"tenant_id":"acme"}}"#
        );
        domain::event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1
    }

    fn chain(prefix: &str, ids: &[&str]) -> Chain {
        let mut chain = Chain::new(Origin::new(prefix, &"acme".parse().unwrap()));
        for id in ids {
            chain.seal(&event(id), "2025-08-29T12:34:58Z".parse().unwrap(), &Secret::new([7; 32]).into());
        }
        chain
    }

    #[test]
    fn order_content_and_origin_are_bound() {
        let base = chain("h", &["a", "b", "c"]);
        assert_eq!(base.sequence(), 3);
        assert_eq!(base, chain("h", &["a", "b", "c"]));
        assert_ne!(base.ledger_hash(), chain("h", &["b", "a", "c"]).ledger_hash());
        assert_ne!(base.ledger_hash(), chain("h", &["a", "b"]).ledger_hash());
        assert_ne!(base.ledger_hash(), chain("other", &["a", "b", "c"]).ledger_hash());
    }

    #[test]
    fn going_on_from_the_middle_is_the_same_chain() {
        let mut resumed = chain("h", &["a", "b"]);
        resumed = Chain::at(resumed.origin().clone(), resumed.sequence(), resumed.ledger_hash());
        resumed.seal(&event("c"), "2025-08-29T12:34:58Z".parse().unwrap(), &Secret::new([7; 32]).into());
        assert_eq!(resumed, chain("h", &["a", "b", "c"]));
    }
}
