//! The append protocol, model-checked: the machines that run in production, over tables that are a value, through every
//! order of their calls, crashes, lost and late answers and torn reads that small configurations have.
//!
//! In every state: the log is one unbroken chain without a doubled event; the index says nothing else than the log, and
//! is complete below the watermark; whoever was acknowledged is in both, as its receipt says, so that any reader that
//! starts then finds it. In every end: a repair completes the index. From everywhere there is a way to an end.
//!
//! `ORDER_HISTORY_MODEL=deep` adds the configurations that take minutes.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod act;
mod actor;
mod broken;
mod calls;
mod explore;
mod running;
mod sample;
mod world;

use std::collections::BTreeMap;

use actor::{Actor, Rules};
use broken::Variant;
use calls::Grain;
use explore::{Counterexample, Explored, Explorer};
use running::Running;
use store::log::memory::Memory;
use world::World;

/// Who writes what, and what may go wrong.
#[derive(Debug, Clone, Copy)]
struct Config<'a> {
    /// Each writer's events; an exclamation mark in front: it was told that others write as well, and announces them.
    writers: &'a [&'a str],
    repairers: usize,
    crashes: u8,
    losses: u8,
    grain: Grain,
    staged: bool,
    /// After so many lost races a writer asks for the turn.
    races: u32,
    /// How many looks a writer has under way at once.
    looks: usize,
    /// How far the actors' clocks may go: see `actor::CLOCK`.
    clock: u8,
}

/// Everything that the contract of the tables allows.
const FINE: Grain = Grain { torn_head: true, torn_lookup: true, torn_apply: true, reads_together: false };
/// Calls are whole, and a round's reads are one.
const COARSE: Grain = Grain { torn_head: false, torn_lookup: false, torn_apply: false, reads_together: true };

const NOBODY: Config<'_> = Config {
    writers: &[],
    repairers: 0,
    crashes: 0,
    losses: 0,
    grain: COARSE,
    staged: false,
    races: 6,
    looks: 1,
    clock: 0,
};

/// No more states than this are looked at; each takes about 150 bytes.
const MOST: usize = 40_000_000;

impl Config<'_> {
    fn run(self, variant: Variant) -> Result<Explored, Counterexample> {
        let Self { writers, repairers, crashes, losses, grain, staged, races, looks, clock } = self;
        let rules = Rules { log: sample::log(), variant, grain, staged, races, looks, clock, losses };
        let mut actors = Vec::new();
        let mut secret = 0;
        for (name, wants) in (0u8..).zip(writers) {
            let drafts = wants.trim_start_matches('!').split(' ').map(|event| {
                secret += 1;
                sample::draft(event, secret)
            });
            let drafts = drafts.collect();
            // The later a writer, the slower its clock: the log's time must not go back.
            let writer = Running::writer(&rules, name, drafts, -i64::from(name), wants.starts_with('!'));
            actors.push(Actor::new(writer));
        }
        for name in (100u8..).take(repairers) {
            actors.push(Actor::new(Running::repairer(&rules, name)));
        }
        let world = World { memory: Memory::default(), receipts: BTreeMap::new(), crashes, losses };
        Explorer::explore(&rules, actors, world, MOST)
    }

    /// Nothing goes wrong, whatever happens.
    fn holds(self) {
        match self.run(Variant::Faithful) {
            Ok(Explored { states, steps, worlds, ends, took }) => {
                eprintln!(
                    "{:?}, {} repairers, {} crashes, {} losses: {states} states, {steps} steps, {worlds} worlds, {ends} \
                     ends, {:.1} s",
                    self.writers,
                    self.repairers,
                    self.crashes,
                    self.losses,
                    took.as_secs_f64()
                );
                assert!(ends > 0, "nobody ever came to an end");
            }
            Err(found) => panic!("{self:?}: {}\n  {}", found.wrong, found.steps.join("\n  ")),
        }
    }

    /// The model finds the mistake.
    fn finds(self, variant: Variant, wrong: &str) {
        match self.run(variant) {
            Ok(explored) => panic!("{variant:?} is not found: {explored:?}"),
            Err(found) => assert_eq!(found.wrong, wrong, "{variant:?}, after {:#?}", found.steps),
        }
    }
}

fn is_deep() -> bool {
    std::env::var("ORDER_HISTORY_MODEL").is_ok_and(|wanted| wanted == "deep")
}

