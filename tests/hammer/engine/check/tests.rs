//! A log that is right, and what is said of it when one thing is wrong.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::Duration;

use aws_config::SdkConfig;

use super::super::{Journal, Plan, Target, Tokens};
use super::*;

/// Events of the log that is right.
const EVENTS: u64 = 12;

fn hash(byte: u64) -> Hash {
    Hash([u8::try_from(byte).unwrap(); 32])
}

fn plan() -> Plan {
    Plan {
        run: "test".to_owned(),
        seed: 1,
        tenants: vec!["acme".to_owned()],
        exponent: 1.0,
        duration: Duration::ZERO,
        events: 0,
        clients: 0,
        lanes: 0,
        batch: 1,
        backlog: 0,
        repeats: 0,
        conflicts: 0,
        races: 0,
        impatient: 0,
        payload: 50,
        give_up: Duration::ZERO,
        settle: Duration::ZERO,
        kill_every: None,
        orders: 1,
        show: false,
    }
}

/// Sends events to a ledger that is right, of which `tamper` makes what the API shows, and returns what is found wrong.
///
/// Even events go over HTTP and are acknowledged; odd ones go over lane 1 of the stream.
fn differences(promise: impl Fn(&Journal, &[Event]), tamper: impl Fn(&mut Vec<Event>)) -> Vec<String> {
    let target = Target {
        api_url: String::new(),
        stream: None,
        segments: None,
        bucket: None,
        aws: SdkConfig::builder().build(),
        tokens: Tokens::Given(String::new()),
        state: None,
    };
    let (plan, folder) = (plan(), tempfile::tempdir().unwrap());
    let origin = Origin::new("history.example.com", &"acme".parse().unwrap());
    let before = Head { origin: origin.clone(), sequence: 0, ledger_hash: chain::genesis(&origin) };
    let journal = Journal::create(folder.path(), "acme", 0).unwrap();
    let tenant = Tenant { name: "acme".to_owned(), before, journal };
    let run = Run::with(&target, &plan, folder.path(), vec![tenant]).unwrap();
    let tenant = &run.tenants[0];

    let mut events: Vec<Event> = Vec::new();
    let mut ledger_hash = chain::genesis(&origin);
    for number in 0..EVENTS {
        let lane = u8::try_from(number % 2).unwrap();
        let flags = if lane == 0 { POSTED } else { ON_STREAM };
        assert_eq!(tenant.journal.add(flags, lane).unwrap(), number);
        ledger_hash = chain::link(number + 1, ledger_hash, hash(number));
        events.push(shown(&run.maker, number, 0, number + 1, Integrity { sha256: hash(number), ledger_hash }));
        if lane == 0 {
            assert_eq!(tenant.journal.receive(number, 0, receipt(&events[number as usize]), true).unwrap(), None);
        }
    }
    promise(&tenant.journal, &events);
    tamper(&mut events);
    let (mut scan, mut timelines) = (Scan::new(&origin), run.chosen(tenant));
    for event in events {
        run.next(tenant, &mut scan, &mut timelines, event).unwrap();
    }
    run.missing(tenant).unwrap();
    run.take_differences().listed
}

fn receipt(event: &Event) -> Receipt {
    let Integrity { sha256, ledger_hash } = event.integrity;
    Receipt { sequence: event.sequence, sha256, ledger_hash }
}

/// An event as the API shows it.
fn shown(maker: &Maker, number: u64, variant: u8, sequence: u64, integrity: Integrity) -> Event {
    let sent = maker.event(number, variant);
    Event {
        id: sent.event_id,
        sequence,
        order_id: sent.order_id,
        occurred_at: sent.occurred_at,
        received_at: format!("2026-01-01T00:00:{sequence:02}Z").parse().unwrap(),
        source: sent.source.to_owned(),
        kind: sent.kind.to_owned(),
        schema_version: sent.schema_version.to_owned(),
        correction_of: None,
        payload: sent.payload,
        metadata: sent.metadata,
        integrity,
    }
}

