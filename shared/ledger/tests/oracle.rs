//! Our tree against `ct-merkle`, which other people wrote.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ledger::{
    Hash, TreeHead,
    tree::{Frontier, leaf_hash, verify_consistency, verify_inclusion},
};
use sha2::Sha256;

const SIZE: usize = 2000;

fn entry(index: usize) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks(32).map(|hash| Hash::from_bytes(hash).unwrap()).collect()
}

/// The roots are compared for every size, the proofs for some: to make one, the other side walks its tree.
#[test]
fn roots_and_proofs_are_those_of_another_program() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut ours = Frontier::new();
    let mut heads = vec![ours.head()];
    for index in 0..SIZE {
        theirs.push(entry(index));
        ours.push(leaf_hash(&entry(index))).unwrap();
        let root = Hash::from_bytes(theirs.root().as_bytes()).unwrap();
        assert_eq!(ours.head(), TreeHead { size: theirs.len(), root });
        heads.push(ours.head());

        let size = index + 1;
        if size % 37 == 0 || size.is_power_of_two() {
            for leaf in [0, size / 3, size / 2, index] {
                let proof = hashes(theirs.prove_inclusion(leaf).as_bytes());
                let verdict = verify_inclusion(leaf_hash(&entry(leaf)), leaf as u64, &proof, &heads[size]);
                assert_eq!(verdict, Ok(()), "{leaf} of {size}");
            }
            for from in [1, size / 3, size / 2, size - 1].into_iter().filter(|from| (1..size).contains(from)) {
                let proof = hashes(theirs.prove_consistency(size - from).as_bytes());
                assert_eq!(verify_consistency(&heads[from], &heads[size], &proof), Ok(()), "{from} to {size}");
            }
        }
    }
}
