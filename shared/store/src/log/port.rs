//! What the log needs of its tables: the port between the protocol and a database.
//!
//! `dynamo` is the real one; `memory` (feature `testing`) has the same semantics in this process. A test may put a
//! wrapper around either that loses, delays or refuses calls.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use domain::{
    ids::{OrderId, TenantId},
    time::Timestamp,
};
use futures::future::BoxFuture;
use ledger::{Chain, Origin};

use super::{
    draft::Draft,
    index::{Found, IndexItem, IndexKey, Listing, RecordedEvent},
    segment::Segment,
    stored::StoredSegment,
};
pub use crate::conditional::Put;
use crate::error::StoreError;

/// The most segments of a tail that are held at once.
pub const MAX_TAIL: usize = 256;
/// How many of the newest segments are read together with the watermark. A longer tail takes another round trip.
pub(super) const END: usize = 3;

/// Which log is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogName {
    pub tenant: TenantId,
    /// With another one than the log was begun with, nothing can be written.
    pub origin: Origin,
}

impl Hash for LogName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.tenant, self.origin.as_str()).hash(state);
    }
}

/// The end of a tenant's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Where the next event goes.
    pub chain: Chain,
    /// When the last commit was made.
    pub received_at: Option<Timestamp>,
    pub mark: Mark,
    /// The segments from the watermark on; they join up.
    pub tail: Vec<Arc<Segment>>,
    /// The tail is longer than [`MAX_TAIL`]: `tail` is only its beginning, and nothing can be committed before that is
    /// applied.
    pub behind: bool,
}

impl Hash for Head {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.chain.sequence(), self.chain.ledger_hash(), self.received_at, self.mark, &self.tail, self.behind)
            .hash(state);
    }
}

/// What is known of the last segment without unpacking it.
#[derive(Debug, Clone)]
pub(super) struct Tip {
    pub(super) chain: Chain,
    pub(super) received_at: Timestamp,
}

impl Head {
    /// Puts together what was read, and checks that it can be one log.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] for a torn read, [`StoreError::Corrupt`] for a log that has a gap,
    /// [`StoreError::OtherOrigin`] for one that was begun under another origin.
    pub(super) fn join(
        log: &LogName,
        mark: Mark,
        tip: Option<Tip>,
        tail: Vec<Arc<Segment>>,
        behind: bool,
    ) -> Result<Self, StoreError> {
        let (chain, received_at) = match tip {
            Some(tip) => (tip.chain, Some(tip.received_at)),
            None => (Chain::new(log.origin.clone()), None),
        };
        if *chain.origin() != log.origin {
            let (stored, ours) = (chain.origin().to_string(), log.origin.to_string());
            return Err(StoreError::OtherOrigin { stored, ours });
        }
        // A query is not a snapshot: the watermark may have been read after the segments, and be ahead of them.
        if chain.sequence() + 1 < mark.watermark {
            return Err(StoreError::Unavailable { operation: "Query(Segments)", code: "a torn read".to_owned() });
        }
        let mut next = mark.watermark;
        for segment in &tail {
            if segment.first != next {
                return Err(StoreError::corrupt(format_args!("the log has no segment at {next}")));
            }
            next = segment.next();
        }
        Ok(Self { chain, received_at, mark, tail, behind })
    }
}

/// What stands behind the last slot of a tenant's segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Everything below this sequence number is in the index.
    pub watermark: u64,
    /// Whose turn it is to commit; none while nobody waits.
    pub turn: Option<Slot>,
}

impl Mark {
    /// Of a log that was never written to.
    pub const START: Self = Self { watermark: 1, turn: None };
}

/// The place of an announcement in the queue: the milliseconds since 2020 by its writer's clock, and 24 random bits.
/// It is also the writer's name while it has the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u64);

/// What a writer wants to have committed, by whoever commits next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Announcement {
    pub slot: Slot,
    /// None: its writer commits by itself, and only waits for its turn.
    pub drafts: Vec<Arc<Draft>>,
}

/// An object that a large segment was staged in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StagedObject {
    pub key: String,
    /// Where its segment was to be put.
    pub first: u64,
}

/// The answer to a call: a failure says nothing about whether the call took effect, unless it is
/// [`StoreError::Throttled`] or [`StoreError::Refused`].
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// The round trips of the log. Every read is strongly consistent, item by item: it shows what was written before it
/// started. A read of several items is *not* a snapshot: what is written meanwhile may be in one of them and not in
/// another. A call names no item twice: DynamoDB refuses such a batch.
pub trait Tables: fmt::Debug + Send + Sync {
    /// The end of the log. The watermark may be older or younger than the segments.
    fn head<'a>(&'a self, log: &'a LogName) -> Answer<'a, Head>;

