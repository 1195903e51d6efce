//! JSON Merge Patch (RFC 7396), over values that know their origin.

use std::sync::Arc;

use serde_json::Value;

use super::{
    explain::Origin,
    node::{Kind, Members, Node},
};

/// RFC 7396 section 2, `MergePatch(target, patch)`, where both are objects. An erased value in the patch is a value.
///
/// Returns the origin of the last removal, if there was one: it explains an object that it leaves empty.
pub(super) fn merge(target: &mut Members, patch: Members) -> Option<Arc<Origin>> {
    let mut removed_by = None;
    for (name, Node { kind, origin }) in patch {
        match kind {
            Kind::Scalar(Value::Null) => {
                if target.remove(&name).is_some() {
                    removed_by = Some(origin);
                }
            }
            Kind::Object(patch) => {
                let (mut members, origin) = match target.remove(&name) {
                    Some(Node { kind: Kind::Object(members), origin }) => (members, origin),
                    // Anything else gives way to an empty object, and the patch's own nulls remove nothing from it.
                    Some(_) | None => (Members::new(), origin),
                };
                let origin = merge(&mut members, patch).unwrap_or(origin);
                target.insert(name, Node { kind: Kind::Object(members), origin });
            }
            kind @ (Kind::Scalar(_) | Kind::Redacted | Kind::Array(_)) => {
                target.insert(name, Node { kind, origin });
            }
        }
    }
    removed_by
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{
        Pointer,
        node::{self, explained, redacted, shown},
    };
    use serde_json::json;

    fn read(value: Value, redacted: &[Pointer], name: &str) -> Members {
        let Value::Object(fields) = value else { panic!("an object, please") };
        node::document(fields, redacted, &Arc::new(Origin::Snapshot { snapshot_id: name.to_owned() }))
    }

    fn merged(target: Value, patch: Value) -> Value {
        let mut target = read(target, &[], "target");
        merge(&mut target, read(patch, &[], "patch"));
        Value::Object(shown(&target))
    }

    /// RFC 7396 appendix A, all of it. Its documents need not be objects, so each stands as a member of one.
    #[test]
    fn the_test_cases_of_the_rfc() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let member = |value: &Value| json!({"document": value});
            assert_eq!(merged(member(&target), member(&patch)), member(&result), "{target} and {patch}");
            if target.is_object() && patch.is_object() {
                assert_eq!(merged(target, patch), result);
            }
        }
        // A null as the whole patch makes the document null; as a member's patch, it takes the member away.
        assert_eq!(merged(json!({"document": {"a": "foo"}}), json!({"document": null})), json!({}));
    }

    #[test]
    fn an_erased_value_is_set_where_a_null_would_remove() {
        let mut target = read(json!({"a": 1, "b": 2, "c": {"d": 3}}), &[], "target");
        let erased: Vec<Pointer> = ["/b", "/c/d", "/e/0"].iter().filter_map(|text| text.parse().ok()).collect();
        merge(&mut target, read(json!({"a": null, "b": null, "c": {"d": null}, "e": [null]}), &erased, "patch"));
        assert_eq!(Value::Object(shown(&target)), json!({"b": null, "c": {"d": null}, "e": [null]}));
        assert_eq!(redacted(&target), erased);
        merge(&mut target, read(json!({"b": 5, "c": null}), &[], "later"));
        assert_eq!(redacted(&target), erased[2..]);
    }

    #[test]
    fn a_field_comes_from_the_last_patch_that_said_it() {
        let mut target = read(json!({"a": 1, "b": {"c": 1, "d": 1}, "e": {"f": 1}, "g": {}}), &[], "target");
        merge(&mut target, read(json!({"a": 1, "b": {"c": 2}, "e": {"f": null}, "g": {"x": null}}), &[], "patch"));
        let from: Vec<_> = explained(&target)
            .into_iter()
            .map(|(pointer, origin)| match origin {
                Origin::Snapshot { snapshot_id } => (pointer, snapshot_id),
                Origin::Event { .. } => panic!("no event here"),
            })
            .collect();
        let expected = [("/a", "patch"), ("/b/c", "patch"), ("/b/d", "target"), ("/e", "patch"), ("/g", "target")];
        assert_eq!(from, expected.map(|(pointer, name)| (pointer.to_owned(), name.to_owned())));
    }
}
