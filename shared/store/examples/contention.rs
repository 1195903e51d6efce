#![allow(clippy::all, clippy::print_stdout, clippy::unwrap_used, clippy::allow_attributes, clippy::allow_attributes_without_reason)]
use std::{sync::{Arc, atomic::{AtomicU64, Ordering}}, time::{Duration, Instant}};
use domain::{event::{self, Event, TenantSource}, ids::TenantId};
use store::{Clock, Log, StoreError, log::{Outcome, Submission, memory::MemoryTables}};

fn event(id: &str, seed: usize) -> Event {
    let mut state = seed as u64 + 1;
    let mut hex = |digits: usize| {
        let mut text = String::new();
        while text.len() < digits {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{:08x}", state >> 32));
        }
        text.truncate(digits);
        text
    };
    let document = serde_json::json!({
        "tenant_id": "bench", "event_id": id, "order_id": format!("ord_{}", hex(16)),
        "occurred_at": "2025-08-29T12:34:56Z", "source": "order-service", "type": "order.payment.succeeded",
        "schema_version": "v1",
        "payload": {
            "payment_id": format!("pay_{}", hex(24)), "amount": seed * 37 % 100_000, "currency": "GBP", "captured": true,
            "method": "credit_card", "installments": seed % 12 + 1, "gateway_reference": hex(32),
            "customer": { "id": format!("cust_{}", hex(24)), "email": format!("{}@example.com", hex(12)), "name": "Alex Example", "phone": "+44 20 7946 0958", },
            "billing_address": { "line": "221B Baker Street", "city": "London", "postcode": "NW1 6XE", "country": "GB", },
            "note": "Captured by the gateway on the first attempt; the risk check passed and the order may be released \
                     to the warehouse for picking and packing as soon as the stock is confirmed by the planner.",
            "device": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0 Safari",
        },
        "metadata": { "actor_id": "svc_payments", "correlation_id": format!("corr_{}", hex(16)), "trace": hex(32), },
    });
    event::parse(document.to_string().as_bytes(), TenantSource::Envelope).unwrap().1
}

