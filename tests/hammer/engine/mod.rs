//! Load, and the proof that the ledger is exactly what was acknowledged. The tool and the end-to-end test share it.
//!
//! 1. [`post`]: clients over HTTP; [`stream`]: producers on Kinesis; [`kill`]: `kill -9` of functions meanwhile.
//! 2. [`journal`]: what was promised about each event.
//! 3. [`check`]: the whole log read back through the API and held against it; [`audit`]: the same log, as it lies in the
//!    table, recomputed by the independent checker.

mod api;
mod audit;
mod check;
mod dice;
mod event;
mod figures;
mod journal;
mod kill;
mod post;
mod show;
mod stream;
mod target;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;

use self::api::Api;
pub(crate) use self::check::Checked;
use self::dice::{Dice, Zipf};
use self::event::Maker;
pub(crate) use self::figures::Figures;
pub(crate) use self::journal::Differences;
use self::journal::Journal;
use self::kill::Killer;
pub(crate) use self::target::{Target, Tokens};

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The name of the run, a part of every event's id.
    pub(crate) run: String,
    /// All choices follow from it.
    pub(crate) seed: u64,
    /// The first one gets the most.
    pub(crate) tenants: Vec<String>,
    /// How unequal they are: 0 is equal, 1 is Zipf's own law.
    pub(crate) exponent: f64,
    /// How long, and how many new events at most.
    pub(crate) duration: Duration,
    pub(crate) events: u64,
    /// Clients over HTTP, each with one event at a time.
    pub(crate) clients: usize,
    /// Producers on the stream, each with one record at a time and a partition key of its own.
    pub(crate) lanes: u8,
    /// Events of a record, at most.
    pub(crate) batch: u64,
    /// New events on the stream that ingest may be behind before producers wait for it.
    pub(crate) backlog: u64,
    /// Of a hundred events, so many are sent that were sent before…
    pub(crate) repeats: u64,
    /// …so many that contradict one that is recorded…
    pub(crate) conflicts: u64,
    /// …and so many that contradict another one of the same moment. The rest is new.
    pub(crate) races: u64,
    /// Of a hundred requests, so many are not waited for, and made again.
    pub(crate) impatient: u64,
    /// Characters of filling in each event.
    pub(crate) payload: usize,
    /// How long an event is sent again and again without an answer.
    pub(crate) give_up: Duration,
    /// How long the stream may stand still at the end.
    pub(crate) settle: Duration,
    /// A function process is killed so often.
    pub(crate) kill_every: Option<Duration>,
    /// Timelines that are compared at the end, and events that the service verifies itself.
    pub(crate) orders: u64,
    /// Whether to say how it goes.
    pub(crate) show: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) figures: Figures,
    pub(crate) checked: Checked,
    pub(crate) differences: Differences,
}

/// A run, as everybody in it sees it.
#[derive(Debug)]
struct Run<'a> {
    target: &'a Target,
    plan: &'a Plan,
    api: Api<'a>,
    maker: Maker,
    zipf: Zipf,
    tenants: Vec<Tenant>,
    figures: Figures,
    differences: Mutex<Differences>,
    stopped: AtomicBool,
}

/// A tenant, with its log as it was before.
#[derive(Debug)]
struct Tenant {
    name: String,
    before: check::Head,
    journal: Journal,
}

/// Hammers, then checks. `folder` takes a slot for each event, and for the check a copy of the log.
pub(crate) async fn run(target: &Target, plan: &Plan, folder: &Path) -> Result<Outcome> {
    let api = Api::new(target)?;
    let killer = match (plan.kill_every, &target.state) {
        (None, _) => None,
        (Some(every), Some(state)) => Some((every, Killer::of(state)?)),
        (Some(_), None) => anyhow::bail!("only functions of a local stack can be killed"),
    };
    let mut tenants = Vec::new();
    for name in &plan.tenants {
        let before = check::Head::of(&api, name).await?;
        let journal = Journal::create(folder, name, before.sequence)?;
        tenants.push(Tenant { name: name.clone(), before, journal });
    }
    let run = Run {
        target,
        plan,
        api,
        maker: Maker { run: plan.run.clone(), payload: plan.payload },
        zipf: Zipf::new(tenants.len(), plan.exponent),
        tenants,
        figures: Figures::new()?,
        differences: Mutex::default(),
        stopped: AtomicBool::new(false),
    };
    let mut dice = Dice::new(plan.seed);
    tokio::select! {
        loaded = run.load(&mut dice, killer) => loaded?,
        () = show::forever(&run.figures, plan.show) => {}
    }
    show::note(plan.show, run.figures.line());
    show::note(plan.show, "the load is over; reading everything back");
    let checked = run.check(folder).await?;
    let differences = run.differences.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Outcome { figures: run.figures, checked, differences })
}

impl Run<'_> {
    /// Everybody at once, until all that was sent is settled.
    async fn load(&self, dice: &mut Dice, killer: Option<(Duration, Killer)>) -> Result<()> {
        let clients: Vec<_> = (0..self.plan.clients).map(|_| self.client(dice.split())).collect();
        let kinesis = aws_sdk_kinesis::Client::new(&self.target.aws);
        let stream = self.target.stream.as_deref().unwrap_or_default();
        let lanes = if stream.is_empty() { 0 } else { self.plan.lanes };
        let lanes: Vec<_> = (1..=lanes).map(|lane| self.lane(lane, &kinesis, stream, dice.split())).collect();
        let kills = self.kill(killer, dice.split());
        tokio::try_join!(try_join_all(clients), try_join_all(lanes), kills, self.stop())?;
        Ok(())
    }

    /// Ends the load when it is time, there are enough events, or somebody presses Ctrl-C.
    async fn stop(&self) -> Result<()> {
        let started = Instant::now();
        let enough = async {
            while started.elapsed() < self.plan.duration && self.sent() < self.plan.events {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            () = enough => {}
            pressed = tokio::signal::ctrl_c() => pressed.context("cannot listen for Ctrl-C")?,
        }
        self.stopped.store(true, Ordering::Release);
        Ok(())
    }

    async fn kill(&self, killer: Option<(Duration, Killer)>, mut dice: Dice) -> Result<()> {
        let Some((every, killer)) = killer else { return Ok(()) };
        while !self.is_stopped() {
            // Not in step with anything that the service does at regular times.
            let percent = u32::try_from(50 + dice.below(100))?;
            tokio::time::sleep(every * percent / 100).await;
            if let Some(function) = killer.strike(&mut dice)? {
                *self.figures.numbers().kills.entry(function).or_default() += 1;
            }
        }
        Ok(())
    }

    /// New events so far.
    fn sent(&self) -> u64 {
        self.tenants.iter().map(|tenant| tenant.journal.len()).sum()
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn differs(&self, tenant: &Tenant, what: impl Into<String>) {
        self.differences.lock().unwrap_or_else(PoisonError::into_inner).add(&tenant.name, what);
    }
}
