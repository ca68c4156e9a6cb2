//! What each rule of a fold is for: lies that pass without it, and that the fold with all rules refuses.

use std::collections::BTreeSet;

use cairo_decode::wrap::fold::{Child, Kind, Witness};
use cairo_decode::wrap::span::Span;
use circuits::blake::HashValue;
use num_traits::{One, Zero};
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use crate::rules::{
    Digest, FOLD, LEAF, child, chunk, chunks, digest, holding, output, pair, single, value,
};

/// Rules each of which refuses it, the lie, and what the fold is told.
type Attack = (Vec<&'static str>, String, Witness);

/// A digest of which one half is another.
fn halves(of: Digest) -> [Digest; 2] {
    let one = QM31::one();
    [HashValue(of.0 + one, of.1), HashValue(of.0, of.1 + one)]
}

/// A point of the line through two digests that is neither.
fn mixture(zero: Digest, one: Digest) -> Digest {
    let point = |zero, one| one + one - zero;
    HashValue(point(zero.0, one.0), point(zero.1, one.1))
}

/// What a chunk's leaf says where one felt of the output is another.
fn changed(n: u32, felt: usize) -> Span<QM31> {
    let mut output = output(n);
    output[felt] += Felt::ONE;
    Span::of(&output)
}

/// Chunk 0 and chunk 1, and one of the two as it is given.
fn with(side: usize, child: Child) -> Witness {
    let mut witness = pair(leaf(0), leaf(1));
    witness.children[side] = child;
    witness
}

fn leaf(n: u32) -> Child {
    child(Kind::Leaf, chunk(n))
}

fn fold(n: u32) -> Child {
    child(Kind::Fold, chunk(n))
}

/// A child whose circuit, value, kind or span is not what the fold is told.
fn of_children() -> Vec<Attack> {
    let mut attacks = vec![];
    for (side, kind, root, value) in [
        (0, "left kind", "left root", "left value"),
        (1, "right kind", "right root", "right value"),
    ] {
        let n = side as u32;
        let mut add = |rules: &[&'static str], what: String, witness: Witness| {
            attacks.push((rules.to_vec(), format!("child {side}: {what}"), witness));
        };
        for (honest, of) in [(leaf(n), LEAF()), (fold(n), FOLD())] {
            let kinds = if honest.kind.is_zero() {
                "leaf"
            } else {
                "fold"
            };
            for (half, other) in halves(of).into_iter().enumerate() {
                let mut lie = honest;
                lie.proven.root = other;
                let what = format!("another circuit's proof of a {kinds}'s value, root {half}");
                add(&[root], what, with(side, lie));
            }
            for (half, other) in halves(honest.proven.value).into_iter().enumerate() {
                let mut lie = honest;
                lie.proven.value = other;
                let what = format!("a {kinds}'s proof of another value, half {half}");
                add(&[value], what, with(side, lie));
            }
            let (span, other) = (chunk(n), chunk(n + 7));
            let foreign = changed(n, 4);
            for (part, said) in [
                (
                    "common part",
                    Span {
                        common: foreign.common,
                        ..span
                    },
                ),
                (
                    "first frontier",
                    Span {
                        first: other.first,
                        ..span
                    },
                ),
                (
                    "last frontier",
                    Span {
                        last: other.last,
                        ..span
                    },
                ),
            ] {
                let kind = if honest.kind.is_zero() {
                    Kind::Leaf
                } else {
                    Kind::Fold
                };
                let mut lie = honest;
                lie.proven = child(kind, said).proven;
                let what = format!("a {kinds}'s proof of another {part}");
                add(&[value], what, with(side, lie));
            }
        }

        let mut lie = leaf(n);
        lie.kind = QM31::one();
        add(&[root, value], "a leaf as a fold".into(), with(side, lie));
        let mut lie = fold(n);
        lie.kind = QM31::zero();
        add(&[root, value], "a fold as a leaf".into(), with(side, lie));

        let (as_leaf, as_fold) = (leaf(n).proven, fold(n).proven);
        let mut lie = leaf(n);
        lie.kind = QM31::one() + QM31::one();
        lie.proven.root = mixture(as_leaf.root, as_fold.root);
        lie.proven.value = mixture(as_leaf.value, as_fold.value);
        add(&[kind], "a kind of 2".into(), with(side, lie));

        let span = chunk(n);
        let lie = Child::new(Kind::Leaf, span, FOLD(), digest(201));
        add(&[root], "a leaf of another model".into(), with(side, lie));
        let lie = Child::new(Kind::Fold, span, FOLD(), digest(201));
        add(
            &[value],
            "a fold over another model's leaves".into(),
            with(side, lie),
        );
        let mut lie = Child::new(Kind::Fold, span, digest(101), LEAF());
        add(
            &[root, value],
            "a fold by another circuit".into(),
            with(side, lie),
        );
        lie.proven.root = FOLD();
        add(
            &[value],
            "a fold over folds by another circuit".into(),
            with(side, lie),
        );

        // The fold circuit in the place of the model's leaf: a fold over anybody's leaves would count as a chunk.
        let honest = |n| Child::new(Kind::Fold, chunk(n), FOLD(), FOLD());
        let mut witness = pair(honest(0), honest(1));
        witness.leaf = FOLD();
        witness.children[side] = fold(n);
        witness.children[side].kind = QM31::zero();
        add(&[value], "the fold circuit as the leaf".into(), witness);
    }
    attacks
}

/// Honest nodes that are not one after the other, or not of one session.
fn of_pairs() -> Vec<Attack> {
    let mut attacks = vec![];
    let mut add = |rules: &[&'static str], what: String, witness: Witness| {
        attacks.push((rules.to_vec(), what, witness));
    };
    let many = |from, to| child(Kind::Fold, chunks(from, to));
    for (what, left, right) in [
        ("chunks swapped", leaf(1), leaf(0)),
        ("a chunk left out", leaf(0), leaf(2)),
        ("a chunk twice", leaf(0), leaf(0)),
        ("folds that overlap", many(0, 3), many(2, 4)),
        ("folds with a gap", many(0, 3), many(4, 6)),
        ("the end before the start", many(2, 4), many(0, 2)),
    ] {
        add(&["frontiers meet"], what.into(), pair(left, right));
    }
    for field in 0..5 {
        let what = format!("field {field} of a frontier");
        let [left, right] = [changed(0, 17 + field), changed(1, 12 + field)];
        let [left, right] = [left, right].map(|span| child(Kind::Leaf, span));
        let witness = pair(left, leaf(1));
        add(&["frontiers meet"], format!("{what}, left"), witness);
        add(
            &["frontiers meet"],
            format!("{what}, right"),
            with(1, right),
        );
    }
    for felt in 0..11 {
        let other = |n| child(Kind::Leaf, changed(n, felt));
        let what = format!("felt {felt} of the common part");
        add(&["common part"], format!("{what}, left"), with(0, other(0)));
        add(
            &["common part"],
            format!("{what}, right"),
            with(1, other(1)),
        );
    }
    let span = chunk(1);
    for (half, common) in halves(span.common).into_iter().enumerate() {
        let right = child(Kind::Leaf, Span { common, ..span });
        add(
            &["common part"],
            format!("half {half} of it"),
            with(1, right),
        );
    }
    for (half, first) in halves(span.first).into_iter().enumerate() {
        let right = child(Kind::Leaf, Span { first, ..span });
        let what = format!("half {half} of a frontier");
        add(&["frontiers meet"], what, with(1, right));
    }
    let mut mixed = pair(leaf(0), leaf(1));
    mixed.single = QM31::one() + QM31::one();
    add(&["single"], "an end that no node has".into(), mixed);
    let mut foreign = pair(leaf(0), child(Kind::Leaf, changed(5, 4)));
    let both = ["common part", "frontiers meet"];
    add(&both, "a chunk of another session".into(), foreign);
    foreign.single = mixed.single;
    let all = ["single", "common part", "frontiers meet"];
    add(&all, "the same with a mixture".into(), foreign);
    attacks
}

/// Every lie is refused by each of its rules alone and passes without them; every equality has a lie that it alone refuses.
#[test]
fn every_rule_is_needed() {
    let mut needed = BTreeSet::new();
    let names: Vec<&str> = holding(&single(leaf(0), leaf(0)))
        .iter()
        .map(|(name, _)| *name)
        .collect();
    for (rules, what, witness) in of_children().into_iter().chain(of_pairs()) {
        assert_eq!(value(&witness, &[]), None, "{what}: all rules");
        assert!(
            value(&witness, &rules).is_some(),
            "{what}: without {rules:?}"
        );
        for kept in &rules {
            let others: Vec<&str> = rules.iter().copied().filter(|rule| rule != kept).collect();
            assert_eq!(value(&witness, &others), None, "{what}: {kept} alone");
        }
        let holding = holding(&witness);
        let broken: Vec<usize> = (0..holding.len()).filter(|&i| !holding[i].1).collect();
        if let [one] = broken[..] {
            needed.insert(one);
        }
    }
    let unneeded = (0..names.len()).filter(|i| !needed.contains(i));
    let unneeded: Vec<(usize, &str)> = unneeded.map(|i| (i, names[i])).collect();
    assert!(
        unneeded.is_empty(),
        "no lie is refused by {unneeded:?} alone"
    );
}
