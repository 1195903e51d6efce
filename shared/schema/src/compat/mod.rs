//! Is a new version of a schema compatible with the version before?
//!
//! - **Backward** (the default): whatever the version before accepts, the new one accepts too. A
//!   consumer that is written for the new version can read all of history.
//! - **Forward**: whatever the new version accepts, the version before accepts too. A consumer that
//!   is not yet rewritten can read what comes.
//! - **Full**: both. **None**: nothing is asked.
//!
//! # What the answer is worth
//! "Compatible" is a proof: one schema is walked against the other, keyword by keyword, and every
//! keyword of the wider one must follow from the narrower one. What cannot be proven is reported,
//! with its pointer, as incompatible: two schemas that say the same in very different words may be
//! refused, and an incompatible pair is never let through. In general the question is as hard as
//! logic itself, so something has to give way, and it should not be a consumer.
//!
//! # The one exception
//! By the letter of JSON Schema, an object without `additionalProperties: false` accepts every
//! property that it does not declare, with any value. Adding `"note": {"type": "string"}` to it
//! therefore refuses `{"note": 7}`, which was accepted before. Taken literally, an open object
//! could never gain a property, which is the commonest change there is. (Confluent's registry
//! takes it literally, and asks people to choose between closed objects and open ones.) Here, **a
//! property that an object does not declare is taken as not sent**, and may be added, if it is
//! optional. The reason: events are sent by programs that were written against the version
//! they name, not by chance. It stays within these bounds:
//! - the object must declare some property: one that declares none is a map, whose properties have
//!   any name;
//! - the property must be named nowhere in the object: not by a pattern, by `required`, by a
//!   branch of a `oneOf`, and not by a `propertyNames`;
//! - nothing else follows from it: closing an open object (`additionalProperties: false`), or
//!   giving a schema to all its other properties, stays incompatible;
//! - below `not` it does not hold.

mod finite;
mod narrow;
mod node;
mod number;
mod prove;
mod rules_array;
mod rules_logic;
mod rules_object;
mod rules_scalar;
mod same;
mod types;

use serde::{Deserialize, Serialize};

use self::{node::Node, prove::Prover, types::Types};
use crate::{Schema, pointer};

/// The most incompatibilities that are reported of one pair of schemas.
pub const MAX_INCOMPATIBILITIES: usize = 50;

/// What a new version must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compatibility {
    /// The new version accepts all that the version before accepts.
    #[default]
    Backward,
    /// The version before accepts all that the new version accepts.
    Forward,
    /// Backward and forward.
    Full,
    /// Nothing is asked.
    None,
}

/// Which way a new version breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The new version may refuse what the version before accepts.
    Backward,
    /// The version before may refuse what the new version accepts.
    Forward,
}

/// One keyword that is not proven to be compatible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incompatibility {
    /// Which way it breaks.
    pub direction: Direction,
    /// JSON Pointer (RFC 6901) to the keyword that may refuse: into the new version if the
    /// direction is backward, into the version before if it is forward.
    pub pointer: String,
    /// Why: lower case, without a final stop. Made from the schemas alone.
    pub detail: String,
}

/// What keeps `new` from being compatible with the version `before`, in the given mode; nothing if
/// it is compatible. [`MAX_INCOMPATIBILITIES`] at most.
///
/// The schemas are taken to be those of payloads, which are always objects: what they say of other
/// values at the root does not count.
#[must_use]
pub fn check(before: &Schema, new: &Schema, mode: Compatibility) -> Vec<Incompatibility> {
    let directions: &[Direction] = match mode {
        Compatibility::Backward => &[Direction::Backward],
        Compatibility::Forward => &[Direction::Forward],
        Compatibility::Full => &[Direction::Backward, Direction::Forward],
        Compatibility::None => &[],
    };
    let mut found = Vec::new();
    // Whatever its size and its keywords.
    if before.document() == new.document() {
        return found;
    }
    for direction in directions {
        let (wide, narrow, other) = match direction {
            Direction::Backward => (new, before, "the version before"),
            Direction::Forward => (before, new, "the new version"),
        };
        let gaps = Prover::new(other, false).prove(&Node::root(wide), &Node::root(narrow), Types::OBJECT);
        for gap in gaps {
            let direction = *direction;
            let incompatibility = Incompatibility { direction, pointer: pointer::reported(gap.at), detail: gap.detail };
            // A definition that is used in several places breaks in each of them.
            if !found.contains(&incompatibility) {
                found.push(incompatibility);
            }
        }
    }
    found.truncate(MAX_INCOMPATIBILITIES);
    found
}

#[cfg(test)]
mod property_tests;
