//! What the commitment promises.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn commit(payload: Value) -> Hash {
    content(&Secret::new([7; 32]).into(), &object(payload), &Map::new())
}

#[test]
fn every_field_counts_and_their_order_does_not() {
    let base = commit(json!({"a": 1, "b": [true, {}], "c": {"d": "x"}}));
    assert_eq!(base, commit(json!({"c": {"d": "x"}, "b": [true, {}], "a": 1.0})));
    for other in [
        json!({"a": 2, "b": [true, {}], "c": {"d": "x"}}),
        json!({"a": 1, "b": [true, []], "c": {"d": "x"}}),
        json!({"a": 1, "b": [{}, true], "c": {"d": "x"}}),
        json!({"a": "1", "b": [true, {}], "c": {"d": "x"}}),
        json!({"a": 1, "b": [true, {}], "c": {"d": "x", "e": null}}),
        json!({"a": 1, "b": [true, {}], "c/d": "x"}),
    ] {
        assert_ne!(base, commit(other.clone()), "{other}");
    }
}

#[test]
fn another_secret_is_another_commitment() {
    let payload = object(json!({"a": 1}));
    let with = |byte| content(&Secret::new([byte; 32]).into(), &payload, &Map::new());
    assert_ne!(with(1), with(2));
}

#[test]
fn payload_and_metadata_do_not_stand_for_each_other() {
    let (a, none) = (object(json!({"a": 1})), Map::new());
    let secret = Opening::from(Secret::new([7; 32]));
    assert_ne!(content(&secret, &a, &none), content(&secret, &none, &a));
}

#[test]
fn a_secret_reads_back_and_does_not_show_itself() {
    let secret = Secret::new([9; 32]);
    let text = String::from(secret.clone());
    assert_eq!(Secret::try_from(text.clone()).unwrap(), secret);
    assert!(!format!("{secret:?}").contains(&text));
    assert_eq!(Secret::try_from("AAAA".to_owned()), Err(InvalidSecret));
}

fn event() -> (Map<String, Value>, Map<String, Value>, Opening) {
    let payload = json!({"a/b": 1, "c": [{"d": "x"}, [], null], "e": {"f": {}, "g~": true}, "ef": 2});
    (object(payload), object(json!({"actor_id": "u1"})), Secret::new([7; 32]).into())
}

fn states(opening: &Opening, payload: &Map<String, Value>, metadata: &Map<String, Value>) -> Vec<(String, FieldState)> {
    fields(opening, payload, metadata).into_iter().map(|field| (field.pointer, field.state)).collect()
}

#[test]
fn erasing_keeps_the_content_and_nothing_else_of_the_value() {
    let (mut payload, mut metadata, mut opening) = event();
    let before = content(&opening, &payload, &metadata);
    let gone = erase(&mut payload, &mut metadata, &mut opening, &["/payload/c/0", "/payload/a~1b"], "req_1").unwrap();
    assert_eq!(gone, ["/payload/a~1b", "/payload/c/0/d"]);
    assert_eq!(
        payload,
        object(json!({"a/b": null, "c": [{"d": null}, [], null], "e": {"f": {}, "g~": true}, "ef": 2}))
    );
    assert_eq!(content(&opening, &payload, &metadata), before);

    let text = serde_json::to_value(&opening).unwrap();
    assert_eq!(text.as_object().unwrap().keys().collect::<Vec<_>>(), ["opening"], "the secret is gone");
    assert!(text["opening"]["salts"].get("/payload/a~1b").is_none());
    assert_eq!(text["opening"]["erased"]["/payload/a~1b"]["by"], "req_1");
    assert_eq!(text["opening"]["salts"].as_object().unwrap().len(), 6);
    assert_eq!(serde_json::from_value::<Opening>(text).unwrap(), opening);
}

#[test]
fn erasing_again_is_additive_and_keeps_who_was_first() {
    let (mut payload, mut metadata, mut opening) = event();
    let before = content(&opening, &payload, &metadata);
    erase(&mut payload, &mut metadata, &mut opening, &["/payload/e/f"], "first").unwrap();
    let gone = erase(&mut payload, &mut metadata, &mut opening, &["/payload/e", "/metadata"], "second").unwrap();
    assert_eq!(gone, ["/metadata/actor_id", "/payload/e/g~0"]);
    assert_eq!(erase(&mut payload, &mut metadata, &mut opening, &["/payload/e"], "third").unwrap(), [""; 0]);
    assert_eq!(content(&opening, &payload, &metadata), before);
    let Opening::Fields { erased, .. } = &opening else { panic!("{opening:?}") };
    let by: Vec<_> = erased.iter().map(|(pointer, erased)| (pointer.as_str(), erased.by.as_str())).collect();
    assert_eq!(by, [("/metadata/actor_id", "second"), ("/payload/e/f", "first"), ("/payload/e/g~0", "second")]);
}

#[test]
fn what_is_not_there_is_not_erased_and_nothing_changes() {
    let (mut payload, mut metadata, mut opening) = event();
    for wrong in ["", "/", "/payload/x", "/payload/c/3", "/payload/a/b", "payload/ef", "/payload/e/", "/other"] {
        let error = erase(&mut payload, &mut metadata, &mut opening, &["/payload/ef", wrong], "r").unwrap_err();
        assert_eq!(error, EraseError::NothingThere { pointer: wrong.to_owned() });
    }
    let (mut empty, error) = (Map::new(), EraseError::NothingThere { pointer: "/metadata".to_owned() });
    assert_eq!(erase(&mut payload, &mut empty, &mut opening, &["/metadata"], "r"), Err(error));
    assert_eq!((payload, metadata, opening), event());
}