fn main() {
    let threads = std::env::var("THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    let secs: u64 = std::env::var("SECS").ok().and_then(|t| t.parse().ok()).unwrap_or(5);
    let list: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    if std::env::var_os("SIM").is_some() { for writers in if list.is_empty() { vec![1,2,3,8,64,256] } else { list } { sim(writers, secs); } return; }
    let list = if list.is_empty() { vec![1, 2, 8, 64, 256] } else { list };
    for writers in list {
        runtime.block_on(run(writers, Duration::from_secs(secs)));
    }
}

async fn run(writers: usize, long: Duration) {
    let tables = MemoryTables::with_delay(Duration::from_millis(6));
    let tenant: TenantId = "bench".parse().unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let warm = Duration::from_millis(1500);
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers).map(|w| {
        let (tables, tenant, count) = (tables.clone(), tenant.clone(), count.clone());
        tokio::spawn(async move {
            let log = Log::over(Arc::new(tables), Clock::System);
            let mut latencies = vec![];
            let mut i = 0;
            while start.elapsed() < warm + long {
                i += 1;
                let submission = Submission { event: event(&format!("e{w}-{i}"), w * 1000 + i), schema: None };
                let t = Instant::now();
                let outcome = log.append_checked(&tenant, async { Ok::<_, StoreError>(submission) }).await.unwrap();
                assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
                if start.elapsed() > warm && start.elapsed() < warm + long { latencies.push(t.elapsed()); }
                count.fetch_add(1, Ordering::Relaxed);
            }
            latencies
        })
    }).collect();
    tokio::time::sleep(warm).await;
    tables.take_units();
    let c0 = count.load(Ordering::Relaxed);
    let cpu0 = cpu();
    tokio::time::sleep(long).await;
    let units = tables.take_units();
    let n = count.load(Ordering::Relaxed) - c0;
    let cpu = cpu() - cpu0;
    let mut all = vec![];
    for task in tasks { all.extend(task.await.unwrap()); }
    all.sort();
    let ms = |q: f64| all[((all.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
    let segments = tables.memory().segments(&tenant).count();
    let total = count.load(Ordering::Relaxed);
    println!("{writers:4} writers: {:6.0}/s p50 {:6.1} p90 {:6.1} p99 {:6.1} max {:6.1} ms; write units {:.2} read {:.2} calls {:.2} refused {:.3} an event; {:.1} events a segment; cpu {:.0} us an event ({:.2} cores)",
        n as f64 / long.as_secs_f64(), ms(0.5), ms(0.9), ms(0.99), ms(1.0), units.written as f64 / n as f64, units.read as f64 / n as f64, units.calls as f64 / n as f64, units.refused as f64 / n as f64, total as f64 / segments as f64, cpu * 1e6 / n as f64, cpu / long.as_secs_f64());
}

fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

use store::log::{Draft, port::LogName, protocol::{Answer, Call, Moment, Round, Step, Writer}};
use std::{cmp::Reverse, collections::{BinaryHeap, BTreeMap}};
struct W { writer: Option<Writer>, begun: u64, hint: u64, n: usize, calls: Vec<Call>, answers: Vec<Option<Answer>> }
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Ev { Start(usize), Issue(usize), Effect(usize, usize), Answered(usize) }
fn sim(writers: usize, secs: u64) {
    let jitter: u64 = std::env::var("JITTER").ok().and_then(|t| t.parse().ok()).unwrap_or(1000);
    let think: u64 = std::env::var("THINK").ok().and_then(|t| t.parse().ok()).unwrap_or(300);
    let percall: u64 = std::env::var("CALL").ok().and_then(|t| t.parse().ok()).unwrap_or(6000);
    let mut seed = 7u64;
    let mut rnd = move || { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; seed };
    let tables = MemoryTables::default();
    let tenant: TenantId = "bench".parse().unwrap();
    let log = Arc::new(LogName { origin: ledger::Origin::new("h", &tenant), tenant: tenant.clone() });
    let mut ws: Vec<W> = (0..writers).map(|_| W { writer: None, begun: 0, hint: 0, n: 0, calls: vec![], answers: vec![] }).collect();
    let mut heap: BinaryHeap<Reverse<(u64, u64, Ev)>> = BinaryHeap::new();
    let mut id = 0u64;
    for w in 0..writers { heap.push(Reverse((rnd() % 20_000, w as u64, Ev::Start(w)))); }
    let (warm, end) = (1_500_000u64, 1_500_000 + secs * 1_000_000);
    let mut lat = vec![]; let mut measuring = false;
    let mut kinds: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    while let Some(Reverse((t, _, ev))) = heap.pop() {
        if t > end { break; }
        if t > warm && !measuring { measuring = true; let _ = tables.take_units(); kinds.clear(); }
        let mut dice = [0u8; 16]; dice[..8].copy_from_slice(&rnd().to_be_bytes()); dice[8..].copy_from_slice(&rnd().to_be_bytes());
        let (w, step) = match ev {
            Ev::Start(w) => {
                let s = &mut ws[w];
                s.n += 1; s.begun = t;
                let mut secret = [0; 32]; for c in secret.chunks_mut(8) { c.copy_from_slice(&rnd().to_be_bytes()); }
                let d = Draft::new(Submission { event: event(&format!("e{w}-{}", s.n), w * 1000 + s.n), schema: None }, ledger::Secret::new(secret)).unwrap();
                let mut writer = Writer::new(log.clone(), vec![Arc::new(d)]);
                let m = Moment { now: domain::time::Timestamp::clamped_from_millis(1_756_470_896_000 + (t / 1000) as i64), elapsed: Duration::ZERO, dice };
                let step = writer.start(s.hint > t, &m);
                s.writer = Some(writer);
                (w, step)
            }
            Ev::Issue(w) => {
                for i in 0..ws[w].calls.len() { id += 1; heap.push(Reverse((t + percall / 2 + rnd() % (jitter + 1) / 2, id, Ev::Effect(w, i)))); }
                continue;
            }
            Ev::Effect(w, i) => {
                let call = &ws[w].calls[i];
                let answer = tables.answer(&log, call).unwrap();
                let name: String = match call { Call::Head => "Head", Call::Mark => "Mark", Call::Lookup(_) => "Lookup", Call::Commit(_) => "Commit", Call::Apply { .. } => "Apply", Call::Raise(_) => "Raise", Call::PassTurn { .. } => "PassTurn", Call::Announce(_) => "Announce", Call::Announced => "Announced", #[allow(unreachable_patterns)] _ => "other" }.to_owned();
                let k = kinds.entry(name).or_default(); k.0 += 1;
                if let Answer::Commit(Ok(store::log::port::Put::Taken)) | Answer::PassTurn(Ok(store::log::port::Put::Taken)) = &answer { k.1 += 1; }
                ws[w].answers[i] = Some(answer);
                if ws[w].answers.iter().all(Option::is_some) { id += 1; heap.push(Reverse((t + percall / 2 + rnd() % (jitter + 1) / 2, id, Ev::Answered(w)))); }
                continue;
            }
            Ev::Answered(w) => {
                let s = &mut ws[w];
                let answers = std::mem::take(&mut s.answers).into_iter().map(Option::unwrap).collect();
                let m = Moment { now: domain::time::Timestamp::clamped_from_millis(1_756_470_896_000 + (t / 1000) as i64), elapsed: Duration::from_micros(t - s.begun), dice };
                (w, s.writer.as_mut().unwrap().on(answers, &m))
            }
        };
        match step {
            Step::Ask(Round { pause, calls }) => {
                ws[w].answers = vec![None; calls.len()]; ws[w].calls = calls;
                id += 1; heap.push(Reverse((t + pause.as_micros() as u64 + 100, id, Ev::Issue(w))));
            }
            Step::Done(r) => {
                let r = r.unwrap(); assert!(matches!(r[0], Outcome::Recorded(_)), "{r:?}");
                if measuring { lat.push(t - ws[w].begun); }
                if ws[w].writer.as_ref().unwrap().is_contended() { ws[w].hint = t + 1_000_000; }
                id += 1; heap.push(Reverse((t + think, id, Ev::Start(w))));
            }
        }
    }
    let units = tables.take_units();
    lat.sort();
    let n = lat.len() as f64;
    let ms = |q: f64| lat[((lat.len() - 1) as f64 * q) as usize] as f64 / 1e3;
    let segs = tables.memory().segments(&tenant).count();
    println!("{writers:4} writers: {:6.0}/s p50 {:6.1} p90 {:6.1} p99 {:6.1} max {:6.1} ms; write units {:.2} read {:.2} calls {:.2} refused {:.3} an event; {segs} segments", n / secs as f64, ms(0.5), ms(0.9), ms(0.99), ms(1.0), units.written as f64 / n, units.read as f64 / n, units.calls as f64 / n, units.refused as f64 / n);
    println!("       {}", kinds.iter().map(|(k, v)| format!("{k} {:.2}{}", v.0 as f64 / n, if v.1 > 0 { format!(" (refused {:.3})", v.1 as f64 / n) } else { String::new() })).collect::<Vec<_>>().join(", "));
}
