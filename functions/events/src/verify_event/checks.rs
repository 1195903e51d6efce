//! What there is about an event, and what follows from it.

use domain::ids::{EventId, TenantId};
use domain::time::Timestamp;
use ledger::{
    Chain, Checkpoint, Hash, LeafEntry, VerifierKey, commitment,
    tree::{TreeHead, verify_inclusion},
};
use serde::Serialize;
use store::{
    Clock, StoreError,
    log::{Entry, RecordedEvent, Segment},
    tree::{Inclusion, TreesError},
};
use utoipa::ToSchema;

use super::fields::Fields;
use crate::{EventsApi, leaf_entry};

/// One thing that was computed anew from what is stored, and compared.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Check {
    name: CheckName,
    /// Whether it held. A check that cannot be made yet is not one that failed.
    ok: bool,
    /// Whether it cannot be made yet: the event is not in a signed tree. Missing otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pending: bool,
    /// What was compared.
    detail: &'static str,
}

/// What a check is about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CheckName {
    /// The copy that reads are answered from.
    Content,
    /// The log's own copy.
    Log,
    /// The chain through the event.
    Chain,
    /// The chain before the event's commit.
    Continuity,
    /// The tree that the log has signed.
    Tree,
}

impl Check {
    pub(super) fn is_ok(&self) -> bool {
        self.ok
    }
}

/// Everything that is stored about one event.
#[derive(Debug)]
pub(super) struct Evidence {
    place: Place,
    segment: Option<Segment>,
    /// The chain's hash where the commit before the event's ends.
    before: Option<Hash>,
    tree: Tree,
    chain: Chain,
}

/// The event in the index.
#[derive(Debug)]
enum Place {
    Stored(Box<RecordedEvent>),
    /// Its id leads to a place at which nothing readable is.
    Damaged {
        sequence: u64,
    },
}

/// A committed tree is signed and published by then, or the run that would have done it has ended (it has two minutes)
/// and another has come. In milliseconds.
const PUBLISHED_WITHIN_MS: i64 = 5 * 60 * 1000;

/// How the event stands in the signed tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tree {
    Holds,
    /// It is not in it yet.
    Pending,
    /// Another event is in its place.
    Other,
    /// The log has fewer events than it has signed.
    Shorter,
    /// The published checkpoint is older than one that was committed long ago.
    RolledBack,
    /// The tree or its signature is damaged.
    Damaged,
}

impl Evidence {
    /// Reads it all. None when the tenant has no such event.
    pub(super) async fn gather(
        api: &EventsApi,
        tenant: &TenantId,
        event_id: &EventId,
    ) -> Result<Option<Self>, StoreError> {
        let Some(place) = Place::find(api, tenant, event_id).await? else { return Ok(None) };
        let sequence = place.sequence();
        let segment = readable(api.log.segment_of(tenant, sequence).await)?.flatten();
        let genesis = Chain::new(api.log.origin(tenant));
        let before = match &segment {
            Some(segment) if segment.first > 1 => {
                readable(api.log.segment_of(tenant, segment.first - 1).await)?.flatten().map(|before| before.end)
            }
            _ => Some(genesis.ledger_hash()),
        };
        let mut evidence = Self { place, segment, before, tree: Tree::Pending, chain: genesis };
        let leaf = match &evidence.place {
            Place::Stored(recorded) => Some(leaf_entry(&api.log, tenant, recorded).leaf_hash()),
            Place::Damaged { .. } => evidence.in_log().map(|(_, leaf_hash, _)| leaf_hash),
        };
        evidence.tree = match leaf {
            Some(leaf) => in_tree(api, tenant, sequence, leaf).await?,
            None => Tree::Other,
        };
        Ok(Some(evidence))
    }

    pub(super) fn sequence(&self) -> u64 {
        self.place.sequence()
    }

    /// The stored leaf hash; that of the log's copy where the index has none.
    pub(super) fn sha256(&self) -> Hash {
        match (&self.place, self.in_log()) {
            (Place::Stored(recorded), _) => recorded.sha256,
            (Place::Damaged { .. }, Some((_, leaf_hash, _))) => leaf_hash,
            (Place::Damaged { .. }, None) => Hash([0; 32]),
        }
    }

    /// The stored chain hash; that of the log's copy where the index has none.
    pub(super) fn ledger_hash(&self) -> Hash {
        match (&self.place, self.in_log()) {
            (Place::Stored(recorded), _) => recorded.ledger_hash,
            (Place::Damaged { .. }, Some((_, _, ledger_hash))) => ledger_hash,
            (Place::Damaged { .. }, None) => Hash([0; 32]),
        }
    }

    /// The log's copy, with its leaf hash and the chain's hash after it, both computed from it.
    fn in_log(&self) -> Option<(&Entry, Hash, Hash)> {
        let mut sealed = self.segment.as_ref()?.sealed();
        let (entry, sealed) = sealed.find(|(_, sealed)| sealed.sequence == self.sequence())?;
        Some((entry, sealed.leaf_hash, sealed.ledger_hash))
    }

    fn content_holds(&self) -> bool {
        match &self.place {
            Place::Stored(recorded) => self.leaf(&recorded.entry, recorded.received_at) == recorded.sha256,
            Place::Damaged { .. } => false,
        }
    }

    fn leaf(&self, Entry { event, opening, .. }: &Entry, received_at: Timestamp) -> Hash {
        let content = commitment::content(opening, &event.payload, &event.metadata);
        LeafEntry::new(event, content, self.chain.origin(), self.sequence(), received_at).leaf_hash()
    }

    fn links_up(&self) -> bool {
        self.segment
            .as_ref()
            .is_some_and(|segment| segment.sealed().last().is_some_and(|(_, last)| last.ledger_hash == segment.end))
    }