/// Links the events anew, as somebody would who hides something.
fn link(events: &mut [Event]) {
    let origin = Origin::new("history.example.com", &"acme".parse().unwrap());
    let mut ledger_hash = chain::genesis(&origin);
    for (sequence, event) in (1..).zip(events) {
        ledger_hash = chain::link(sequence, ledger_hash, event.integrity.sha256);
        (event.sequence, event.integrity.ledger_hash) = (sequence, ledger_hash);
        event.received_at = format!("2026-01-01T00:00:{sequence:02}Z").parse().unwrap();
    }
}

fn tampered(tamper: impl Fn(&mut Vec<Event>)) -> Vec<String> {
    differences(|_, _| {}, tamper)
}

#[track_caller]
fn assert_said(said: &[String], expected: &[&str]) {
    for expected in expected {
        assert!(said.iter().any(|said| said.contains(expected)), "nobody says \"{expected}\": {said:#?}");
    }
    let others = said.iter().filter(|said| !expected.iter().any(|expected| said.contains(expected)));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn of_a_log_that_is_right_nothing_is_said() {
    assert_eq!(tampered(|_| {}), Vec::<String>::new());
}

#[test]
fn events_that_are_gone_are_named() {
    let said = tampered(|events| {
        events.truncate(10);
    });
    let acknowledged = "event h-test-10 was acknowledged at sequence 11 and is not in the log";
    assert_said(&said, &[acknowledged, "event h-test-11 was taken by Kinesis (lane 1) and is not in the log"]);
    // One that nobody has a receipt for, from the middle, and the others closed up.
    let said = tampered(|events| {
        events.remove(1);
        link(events);
    });
    let moved = "was acknowledged with Receipt";
    assert_said(&said, &["h-test-1 was taken by Kinesis", moved, "was first sent after"]);
    assert_eq!(said.iter().filter(|said| said.contains(moved)).count(), 5, "all with a receipt that come later");
    let said = tampered(|events| {
        events.remove(11);
        events.remove(1);
    });
    let gap = "sequence 3, event h-test-2: comes after sequence 1";
    assert_said(&said, &["h-test-1 was taken", "h-test-11 was taken", gap, "h-test-2: its ledger_hash"]);
}

#[test]
fn what_is_there_twice_or_was_never_sent_is_named() {
    let twice = |events: &mut Vec<Event>| {
        events[11] = shown(&maker(), 1, 0, 0, Integrity { sha256: hash(11), ledger_hash: hash(0) });
        link(events);
    };
    assert_said(
        &tampered(twice),
        &["sequence 12, event h-test-1: stands in the log twice", "h-test-11 was taken", "under the same key"],
    );
    let foreign = |events: &mut Vec<Event>| {
        for id in ["other", "h-test-12", "h-test-07"] {
            let mut event = shown(&maker(), 12, 0, 0, Integrity { sha256: hash(12), ledger_hash: hash(0) });
            event.id = id.to_owned();
            events.push(event);
        }
        link(events);
    };
    let nobody = ["other", "h-test-12", "h-test-07"].map(|id| format!("event {id}: nobody has sent it"));
    assert_said(&tampered(foreign), &nobody.each_ref().map(String::as_str));
}

#[test]
fn another_content_hash_or_time_is_named() {
    let said = tampered(|events| events[2].payload["amount"] = 1.into());
    assert_said(&said, &["sequence 3, event h-test-2: is not what was sent"]);
    let said = tampered(|events| events[3].payload["variant"] = 1.into());
    assert_said(&said, &["sequence 4, event h-test-3: is not what was sent"]);
    let said = tampered(|events| events[11].integrity.ledger_hash = hash(0));
    assert_said(&said, &["h-test-11: its ledger_hash 0000"]);
    let said = tampered(|events| events[4].received_at = "2025-01-01T00:00:00Z".parse().unwrap());
    assert_said(&said, &["h-test-4: was received before the event before it"]);
}

#[test]
fn an_order_that_was_promised_and_is_not_kept_is_named() {
    // 1 and 3 are of one key of the stream, and nobody has a receipt for what is between.
    let said = differences(
        |journal, events| {
            let late = journal.add(ON_STREAM, 2).unwrap();
            assert_eq!((late, journal.slot(late).unwrap().floor), (EVENTS, 11), "sent after sequence 11 was told");
            assert_eq!(events.len() as u64, EVENTS);
        },
        |events| {
            let late = shown(&maker(), EVENTS, 0, 0, Integrity { sha256: hash(99), ledger_hash: hash(0) });
            let last = events.pop().unwrap();
            assert_eq!(last.id, "h-test-11");
            events[9] = late;
            events[1] = shown(&maker(), 11, 0, 0, Integrity { sha256: hash(1), ledger_hash: hash(0) });
            link(events);
        },
    );
    let floor = "sequence 10, event h-test-12: was first sent after sequence 11 was acknowledged";
    let lanes = "event h-test-3: was put on the stream before h-test-11, under the same key";
    let gone = ["event h-test-1 was taken", "event h-test-9 was taken"];
    let said: Vec<String> = said.into_iter().filter(|said| !said.contains("was acknowledged with Receipt")).collect();
    assert_said(&said, &[floor, lanes, "h-test-11: was first sent after", gone[0], gone[1]]);
}

#[test]
fn receipts_must_agree() {
    let wrong = |number: u64, variant: u8, byte: u64, created: bool| {
        differences(
            |journal, events| {
                let right = receipt(&events[number as usize]);
                let told = Receipt { sha256: hash(byte), ..right };
                assert!(journal.receive(number, variant, told, created).unwrap().is_some());
                assert_eq!(journal.slot(number).unwrap().receipt, right, "the first one stays");
            },
            |_| {},
        )
    };
    // Another hash, another content, and a second request that is told that it was the first.
    for (variant, byte, created) in [(0, 3, false), (1, 2, false), (0, 2, true)] {
        assert_eq!(wrong(2, variant, byte, created), Vec::<String>::new(), "the log is right all the same");
    }
}

#[test]
fn what_was_answered_must_come_of_it() {
    let said = differences(
        |journal, events| {
            let receipt = Receipt { sequence: 13, ..receipt(&events[0]) };
            let promised = journal.add(POSTED, 0).unwrap();
            assert_eq!(journal.receive(promised, 0, receipt, false).unwrap(), None);
            // No answer at all promises nothing, an answer without a receipt neither, but only one of them is an answer.
            journal.add(POSTED | LOST, 0).unwrap();
            journal.add(POSTED, 0).unwrap();
        },
        |_| {},
    );
    let promised = "event h-test-12 was acknowledged at sequence 13 and is not in the log";
    assert_said(&said, &[promised, "event h-test-14 was answered without a receipt and is not in the log"]);

    let said = differences(
        |journal, events| {
            let last = events.last().unwrap();
            let nobody = journal.add(POSTED, 0).unwrap();
            let unasked = journal.add(POSTED, 0).unwrap();
            assert_eq!(journal.receive(nobody, 0, Receipt { sequence: 13, ..next(last, 12) }, false).unwrap(), None);
            assert_eq!(unasked, 13);
        },
        |events| {
            for number in [12, 13] {
                let ledger_hash = next(events.last().unwrap(), number).ledger_hash;
                let integrity = Integrity { sha256: hash(number), ledger_hash };
                events.push(shown(&maker(), number, 0, number + 1, integrity));
            }
        },
    );
    let nobody = "event h-test-12: no request was told that it recorded the event";
    assert_said(&said, &[nobody, "event h-test-13: is recorded although no request was answered so"]);
}

/// The receipt of an event that comes after another.
fn next(last: &Event, number: u64) -> Receipt {
    let sequence = last.sequence + 1;
    let ledger_hash = chain::link(sequence, last.integrity.ledger_hash, hash(number));
    Receipt { sequence, sha256: hash(number), ledger_hash }
}

fn maker() -> Maker {
    Maker { run: "test".to_owned(), payload: 50 }
}