#[test]
fn a_document_that_does_not_fit_its_opening_is_seen() {
    let (mut payload, mut metadata, mut opening) = event();
    let before = content(&opening, &payload, &metadata);
    erase(&mut payload, &mut metadata, &mut opening, &["/payload/ef", "/payload/c/2"], "r").unwrap();
    let tampered = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut other = payload.clone();
        change(&mut other);
        assert_ne!(content(&opening, &other, &metadata), before, "{other:?}");
        let wrong = states(&opening, &other, &metadata);
        wrong.into_iter().filter(|(_, state)| state.digest().is_none()).collect::<Vec<_>>()
    };
    let at = |pointer: &str, state| vec![(pointer.to_owned(), state)];
    assert_eq!(
        tampered(&|p| drop(p.insert("ef".to_owned(), json!(3)))),
        at("/payload/ef", FieldState::Mismatch),
        "a value where one went"
    );
    assert_eq!(
        tampered(&|p| drop(p.insert("new".to_owned(), json!(3)))),
        at("/payload/new", FieldState::Mismatch),
        "a value nothing opens"
    );
    assert_eq!(tampered(&|p| drop(p.remove("ef"))), at("/payload/ef", FieldState::Missing), "even its place is gone");
    assert_eq!(tampered(&|p| drop(p.remove("a/b"))), at("/payload/a~1b", FieldState::Missing));
    assert_eq!(
        tampered(&|p| drop(p.insert("a/b".to_owned(), json!(2)))),
        [],
        "only the content tells of a changed value"
    );

    let mut damaged = payload.clone();
    damaged.remove("ef");
    let error = erase(&mut damaged, &mut metadata.clone(), &mut opening.clone(), &["/payload/e"], "r").unwrap_err();
    assert_eq!(error, EraseError::Damaged { pointer: "/payload/ef".to_owned() });
}

#[test]
fn an_opening_has_one_form() {
    let digest = "00".repeat(32);
    let read = |value: Value| serde_json::from_value::<Opening>(value).map_err(|error| error.to_string());
    let salt = "AAAAAAAAAAAAAAAAAAAAAA==";
    let erased = json!({"/payload/a": {"by": "r", "digest": digest}});
    assert!(read(json!({"opening": {"salts": {"/payload/b": salt}, "erased": erased}})).is_ok());
    for wrong in [
        json!({}),
        json!({"secret": String::from(Secret::new([1; 32])), "opening": {"salts": {}, "erased": {}}}),
        json!({"opening": {"salts": {"/payload/a": salt}, "erased": erased}}),
        json!({"opening": {"salts": {"/payload/a": "AAAA"}, "erased": {}}}),
        json!({"opening": {"salts": {"/payload/a": "AAAAAAAAAAAAAAAAAAAAAB=="}, "erased": {}}}),
        json!({"opening": {"salts": {}}}),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}

/// Any JSON that an event may hold.
fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        let members = proptest::collection::btree_map("[a-z~/ ]{0,3}", inner.clone(), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("[a-z~/]{0,3}", any_value(), 0..5).prop_map(|m| m.into_iter().collect())
}

proptest! {
    #[test]
    fn any_single_field_can_be_erased(payload in any_object(), metadata in any_object(), pick in any::<usize>()) {
        let opening = Opening::from(Secret::new([7; 32]));
        let before = content(&opening, &payload, &metadata);
        let all = fields(&opening, &payload, &metadata);
        let erasable: Vec<_> = all.iter().filter(|f| f.pointer != "/payload" && f.pointer != "/metadata").collect();
        prop_assume!(!erasable.is_empty());
        let field = erasable[pick % erasable.len()];

        let (mut p, mut m, mut o) = (payload.clone(), metadata.clone(), opening.clone());
        prop_assert_eq!(erase(&mut p, &mut m, &mut o, &[&field.pointer], "r").unwrap(), [field.pointer.clone()]);
        prop_assert_eq!(content(&o, &p, &m), before);

        let Opening::Fields { salts, erased } = &o else { panic!("the secret is left") };
        prop_assert!(!salts.contains_key(&field.pointer));
        prop_assert_eq!(salts.len(), all.len() - 1);
        prop_assert_eq!(erased.keys().collect::<Vec<_>>(), [&field.pointer]);
        for other in fields(&o, &p, &m) {
            let expected = if other.pointer == field.pointer {
                FieldState::Erased { digest: field.state.digest().unwrap(), by: "r".to_owned() }
            } else {
                all.iter().find(|f| f.pointer == other.pointer).unwrap().state.clone()
            };
            prop_assert_eq!(other.state, expected);
        }
    }

    #[test]
    fn one_changed_value_is_seen(key in "[a-z/~]{1,6}", a in any::<i32>(), b in any::<i32>()) {
        prop_assume!(a != b);
        prop_assert_ne!(commit(json!({key.clone(): a})), commit(json!({key: b})));
    }
}
