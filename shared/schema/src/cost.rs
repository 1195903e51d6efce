//! A bound on the work that checking one event against a schema can cost.
//!
//! `$ref` makes a short schema stand for a long one: forty definitions, each the `allOf` of two
//! references to the next, are a trillion subschemas. And a schema that refers to itself twice for
//! the same value doubles the work with every level of the value. So the schema is walked here as
//! the validator would walk it, every reference followed, and refused when
//! - more than [`MAX_WORK`] subschemas would be applied, counting a recursive definition once;
//! - a definition comes back to itself for the same value, which has no end;
//! - more than [`MAX_OPEN`] subschemas are inside each other, or [`MAX_IN_PLACE`] for one value: the
//!   validator recurses through them, once more for each level of the value, on a stack of 2 MB;
//! - two recursive references can meet at one value: trees and lists are fine (`left` and `right`
//!   are different values), two branches of a `oneOf` that both recurse into `children` are not.
//!
//! What is left costs at most [`MAX_WORK`] applications for each value of an event.

use crate::{
    fault::Fault,
    keywords::{self, Step},
    pointer::{self, of_reference},
    profile::Profile,
};
use serde_json::Value;

/// The most subschemas that a schema may stand for, once its references are followed.
pub const MAX_WORK: usize = 5_000;

/// The most subschemas inside each other, once references are followed.
const MAX_OPEN: usize = 128;

/// The most of them that apply to one value, by `$ref`, `allOf`, `anyOf` and the like.
const MAX_IN_PLACE: usize = 20;

/// Checks the bound on a schema that has passed [`crate::profile`].
pub(crate) fn check(document: &Value, profile: &Profile<'_>) -> Result<(), Fault> {
    Walk { profile, work: 0, open: Vec::new(), path: Vec::new(), returns: Vec::new() }.visit("", document)
}

struct Walk<'a> {
    profile: &'a Profile<'a>,
    work: usize,
    /// The schemas being walked, outermost first, each with the length of `path` at its start.
    open: Vec<(String, usize)>,
    /// The way into the value.
    path: Vec<Step<'a>>,
    /// Where in the value the walk came back to a schema that was open.
    returns: Vec<Vec<Step<'a>>>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, at: &str, schema: &'a Value) -> Result<(), Fault> {
        self.work += 1;
        if self.work > MAX_WORK {
            let detail = format!("stands for more than {MAX_WORK} subschemas once `$ref` is followed");
            return Err(Fault::new("", detail));
        }
        let Some(object) = schema.as_object() else {
            return Ok(());
        };
        self.open.push((at.to_owned(), self.path.len()));
        let in_place = self.open.iter().rev().take_while(|(_, start)| *start == self.path.len());
        if self.open.len() > MAX_OPEN || in_place.count() > MAX_IN_PLACE {
            let detail =
                "lies within too many others, or too many that apply to the same value, once `$ref` is followed";
            return Err(Fault::new(at, detail));
        }
        // To learn what the others have evaluated, the validator applies them a second time.
        let unevaluated = object.contains_key("unevaluatedProperties") || object.contains_key("unevaluatedItems");
        for _ in 0..=usize::from(unevaluated) {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                self.follow(&pointer::join(at, "$ref"), reference)?;
            }
            for sub in keywords::subschemas(object, at) {
                match sub.step {
                    Step::Nowhere => {}
                    Step::Same => self.visit(&sub.pointer, sub.schema)?,
                    step @ (Step::Property(_)
                    | Step::AnyProperty
                    | Step::PropertyName
                    | Step::Item(_)
                    | Step::AnyItem) => {
                        self.path.push(step);
                        self.visit(&sub.pointer, sub.schema)?;
                        self.path.pop();
                    }
                }
            }
        }
        self.open.pop();
        Ok(())
    }

    fn follow(&mut self, at: &str, reference: &str) -> Result<(), Fault> {
        let profile = self.profile;
        let Some((target, schema)) =
            of_reference(reference, &profile.anchors).and_then(|target| profile.schemas.get_key_value(&target))
        else {
            return Err(Fault::new(at, "names no schema in this document"));
        };
        let Some((_, start)) = self.open.iter().find(|(open, _)| open == target) else {
            return self.visit(target, schema);
        };
        if *start == self.path.len() {
            return Err(Fault::new(at, "comes back to itself for the same value"));
        }
        if self.returns.iter().any(|other| meet(other, &self.path)) {
            let detail = "recurses into a value that another recursive reference reaches too";
            return Err(Fault::new(at, detail));
        }
        self.returns.push(self.path.clone());
        Ok(())
    }
}

/// Whether two ways can lead to the same value, or one of them to a container of the other's.
fn meet(one: &[Step<'_>], other: &[Step<'_>]) -> bool {
    one.iter().zip(other).all(|pair| match pair {
        (Step::Property(a), Step::Property(b)) => a == b,
        (Step::Item(a), Step::Item(b)) => a == b,
        (Step::Property(_) | Step::AnyProperty, Step::Item(_) | Step::AnyItem)
        | (Step::Item(_) | Step::AnyItem, Step::Property(_) | Step::AnyProperty) => false,
        _ => true,
    })
}
