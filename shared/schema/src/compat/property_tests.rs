//! What is proven must hold: random schemas, random edits of them, random values.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{node::Node, prove::Prover, types::Types};
use crate::Schema;

/// A small deterministic source of choices (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or(0) % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

/// A schema; its properties' names begin with `path`, so that the same name means the same place.
fn schema(dice: &mut Dice, depth: usize, path: &str) -> Value {
    if depth == 0 && dice.roll(8) == 0 {
        return json!(dice.roll(4) != 0);
    }
    let mut object = Map::new();
    for _ in 0..=dice.roll(3) {
        let (keyword, value) = keyword(dice, depth, path);
        object.insert(keyword.to_owned(), value);
    }
    Value::Object(object)
}

fn keyword(dice: &mut Dice, depth: usize, path: &str) -> (&'static str, Value) {
    let number = *dice.pick(&[-1, 0, 1, 2, 3]);
    let count = dice.roll(3);
    let choices = if depth == 0 { 17 } else { 36 };
    let below = |dice: &mut Dice| schema(dice, depth.saturating_sub(1), path);
    // A property or element that is not named: its properties are named like no others.
    let within = format!("{path}_");
    let inside = |dice: &mut Dice| schema(dice, depth.saturating_sub(1), &within);
    match dice.roll(choices) {
        0..=2 => ("type", json!(dice.pick(&TYPES))),
        3 => ("type", json!([dice.pick(&TYPES[..4]), dice.pick(&TYPES[4..])])),
        4 => ("minimum", json!(number)),
        5 => ("maximum", json!(number)),
        6 => ("exclusiveMinimum", json!(f64::from(number) + 0.5)),
        7 => ("exclusiveMaximum", json!(number)),
        8 => ("multipleOf", dice.pick(&[json!(1), json!(2), json!(0.5), json!(4)]).clone()),
        9 => ("minLength", json!(count)),
        10 => ("maxLength", json!(count)),
        11 => ("pattern", json!(dice.pick(&["^x", "y$", "^[0-9]+$"]))),
        12 => ("enum", json!([value(dice, 0, path), value(dice, 0, path), value(dice, 1, path)])),
        13 => ("const", value(dice, 1, path)),
        14 => ("minItems", json!(count)),
        15 => ("maxProperties", json!(count)),
        16 => ("required", json!([name(dice, path)])),
        17 | 18 => ("items", inside(dice)),
        19 => ("prefixItems", json!([inside(dice), inside(dice)])),
        20 => ("contains", inside(dice)),
        21 => (["minContains", "maxContains"][dice.roll(2)], json!(count)),
        22 => ("uniqueItems", json!(true)),
        23 | 24 => ("properties", properties(dice, depth, path)),
        25 => ("patternProperties", json!({ *dice.pick(&["a$", "^"]): inside(dice) })),
        26 => ("additionalProperties", inside(dice)),
        27 => ("propertyNames", json!({ "pattern": dice.pick(&["a$", "b$"]) })),
        28 => ("allOf", json!([below(dice), below(dice)])),
        29 => ("anyOf", json!([below(dice), below(dice)])),
        30 => ("oneOf", json!([below(dice), below(dice)])),
        31 => ("not", below(dice)),
        32 => (["if", "then", "else"][dice.roll(3)], below(dice)),
        33 => ("dependentSchemas", json!({ name(dice, path): below(dice) })),
        34 => ("dependentRequired", json!({ name(dice, path): [name(dice, path)] })),
        _ => (["unevaluatedProperties", "unevaluatedItems"][dice.roll(2)], inside(dice)),
    }
}

fn name(dice: &mut Dice, path: &str) -> String {
    format!("{path}{}", dice.pick(&["a", "b", "c"]))
}

fn properties(dice: &mut Dice, depth: usize, path: &str) -> Value {
    let mut object = Map::new();
    for _ in 0..=dice.roll(2) {
        let name = name(dice, path);
        let below = schema(dice, depth.saturating_sub(1), &name);
        object.insert(name, below);
    }
    Value::Object(object)
}

/// A value, with properties named as [`schema`] names them.
fn value(dice: &mut Dice, depth: usize, path: &str) -> Value {
    match dice.roll(if depth == 0 { 8 } else { 14 }) {
        0 => Value::Null,
        1 => json!(dice.roll(2) == 0),
        2..=4 => dice.pick(&[json!(-1), json!(0), json!(1), json!(1.0), json!(1.5), json!(2), json!(3)]).clone(),
        5..=7 => json!(dice.pick(&["", "x", "xy", "12", "zzz"])),
        8..=10 => (0..dice.roll(4)).map(|_| value(dice, depth - 1, &format!("{path}_"))).collect(),
        _ => {
            let names: Vec<_> = (0..dice.roll(4)).map(|_| name(dice, path)).collect();
            let member = |name: String| {
                let below = value(dice, depth - 1, &name);
                (name, below)
            };
            Value::Object(names.into_iter().map(member).collect())
        }
    }
}

