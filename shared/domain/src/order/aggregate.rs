//! A timeline in numbers: what happened how often, by whom, and how long it took.
//!
//! The events stream through. What is kept is bounded, whatever their number: counts of at most [`MAX_NAMES`] names of
//! a kind, the [`LONGEST_GAPS`] longest gaps, and the milestones that were asked for.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{FoldError, Position};
use crate::{
    event::Event,
    filter::TypePattern,
    ids::{EventId, EventType},
    time::Timestamp,
};

/// How many names (types, sources, actors) are counted by themselves; those that come up later are counted together.
pub const MAX_NAMES: usize = 1_000;

/// How many of the longest gaps between events are told.
pub const LONGEST_GAPS: usize = 10;

/// How often each name occurs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub counts: BTreeMap<String, u64>,
    /// Events with a name that is not in `counts`, because [`MAX_NAMES`] others came before it.
    pub others: u64,
}

/// An event as a mark in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    pub event_id: EventId,
    #[serde(rename = "type")]
    pub event_type: EventType,
    pub occurred_at: Timestamp,
    pub sequence: u64,
}

/// Two consecutive events and the time between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub millis: i64,
    pub after: Moment,
    pub before: Moment,
}

/// Two milestones, each the first event of a type; a pattern stands for the first event of any type that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Milestones {
    pub from: TypePattern,
    pub to: TypePattern,
}

/// How long it took from one milestone to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    pub from: TypePattern,
    pub to: TypePattern,
    pub reached_from: Option<Moment>,
    pub reached_to: Option<Moment>,
    /// Milliseconds; negative when `to` was reached before `from`, absent when one was not reached.
    pub millis: Option<i64>,
}

/// A timeline in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aggregate {
    pub events: u64,
    pub by_type: Counts,
    pub by_source: Counts,
    /// By `metadata.actor_id`.
    pub by_actor: Counts,
    /// Events that name no actor.
    pub without_actor: u64,
    pub first: Option<Moment>,
    pub last: Option<Moment>,
    /// From the first event to the last, in milliseconds. Divided by the number of events less one, the mean gap.
    pub duration_millis: Option<i64>,
    /// The longest first; of equal ones, the earlier.
    pub longest_gaps: Vec<Gap>,
    /// In the order in which they were asked for.
    pub spans: Vec<Span>,
}

/// Counts the events of an order as they come by, in the order of (`occurred_at`, `sequence`).
#[derive(Debug, Clone)]
pub struct Aggregator {
    so_far: Aggregate,
}

impl Aggregator {
    #[must_use]
    pub fn new(milestones: impl IntoIterator<Item = Milestones>) -> Self {
        let span = |Milestones { from, to }| Span { from, to, reached_from: None, reached_to: None, millis: None };
        Self {
            so_far: Aggregate {
                events: 0,
                by_type: Counts::default(),
                by_source: Counts::default(),
                by_actor: Counts::default(),
                without_actor: 0,
                first: None,
                last: None,
                duration_millis: None,
                longest_gaps: Vec::new(),
                spans: milestones.into_iter().map(span).collect(),
            },
        }
    }

    /// Counts the next event.
    ///
    /// # Errors
    /// [`FoldError::OutOfOrder`].
    pub fn add(&mut self, sequence: u64, event: &Event) -> Result<(), FoldError> {
        let so_far = &mut self.so_far;
        let moment = Moment {
            event_id: event.event_id.clone(),
            event_type: event.event_type.clone(),
            occurred_at: event.occurred_at,
            sequence,
        };
        if let Some(last) = so_far.last.take() {
            if last.position() >= moment.position() {
                return Err(FoldError::OutOfOrder { event_id: moment.event_id });
            }
            let millis = moment.occurred_at.millis_since(last.occurred_at);
            let longest_gaps = &mut so_far.longest_gaps;
            let place = longest_gaps.partition_point(|gap| gap.millis >= millis);
            if place < LONGEST_GAPS {
                longest_gaps.truncate(LONGEST_GAPS - 1);
                longest_gaps.insert(place, Gap { millis, after: last, before: moment.clone() });
            }
        }
        for Span { from, to, reached_from, reached_to, millis } in &mut so_far.spans {
            for (pattern, reached) in [(from, &mut *reached_from), (to, &mut *reached_to)] {
                if reached.is_none() && pattern.matches(&event.event_type) {
                    *reached = Some(moment.clone());
                }
            }
            let (from, to) = (reached_from.as_ref(), reached_to.as_ref());
            *millis = from.zip(to).map(|(from, to)| to.occurred_at.millis_since(from.occurred_at));
        }
        let first = so_far.first.get_or_insert_with(|| moment.clone());
        so_far.duration_millis = Some(moment.occurred_at.millis_since(first.occurred_at));
        so_far.last = Some(moment);
        so_far.events += 1;
        so_far.by_type.add(event.event_type.as_str());
        so_far.by_source.add(event.source.as_str());
        match event.actor_id() {
            Some(actor) => so_far.by_actor.add(actor),
            None => so_far.without_actor += 1,
        }
        Ok(())
    }