    /// The event's two copies, field by field.
    pub(super) fn fields(&self) -> Fields {
        let log = self.in_log().map(|(entry, ..)| entry);
        match &self.place {
            Place::Stored(recorded) => {
                let vouched = match self.tree {
                    Tree::Holds => true,
                    Tree::Other => false,
                    Tree::Pending | Tree::Shorter | Tree::RolledBack | Tree::Damaged => {
                        self.content_holds() || self.links_up()
                    }
                };
                Fields::compare(&recorded.entry, log, vouched)
            }
            Place::Damaged { .. } => log.map(Fields::gone).unwrap_or_default(),
        }
    }

    /// All checks. `fields`: what [`fields`](Self::fields) says.
    pub(super) fn checks(&self, fields: &Fields) -> Vec<Check> {
        let stored = match &self.place {
            Place::Stored(recorded) => Some(recorded),
            Place::Damaged { .. } => None,
        };
        let check = |name, ok, detail| Check { name, ok, pending: false, detail };
        vec![
            check(
                CheckName::Content,
                self.content_holds(),
                "the event that reads are answered from hashes to its sha256",
            ),
            check(
                CheckName::Log,
                self.in_log().is_some_and(|(_, leaf_hash, _)| {
                    stored.is_none_or(|recorded| leaf_hash == recorded.sha256 && fields.hold())
                }),
                "the log's own copy of the event is the same, and hashes to the same sha256",
            ),
            check(
                CheckName::Chain,
                self.links_up()
                    && self.in_log().is_some_and(|(_, _, ledger_hash)| {
                        stored.is_none_or(|recorded| ledger_hash == recorded.ledger_hash)
                    }),
                "the events of its commit link up, through its ledger_hash, to the hash at the commit's end",
            ),
            check(
                CheckName::Continuity,
                self.segment.as_ref().is_some_and(|segment| Some(segment.previous) == self.before),
                "its commit starts from the hash at which the commit before it ends",
            ),
            Check {
                name: CheckName::Tree,
                ok: matches!(self.tree, Tree::Holds | Tree::Pending),
                pending: self.tree == Tree::Pending,
                detail: match self.tree {
                    Tree::Holds | Tree::Other => "it is in the tree whose root the log has signed, at its sequence",
                    Tree::Pending => "no signed tree has it yet",
                    Tree::Shorter => "the log has every event that it has signed",
                    Tree::RolledBack => "the checkpoint is that of the tree that was committed last",
                    Tree::Damaged => "the tiles lead up to the root of the checkpoint, and the log has signed that",
                },
            },
        ]
    }
}

impl Place {
    async fn find(api: &EventsApi, tenant: &TenantId, event_id: &EventId) -> Result<Option<Self>, StoreError> {
        let stored = readable(api.log.event(tenant, event_id).await)?;
        if let Some(Some(recorded)) = stored {
            return Ok(Some(Self::Stored(Box::new(recorded))));
        }
        let Some(sequence) = api.log.sequence_of(tenant, event_id).await? else { return Ok(None) };
        if stored.is_none() {
            return Ok(Some(Self::Damaged { sequence }));
        }
        // A writer may have been between the two items of the event: then the other one is there by now.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        Ok(Some(match readable(api.log.event(tenant, event_id).await)?.flatten() {
            Some(recorded) => Self::Stored(Box::new(recorded)),
            None => Self::Damaged { sequence },
        }))
    }

    fn sequence(&self) -> u64 {
        match self {
            Self::Stored(recorded) => recorded.sequence,
            Self::Damaged { sequence } => *sequence,
        }
    }
}

/// What is not readable is a finding here, and no failure of ours.
fn readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::Corrupt { what }) => {
            tracing::warn!(what, "a verification found something damaged");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn in_tree(api: &EventsApi, tenant: &TenantId, sequence: u64, leaf: Hash) -> Result<Tree, StoreError> {
    let found = match api.trees.inclusion(tenant, sequence).await {
        Ok(found) => Ok(found),
        Err(TreesError::NotInTree { size }) => Err(size),
        Err(TreesError::Store(StoreError::Corrupt { what })) => {
            tracing::warn!(what, "a verification found the tree damaged");
            return Ok(Tree::Damaged);
        }
        Err(TreesError::Store(error)) => return Err(error),
    };
    let signed = match &found {
        Ok(found) => found.published.checkpoint.size,
        Err(size) => *size,
    };
    // Read after the checkpoint: what is signed was in the log before. The one segment is asked for, and not the log's
    // end, of which a log that lost some of it has none that fits its watermark.
    if signed > 0 && matches!(readable(api.log.segment_of(tenant, signed).await)?, Some(None)) {
        return Ok(Tree::Shorter);
    }
    match readable(api.trees.state(tenant).await)? {
        Some(Some(state)) if state.size() > signed => {
            let age = Clock::System.now().as_millis().saturating_sub(state.updated_at().as_millis());
            if age > PUBLISHED_WITHIN_MS {
                return Ok(Tree::RolledBack);
            }
        }
        Some(_) => {}
        None => return Ok(Tree::Damaged),
    }
    let Ok(Inclusion { published, index, hashes }) = found else { return Ok(Tree::Pending) };
    let keys: Vec<VerifierKey> = api.trees.keys(tenant).await?.iter().filter_map(|key| key.vkey.parse().ok()).collect();
    if Checkpoint::verify(&published.note, &keys).is_err() {
        return Ok(Tree::Damaged);
    }
    let head: TreeHead = published.head();
    Ok(if verify_inclusion(leaf, index, &hashes, &head).is_ok() { Tree::Holds } else { Tree::Other })
}
