//! What is known of the values that the narrower schema accepts.

use std::collections::BTreeSet;

use super::{
    node::{Node, Part},
    number,
    types::Types,
};

/// A set of values, described from outside: every value of it fits all the parts and is of one of
/// the types. The parts are the narrower schema with `$ref` and `allOf` unfolded, and whatever
/// branch of an `anyOf` is being looked at. Leaving a part out only makes the set larger, so it is
/// always sound to know less.
#[derive(Debug, Clone)]
pub(crate) struct Narrow<'a> {
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) types: Types,
    /// The `anyOf` and `oneOf` whose branches are already told apart, by the key of their array.
    pub(crate) split: BTreeSet<usize>,
}

impl<'a> Narrow<'a> {
    /// The values that fit all the nodes. No nodes, every value.
    pub(crate) fn of(nodes: impl IntoIterator<Item = Node<'a>>) -> Self {
        let mut narrow = Self { parts: Vec::new(), types: Types::ALL, split: BTreeSet::new() };
        for node in nodes {
            narrow.add(node);
        }
        narrow
    }

    /// The values of this set that fit one node more.
    pub(crate) fn and(&self, node: Node<'a>) -> Self {
        let mut narrow = self.clone();
        narrow.add(node);
        narrow
    }

    /// The values of this set that are of these types.
    pub(crate) fn of_types(&self, types: Types) -> Self {
        let mut narrow = self.clone();
        narrow.types = narrow.types & types;
        narrow
    }

    // Ends: a schema whose references come back to it for the same value does not compile.
    fn add(&mut self, node: Node<'a>) {
        let Some(object) = node.value.as_object() else {
            if node.value == &serde_json::Value::Bool(false) {
                self.types = Types::NONE;
            }
            return;
        };
        if self.parts.iter().any(|part| part.node.key() == node.key()) {
            return;
        }
        let part = Part { node, object };
        if let Some(types) = part.get("type") {
            self.types = self.types & Types::of_keyword(types);
        }
        let further: Vec<_> = part.referent().into_iter().chain(part.list("allOf")).collect();
        self.parts.push(part);
        for node in further {
            self.add(node);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.types == Types::NONE
    }

    /// The keyword in each part that has it.
    pub(crate) fn all(&self, keyword: &str) -> impl Iterator<Item = &'a serde_json::Value> {
        self.parts.iter().filter_map(move |part| part.get(keyword))
    }

    /// The greatest lower bound that the parts set by a keyword such as `minLength`.
    pub(crate) fn greatest(&self, keyword: &str) -> u64 {
        self.all(keyword).filter_map(number::count).max().unwrap_or(0)
    }

    /// The least upper bound that the parts set by a keyword such as `maxLength`.
    pub(crate) fn least(&self, keyword: &str) -> Option<u64> {
        self.all(keyword).filter_map(number::count).min()
    }

    /// The properties that every object of the set has.
    pub(crate) fn required(&self) -> BTreeSet<&'a str> {
        self.parts.iter().flat_map(|part| part.names("required")).collect()
    }

    /// The properties that `properties` names in some part.
    pub(crate) fn declared(&self) -> BTreeSet<&'a str> {
        self.parts
            .iter()
            .flat_map(|part| crate::keywords::members(part.object, "properties"))
            .map(|(name, _)| name)
            .collect()
    }

    /// What is known of the element at an index.
    pub(crate) fn item(&self, index: usize) -> Vec<Node<'a>> {
        let known = |part: &Part<'a>| {
            let mut prefix = part.list("prefixItems");
            if index < prefix.len() { Some(prefix.swap_remove(index)) } else { part.other_items() }
        };
        self.parts.iter().filter_map(known).collect()
    }

    /// The longest `prefixItems`.
    pub(crate) fn prefix(&self) -> usize {
        let lengths = self.parts.iter().map(|part| crate::keywords::array(part.object, "prefixItems").len());
        lengths.max().unwrap_or(0)
    }
}
