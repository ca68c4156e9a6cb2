//! The rules of both circuits on values alone, as if whatever proofs they are given verified.

use cairo_decode::verify::statement::OUTPUT_LEN;
use cairo_decode::wrap::fold::{
    Child, Circuit, Joined, Kind, Proven, Rule, Witness, join, join_leaves,
};
use cairo_decode::wrap::span::Span;
use circuit_common::N_RESERVED;
use circuits::blake::HashValue;
use circuits::context::TraceContext;
use circuits::ops::{Guess, eq};
use num_traits::{One, Zero};
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

pub type Digest = HashValue<QM31>;

/// A digest of the test's choice.
pub fn digest(n: u32) -> Digest {
    HashValue(QM31::from_u32_unchecked(n, 1, 2, 3), QM31::one())
}

/// Roots of the fold circuit and of the leaf, as far as the rules are concerned.
pub const FOLD: fn() -> Digest = || digest(100);
pub const LEAF: fn() -> Digest = || digest(200);

/// The output of a chunk that starts where `n` chunks end.
pub fn output(n: u32) -> [Felt; OUTPUT_LEN] {
    let frontier = |n: u32, field: u32| Felt::from(1000 * n + field);
    std::array::from_fn(|i| match i as u32 {
        i @ ..12 => Felt::from(i + 1),
        i @ 12..17 => frontier(n, i - 12),
        i => frontier(n + 1, i - 17),
    })
}

/// What that chunk's leaf says.
pub fn chunk(n: u32) -> Span<QM31> {
    Span::of(&output(n))
}

/// What a fold of chunks says.
pub fn chunks(from: u32, to: u32) -> Span<QM31> {
    Span {
        last: chunk(to - 1).last,
        ..chunk(from)
    }
}

pub fn child(kind: Kind, span: Span<QM31>) -> Child {
    Child::new(kind, span, FOLD(), LEAF())
}

/// Two nodes to fold.
pub fn pair(left: Child, right: Child) -> Witness {
    Witness {
        fold: FOLD(),
        leaf: LEAF(),
        single: QM31::zero(),
        children: [left, right],
    }
}

/// One node to pass on; the other one is not looked at.
pub fn single(left: Child, right: Child) -> Witness {
    Witness {
        single: QM31::one(),
        ..pair(left, right)
    }
}

/// A circuit of the rules, which are not imposed yet.
fn joined(circuit: Circuit, witness: &Witness) -> (TraceContext, Joined) {
    let mut context = TraceContext::new(N_RESERVED);
    let proven = witness.children.map(|child| Proven {
        root: child.proven.root.guess(&mut context),
        value: child.proven.value.guess(&mut context),
    });
    let joined = match circuit {
        Circuit::Fold => join(&mut context, witness, proven),
        Circuit::Pair => join_leaves(&mut context, witness, proven),
    };
    (context, joined)
}

/// The rules' equalities by name, and whether each holds.
pub fn holding(circuit: Circuit, witness: &Witness) -> Vec<(&'static str, bool)> {
    let (context, Joined { rules, .. }) = joined(circuit, witness);
    let holds = |rule: &Rule| context.get(rule.left) == context.get(rule.right);
    rules.iter().map(|rule| (rule.name, holds(rule))).collect()
}

/// The circuit's public value, if all rules but those with these names hold.
pub fn value(circuit: Circuit, witness: &Witness, without: &[&str]) -> Option<Digest> {
    let (mut context, Joined { value, rules }) = joined(circuit, witness);
    for name in without {
        assert!(
            rules.iter().any(|rule| rule.name == *name),
            "{name} is a rule"
        );
    }
    let imposed = rules.iter().filter(|rule| !without.contains(&rule.name));
    imposed.for_each(|&Rule { left, right, .. }| eq(&mut context, left, right));
    context.set_outputs(&[value.0, value.1]);
    let circuit = context.finalize(false);
    let value = HashValue(circuit.get(value.0), circuit.get(value.1));
    circuit.is_circuit_valid().then_some(value)
}

/// What a fold that says `span` has as its value.
fn says(span: Span<QM31>) -> Option<Digest> {
    Some(span.fold_value(FOLD(), LEAF()))
}

