//! Putting events on the ingest stream.
//!
//! The events of an order must arrive in their order. So an order belongs to one of a fixed number of partitions, a
//! record holds a chunk of one partition as NDJSON, and no call carries two records of the same partition: a record
//! that is throttled is sent again before anything that comes after it.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;

use crate::events::Event;

/// Enough to spread over the shards of a small stream, few enough to fill records.
const PARTITIONS: u8 = 32;

/// Commits are cheap when they are large; a record may have 1 MiB at most.
const EVENTS_A_RECORD: usize = 100;
const BYTES_A_RECORD: usize = 256 * 1024;

/// A throttled record is sent so often again, with a pause that grows.
const ATTEMPTS: u32 = 8;

/// A part of the events that stays in order.
#[derive(Debug, Default)]
struct Partition {
    records: VecDeque<(String, u64)>,
}

/// Puts all events on the stream; `progress` hears how many are there so far.
pub(crate) async fn put(client: &Client, stream: &str, events: &[Event], mut progress: impl FnMut(u64)) -> Result<()> {
    let mut partitions = chunks(events);
    let mut sent = 0;
    loop {
        let round: Vec<(String, String, u64)> = partitions
            .iter_mut()
            .enumerate()
            .filter_map(|(index, partition)| {
                let (data, count) = partition.records.pop_front()?;
                Some((format!("orders-{index:02}"), data, count))
            })
            .collect();
        if round.is_empty() {
            return Ok(());
        }
        put_round(client, stream, &round).await?;
        sent += round.iter().map(|(_, _, count)| count).sum::<u64>();
        progress(sent);
    }
}

/// The last event of each partition: when the ledger has these, it has all that came before them.
pub(crate) fn last_events(events: &[Event]) -> Vec<&Event> {
    let mut last = vec![None; usize::from(PARTITIONS)];
    for event in events {
        last[partition(&event.order_id)] = Some(event);
    }
    last.into_iter().flatten().collect()
}

async fn put_round(client: &Client, stream: &str, round: &[(String, String, u64)]) -> Result<()> {
    let mut left: Vec<PutRecordsRequestEntry> = round
        .iter()
        .map(|(key, data, _)| {
            let entry = PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data.as_bytes()));
            entry.build().context("a record without key or data")
        })
        .collect::<Result<_>>()?;
    for attempt in 0..ATTEMPTS {
        let put = client.put_records().stream_name(stream).set_records(Some(left.clone()));
        let answer = put.send().await.map_err(aws_sdk_kinesis::Error::from).context("the stream refuses records")?;
        let mut answers = answer.records().iter();
        // The answers are in the order of the records.
        left.retain(|_| answers.next().is_some_and(|record| record.error_code().is_some()));
        if left.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
    }
    bail!("the stream has throttled {} records {ATTEMPTS} times", left.len())
}

fn chunks(events: &[Event]) -> Vec<Partition> {
    let mut partitions: Vec<Partition> = (0..PARTITIONS).map(|_| Partition::default()).collect();
    for event in events {
        let records = &mut partitions[partition(&event.order_id)].records;
        match records.back_mut() {
            Some((data, count))
                if *count < EVENTS_A_RECORD as u64 && data.len() + event.json.len() < BYTES_A_RECORD =>
            {
                data.push_str(&event.json);
                data.push('\n');
                *count += 1;
            }
            _ => records.push_back((format!("{}\n", event.json), 1)),
        }
    }
    partitions
}

fn partition(order_id: &str) -> usize {
    let hash = digest::digest(&digest::SHA256, order_id.as_bytes());
    usize::from(hash.as_ref()[0] % PARTITIONS)
}

#[cfg(test)]
mod tests {
    use super::{chunks, last_events, partition};
    use crate::events::Event;

    #[test]
    fn every_event_is_in_one_record_in_order_and_the_last_ones_are_last() {
        let events: Vec<Event> = (0..20_000)
            .map(|n| Event { id: format!("e{n}"), order_id: format!("o{}", n % 700), json: format!("{{\"n\":{n}}}") })
            .collect();
        let partitions = chunks(&events);
        for (index, part) in partitions.iter().enumerate() {
            let lines: Vec<&str> = part.records.iter().flat_map(|(data, _)| data.lines()).collect();
            let expected: Vec<&str> =
                events.iter().filter(|event| partition(&event.order_id) == index).map(|it| it.json.as_str()).collect();
            assert_eq!(lines, expected);
            let last = last_events(&events).into_iter().find(|event| partition(&event.order_id) == index);
            assert_eq!(last.map(|event| event.json.as_str()), lines.last().copied());
        }
        let total: u64 = partitions.iter().flat_map(|part| &part.records).map(|(_, count)| count).sum();
        assert_eq!(total, 20_000);
    }
}