    /// The watermark and the turn alone.
    fn mark<'a>(&'a self, log: &'a LogName) -> Answer<'a, Mark>;

    /// Those of the index items that are there, of any number of keys.
    fn lookup<'a>(&'a self, log: &'a LogName, keys: Vec<IndexKey>) -> Answer<'a, Found>;

    /// The sequence number of the last event in an order's timeline; none when there is no event, or when the store cannot
    /// say it in one round trip.
    fn newest_of<'a>(&'a self, log: &'a LogName, order_id: OrderId) -> Answer<'a, Option<u64>> {
        let _ = (log, order_id);
        Box::pin(async { Ok(None) })
    }

    /// Puts the entries of a large segment where its item will point to, before it is committed. Nobody else ever puts
    /// something there. May be repeated.
    fn stage<'a>(&'a self, log: &'a LogName, segment: Arc<Segment>) -> Answer<'a, ()>;

    /// Puts a segment where nothing is: the commit. All of it or nothing.
    fn commit<'a>(&'a self, log: &'a LogName, segment: Arc<Segment>) -> Answer<'a, Put>;

    /// Writes index items and removes announcements, any number of them, each by itself, in no order. After a failure
    /// some may be written. May be repeated.
    fn apply<'a>(&'a self, log: &'a LogName, items: Vec<IndexItem>, taken: Vec<Slot>) -> Answer<'a, ()>;

    /// Moves the watermark up; one that is there already, or higher, stays.
    fn raise<'a>(&'a self, log: &'a LogName, watermark: u64) -> Answer<'a, ()>;

    /// Gives the turn to `to`, if it is `from`'s.
    fn pass_turn<'a>(&'a self, log: &'a LogName, from: Option<Slot>, to: Option<Slot>) -> Answer<'a, Put>;

    /// Puts an announcement where none is.
    fn announce<'a>(&'a self, log: &'a LogName, announcement: Announcement) -> Answer<'a, Put>;

    /// The announcements that are there, the oldest first.
    fn announced<'a>(&'a self, log: &'a LogName) -> Answer<'a, Vec<Announcement>>;

    /// Segments that start between two sequence numbers, both included, in order; at most `limit`.
    fn segments_between<'a>(
        &'a self,
        tenant: &'a TenantId,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Answer<'a, Vec<StoredSegment>>;

    /// A segment with its entries.
    fn open<'a>(&'a self, segment: StoredSegment) -> Answer<'a, Arc<Segment>>;

    /// The objects of large segments, committed or not, that start at or after a sequence number: in order, up to the
    /// first that is younger than `older_than`, and at most about a thousand.
    fn staged<'a>(&'a self, tenant: &'a TenantId, from: u64, older_than: Duration) -> Answer<'a, Vec<StagedObject>>;

    /// The tenants that have such objects.
    fn staging_tenants(&self) -> Answer<'_, Vec<TenantId>>;

    /// Up to which sequence number [`Tables::staged`] has been looked through for objects that nobody needs.
    fn swept<'a>(&'a self, tenant: &'a TenantId) -> Answer<'a, u64>;

    /// Remembers it.
    fn note_swept<'a>(&'a self, tenant: &'a TenantId, to: u64) -> Answer<'a, ()>;

    /// Deletes objects of segments. Those that are not there are deleted already.
    fn discard<'a>(&'a self, tenant: &'a TenantId, objects: Vec<StagedObject>) -> Answer<'a, ()>;

    /// The last segment that starts at or below a sequence number.
    fn segment_before<'a>(&'a self, tenant: &'a TenantId, sequence: u64) -> Answer<'a, Option<StoredSegment>>;

    /// What the index says about an event's place.
    fn place<'a>(&'a self, key: &'a IndexKey) -> Answer<'a, Option<super::index::EventItem>>;

    /// An event of a timeline.
    fn recorded<'a>(&'a self, key: &'a IndexKey) -> Answer<'a, Option<RecordedEvent>>;

    /// The events in one of an order's lists after a sequence number, at most `limit`, and whether they are the last.
    fn of_order<'a>(
        &'a self,
        tenant: &'a TenantId,
        order_id: &'a OrderId,
        listing: Listing,
        after: u64,
        limit: i32,
    ) -> Answer<'a, (Vec<RecordedEvent>, bool)>;
}