    /// The numbers of the events so far.
    #[must_use]
    pub fn finish(self) -> Aggregate {
        self.so_far
    }
}

impl Moment {
    fn position(&self) -> Position {
        Position { occurred_at: self.occurred_at, sequence: self.sequence }
    }
}

impl Counts {
    fn add(&mut self, name: &str) {
        if let Some(count) = self.counts.get_mut(name) {
            *count += 1;
        } else if self.counts.len() < MAX_NAMES {
            self.counts.insert(name.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use serde_json::{Map, json};

    fn event(number: usize, second: usize, event_type: &str, actor: Option<&str>) -> Event {
        let metadata = actor.map(|actor| ("actor_id".to_owned(), json!(actor)));
        Event {
            event_id: format!("evt_{number}").parse().unwrap(),
            order_id: "ord_1".parse().unwrap(),
            occurred_at: Timestamp::clamped_from_millis(1_000 * i64::try_from(second).unwrap()),
            source: "shop".parse().unwrap(),
            event_type: event_type.parse().unwrap(),
            schema_version: "v1".parse().unwrap(),
            correction_of: None,
            payload: Map::new(),
            metadata: metadata.into_iter().collect(),
        }
    }

    fn milestones(from: &str, to: &str) -> Milestones {
        Milestones { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn id(moment: Option<&Moment>) -> Option<&str> {
        moment.map(|moment| moment.event_id.as_str())
    }

    #[test]
    fn a_timeline_is_counted_and_measured() {
        let asked = [
            milestones("order.created", "order.delivered"),
            milestones("order.payment.*", "order.shipped"),
            milestones("order.delivered", "order.created"),
            milestones("order.created", "order.canceled"),
        ];
        let mut aggregator = Aggregator::new(asked);
        let timeline = [
            (0, "order.created", Some("a")),
            (5, "order.payment.failed", None),
            (7, "order.payment.succeeded", Some("b")),
            (7, "order.shipped", Some("b")),
            (30, "order.delivered", Some("a")),
            (90, "order.delivered", Some("a")),
        ];
        for (number, (second, event_type, actor)) in timeline.into_iter().enumerate() {
            aggregator.add(number as u64 + 1, &event(number, second, event_type, actor)).unwrap();
        }
        let again = aggregator.clone().add(6, &event(9, 90, "order.delivered", None));
        assert_eq!(again, Err(FoldError::OutOfOrder { event_id: "evt_9".parse().unwrap() }));

        let all = aggregator.finish();
        assert_eq!((all.events, all.without_actor, all.duration_millis), (6, 1, Some(90_000)));
        assert_eq!((id(all.first.as_ref()), id(all.last.as_ref())), (Some("evt_0"), Some("evt_5")));
        let counts = |counts: &Counts| serde_json::to_value(counts).unwrap();
        assert_eq!(counts(&all.by_source), json!({"counts": {"shop": 6}, "others": 0}));
        assert_eq!(counts(&all.by_actor), json!({"counts": {"a": 3, "b": 2}, "others": 0}));
        assert_eq!(all.by_type.counts["order.delivered"], 2);
        let gaps: Vec<_> = all.longest_gaps.iter().map(|gap| (gap.millis, gap.after.event_id.as_str())).collect();
        assert_eq!(gaps, [(60_000, "evt_4"), (23_000, "evt_3"), (5_000, "evt_0"), (2_000, "evt_1"), (0, "evt_2")]);
        let spans: Vec<_> =
            all.spans.iter().map(|s| (s.millis, id(s.reached_from.as_ref()), id(s.reached_to.as_ref()))).collect();
        let expected = [
            (Some(30_000), Some("evt_0"), Some("evt_4")),
            (Some(2_000), Some("evt_1"), Some("evt_3")),
            (Some(-30_000), Some("evt_4"), Some("evt_0")),
            (None, Some("evt_0"), None),
        ];
        assert_eq!(spans, expected);
    }

    #[test]
    fn what_is_kept_does_not_grow_with_the_timeline() {
        let mut aggregator = Aggregator::new([]);
        for number in 0..100_000 {
            let actor = format!("actor_{number}");
            // Longer and longer gaps, so that each new one is among the longest.
            let second = number * number;
            aggregator.add(number as u64 + 1, &event(number, second, "order.touched", Some(&actor))).unwrap();
        }
        let all = aggregator.finish();
        assert_eq!(all.events, 100_000);
        assert_eq!(all.by_actor.counts.len(), MAX_NAMES);
        assert_eq!(all.by_actor.others, 100_000 - MAX_NAMES as u64);
        assert_eq!(all.longest_gaps.len(), LONGEST_GAPS);
        assert_eq!(all.longest_gaps[0].millis, 1_000 * (2 * 99_999 - 1));
        assert!(all.longest_gaps.is_sorted_by(|a, b| a.millis >= b.millis));
    }

    #[test]
    fn an_empty_timeline_has_no_numbers() {
        let all = Aggregator::new([milestones("*", "*")]).finish();
        assert_eq!((all.events, all.first, all.duration_millis, all.spans[0].millis), (0, None, None, None));
    }
}
