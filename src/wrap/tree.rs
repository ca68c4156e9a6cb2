//! The tree over a session's chunks: leaves, pairs, pairs of pairs, up to one proof.
//!
//! At every level nodes are paired in order, (0, 1), (2, 3), …; a last node without a partner is paired
//! with itself, and so is a single leaf. So the tree, and the value at its top, follow from the number of
//! chunks and their outputs alone.

use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use super::{aggregate, leaf};

/// A node's circuit and its public value.
pub type Node = ([u8; 32], [QM31; 2]);

/// Root of the circuit whose proofs are the nodes of `level`; leaves are level 0.
pub fn root_at(level: usize, leaf_root: [u8; 32]) -> [u8; 32] {
    match level {
        0 => leaf_root,
        1 => aggregate::LEVEL_1_ROOT,
        _ => aggregate::UPPER_ROOT,
    }
}

/// The pairs of a level of `nodes` nodes.
pub fn pairs(nodes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..nodes)
        .step_by(2)
        .map(move |i| (i, (i + 1).min(nodes - 1)))
}

/// How many nodes the tree over `leaves` leaves has, leaves included.
pub fn nodes(leaves: usize) -> usize {
    let (mut width, mut total) = (leaves, leaves);
    while total == leaves || width > 1 {
        width = width.div_ceil(2);
        total += width;
    }
    total
}

/// The top of the tree over programs' outputs, at least one: which circuit its proof is of, and what the
/// proof's public value must be.
pub fn top(leaf_root: [u8; 32], outputs: &[Vec<Felt>]) -> Node {
    let mut level = 0;
    let mut values: Vec<[QM31; 2]> = outputs.iter().map(|o| leaf::output_of(o)).collect();
    while level == 0 || values.len() > 1 {
        let root = root_at(level, leaf_root);
        values = pairs(values.len())
            .map(|(a, b)| aggregate::output_of((root, values[a]), (root, values[b])))
            .collect();
        level += 1;
    }
    (root_at(level, leaf_root), values[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_node_is_its_own_partner() {
        assert_eq!(pairs(1).collect::<Vec<_>>(), [(0, 0)]);
        assert_eq!(pairs(2).collect::<Vec<_>>(), [(0, 1)]);
        assert_eq!(pairs(5).collect::<Vec<_>>(), [(0, 1), (2, 3), (4, 4)]);
    }

    #[test]
    fn counts_its_nodes() {
        let counts: Vec<usize> = [1, 2, 3, 4, 5, 16].map(nodes).to_vec();
        assert_eq!(counts, [2, 3, 6, 7, 11, 31]);
    }

    #[test]
    fn the_top_depends_on_every_output_and_on_their_order() {
        let outputs: Vec<Vec<Felt>> = (0..5u32).map(|i| vec![Felt::from(i); 21]).collect();
        let (root, value) = top([7; 32], &outputs);
        assert_eq!(root, aggregate::UPPER_ROOT);
        for i in 0..outputs.len() {
            let mut other = outputs.clone();
            other[i][20] += Felt::ONE;
            assert_ne!(top([7; 32], &other).1, value, "output {i}");
        }
        let mut swapped = outputs.clone();
        swapped.swap(0, 1);
        assert_ne!(top([7; 32], &swapped).1, value);
        assert_ne!(top([8; 32], &outputs).1, value, "another leaf circuit");
    }

    #[test]
    fn one_chunk_and_two_have_a_tree_of_one_level() {
        let outputs = vec![vec![Felt::ONE; 21]; 2];
        assert_eq!(top([7; 32], &outputs[..1]).0, aggregate::LEVEL_1_ROOT);
        assert_eq!(top([7; 32], &outputs).0, aggregate::LEVEL_1_ROOT);
    }
}