#[test]
fn leaves_pairs_and_folds_are_joined() {
    let leaf = |n| child(Kind::Leaf, chunk(n));
    let twins = |from| child(Kind::Pair, chunks(from, from + 2));
    let fold = |from, to| child(Kind::Fold, chunks(from, to));
    let cases = [
        (pair(leaf(0), leaf(1)), chunks(0, 2)),
        (pair(leaf(0), fold(1, 4)), chunks(0, 4)),
        (pair(fold(0, 3), leaf(3)), chunks(0, 4)),
        (pair(fold(0, 3), fold(3, 9)), chunks(0, 9)),
        (pair(twins(0), twins(2)), chunks(0, 4)),
        (pair(fold(0, 8), twins(8)), chunks(0, 10)),
        (pair(leaf(0), twins(1)), chunks(0, 3)),
        (single(leaf(4), leaf(4)), chunk(4)),
        (single(twins(4), twins(4)), chunks(4, 6)),
        (single(fold(2, 7), fold(2, 7)), chunks(2, 7)),
    ];
    for (witness, span) in cases {
        assert_eq!(value(Circuit::Fold, &witness, &[]), says(span));
    }
    let cases = [
        (pair(leaf(0), leaf(1)), chunks(0, 2)),
        (single(leaf(4), leaf(4)), chunk(4)),
    ];
    for (witness, span) in cases {
        assert_eq!(value(Circuit::Pair, &witness, &[]), says(span));
    }
}

/// Two nodes that do not follow each other, of two sessions: a fold that looks at one says nothing of the other.
#[test]
fn a_single_node_says_what_it_said() {
    let mut other = output(9);
    other[4] += Felt::ONE;
    let other = Span::of(&other);
    let left = child(Kind::Leaf, chunk(4));
    for (circuit, kind) in [(Circuit::Fold, Kind::Fold), (Circuit::Pair, Kind::Leaf)] {
        let witness = single(left, child(kind, other));
        assert_eq!(value(circuit, &witness, &[]), says(chunk(4)));
    }
}

/// Whether a leaf is said to be a pair changes nothing.
#[test]
fn a_leaf_is_no_pair() {
    let mut witness = pair(child(Kind::Leaf, chunk(0)), child(Kind::Leaf, chunk(1)));
    witness.children[1].pair = QM31::one();
    assert_eq!(value(Circuit::Fold, &witness, &[]), says(chunks(0, 2)));
}

/// A chain of folds and a tree of them over the same chunks have one value at the top, whatever the number of chunks; so has a tree
/// over pairs.
#[test]
fn a_chain_and_a_tree_say_the_same() {
    for count in [1, 2, 3, 5, 61, 64] {
        let leaves: Vec<Child> = (0..count).map(|n| child(Kind::Leaf, chunk(n))).collect();
        let first = joined_in(Circuit::Fold, leaves[0], None);
        let rest = leaves[1..].iter();
        let chain = rest.fold(first, |left, leaf| {
            joined_in(Circuit::Fold, left, Some(*leaf))
        });
        assert_eq!(chain, child(Kind::Fold, chunks(0, count)));
        for lowest in [Circuit::Fold, Circuit::Pair] {
            let mut level = level_above(lowest, &leaves);
            while level.len() > 1 || level[0].proven.root != FOLD() {
                level = level_above(Circuit::Fold, &level);
            }
            assert_eq!(chain, level[0]);
        }
    }
}

fn level_above(circuit: Circuit, nodes: &[Child]) -> Vec<Child> {
    let pairs = nodes.chunks(2);
    pairs
        .map(|pair| joined_in(circuit, pair[0], pair.get(1).copied()))
        .collect()
}

/// A node over one or two.
fn joined_in(circuit: Circuit, left: Child, right: Option<Child>) -> Child {
    let witness = match right {
        Some(right) => pair(left, right),
        None => single(left, left),
    };
    let last = right.unwrap_or(left).span.last;
    let span = Span { last, ..left.span };
    assert_eq!(value(circuit, &witness, &[]), says(span));
    let kind = match circuit {
        Circuit::Fold => Kind::Fold,
        Circuit::Pair => Kind::Pair,
    };
    child(kind, span)
}
