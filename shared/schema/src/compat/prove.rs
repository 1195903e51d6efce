//! The proof that one schema accepts whatever another accepts.

use std::collections::BTreeSet;

use super::{
    finite::{self, Oracle},
    narrow::Narrow,
    node::{Node, Part},
    types::Types,
};
use crate::pointer::quoted;

/// The most steps of one proof. One takes about a microsecond.
const MAX_STEPS: u32 = 50_000;

/// The most nested comparisons that are open at a time.
const MAX_OPEN: usize = 160;

/// A keyword of the wider schema that is not proven to follow.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    /// JSON Pointer into the wider schema.
    pub(crate) at: String,
    pub(crate) detail: String,
}

pub(crate) type Proof = Result<(), Vec<Gap>>;

/// What an open comparison is recognised by: the wider place; the narrower parts, their types and
/// the choices that are told apart; and whether the exception is off. It must be all of it: while
/// the two stay at the same value, something of this changes with every comparison.
type Claim = (usize, Vec<usize>, Types, BTreeSet<usize>, bool);

pub(crate) struct Prover<'a> {
    steps: u32,
    /// The comparisons that are being made. Meeting one of them again means that both schemas have
    /// recursed, and so gone down into the value: the claim is then about a smaller value, and
    /// may be taken for true.
    open: BTreeSet<Claim>,
    pub(crate) oracle: Oracle,
    /// What the narrower schema is called in messages.
    pub(crate) other: &'static str,
    /// Whether the exception for undeclared properties is off.
    pub(crate) strict: bool,
    lifetime: std::marker::PhantomData<&'a ()>,
}

impl<'a> Prover<'a> {
    pub(crate) fn new(other: &'static str, strict: bool) -> Self {
        Self {
            steps: 0,
            open: BTreeSet::new(),
            oracle: Oracle::default(),
            other,
            strict,
            lifetime: std::marker::PhantomData,
        }
    }

    /// What keeps `wide` from accepting whatever `narrow` accepts of these types; nothing if it
    /// does.
    pub(crate) fn prove(mut self, wide: &Node<'a>, narrow: &Node<'a>, types: Types) -> Vec<Gap> {
        let proof = self.covers(wide, &Narrow::of([narrow.clone()]).of_types(types));
        if self.steps > MAX_STEPS {
            return vec![gap("", "the two versions are too large to be compared")];
        }
        proof.err().unwrap_or_default()
    }

    /// Counts a step; false when there have been too many, and nothing can be proven any more.
    pub(crate) fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps <= MAX_STEPS
    }

    /// Whether every value of `narrow` fits `wide`.
    pub(crate) fn covers(&mut self, wide: &Node<'a>, narrow: &Narrow<'a>) -> Proof {
        if !self.step() || self.open.len() > MAX_OPEN {
            return fail(&wide.at, "cannot be compared: it is too large or too deep");
        }
        if narrow.is_empty() {
            return Ok(());
        }
        let Some(object) = wide.value.as_object() else {
            let detail = format!("is accepted by {}, and by no value here", self.other);
            return if wide.value == &serde_json::Value::Bool(true) { Ok(()) } else { fail(&wide.at, detail) };
        };
        let parts = narrow.parts.iter().map(|part| part.node.key()).collect();
        let split = narrow.split.clone();
        let claim = (wide.key(), parts, narrow.types, split, self.strict);
        if !self.open.insert(claim.clone()) {
            return Ok(());
        }
        let wide = Part { node: wide.clone(), object };
        let proof = self.covers_part(&wide, narrow);
        self.open.remove(&claim);
        proof
    }

    fn covers_part(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        for part in &narrow.parts {
            if self.same(&wide.node, &part.node) {
                return Ok(());
            }
        }
        if let Some(proof) = self.covers_values(wide, narrow) {
            return proof;
        }
        let Err(gaps) = self.keywords(wide, narrow) else {
            return Ok(());
        };
        match self.split(wide, narrow, &gaps) {
            Some(cases) => cases.into_iter().try_for_each(|case| self.covers(&wide.node, &case)),
            None => Err(gaps),
        }
    }

    /// If the narrower values can be listed, each is tried.
    fn covers_values(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Option<Proof> {
        for value in finite::candidates(narrow)? {
            if !self.step() {
                return None;
            }
            let refused = self.oracle.fits(&wide.node, &value) != Some(true);
            let possible = narrow.parts.iter().all(|part| self.oracle.fits(&part.node, &value) != Some(false));
            if refused && possible {
                let value = quoted(&value, 100);
                let detail = format!("{} allows {value}, which does not fit here", self.other);
                return Some(fail(&wide.node.at, detail));
            }
        }
        Some(Ok(()))
    }

    /// Every keyword of the wider schema, against all that is known of the narrower.
    fn keywords(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let mut gaps = Vec::new();
        let mut collect = |proof: Proof| gaps.extend(proof.err().unwrap_or_default());
        collect(self.logic(wide, narrow));
        for keyword in wide.object.keys() {
            collect(self.scalar(keyword, wide, narrow));
        }
        if narrow.types.meets(Types::OBJECT) {
            let objects = narrow.of_types(Types::OBJECT);
            collect(self.object(wide, &objects));
        }
        if narrow.types.meets(Types::ARRAY) {
            let arrays = narrow.of_types(Types::ARRAY);
            collect(self.array(wide, &arrays));
        }
        if gaps.is_empty() { Ok(()) } else { Err(gaps) }
    }

    /// The cases to tell apart when the whole does not work out: the branches of an `anyOf` or
    /// `oneOf` of the narrower schema, or its types.
    fn split(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>, gaps: &[Gap]) -> Option<Vec<Narrow<'a>>> {
        for part in &narrow.parts {
            for keyword in ["anyOf", "oneOf"] {
                let branches = part.list(keyword);
                let Some(key) = branches.first().map(Node::key) else {
                    continue;
                };
                if !narrow.split.contains(&key) {
                    let mut rest = narrow.clone();
                    rest.split.insert(key);
                    return Some(branches.into_iter().map(|branch| rest.and(branch)).collect());
                }
            }
        }
        let choice = ["anyOf", "oneOf", "not", "if"]
            .iter()
            .any(|keyword| gaps.iter().any(|gap| gap.at == wide.pointer(keyword)));
        let types: Vec<_> = narrow.types.each().collect();
        (choice && types.len() > 1).then(|| types.into_iter().map(|one| narrow.of_types(one)).collect())
    }
}

pub(crate) fn gap(at: impl Into<String>, detail: impl Into<String>) -> Gap {
    Gap { at: at.into(), detail: detail.into() }
}

pub(crate) fn fail(at: impl Into<String>, detail: impl Into<String>) -> Proof {
    Err(vec![gap(at, detail)])
}
