//! Do two subschemas say the same in the same words?
//!
//! This carries the keywords that no rule knows how to compare, such as `if` and
//! `unevaluatedProperties`: unchanged is compatible.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    node::{Node, Part},
    prove::Prover,
};

/// Keywords that the validator passes over (the `content…` ones too, as 2020-12 wants it). A keyword that is not known is compared: to take it for
/// a difference is safe.
const SILENT: [&str; 16] = [
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// The most pairs of subschemas that are looked at for one answer, and so the deepest that the comparison nests.
const MAX_SEEN: usize = 400;

impl<'a> Prover<'a> {
    /// Whether both accept the same values, because they differ in annotations at most.
    pub(crate) fn same(&mut self, one: &Node<'a>, other: &Node<'a>) -> bool {
        self.same_within(one, other, &mut BTreeSet::new())
    }

    fn same_within(&mut self, one: &Node<'a>, other: &Node<'a>, seen: &mut BTreeSet<(usize, usize)>) -> bool {
        let (Some(left), Some(right)) = (one.value.as_object(), other.value.as_object()) else {
            return one.value == other.value;
        };
        // Recursive schemas are the same if they are the same up to where they recurse.
        if !seen.insert((one.key(), other.key())) {
            return true;
        }
        if !self.step() || seen.len() > MAX_SEEN {
            return false;
        }
        let (left_part, right_part) = (part(one, left), part(other, right));
        let mut keywords: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        keywords.retain(|keyword| !SILENT.contains(&keyword.as_str()));
        keywords.into_iter().all(|keyword| self.same_keyword(keyword, &left_part, &right_part, seen))
    }

    fn same_keyword(
        &mut self,
        keyword: &str,
        one: &Part<'a>,
        other: &Part<'a>,
        seen: &mut BTreeSet<(usize, usize)>,
    ) -> bool {
        let (Some(left), Some(right)) = (one.get(keyword), other.get(keyword)) else {
            return false;
        };
        match keyword {
            "$ref" => match (one.referent(), other.referent()) {
                (Some(left), Some(right)) => self.same_within(&left, &right, seen),
                _ => false,
            },
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let (left, right) = (one.list(keyword), other.list(keyword));
                left.len() == right.len() && left.iter().zip(&right).all(|(l, r)| self.same_within(l, r, seen))
            }
            "properties" | "patternProperties" | "dependentSchemas" => {
                let (left, right) = (one.map(keyword), other.map(keyword));
                left.len() == right.len()
                    && left.iter().all(|(name, l)| {
                        let found = right.iter().find(|(other, _)| other == name);
                        found.is_some_and(|(_, r)| self.same_within(l, r, seen))
                    })
            }
            "not"
            | "if"
            | "then"
            | "else"
            | "additionalProperties"
            | "propertyNames"
            | "unevaluatedProperties"
            | "items"
            | "contains"
            | "unevaluatedItems" => match (one.sub(keyword), other.sub(keyword)) {
                (Some(left), Some(right)) => self.same_within(&left, &right, seen),
                _ => false,
            },
            "required" => {
                let names = |part: &Part<'a>| part.names("required").collect::<BTreeSet<_>>();
                names(one) == names(other)
            }
            _ => left == right,
        }
    }
}

fn part<'a>(node: &Node<'a>, object: &'a Map<String, Value>) -> Part<'a> {
    Part { node: node.clone(), object }
}