/// The schema with one change somewhere in it.
fn edited(dice: &mut Dice, schema_: &Value, path: &str) -> Value {
    let Some(object) = schema_.as_object() else {
        return schema(dice, 1, path);
    };
    let mut object = object.clone();
    let keys: Vec<String> = object.keys().cloned().collect();
    let Some(key) = keys.get(dice.roll(keys.len() + 1)) else {
        let (keyword, value) = keyword(dice, 2, path);
        object.insert(keyword.to_owned(), value);
        return Value::Object(object);
    };
    let old = object.remove(key).unwrap_or_default();
    match (key.as_str(), old) {
        (_, _) if dice.roll(4) == 0 => {}
        ("allOf" | "anyOf" | "oneOf", Value::Array(mut branches)) => {
            match dice.roll(3) {
                0 => branches.push(schema(dice, 1, path)),
                1 => branches.reverse(),
                _ => branches[0] = edited(dice, &branches[0], path),
            }
            object.insert(key.clone(), Value::Array(branches));
        }
        ("properties", Value::Object(mut members)) => {
            let name = name(dice, path);
            let below = match members.get(&name) {
                Some(member) => edited(dice, member, &name),
                None => schema(dice, 1, &name),
            };
            members.insert(name, below);
            object.insert(key.clone(), Value::Object(members));
        }
        (_, nested @ Value::Object(_)) if key != "const" && !key.contains("ependent") && key != "patternProperties" => {
            object.insert(key.clone(), edited(dice, &nested, path));
        }
        (_, Value::Number(number)) => {
            let shift = dice.roll(3) as f64 - 1.0;
            let moved = number.as_f64().unwrap_or(0.0) + shift;
            let usable = moved >= 0.0 && (key != "multipleOf" || moved > 0.0);
            let moved = if usable { json!(moved) } else { Value::Number(number) };
            object.insert(key.clone(), moved);
        }
        (_, old) => {
            let (keyword, value) = keyword(dice, 1, path);
            object.insert(key.clone(), old);
            object.insert(keyword.to_owned(), value);
        }
    }
    Value::Object(object)
}

/// A pair of schemas that compile, the second mostly an edit of the first.
fn pair(dice: &mut Dice) -> Option<(Schema, Schema)> {
    let before = schema(dice, 3, "");
    let mut new = match dice.roll(8) {
        0 => schema(dice, 3, ""),
        _ => edited(dice, &before, ""),
    };
    if dice.roll(3) == 0 {
        new = edited(dice, &new, "");
    }
    Some((Schema::compile(&before).ok()?, Schema::compile(&new).ok()?))
}

fn proven(wide: &Schema, narrow: &Schema, strict: bool) -> bool {
    Prover::new("the other", strict).prove(&Node::root(wide), &Node::root(narrow), Types::ALL).is_empty()
}

/// The names that some `properties` declares.
fn declared(schema: &Value, into: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(members) = object.get("properties").and_then(Value::as_object) {
                into.extend(members.keys().cloned());
            }
            object.values().for_each(|below| declared(below, into));
        }
        Value::Array(all) => all.iter().for_each(|below| declared(below, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value without the properties that are not among `names`.
fn only(value: &Value, names: &[String]) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(name, _)| names.contains(name))
            .map(|(name, below)| (name.clone(), only(below, names)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(all) => all.iter().map(|below| only(below, names)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn counterexample(dice: &mut Dice, wide: &Schema, narrow: &Schema, strict: bool) -> Option<Value> {
    let mut names = Vec::new();
    declared(narrow.document(), &mut names);
    (0..60)
        .map(|_| value(dice, 3, ""))
        .map(|value| if strict { value } else { only(&value, &names) })
        .find(|value| narrow.accepts(value) && !wide.accepts(value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Without the exception: what the narrower accepts, the wider accepts.
    #[test]
    fn a_proof_has_no_counterexample(seed in 1_u64..) {
        let dice = &mut Dice(seed);
        if let Some((before, new)) = pair(dice) && proven(&new, &before, true) {
            let found = counterexample(dice, &new, &before, true);
            prop_assert!(found.is_none(), "{} -> {}: {found:?}", before.document(), new.document());
        }
    }

    /// With it: the same of values that have declared properties only.
    #[test]
    fn the_exception_is_about_undeclared_properties_only(seed in 1_u64..) {
        let dice = &mut Dice(seed);
        if let Some((before, new)) = pair(dice) && proven(&new, &before, false) {
            let found = counterexample(dice, &new, &before, false);
            prop_assert!(found.is_none(), "{} -> {}: {found:?}", before.document(), new.document());
        }
    }

    /// A version is compatible with itself.
    #[test]
    fn nothing_changed_is_compatible(seed in 1_u64..) {
        let document = schema(&mut Dice(seed), 3, "");
        if let Ok(compiled) = Schema::compile(&document) {
            prop_assert!(proven(&compiled, &compiled, true));
        }
    }
}

/// The tests above would pass if nothing were ever proven, or no counterexample ever looked for.
#[test]
fn the_generator_tells_something() {
    let (mut pairs, mut proofs, mut refuted) = (0, 0, 0);
    for seed in 1..2000_u64 {
        let dice = &mut Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let Some((before, new)) = pair(dice) else {
            continue;
        };
        pairs += 1;
        if proven(&new, &before, true) {
            proofs += 1;
        } else if counterexample(dice, &new, &before, true).is_some() {
            refuted += 1;
        }
    }
    assert!(pairs > 1500, "{pairs}");
    assert!(proofs * 4 > pairs, "{proofs} of {pairs}");
    assert!(refuted * 10 > pairs, "{refuted} of {pairs}");
}
