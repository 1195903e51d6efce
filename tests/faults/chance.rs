//! What goes wrong, and when: all of it follows from one number.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// SplitMix64, whose every seed is as good as any other.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of the range, which must not be empty.
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.within(0..times) == 0
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Answered,
    /// Refused, and not made.
    Throttled,
    /// Not made, and no answer.
    NeverArrived,
    /// Made, and no answer.
    AnswerLost,
    /// No answer, and made later.
    Late,
    /// Made, and made again, as a client does that heard no answer.
    Twice,
}

/// How bad it is in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weather {
    /// Of a thousand calls, so many go wrong.
    faults: u64,
    /// A call takes up to so long, in microseconds; it takes effect somewhere in between.
    slow: u64,
    /// One of so many calls takes up to four seconds.
    stuck: u64,
    /// In this time nothing is answered: the tables are down.
    down: Range<Duration>,
}

impl Weather {
    fn new(rng: &mut Rng) -> Self {
        let faults = [0, 5, 30, 100, 250][usize::try_from(rng.within(0..5)).unwrap()];
        let down = Duration::from_millis(rng.within(0..3_000));
        let until = if rng.one_in(3) { down + Duration::from_millis(rng.within(0..4_000)) } else { down };
        Self {
            faults,
            slow: [100, 3_000, 12_000, 60_000][usize::try_from(rng.within(0..4)).unwrap()],
            stuck: [40, 200, 1_000][usize::try_from(rng.within(0..3)).unwrap()],
            down: down..until,
        }
    }
}

/// Decides about every call.
#[derive(Debug)]
pub(crate) struct Chance {
    rng: Mutex<(Rng, Tally)>,
    weather: Weather,
    /// What becomes of every call, for as long as somebody says so.
    always: Mutex<Option<Fate>>,
    started: Instant,
    calm: AtomicBool,
}

/// What was decided.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) faults: u64,
    /// Of every call, its moment and what became of it.
    digest: DefaultHasher,
}

impl Tally {
    pub(crate) fn digest(&self) -> u64 {
        self.digest.finish()
    }
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let weather = Weather::new(&mut rng);
        Self::of(rng, weather)
    }

    /// For tables on another clock than ours: nothing takes long.
    pub(crate) fn brisk(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let weather =
            Weather { slow: 4_000, stuck: u64::MAX, down: Duration::ZERO..Duration::ZERO, ..Weather::new(&mut rng) };
        Self::of(rng, weather)
    }

    /// Nothing goes wrong unless somebody says so.
    pub(crate) fn calm() -> Self {
        let weather = Weather { faults: 0, slow: 0, stuck: u64::MAX, down: Duration::ZERO..Duration::ZERO };
        Self::of(Rng::new(0), weather)
    }

    fn of(rng: Rng, weather: Weather) -> Self {
        let (rng, always) = (Mutex::new((rng, Tally::default())), Mutex::new(None));
        Self { rng, weather, always, started: Instant::now(), calm: AtomicBool::new(false) }
    }

    /// From now on this becomes of every call; none: what chance says.
    pub(crate) fn always(&self, fate: impl Into<Option<Fate>>) {
        *self.always.lock().unwrap() = fate.into();
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// How long a part of a call takes.
    pub(crate) fn delay(&self) -> Duration {
        let rng = &mut self.rng.lock().unwrap().0;
        let longest = if rng.one_in(self.weather.stuck) { 4_000_000 } else { self.weather.slow };
        // To the millisecond, as the timers go.
        Duration::from_millis(rng.within(0..longest + 1) / 1_000)
    }

    pub(crate) fn fate(&self, call: &'static str) -> Fate {
        if let Some(fate) = *self.always.lock().unwrap() {
            return fate;
        }
        let now = self.started.elapsed();
        let (rng, tally) = &mut *self.rng.lock().unwrap();
        let faults = if self.weather.down.contains(&now) { 1_000 } else { self.weather.faults };
        let fate = if self.calm.load(Ordering::Relaxed) || rng.within(0..1_000) >= faults {
            Fate::Answered
        } else {
            tally.faults += 1;
            match rng.within(0..6) {
                0 => Fate::Throttled,
                1 | 2 => Fate::NeverArrived,
                3 => Fate::AnswerLost,
                4 => Fate::Late,
                _ => Fate::Twice,
            }
        };
        tally.calls += 1;
        (now, call, fate).hash(&mut tally.digest);
        fate
    }

    /// Whether to do the one thing or the other.
    pub(crate) fn toss(&self) -> bool {
        self.rng.lock().unwrap().0.one_in(2)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.rng.lock().unwrap().1.clone()
    }

    /// Since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }
}
