//! Rules for the keywords of objects. The set of narrower values holds objects only here.

use super::{
    narrow::Narrow,
    node::{Node, Part},
    number,
    prove::{Proof, Prover, fail},
};
use crate::pointer;

impl<'a> Prover<'a> {
    pub(crate) fn object(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let mut gaps = Vec::new();
        let mut collect = |proof: Proof| gaps.extend(proof.err().unwrap_or_default());
        collect(self.required(wide, narrow));
        collect(self.property_counts(wide, narrow));
        collect(self.property_names(wide, narrow));
        for (name, node) in wide.map("properties") {
            collect(self.declared_property(name, &node, narrow));
        }
        for (pattern, node) in wide.map("patternProperties") {
            collect(self.pattern_property(pattern, &node, narrow));
        }
        collect(self.other_properties(wide, narrow));
        if gaps.is_empty() { Ok(()) } else { Err(gaps) }
    }

    /// `required` and `dependentRequired`.
    fn required(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let present = narrow.required();
        let missing = |names: Vec<&'a str>, at: String| match names.first() {
            Some(name) => fail(at, format!("{} does not require `{name}`", self.other)),
            None => Ok(()),
        };
        let unmet = wide.names("required").filter(|name| !present.contains(name));
        let proof = missing(unmet.collect(), wide.pointer("required"));
        wide.map("dependentRequired").into_iter().fold(proof, |proof, (trigger, node)| {
            let names = node.value.as_array().into_iter().flatten();
            let implied = |name: &&'a str| {
                narrow.all("dependentRequired").any(|other| {
                    let names = other.get(trigger).and_then(|names| names.as_array());
                    names.is_some_and(|names| names.iter().any(|other| other == name))
                })
            };
            let unmet = names.filter_map(|name| name.as_str()).filter(|name| !present.contains(name) && !implied(name));
            proof.and(missing(unmet.collect(), node.at))
        })
    }

    fn property_counts(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let required = u64::try_from(narrow.required().len()).unwrap_or(u64::MAX);
        let least = narrow.greatest("minProperties").max(required);
        if let Some(bound) = wide.get("minProperties")
            && number::count(bound).is_none_or(|bound| least < bound)
        {
            let detail = format!("{} allows fewer than {bound}", self.other);
            return fail(wide.pointer("minProperties"), detail);
        }
        let most = narrow.least("maxProperties");
        if let Some(bound) = wide.get("maxProperties")
            && number::count(bound).is_none_or(|bound| most.is_none_or(|most| most > bound))
        {
            let detail = format!("{} allows more than {bound}", self.other);
            return fail(wide.pointer("maxProperties"), detail);
        }
        Ok(())
    }

    fn property_names(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let Some(names) = wide.sub("propertyNames") else {
            return Ok(());
        };
        let known: Vec<_> = narrow.parts.iter().filter_map(|part| part.sub("propertyNames")).collect();
        let names_are = Narrow::of(known).of_types(super::types::Types::STRING);
        self.covers(&names, &names_are)
    }

    fn declared_property(&mut self, name: &str, wide: &Node<'a>, narrow: &Narrow<'a>) -> Proof {
        let Some(known) = self.property(name, narrow) else {
            return fail(&wide.at, "cannot be compared: a pattern cannot be run");
        };
        if known.is_empty() && !self.strict && !self.may_be_sent(name, narrow) {
            return Ok(());
        }
        self.covers(wide, &Narrow::of(known))
    }

    fn pattern_property(&mut self, pattern: &str, wide: &Node<'a>, narrow: &Narrow<'a>) -> Proof {
        for name in narrow.declared() {
            if self.oracle.matches(pattern, name) != Some(false) {
                self.declared_in_narrow(name, wide, narrow)?;
            }
        }
        let mut same_pattern = Vec::new();
        for part in &narrow.parts {
            let patterns = part.map("patternProperties").into_iter();
            same_pattern.extend(patterns.filter(|(other, _)| *other == pattern).map(|(_, n)| n));
        }
        if !same_pattern.is_empty() {
            return self.covers(wide, &Narrow::of(same_pattern));
        }
        self.undeclared(wide, narrow, &[])
    }

    /// `additionalProperties`, and `unevaluatedProperties` where it means the same.
    fn other_properties(&mut self, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let Some(others) = wide.other_properties() else {
            // The whole object is not the same as the other's, or this would not be asked; and
            // what a schema leaves unevaluated depends on all of it.
            return match wide.get("unevaluatedProperties") {
                None => Ok(()),
                Some(_) => fail(
                    wide.pointer("unevaluatedProperties"),
                    "cannot be compared beside other schemas that apply to the same object",
                ),
            };
        };
        let patterns: Vec<_> = wide.map("patternProperties").iter().map(|(p, _)| *p).collect();
        for name in narrow.declared() {
            let declared = wide.map("properties").iter().any(|(other, _)| *other == name);
            let matched = patterns.iter().any(|pattern| self.oracle.matches(pattern, name) == Some(true));
            if !declared && !matched {
                self.declared_in_narrow(name, &others, narrow)?;
            }
        }
        self.undeclared(&others, narrow, &patterns)
    }

    fn declared_in_narrow(&mut self, name: &str, wide: &Node<'a>, narrow: &Narrow<'a>) -> Proof {
        let known = self.property(name, narrow).unwrap_or_default();
        self.covers(wide, &Narrow::of(known)).map_err(|mut gaps| {
            for gap in &mut gaps {
                gap.detail = format!("property `{}`: {}", pointer::reported(name.into()), gap.detail);
            }
            gaps
        })
    }

    /// Whether every property that no part declares has a value that fits `wide`, apart from those
    /// that match one of the wider schema's `patterns`.
    fn undeclared(&mut self, wide: &Node<'a>, narrow: &Narrow<'a>, patterns: &[&str]) -> Proof {
        if wide.value == &serde_json::Value::Bool(true) {
            return Ok(());
        }
        let mut last = None;
        for part in &narrow.parts {
            let Some(others) = part.other_properties() else {
                continue;
            };
            let matched = part
                .map("patternProperties")
                .into_iter()
                .filter(|(pattern, _)| !patterns.contains(pattern))
                .map(|(_, node)| node);
            let mut each = matched.chain([others]);
            match each.try_for_each(|node| self.covers(wide, &Narrow::of([node]))) {
                Ok(()) => return Ok(()),
                failed @ Err(_) => last = Some(failed),
            }
        }
        let detail = format!("{} allows other properties", self.other);
        match last {
            Some(failed) => failed,
            None => self.covers(wide, &Narrow::of([])).or_else(|_| fail(&wide.at, detail)),
        }
    }

    /// What the parts say of the value of a property: nothing, if they leave it open. `None` if
    /// that cannot be said.
    pub(crate) fn property(&mut self, name: &str, narrow: &Narrow<'a>) -> Option<Vec<Node<'a>>> {
        let mut known = Vec::new();
        for part in &narrow.parts {
            let before = known.len();
            let declared = part.map("properties").into_iter();
            known.extend(declared.filter(|(other, _)| *other == name).map(|(_, node)| node));
            for (pattern, node) in part.map("patternProperties") {
                if self.oracle.matches(pattern, name)? {
                    known.push(node);
                }
            }
            if known.len() == before {
                known.extend(part.other_properties().filter(|node| !says_nothing(node)));
            }
        }
        Some(known)
    }

    /// Whether the exception for undeclared properties does not hold for this name: the object
    /// speaks of it somewhere, or is a map.
    fn may_be_sent(&mut self, name: &str, narrow: &Narrow<'a>) -> bool {
        let mut declares_some = false;
        let mut pending: Vec<Node<'a>> = narrow.parts.iter().map(|part| part.node.clone()).collect();
        while let Some(node) = pending.pop() {
            let Some(object) = node.value.as_object() else {
                continue;
            };
            if !self.step() {
                return true;
            }
            let part = Part { node, object };
            let describes = |keyword: &str| {
                let others = part.get(keyword).and_then(serde_json::Value::as_object);
                others.is_some_and(|schema| !schema.is_empty())
            };
            if part.object.contains_key("propertyNames")
                || describes("additionalProperties")
                || describes("unevaluatedProperties")
            {
                return true;
            }
            let mut named = part.names("required").any(|other| other == name);
            for keyword in ["properties", "dependentRequired", "dependentSchemas"] {
                named |= part.map(keyword).iter().any(|(other, _)| *other == name);
            }
            for (_, names) in part.map("dependentRequired") {
                named |= names.value.as_array().is_some_and(|all| all.iter().any(|n| n == name));
            }
            for (pattern, _) in part.map("patternProperties") {
                named |= self.oracle.matches(pattern, name) != Some(false);
            }
            if named {
                return true;
            }
            declares_some |= part.object.contains_key("properties");
            pending.extend(part.referent());
            for keyword in ["allOf", "anyOf", "oneOf"] {
                pending.extend(part.list(keyword));
            }
            for keyword in ["not", "if", "then", "else"] {
                pending.extend(part.sub(keyword));
            }
            pending.extend(part.map("dependentSchemas").into_iter().map(|(_, node)| node));
        }
        !declares_some
    }
}

fn says_nothing(node: &Node<'_>) -> bool {
    match node.value {
        serde_json::Value::Object(object) => object.is_empty(),
        other => other == true,
    }
}
