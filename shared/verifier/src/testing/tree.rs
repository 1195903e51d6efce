//! Trees and proofs by the words of RFC 6962 section 2.1, without any regard for speed.

use ledger::{
    Hash,
    tree::{decompose, empty_root, node_hash},
};

/// `MTH(D[n])`
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            node_hash(root(left), root(right))
        }
    }
}

/// `PATH(m, D[n])`: the inclusion proof of leaf `m`.
#[must_use]
pub fn inclusion(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, other) =
        if m < k { (inclusion(m, left), root(right)) } else { (inclusion(m - k, right), root(left)) };
    path.push(other);
    path
}

/// `PROOF(m, D[n])`: the consistency proof of the first `m` leaves; empty for none.
#[must_use]
pub fn consistency(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if whole { Vec::new() } else { vec![root(leaves)] };
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut proof, other) =
            if m <= k { (subproof(m, left, whole), root(right)) } else { (subproof(m - k, right, false), root(left)) };
        proof.push(other);
        proof
    }
    if m == 0 { Vec::new() } else { subproof(m, leaves, true) }
}

/// The hashes of the subtrees that cover leaves `begin` to `end`, not including that.
#[must_use]
pub fn cover(begin: u64, end: u64, leaves: &[Hash]) -> Vec<Hash> {
    let nodes = decompose(begin, end).into_iter();
    nodes
        .map(|node| root(&leaves[(node.index << node.level) as usize..((node.index + 1) << node.level) as usize]))
        .collect()
}

fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}
