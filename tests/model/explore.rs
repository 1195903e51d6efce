//! Every state that can be reached, breadth first, so that a counterexample is as short as can be.
//!
//! What an actor can do depends on it and on the world alone, and few of either are part of many states. So both are
//! kept once and stand in a state as numbers, compared exactly, and the steps of a pair are computed once.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    hash::{BuildHasherDefault, Hash, Hasher},
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    actor::{Actor, Phase, Rules},
    world::World,
};

/// Of actors, at most.
const SEATS: usize = 4;

/// The world's number, and those of the actors.
type State = [u32; SEATS + 1];

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    pub(crate) worlds: usize,
    /// States in which everybody is done.
    pub(crate) ends: usize,
    pub(crate) took: Duration,
}

/// How a property is broken: the steps from the beginning, and then what is wrong.
#[derive(Debug)]
pub(crate) struct Counterexample {
    pub(crate) steps: Vec<String>,
    pub(crate) wrong: String,
}

/// Values with numbers.
struct Pool<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T: Clone + Eq + Hash> Pool<T> {
    fn new() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }

    /// The value's number, and whether it is new.
    fn number(&mut self, value: T) -> (u32, bool) {
        let next = u32::try_from(self.values.len()).unwrap();
        match self.numbers.entry(value) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(vacant) => {
                self.values.push(vacant.key().clone());
                vacant.insert(next);
                (next, true)
            }
        }
    }

    fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}

/// A step of one actor, in numbers.
#[derive(Debug, Clone, Copy)]
struct Edge {
    actor: u32,
    world: u32,
    fault: bool,
}

/// For keys that are small numbers of ours, several times as quick as the standard one.
#[derive(Debug, Clone, Copy, Default)]
struct Numbers(u64);

impl Hasher for Numbers {
    fn finish(&self) -> u64 {
        // The map takes the upper bits and the lower ones.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

type ByNumbers<K, V> = HashMap<K, V, BuildHasherDefault<Numbers>>;

/// The steps of an actor in a world, or which of them goes wrong and how.
type Edges = Result<Rc<[Edge]>, (usize, String)>;

pub(crate) struct Explorer<'a> {
    rules: &'a Rules,
    actors: Pool<Actor>,
    worlds: Pool<World>,
    edges: ByNumbers<(u32, u32), Edges>,
    states: ByNumbers<State, u32>,
    order: Vec<State>,
    /// From which state, by whose step, and by which of them.
    parents: Vec<(u32, u8, u16)>,
    /// From state to state, without faults.
    forward: Vec<(u32, u32)>,
    seats: usize,
}

impl<'a> Explorer<'a> {
    /// Visits everything, and stops at the first thing that is wrong.
    ///
    /// # Panics
    /// When there are more than `most` states: then nothing is proven.
    pub(crate) fn explore(
        rules: &'a Rules,
        actors: Vec<Actor>,
        world: World,
        most: usize,
    ) -> Result<Explored, Counterexample> {
        let started = Instant::now();
        let mut this = Self {
            rules,
            actors: Pool::new(),
            worlds: Pool::new(),
            edges: ByNumbers::default(),
            states: ByNumbers::default(),
            order: Vec::new(),
            parents: Vec::new(),
            forward: Vec::new(),
            seats: actors.len(),
        };
        let mut first = [0; SEATS + 1];
        first[0] = this.worlds.number(world).0;
        for (seat, actor) in actors.into_iter().enumerate() {
            first[seat + 1] = this.actors.number(actor).0;
        }
        this.visit(first, (0, 0, 0));
        let (mut ends, mut steps, mut repaired) = (Vec::new(), 0, HashSet::new());
        let mut at = 0;
        while at < this.order.len() {
            assert!(this.order.len() <= most, "more than {most} states: choose a smaller configuration");
            let state = this.order[at];
            let number = u32::try_from(at).unwrap();
            for seat in 0..this.seats {
                let edges = match this.edges_of(state[seat + 1], state[0]) {
                    Ok(edges) => Rc::clone(edges),
                    Err((edge, wrong)) => {
                        let last = (number, seat, *edge);
                        let wrong = wrong.clone();
                        return Err(this.counterexample(number, Some(last), wrong));
                    }
                };
                steps += edges.len();
                for (place, edge) in edges.iter().enumerate() {
                    let mut next = state;
                    (next[0], next[seat + 1]) = (edge.world, edge.actor);
                    let from = (number, u8::try_from(seat).unwrap(), u16::try_from(place).unwrap());
                    let next = this.visit(next, from);
                    if !edge.fault && next != number {
                        this.forward.push((number, next));
                    }
                }
            }
            if !this.actors_of(number).any(Actor::is_running) {
                ends.push(number);
                if repaired.insert(state[0])
                    && let Err(wrong) = this.worlds.get(state[0]).check_repair(&rules.log)
                {
                    return Err(this.counterexample(number, None, wrong));
                }
            }
            at += 1;
        }
        this.check_ends(&ends)?;
        Ok(Explored {
            states: this.order.len(),
            steps,
            worlds: this.worlds.values.len(),
            ends: ends.len(),
            took: started.elapsed(),
        })
    }

