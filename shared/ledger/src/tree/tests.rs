//! Trees of every size against the definition in RFC 6962.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use proptest::prelude::*;

use super::*;

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// RFC 6962 section 2.1, word for word.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at((leaves.len().next_power_of_two() / 2).max(1));
            node_hash(mth(left), mth(right))
        }
    }
}

fn head(leaves: &[Hash]) -> TreeHead {
    TreeHead { size: leaves.len() as u64, root: mth(leaves) }
}

fn hashes(spans: &[Span], leaves: &[Hash]) -> Vec<Hash> {
    let at = |n: u64| usize::try_from(n).unwrap();
    spans.iter().map(|span| mth(&leaves[at(span.begin)..at(span.end)])).collect()
}

fn frontier(leaves: &[Hash]) -> Frontier {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(*leaf).unwrap());
    frontier
}

#[test]
fn the_roots_are_those_of_the_definition() {
    let all = leaves(600);
    let mut tree = Frontier::new();
    assert_eq!(tree.root(), empty_root());
    for (count, leaf) in all.iter().enumerate() {
        tree.push(*leaf).unwrap();
        assert_eq!(tree.head(), head(&all[..=count]));
        assert_eq!(tree, Frontier::from_bytes(tree.size(), &tree.to_bytes()).unwrap());
    }
}

#[test]
fn the_known_roots_of_certificate_transparency_come_out() {
    // The inputs and roots that certificate-transparency's own reference tests publish for RFC 6962.
    let entries: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Frontier::new();
    for (entry, root) in entries.iter().zip(roots) {
        tree.push(leaf_hash(&hex::decode(entry).unwrap())).unwrap();
        assert_eq!(tree.root().to_string(), root);
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proved_and_nothing_else_is() {
    let all = leaves(70);
    for size in 1..=70 {
        let tree = &all[..size];
        let head = head(tree);
        for index in 0..head.size {
            let proof = hashes(&inclusion_spans(index, head.size), tree);
            let leaf = tree[usize::try_from(index).unwrap()];
            assert_eq!(verify_inclusion(leaf, index, &proof, &head), Ok(()), "{index} of {size}");
            for other in 0..head.size + 2 {
                let verdict = verify_inclusion(leaf, other, &proof, &head);
                assert_eq!(verdict.is_ok(), other == index, "{index} shown as {other} of {size}");
            }
            let mut longer = proof.clone();
            longer.push(leaf);
            assert_eq!(verify_inclusion(leaf, index, &longer, &head), Err(ProofError::Length { found: longer.len() }));
            if let Some((_, shorter)) = proof.split_last() {
                assert!(verify_inclusion(leaf, index, shorter, &head).is_err());
            }
        }
    }
}

#[test]
fn every_pair_of_small_trees_is_consistent() {
    let all = leaves(70);
    for to in 0..=70_usize {
        for from in 0..=to {
            let (older, newer) = (head(&all[..from]), head(&all[..to]));
            let proof = hashes(&consistency_spans(older.size, newer.size), &all);
            assert_eq!(verify_consistency(&older, &newer, &proof), Ok(()), "{from} to {to}");

            let forged = TreeHead { root: leaf_hash(b"other"), ..older };
            assert!(matches!(verify_consistency(&forged, &newer, &proof), Err(ProofError::Root { .. })));
            let mut longer = proof.clone();
            longer.push(newer.root);
            assert!(verify_consistency(&older, &newer, &longer).is_err());
            for index in 0..proof.len() {
                let mut bent = proof.clone();
                bent[index].0[0] ^= 1;
                assert!(verify_consistency(&older, &newer, &bent).is_err(), "{from} to {to}");
            }
            if from < to {
                let shrunk = verify_consistency(&newer, &older, &proof);
                assert_eq!(shrunk, Err(ProofError::Shrinks { from: newer.size, to: older.size }));
            }
        }
    }
}

#[test]
fn a_frontier_takes_only_what_fits_it() {
    let mut tree = frontier(&leaves(6));
    assert_eq!(
        Frontier::from_bytes(6, &[0; 32]),
        Err(FrontierError::Hashes { size: 6, expected: 2, found: 1 }),
        "6 is 4 and 2"
    );
    assert_eq!(Frontier::from_bytes(6, &[0; 63]), Err(FrontierError::Bytes { length: 63 }));
    assert_eq!(tree.push_subtree(2, empty_root()), Err(FrontierError::Unaligned { level: 2, size: 6 }));
    assert_eq!(tree.push_subtree(64, empty_root()), Err(FrontierError::TooLarge));
    assert_eq!(Frontier::from_hashes(u64::MAX, vec![empty_root(); 64]), Err(FrontierError::TooLarge));
    assert_eq!(tree, frontier(&leaves(6)), "a refusal changes nothing");
}

#[test]
fn extreme_numbers_end_in_an_answer() {
    let head = TreeHead { size: u64::MAX, root: empty_root() };
    assert_eq!(verify_inclusion(empty_root(), 0, &[], &head), Err(ProofError::TooLarge));
    assert_eq!(verify_consistency(&head, &head, &[]), Err(ProofError::TooLarge));
    assert_eq!(decompose(0, u64::MAX).len(), 64);
    assert_eq!(decompose(u64::MAX - 1, u64::MAX).len(), 1);
    assert_eq!(decompose(5, 5), []);
    assert!(inclusion_spans(u64::MAX - 1, u64::MAX).len() <= 64);
    assert!(consistency_spans(u64::MAX - 1, u64::MAX).len() <= 65);
}

proptest! {
    #[test]
    fn any_leaf_of_any_tree_is_proved(size in 1_u64..3000, pick in any::<u64>()) {
        let all = leaves(size);
        let index = pick % size;
        let proof = hashes(&inclusion_spans(index, size), &all);
        let leaf = all[usize::try_from(index).unwrap()];
        prop_assert_eq!(verify_inclusion(leaf, index, &proof, &head(&all)), Ok(()));
    }

    #[test]
    fn any_pair_of_trees_is_consistent(to in 0_u64..3000, pick in any::<u64>()) {
        let from = pick % (to + 1);
        let all = leaves(to);
        let older = head(&all[..usize::try_from(from).unwrap()]);
        let proof = hashes(&consistency_spans(from, to), &all);
        prop_assert_eq!(verify_consistency(&older, &head(&all), &proof), Ok(()));
    }

    /// A range bundle in small: what is left of a range, the range itself, what is right of it.
    #[test]
    fn a_tree_is_the_sum_of_any_three_ranges(size in 0_u64..2000, a in any::<u64>(), b in any::<u64>()) {
        let all = leaves(size);
        let (a, b) = (a % (size + 1), b % (size + 1));
        let (begin, end) = (a.min(b), a.max(b));
        let subtree = |node: Node| {
            let at = |n: u64| usize::try_from(n << node.level).unwrap();
            mth(&all[at(node.index)..at(node.index + 1)])
        };
        let left = decompose(0, begin).into_iter().map(subtree).collect();
        let mut tree = Frontier::from_hashes(begin, left).unwrap();
        for leaf in &all[usize::try_from(begin).unwrap()..usize::try_from(end).unwrap()] {
            tree.push(*leaf).unwrap();
        }
        for node in decompose(end, size) {
            tree.push_subtree(node.level, subtree(node)).unwrap();
        }
        prop_assert_eq!(tree, frontier(&all));
    }
}
