//! A timeline in numbers, against counting it all at once.

use std::collections::BTreeMap;

use domain::{
    event::Event,
    order::{
        Aggregator, Milestones, Recorded,
        aggregate::{Counts, LONGEST_GAPS},
    },
};
use proptest::prelude::*;
use serde_json::json;

use crate::given::recorded;

const TYPES: [&str; 4] = ["order.created", "order.payment.failed", "order.payment.succeeded", "order.shipped"];

fn counted<'a>(timeline: &'a [Recorded], name: impl Fn(&'a Event) -> Option<&'a str>) -> Counts {
    let mut counts = BTreeMap::new();
    for name in timeline.iter().filter_map(|recorded| name(&recorded.event)) {
        *counts.entry(name.to_owned()).or_insert(0) += 1;
    }
    Counts { counts, others: 0 }
}

proptest! {
    #[test]
    fn every_number_is_what_counting_gives(
        events in prop::collection::vec((0..500_u64, 0..TYPES.len(), 0..3_u8), 1..40),
        from in 0..TYPES.len(),
    ) {
        let mut timeline: Vec<Recorded> = (1_u64..).zip(&events).map(|(sequence, &(second, event_type, actor))| {
            let mut recorded = recorded(sequence, second, TYPES[event_type], json!({}));
            recorded.event.source = format!("source_{}", second % 3).parse().unwrap();
            if actor > 0 {
                recorded.event.metadata.insert("actor_id".to_owned(), json!(format!("actor_{actor}")));
            }
            recorded
        }).collect();
        timeline.sort_by_key(Recorded::position);

        let milestones = Milestones { from: TYPES[from].parse().unwrap(), to: "order.payment.*".parse().unwrap() };
        let mut aggregator = Aggregator::new([milestones]);
        for recorded in &timeline {
            aggregator.add(recorded.sequence, &recorded.event).unwrap();
        }
        let all = aggregator.finish();

        prop_assert_eq!(all.events, timeline.len() as u64);
        prop_assert_eq!(&all.by_type, &counted(&timeline, |event| Some(event.event_type.as_str())));
        prop_assert_eq!(&all.by_source, &counted(&timeline, |event| Some(event.source.as_str())));
        prop_assert_eq!(&all.by_actor, &counted(&timeline, Event::actor_id));
        prop_assert_eq!(all.without_actor, timeline.iter().filter(|r| r.event.actor_id().is_none()).count() as u64);

        let millis: Vec<i64> = timeline.iter().map(|recorded| recorded.event.occurred_at.as_millis()).collect();
        let mut gaps: Vec<(i64, u64)> =
            millis.windows(2).zip(&timeline).map(|(pair, after)| (pair[1] - pair[0], after.sequence)).collect();
        // A stable sort: of equal gaps, the earlier stays first.
        gaps.sort_by_key(|(millis, _)| std::cmp::Reverse(*millis));
        gaps.truncate(LONGEST_GAPS);
        let told: Vec<_> = all.longest_gaps.iter().map(|gap| (gap.millis, gap.after.sequence)).collect();
        prop_assert_eq!(told, gaps);
        prop_assert_eq!(all.duration_millis, Some(millis[millis.len() - 1] - millis[0]));

        let first = |of: &dyn Fn(&str) -> bool| {
            timeline.iter().position(|recorded| of(recorded.event.event_type.as_str())).map(|index| millis[index])
        };
        let (start, end) = (first(&|name| name == TYPES[from]), first(&|name| name.starts_with("order.payment.")));
        prop_assert_eq!(all.spans[0].millis, start.zip(end).map(|(start, end)| end - start));
    }
}
