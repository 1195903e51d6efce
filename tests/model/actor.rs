//! Who acts: a machine of the protocol with its calls under way. A step is one part of one call, with all that the
//! machine then does by itself; or one fault.

use std::sync::Arc;

use store::{
    StoreError,
    log::{
        port::{LogName, Put},
        protocol::{Answer, Call},
    },
};

use crate::{
    act::{Act, At},
    broken::Variant,
    calls::Grain,
    running::{Heard, Running},
    world::World,
};

/// What is the same for all actors.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) log: Arc<LogName>,
    pub(crate) variant: Variant,
    pub(crate) grain: Grain,
    /// Segments are staged as objects before they are committed.
    pub(crate) staged: bool,
    /// After so many lost races a writer asks for the turn.
    pub(crate) races: u32,
    /// How many looks a writer has under way at once.
    pub(crate) looks: usize,
    /// How far clocks go, in steps.
    pub(crate) clock: u8,
    /// How many answers may get lost in all.
    pub(crate) losses: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Actor {
    pub(crate) phase: Phase,
    /// Writes that nobody waits for any more, and that may still arrive.
    pub(crate) late: Vec<Call>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Running(Box<Running>),
    /// With receipts, or with a repair.
    Done,
    /// With an error: its producer comes again, as another actor.
    Failed,
    Crashed,
}

/// What comes of a step, or what is wrong with it.
pub(crate) struct Next {
    pub(crate) act: Act,
    /// Nobody can rely on a fault to happen.
    pub(crate) fault: bool,
    pub(crate) after: Result<(Actor, World), String>,
}

