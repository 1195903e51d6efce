//! Each target for a moment under `cargo test`, and for as long as one likes under `cargo bolero test`.

#![cfg(test)]

#[path = "../tests/parsers/targets.rs"]
mod targets;

macro_rules! fuzz {
    ($($target:ident),*) => {
        $(#[test]
        fn $target() {
            bolero::check!().for_each(|bytes: &[u8]| targets::$target(bytes));
        })*
    };
}

fuzz!(note, vkey, tile_path, bundle, entry, tlog_proof, range, tree);
