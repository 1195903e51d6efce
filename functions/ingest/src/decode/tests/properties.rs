//! What holds for any record whatever.

use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;

use super::{
    super::{Limits, Position, decode},
    aggregate, gzip, zstd,
};

/// Objects that hold what makes splitting hard: brackets, quotes and escapes in keys and values, and depth.
fn objects() -> impl Strategy<Value = Vec<Value>> {
    let scalar = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[\\[\\]{}\",:\\\\a\n]{0,8}".prop_map(Value::from)
    ];
    let value = scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[{}\"a-c]{0,3}", inner), 0..3).prop_map(Value::from_iter),
        ]
    });
    vec(vec(("[a-c]{1,2}", value), 0..4).prop_map(Value::from_iter), 1..6)
}

/// The ways to write some objects into one body.
#[derive(Debug, Clone, Copy)]
enum Layout {
    Lines,
    Concatenated,
    Pretty,
    Array,
    PrettyArray,
}

fn write(objects: &[Value], layout: Layout) -> Vec<u8> {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let each =
        |write: &dyn Fn(&Value) -> String, between: &str| objects.iter().map(write).collect::<Vec<_>>().join(between);
    match layout {
        Layout::Lines => each(&Value::to_string, "\n"),
        Layout::Concatenated => each(&Value::to_string, ""),
        Layout::Pretty => each(&pretty, "\n"),
        Layout::Array => Value::from(objects).to_string(),
        Layout::PrettyArray => pretty(&Value::from(objects)),
    }
    .into_bytes()
}

fn layouts() -> impl Strategy<Value = Layout> {
    select(vec![Layout::Lines, Layout::Concatenated, Layout::Pretty, Layout::Array, Layout::PrettyArray])
}

fn packings() -> impl Strategy<Value = fn(&[u8]) -> Vec<u8>> {
    let plain: fn(&[u8]) -> Vec<u8> = <[u8]>::to_vec;
    let aggregated: fn(&[u8]) -> Vec<u8> = |body| aggregate([gzip(body)]);
    select(vec![plain, gzip, zstd, aggregated])
}

/// Text that is nearly JSON: fragments that are each well formed, in any order.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let fragment = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\n",
        " ",
        "{\"a\":1}",
        "\"a\":",
        "1",
        "null",
        "\u{e9}",
        "{}",
        "\r\n",
    ]);
    vec(fragment, 0..60).prop_map(|fragments| fragments.concat().into_bytes())
}

fn anything() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![vec(any::<u8>(), 0..200), nearly_json()];
    (body, packings(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()).prop_map(
        |(body, pack, place, flip, damage)| {
            let mut record = pack(&body);
            if damage && !record.is_empty() {
                let place = place.index(record.len());
                record[place] ^= flip;
            }
            record
        },
    )
}

proptest! {
    #[test]
    fn any_layout_in_any_packing_gives_the_objects_back(objects in objects(), layout in layouts(), pack in packings()) {
        let record = pack(&write(&objects, layout));
        let found: Vec<Value> = decode(record.into(), Limits::default())
            .map(|found| serde_json::from_slice(&found.unwrap().json).unwrap())
            .collect();
        prop_assert_eq!(found, objects);
    }

    #[test]
    fn a_bad_line_anywhere_loses_no_good_line(objects in objects(), bad in "[a-z}\",:1 ]{1,12}", place in any::<prop::sample::Index>()) {
        let mut lines: Vec<String> = objects.iter().map(Value::to_string).collect();
        lines.insert(place.index(lines.len() + 1), bad);
        let found: Vec<Value> = decode(Bytes::from(lines.join("\n")), Limits::default())
            .filter_map(|found| found.ok().map(|document| serde_json::from_slice(&document.json).unwrap()))
            .collect();
        prop_assert_eq!(found, objects);
    }

    #[test]
    fn a_record_of_anything_yields_only_whole_objects_within_the_limit(record in anything()) {
        let limits = Limits { decompressed: 150 };
        let found: Vec<_> = decode(record.clone().into(), limits).collect();

        let mut yielded = 0;
        let mut positions: Vec<Position> = Vec::new();
        for part in &found {
            match part {
                Ok(document) => {
                    yielded += document.json.len();
                    prop_assert!(serde_json::from_slice::<Value>(&document.json).unwrap().is_object());
                    positions.push(document.position);
                }
                Err(rubbish) => {
                    prop_assert!(!rubbish.fault.code().is_empty());
                    positions.push(rubbish.position);
                }
            }
        }
        prop_assert!(yielded <= record.len().max(limits.decompressed));
        prop_assert!(positions.is_sorted_by(|earlier, later| earlier < later), "{:?}", positions);
        prop_assert_eq!(found, decode(record.into(), limits).collect::<Vec<_>>());
    }
}
