//! Places in a schema's document.

use serde_json::{Map, Value};

use crate::{Schema, pointer};

/// A schema at a place in a document.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) schema: &'a Schema,
    /// JSON Pointer into the document.
    pub(crate) at: String,
    pub(crate) value: &'a Value,
}

impl<'a> Node<'a> {
    pub(crate) fn root(schema: &'a Schema) -> Self {
        Self { schema, at: String::new(), value: schema.document() }
    }

    /// What tells this place from every other while the documents are borrowed.
    pub(crate) fn key(&self) -> usize {
        std::ptr::from_ref(self.value).addr()
    }
}

/// A schema object at a place: a [`Node`] that is not `true` or `false`.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) object: &'a Map<String, Value>,
}

impl<'a> Part<'a> {
    pub(crate) fn get(&self, keyword: &str) -> Option<&'a Value> {
        self.object.get(keyword)
    }

    /// The pointer to one of its keywords.
    pub(crate) fn pointer(&self, keyword: &str) -> String {
        pointer::join(&self.node.at, keyword)
    }

    /// The schema under a keyword.
    pub(crate) fn sub(&self, keyword: &str) -> Option<Node<'a>> {
        let value = self.get(keyword)?;
        Some(Node { schema: self.node.schema, at: self.pointer(keyword), value })
    }

    /// The schemas in the array under a keyword; none if it is absent.
    pub(crate) fn list(&self, keyword: &str) -> Vec<Node<'a>> {
        let base = self.pointer(keyword);
        crate::keywords::array(self.object, keyword)
            .iter()
            .enumerate()
            .map(|(index, value)| Node { schema: self.node.schema, at: format!("{base}/{index}"), value })
            .collect()
    }

    /// The schemas in the object under a keyword, by name; none if it is absent.
    pub(crate) fn map(&self, keyword: &str) -> Vec<(&'a str, Node<'a>)> {
        let base = self.pointer(keyword);
        crate::keywords::members(self.object, keyword)
            .map(|(name, value)| {
                let at = pointer::join(&base, name);
                let schema = self.node.schema;
                (name, Node { schema, at, value })
            })
            .collect()
    }

    /// What `$ref` names.
    pub(crate) fn referent(&self) -> Option<Node<'a>> {
        let reference = self.get("$ref")?.as_str()?;
        let (at, value) = self.node.schema.resolve(reference)?;
        Some(Node { schema: self.node.schema, at, value })
    }

    /// The strings in the array under a keyword; none if it is absent.
    pub(crate) fn names(&self, keyword: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        crate::keywords::array(self.object, keyword).iter().filter_map(Value::as_str)
    }

    /// The schema of the properties that `properties` and `patternProperties` leave over.
    ///
    /// `unevaluatedProperties` means the same where nothing else in the object could evaluate any.
    pub(crate) fn other_properties(&self) -> Option<Node<'a>> {
        self.sub("additionalProperties")
            .or_else(|| self.sub("unevaluatedProperties").filter(|_| !self.applies_in_place()))
    }

    /// The schema of the elements that `prefixItems` leaves over, likewise.
    pub(crate) fn other_items(&self) -> Option<Node<'a>> {
        self.sub("items").or_else(|| {
            self.sub("unevaluatedItems").filter(|_| !self.applies_in_place() && !self.object.contains_key("contains"))
        })
    }

    fn applies_in_place(&self) -> bool {
        ["$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"]
            .iter()
            .any(|keyword| self.object.contains_key(*keyword))
    }
}
