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

use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;

use self::api::Api;
pub(crate) use self::check::Checked;
use self::check::Head;
use self::dice::{Dice, Zipf};
use self::event::Maker;
use self::figures::{Figures, Numbers};
use self::journal::{Differences, Journal};
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

/// A run: made by [`Run::prepare`], then loaded, then checked.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    target: &'a Target,
    plan: &'a Plan,
    /// Takes a slot for each event, and for the check a copy of the log.
    folder: &'a Path,
    killer: Option<(Duration, Killer)>,
    api: Api<'a>,
    maker: Maker,
    zipf: Zipf,
    tenants: Vec<Tenant>,
    figures: Figures,
    differences: Mutex<Differences>,
    stopped: AtomicBool,
    /// Events and timelines that the check has read.
    read: [AtomicU64; 2],
}

/// A tenant, with its log as it was before.
#[derive(Debug)]
struct Tenant {
    name: String,
    before: Head,
    journal: Journal,
}

impl<'a> Run<'a> {
    /// Looks at what the tenants have already.
    pub(crate) async fn prepare(target: &'a Target, plan: &'a Plan, folder: &'a Path) -> Result<Self> {
        let mut run = Self::with(target, plan, folder, Vec::new())?;
        run.killer = match (plan.kill_every, &target.state) {
            (None, _) => None,
            (Some(every), Some(state)) => Some((every, Killer::of(state)?)),
            (Some(_), None) => bail!("only functions of a local stack can be killed"),
        };
        for name in &plan.tenants {
            let before = Head::of(&run.api, name).await?;
            let journal = Journal::create(folder, name, before.sequence)?;
            run.tenants.push(Tenant { name: name.clone(), before, journal });
        }
        Ok(run)
    }

    fn with(target: &'a Target, plan: &'a Plan, folder: &'a Path, tenants: Vec<Tenant>) -> Result<Self> {
        Ok(Self {
            target,
            plan,
            folder,
            killer: None,
            api: Api::new(target)?,
            maker: Maker { run: plan.run.clone(), payload: plan.payload },
            zipf: Zipf::new(plan.tenants.len(), plan.exponent),
            tenants,
            figures: Figures::new()?,
            differences: Mutex::default(),
            stopped: AtomicBool::new(false),
            read: [AtomicU64::new(0), AtomicU64::new(0)],
        })
    }

    /// Hammers, until all that was sent is settled.
    pub(crate) async fn hammer(&self) -> Result<()> {
        tokio::select! {
            loaded = self.load(Dice::new(self.plan.seed)) => loaded?,
            () = show::forever(self.plan.show, || self.figures.line()) => {}
        }
        show::note(self.plan.show, self.figures.line());
        Ok(())
    }

    pub(crate) fn figures(&self) -> MutexGuard<'_, Numbers> {
        self.figures.numbers()
    }

    /// What differed since this was asked last.
    pub(crate) fn take_differences(&self) -> Differences {
        mem::take(&mut self.differences.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everybody at once, until all that was sent is settled.
    async fn load(&self, mut dice: Dice) -> Result<()> {
        let clients: Vec<_> = (0..self.plan.clients).map(|_| self.client(dice.split())).collect();
        let kinesis = aws_sdk_kinesis::Client::new(&self.target.aws);
        let stream = self.target.stream.as_deref().unwrap_or_default();
        let lanes = if stream.is_empty() { 0 } else { self.plan.lanes };
        let lanes: Vec<_> = (1..=lanes).map(|lane| self.lane(lane, &kinesis, stream, dice.split())).collect();
        let kills = self.kill(dice.split());
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

    async fn kill(&self, mut dice: Dice) -> Result<()> {
        let Some((every, killer)) = &self.killer else { return Ok(()) };
        while !self.is_stopped() {
            // Not in step with anything that the service does at regular times.
            let percent = u32::try_from(50 + dice.below(100))?;
            tokio::time::sleep(*every * percent / 100).await;
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
