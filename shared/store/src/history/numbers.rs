//! A timeline in numbers.

use domain::{
    ids::{OrderId, TenantId},
    order::{Aggregate, Aggregator, Milestones, Recorded},
};
use serde_json::Map;

use super::{
    Failure, History, Reading,
    in_order::{Follower, Look, Span, follow},
    recorded,
};
use crate::{error::StoreError, log::RecordedEvent};

impl History {
    /// An order's timeline in numbers, and how it was read.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn aggregate(
        &self,
        tenant: &TenantId,
        order_id: &OrderId,
        milestones: &[Milestones],
    ) -> Result<(Aggregate, Reading), StoreError> {
        let span = Span { after: 0, through: None, window: self.window };
        let make = || Counting(Aggregator::new(milestones.iter().cloned()));
        let (Counting(aggregator), reading) = follow(&self.log, tenant, order_id, span, make).await?;
        Ok((aggregator.finish(), reading))
    }
}

struct Counting(Aggregator);

impl Follower for Counting {
    type Error = Failure;

    fn look(&mut self, event: RecordedEvent) -> Result<Look, Failure> {
        let mut event = recorded(event);
        // What is counted is in the envelope, and the actor.
        event.event.payload = Map::new();
        event.event.metadata.retain(|name, _| name == "actor_id");
        event.redacted = Vec::new();
        Ok(Look::Keep(Box::new(event)))
    }

    fn take(&mut self, event: Recorded) -> Result<(), Failure> {
        Ok(self.0.add(event.sequence, &event.event)?)
    }
}