impl Actor {
    pub(crate) fn new(running: Running) -> Self {
        Self { phase: Phase::Running(Box::new(running)), late: vec![] }
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    /// Nothing has gone wrong for it, and most of its patience is left.
    pub(crate) fn is_well(&self) -> bool {
        match &self.phase {
            Phase::Running(running) => running.clock <= 1 && !running.hurt,
            Phase::Done | Phase::Crashed => true,
            Phase::Failed => false,
        }
    }

    /// Everything that may happen next to this actor.
    pub(crate) fn steps(&self, rules: &Rules, world: &World) -> Vec<Next> {
        let mut steps = Vec::new();
        if let Phase::Running(running) = &self.phase {
            for (round, asked) in running.rounds.iter().enumerate() {
                for (call, pending) in asked.calls.iter().enumerate() {
                    if pending.answer.is_some() {
                        continue;
                    }
                    if pending.is_write() || !rules.grain.reads_together {
                        for part in 0..pending.left.len() {
                            self.make(rules, world, running, (At { round, call }, part), &mut steps);
                        }
                    }
                    if world.losses > 0 {
                        self.lose(rules, world, running, At { round, call }, &mut steps);
                    }
                }
                if rules.grain.reads_together {
                    self.read(rules, world, running, round, &mut steps);
                }
            }
            if world.crashes > 0 {
                // Its calls may still arrive; but that it made them and then stood still is another course of things.
                let crashed = Self { phase: Phase::Crashed, late: self.late.clone() };
                let world = World { crashes: world.crashes - 1, ..world.clone() };
                steps.push(Next { act: Act::Crash, fault: true, after: Ok((crashed, world)) });
            }
        }
        for call in 0..self.late.len() {
            let (mut actor, mut world) = (self.clone(), world.clone());
            let late = actor.late.remove(call);
            // Nobody hears the answer.
            let _ = rules.variant.make(&mut world.memory, &rules.log, &late);
            steps.push(Next { act: Act::ArriveLate { call }, fault: true, after: Ok((actor, world)) });
        }
        steps
    }

    fn make(&self, rules: &Rules, world: &World, running: &Running, at: (At, usize), steps: &mut Vec<Next>) {
        let (at, part) = at;
        let mut world = world.clone();
        let mut running = running.clone();
        at.of_mut(&mut running).make(part, &mut world.memory, &rules.log, rules.variant);
        self.at_some_time(rules, &world, &running, at.round, |clock| Act::Make { at, part, clock }, steps);
    }

    fn read(&self, rules: &Rules, world: &World, running: &Running, round: usize, steps: &mut Vec<Next>) {
        let mut world = world.clone();
        let mut running = running.clone();
        let mut any = false;
        for pending in running.rounds[round].calls.iter_mut().filter(|pending| !pending.is_write()) {
            while pending.answer.is_none() {
                pending.make(0, &mut world.memory, &rules.log, rules.variant);
                any = true;
            }
        }
        if any {
            self.at_some_time(rules, &world, &running, round, |clock| Act::Read { round, clock }, steps);
        }
    }

    /// Goes on, now or a long time later.
    fn at_some_time(
        &self,
        rules: &Rules,
        world: &World,
        running: &Running,
        round: usize,
        act: impl Fn(u8) -> Act,
        steps: &mut Vec<Next>,
    ) {
        let answered = running.rounds[round].is_answered();
        let last = if answered { running.latest(round, rules) } else { running.clock };
        for clock in running.clock..=last.min(running.clock + 1) {
            let mut running = running.clone();
            running.clock = clock;
            let after = self.settle(rules, world.clone(), running, round);
            steps.push(Next { act: act(clock), fault: false, after });
        }
    }

    fn lose(&self, rules: &Rules, world: &World, running: &Running, at: At, steps: &mut Vec<Next>) {
        let fewer = World { losses: world.losses - 1, ..world.clone() };
        let pending = at.of(running);
        let mut fail = |act, error: StoreError, late: Vec<Call>| {
            let mut actor = self.clone();
            actor.late.extend(late);
            let mut running = running.clone();
            running.hurt = true;
            let failed = at.of_mut(&mut running);
            failed.left.clear();
            failed.answer = Some(pending.call.failed(error));
            let after = actor.settle(rules, fewer.clone(), running, at.round);
            steps.push(Next { act, fault: true, after });
        };
        let lost = StoreError::Unavailable { operation: "model", code: "lost".to_owned() };
        fail(Act::LoseAnswer { at }, lost, pending.still_to_come());
        if pending.is_write() {
            fail(Act::Throttle { at }, StoreError::Throttled { operation: "model" }, vec![]);
        }
        if matches!(pending.call, Call::Commit(_) | Call::Announce(_) | Call::PassTurn { .. }) {
            let mut world = fewer;
            let mut running = running.clone();
            let pending = at.of_mut(&mut running);
            pending.make(0, &mut world.memory, &rules.log, rules.variant);
            match &mut pending.answer {
                Some(Answer::Commit(Ok(put)) | Answer::Announce(Ok(put)) | Answer::PassTurn(Ok(put))) => {
                    *put = Put::Taken;
                }
                _ => return,
            }
            let after = self.settle(rules, world, running, at.round);
            steps.push(Next { act: Act::MakeTwice { at }, fault: true, after });
        }
    }

    /// Tells the machine the answers of a round when all are there.
    fn settle(
        &self,
        rules: &Rules,
        mut world: World,
        mut running: Running,
        round: usize,
    ) -> Result<(Self, World), String> {
        if !running.rounds[round].is_answered() {
            return Ok((Self { phase: Phase::Running(Box::new(running)), late: self.late.clone() }, world));
        }
        let phase = match running.hear(round, rules) {
            Heard::Rounds(rounds) => {
                running.ask(rules, rounds)?;
                Phase::Running(Box::new(running))
            }
            Heard::Appended(outcomes) => {
                world.acknowledge(&rules.log, &running.drafts, outcomes)?;
                Phase::Done
            }
            Heard::Repaired => Phase::Done,
            Heard::Failed(error) => {
                running.excuse(rules, &world, error)?;
                Phase::Failed
            }
        };
        Ok((Self { phase, late: self.late.clone() }, world))
    }
}
