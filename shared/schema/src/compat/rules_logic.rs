//! Rules for `$ref`, `allOf`, `anyOf`, `oneOf`, `not`, `if` and `dependentSchemas`.

use super::{
    finite,
    narrow::Narrow,
    node::{Node, Part},
    prove::{Proof, Prover, fail},
    types::Types,
};

impl<'a> Prover<'a> {
    /// The keywords of the wider schema that apply schemas to the same value.
    pub(crate) fn logic(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let mut gaps = Vec::new();
        let mut collect = |proof: Proof| gaps.extend(proof.err().unwrap_or_default());
        for node in wide.referent().into_iter().chain(wide.list("allOf")) {
            collect(self.covers(&node, narrow));
        }
        collect(self.any_of(wide, narrow));
        collect(self.one_of(wide, narrow));
        collect(self.not(wide, narrow));
        collect(self.conditional(wide, narrow));
        if narrow.types.meets(Types::OBJECT) {
            for (name, node) in wide.map("dependentSchemas") {
                collect(self.dependent(name, &node, narrow));
            }
        }
        if gaps.is_empty() { Ok(()) } else { Err(gaps) }
    }

    fn any_of(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let branches = wide.list("anyOf");
        if branches.is_empty() || branches.iter().any(|one| self.covers(one, narrow).is_ok()) {
            return Ok(());
        }
        let detail = format!("no one of these schemas covers what {} allows", self.other);
        fail(wide.pointer("anyOf"), detail)
    }

    /// One branch must accept all, and every other branch none of it; or the branches are those of
    /// the narrower schema, in any order.
    fn one_of(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let branches = wide.list("oneOf");
        if branches.is_empty() {
            return Ok(());
        }
        for part in &narrow.parts {
            if self.same_choices(&branches, part.list("oneOf")) {
                return Ok(());
            }
        }
        for (chosen, branch) in branches.iter().enumerate() {
            if self.covers(branch, narrow).is_err() {
                continue;
            }
            let others = branches.iter().enumerate().filter(|(index, _)| *index != chosen);
            let apart = others.into_iter().all(|(_, other)| self.disjoint(&Narrow::of([other.clone()]), narrow, 0));
            if apart {
                return Ok(());
            }
        }
        let detail = format!("it is not certain that exactly one of these schemas covers what {} allows", self.other);
        fail(wide.pointer("oneOf"), detail)
    }

    fn same_choices(&mut self, branches: &[Node<'a>], mut others: Vec<Node<'a>>) -> bool {
        if branches.len() != others.len() {
            return false;
        }
        branches.iter().all(|branch| {
            let found = others.iter().position(|other| self.same(branch, other));
            found.map(|index| others.swap_remove(index)).is_some()
        })
    }

    /// What is excluded must be excluded already: by the other's `not`, or because none of its
    /// values is like that.
    fn not(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let Some(excluded) = wide.sub("not") else {
            return Ok(());
        };
        let excluded_values = Narrow::of([excluded]);
        if self.disjoint(&excluded_values, narrow, 0) {
            return Ok(());
        }
        // Below `not`, wider and narrower change places. The exception would work against itself.
        let strict = std::mem::replace(&mut self.strict, true);
        let follows = narrow
            .parts
            .iter()
            .filter_map(|part| part.sub("not"))
            .any(|other| self.covers(&other, &excluded_values).is_ok());
        self.strict = strict;
        if follows {
            return Ok(());
        }
        let detail = format!("may exclude what {} allows", self.other);
        fail(wide.pointer("not"), detail)
    }

    fn conditional(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let Some(condition) = wide.sub("if") else {
            return Ok(());
        };
        let (then, otherwise) = (wide.sub("then"), wide.sub("else"));
        for part in &narrow.parts {
            let Some(other) = part.sub("if") else {
                continue;
            };
            if self.same(&condition, &other)
                && self.same_or_absent(then.as_ref(), part.sub("then").as_ref())
                && self.same_or_absent(otherwise.as_ref(), part.sub("else").as_ref())
            {
                return Ok(());
            }
        }
        let both = [then, otherwise];
        if both.iter().flatten().all(|branch| self.covers(branch, narrow).is_ok()) {
            return Ok(());
        }
        let detail = format!("may exclude what {} allows", self.other);
        fail(wide.pointer("if"), detail)
    }

    fn same_or_absent(&mut self, one: Option<&Node<'a>>, other: Option<&Node<'a>>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => self.same(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn dependent(&mut self, name: &str, node: &Node<'a>, narrow: &Narrow<'a>) -> Proof {
        let mut with_name = narrow.of_types(Types::OBJECT);
        for part in &narrow.parts {
            for (other, implied) in part.map("dependentSchemas") {
                if other == name {
                    with_name = with_name.and(implied);
                }
            }
        }
        if self.property(name, narrow).is_some_and(|known| Narrow::of(known).is_empty()) {
            return Ok(());
        }
        self.covers(node, &with_name)
    }

    /// Whether no value can be in both sets; false where that is not certain.
    pub(crate) fn disjoint(&mut self, one: &Narrow<'a>, other: &Narrow<'a>, depth: usize) -> bool {
        let common = one.types & other.types;
        if common == Types::NONE {
            return true;
        }
        if !self.step() || depth > 16 {
            return false;
        }
        if self.no_value_of(one, other) || self.no_value_of(other, one) {
            return true;
        }
        if common != Types::OBJECT {
            return false;
        }
        // A property that is there in both, and is never the same: a discriminator.
        let present: Vec<_> = one.required().union(&other.required()).copied().collect();
        present.into_iter().any(|name| {
            let (Some(left), Some(right)) = (self.property(name, one), self.property(name, other)) else {
                return false;
            };
            self.disjoint(&Narrow::of(left), &Narrow::of(right), depth + 1)
        })
    }

    /// Whether the values of `listed` can be listed, and none of them is in `other`.
    fn no_value_of(&mut self, listed: &Narrow<'a>, other: &Narrow<'a>) -> bool {
        finite::candidates(listed).is_some_and(|values| {
            values.iter().all(|value| {
                self.step() && other.parts.iter().any(|part| self.oracle.fits(&part.node, value) == Some(false))
            })
        })
    }
}