    fn visit(&mut self, state: State, from: (u32, u8, u16)) -> u32 {
        let next = u32::try_from(self.order.len()).unwrap();
        *self.states.entry(state).or_insert_with(|| {
            self.order.push(state);
            self.parents.push(from);
            next
        })
    }

    fn edges_of(&mut self, actor: u32, world: u32) -> &Edges {
        if !self.edges.contains_key(&(actor, world)) {
            let steps = self.actors.get(actor).steps(self.rules, self.worlds.get(world));
            let mut edges: Edges = Ok(Rc::default());
            let mut made = Vec::with_capacity(steps.len());
            for (place, step) in steps.into_iter().enumerate() {
                let checked = step.after.and_then(|(actor, world)| {
                    let (number, new) = self.worlds.number(world);
                    if new {
                        self.worlds.get(number).check(&self.rules.log)?;
                    }
                    Ok(Edge { actor: self.actors.number(actor).0, world: number, fault: step.fault })
                });
                match checked {
                    Ok(edge) => made.push(edge),
                    Err(wrong) => {
                        edges = Err((place, wrong));
                        break;
                    }
                }
            }
            if edges.is_ok() {
                edges = Ok(made.into());
            }
            self.edges.insert((actor, world), edges);
        }
        &self.edges[&(actor, world)]
    }

    /// There is no deadlock and no going in circles without a way out: from everywhere, without any more faults,
    /// everybody who has not crashed can come to an end; and to a good one, if none had a bad one and all have patience.
    fn check_ends(&self, ends: &[u32]) -> Result<(), Counterexample> {
        let mut starts = vec![0u32; self.order.len() + 1];
        for (_, to) in &self.forward {
            starts[*to as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let (mut back, mut free) = (vec![0u32; self.forward.len()], starts.clone());
        for (from, to) in &self.forward {
            back[free[*to as usize] as usize] = *from;
            free[*to as usize] += 1;
        }
        let reaching = |mut todo: Vec<u32>| {
            let mut reached = vec![false; self.order.len()];
            while let Some(at) = todo.pop() {
                if !std::mem::replace(&mut reached[at as usize], true) {
                    todo.extend(&back[starts[at as usize] as usize..starts[at as usize + 1] as usize]);
                }
            }
            reached
        };
        let is_well = |at: u32| self.actors_of(at).all(Actor::is_well);
        let all = reaching(ends.to_vec());
        let good = reaching(ends.iter().copied().filter(|end| is_well(*end)).collect());
        for at in 0..u32::try_from(self.order.len()).unwrap() {
            if !all[at as usize] {
                let wrong = "from here on somebody never comes to an end".to_owned();
                return Err(self.counterexample(at, None, wrong));
            }
            // A torn read is answered as a failed one, and may be on its way already.
            if !self.rules.grain.torn_head && !good[at as usize] && is_well(at) {
                let wrong = "from here on somebody must give up, whatever happens".to_owned();
                return Err(self.counterexample(at, None, wrong));
            }
        }
        Ok(())
    }

    fn actors_of(&self, at: u32) -> impl Iterator<Item = &Actor> {
        self.order[at as usize][1..=self.seats].iter().map(|actor| self.actors.get(*actor))
    }

    fn counterexample(&self, mut at: u32, last: Option<(u32, usize, usize)>, wrong: String) -> Counterexample {
        let mut path = Vec::new();
        path.extend(last);
        while at != 0 {
            let (from, seat, place) = self.parents[at as usize];
            path.push((from, usize::from(seat), usize::from(place)));
            at = from;
        }
        path.reverse();
        let steps = path.into_iter().map(|(at, seat, place)| {
            let state = self.order[at as usize];
            let actor = self.actors.get(state[seat + 1]);
            let step = actor.steps(self.rules, self.worlds.get(state[0])).swap_remove(place);
            let end = match &step.after {
                Ok((after, _)) => match after.phase {
                    Phase::Done if actor.is_running() => " → done",
                    Phase::Failed if actor.is_running() => " → failed",
                    _ => "",
                },
                Err(_) => " → wrong",
            };
            format!("{}: {}{end}", char::from(b'A' + u8::try_from(seat).unwrap()), step.act.describe(actor))
        });
        Counterexample { steps: steps.collect(), wrong }
    }
}