#[test]
fn two_writers_whose_events_overlap() {
    Config { writers: &["a b", "b c"], grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a b", "b' a"], grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a b a", "b"], grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a", "a a"], grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a", "a"], grain: FINE, ..NOBODY }.holds();
}

#[test]
fn two_writers_that_crash_or_hear_no_answer() {
    Config { writers: &["a b", "b"], crashes: 1, grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a", "a"], losses: 2, grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a", "a'"], losses: 1, grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a b", "b"], losses: 1, ..NOBODY }.holds();
}

#[test]
fn writers_beside_a_repair() {
    Config { writers: &["a", "a"], repairers: 1, crashes: 1, grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a b", "b"], repairers: 1, crashes: 2, losses: 1, ..NOBODY }.holds();
    Config { writers: &["a", "b"], repairers: 2, ..NOBODY }.holds();
}

#[test]
fn three_writers_that_race() {
    Config { writers: &["a b", "b c", "c a"], crashes: 1, ..NOBODY }.holds();
    Config { writers: &["a b", "b c", "c a"], losses: 1, clock: 1, ..NOBODY }.holds();
    Config { writers: &["a", "b", "c"], clock: 3, ..NOBODY }.holds();
}

#[test]
fn races_that_end_in_turns() {
    Config { writers: &["a", "b"], races: 1, crashes: 1, clock: 1, ..NOBODY }.holds();
    Config { writers: &["a b", "b", "c a"], races: 1, ..NOBODY }.holds();
    Config { writers: &["a", "b", "c"], races: 2, clock: 1, ..NOBODY }.holds();
}

#[test]
fn four_writers_that_race() {
    Config { writers: &["a", "b", "a c", "d"], ..NOBODY }.holds();
}

#[test]
fn writers_that_take_turns() {
    Config { writers: &["a", "!a"], clock: 3, grain: FINE, ..NOBODY }.holds();
    Config { writers: &["!a", "!b"], clock: 3, ..NOBODY }.holds();
    Config { writers: &["!a b", "!b' c"], clock: 1, ..NOBODY }.holds();
}

#[test]
fn writers_whose_looks_overlap() {
    Config { writers: &["!a", "!b"], looks: 2, clock: 1, ..NOBODY }.holds();
    Config { writers: &["a", "!a"], looks: 2, clock: 1, ..NOBODY }.holds();
}

#[test]
fn writers_that_crash_with_the_turn_or_while_they_wait() {
    Config { writers: &["!a", "!b"], crashes: 1, clock: 3, ..NOBODY }.holds();
    Config { writers: &["!a", "!a"], crashes: 1, clock: 3, ..NOBODY }.holds();
}

#[test]
fn writers_that_hear_no_answer_about_their_turn() {
    Config { writers: &["a", "!a"], losses: 1, clock: 3, ..NOBODY }.holds();
}

#[test]
fn writers_that_stage_their_segments() {
    Config { writers: &["a b", "b"], losses: 1, staged: true, grain: FINE, ..NOBODY }.holds();
    Config { writers: &["a", "!b"], crashes: 1, staged: true, clock: 3, ..NOBODY }.holds();
}

#[test]
fn larger_configurations() {
    if !is_deep() {
        eprintln!("left out: ORDER_HISTORY_MODEL=deep runs them");
        return;
    }
    Config { writers: &["a b", "b c", "c a"], losses: 1, clock: 3, ..NOBODY }.holds();
    Config { writers: &["a", "!b"], losses: 1, clock: 3, ..NOBODY }.holds();
    Config { writers: &["!a", "!b"], losses: 1, clock: 3, ..NOBODY }.holds();
    Config { writers: &["!a", "!a"], losses: 1, crashes: 1, clock: 3, ..NOBODY }.holds();
    Config { writers: &["!a", "!b", "!c"], ..NOBODY }.holds();
    Config { writers: &["!a", "!b", "b"], ..NOBODY }.holds();
    Config { writers: &["!a", "!b"], repairers: 1, clock: 1, ..NOBODY }.holds();
    Config { writers: &["!a", "a"], repairers: 1, crashes: 1, clock: 3, ..NOBODY }.holds();
    Config { writers: &["!a", "!b"], looks: 3, clock: 1, ..NOBODY }.holds();
}

#[test]
fn mistakes_are_found() {
    Config { writers: &["a"], ..NOBODY }
        .finds(Variant::WatermarkFirst, "a is below the watermark and not in the index");
    Config { writers: &["a", "b"], ..NOBODY }
        .finds(Variant::UnconditionalPut, "the index says of a what the log does not");
    Config { writers: &["a", "a"], ..NOBODY }
        .finds(Variant::NoHelp, "a was acknowledged and a reader does not find it");
    Config { writers: &["a", "b", "a"], ..NOBODY }.finds(Variant::NoDuplicateCheck, "a is in the log twice");
    Config { writers: &["!a", "!b"], clock: 1, ..NOBODY }.finds(Variant::TrustingLeader, "a is in the log twice");
    Config { writers: &["a"], ..NOBODY }
        .finds(Variant::EarlyReceipt, "a was acknowledged and a reader does not find it");
}
