//! What each rule is for: lies that pass without it, and that the circuit with all rules refuses.

use std::collections::BTreeSet;

use cairo_decode::wrap::fold::{Child, Circuit, Kind, Proven, Witness};
use cairo_decode::wrap::span::Span;
use circuits::blake::HashValue;
use num_traits::{One, Zero};
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use crate::rules::{
    Digest, FOLD, LEAF, child, chunk, chunks, digest, holding, output, pair, value,
};

/// A lie: the rules each of which refuses it, what it is, and what the circuit is told.
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

/// Names of the rules of each child.
struct Names {
    folded: &'static str,
    pair: &'static str,
    root: &'static str,
    value: &'static str,
}

const SIDES: [Names; 2] = [
    Names {
        folded: "left is folded",
        pair: "left is a pair",
        root: "left root",
        value: "left value",
    },
    Names {
        folded: "right is folded",
        pair: "right is a pair",
        root: "right root",
        value: "right value",
    },
];

/// A child of this kind whose circuit, value or span is not what is told.
fn of_kind(kind: Kind, side: usize) -> Vec<Attack> {
    let mut attacks = vec![];
    let mut add = |rule: &'static str, what: &str, lie: Child| {
        let what = format!("child {side}, {kind:?}: {what}");
        attacks.push((vec![rule], what, with(side, lie)));
    };
    let Names { root, value, .. } = SIDES[side];
    let n = side as u32;
    let honest = child(kind, chunk(n));
    for other in halves(honest.proven.root) {
        let mut lie = honest;
        lie.proven.root = other;
        add(root, "another circuit's proof of the right value", lie);
    }
    for other in halves(honest.proven.value) {
        let mut lie = honest;
        lie.proven.value = other;
        add(value, "a proof of another value", lie);
    }
    let (span, other, foreign) = (chunk(n), chunk(n + 7), changed(n, 4));
    for (what, said) in [
        (
            "a proof of another common part",
            Span {
                common: foreign.common,
                ..span
            },
        ),
        (
            "a proof of another start",
            Span {
                first: other.first,
                ..span
            },
        ),
        (
            "a proof of another end",
            Span {
                last: other.last,
                ..span
            },
        ),
    ] {
        let mut lie = honest;
        lie.proven = child(kind, said).proven;
        add(value, what, lie);
    }
    let lie = Child::new(kind, span, FOLD(), digest(201));
    let rule = if kind == Kind::Leaf { root } else { value };
    add(rule, "of another model", lie);
    attacks
}

/// A fold in the place of a leaf.
fn as_leaf(side: usize) -> Vec<Attack> {
    let Names { root, value, .. } = SIDES[side];
    let n = side as u32;
    let mut attacks = vec![];
    for kind in [Kind::Pair, Kind::Fold] {
        let mut lie = child(kind, chunk(n));
        lie.folded = QM31::zero();
        let what = format!("child {side}: {kind:?} as a leaf");
        attacks.push((vec![root, value], what, with(side, lie)));
    }
    // The fold circuit in the place of the model's leaf: a fold over anybody's leaves would count as a chunk.
    let mut witness = pair(leaf(0), leaf(1));
    witness.leaf = FOLD();
    witness.children = [0, 1].map(|n| Child {
        proven: Proven {
            root: FOLD(),
            ..leaf(n).proven
        },
        ..leaf(n)
    });
    witness.children[side].proven = Child::new(Kind::Fold, chunk(n), FOLD(), LEAF()).proven;
    let what = format!("child {side}: the fold circuit as the leaf");
    attacks.push((vec![value], what, witness));
    attacks
}

/// Lies about the kind of a child.
fn of_kinds(side: usize) -> Vec<Attack> {
    let Names {
        folded,
        pair,
        root,
        value,
    } = SIDES[side];
    let n = side as u32;
    let [leaf, twins, fold] =
        [Kind::Leaf, Kind::Pair, Kind::Fold].map(|kind| child(kind, chunk(n)));
    let mut attacks = vec![];
    let mut add = |rules: &[&'static str], what: &str, lie: Child| {
        let what = format!("child {side}: {what}");
        attacks.push((rules.to_vec(), what, with(side, lie)));
    };
    let (one, two) = (QM31::one(), QM31::one() + QM31::one());
    for (pair, what) in [
        (QM31::zero(), "a leaf as a fold"),
        (one, "a leaf as a pair"),
    ] {
        let lie = Child {
            folded: one,
            pair,
            ..leaf
        };
        add(&[root, value], what, lie);
    }
    let lie = Child { pair: one, ..fold };
    add(&[root], "a fold as a pair", lie);
    let lie = Child {
        pair: QM31::zero(),
        ..twins
    };
    add(&[root], "a pair as a fold", lie);

    let mut lie = Child {
        folded: two,
        ..leaf
    };
    lie.proven.root = mixture(leaf.proven.root, fold.proven.root);
    lie.proven.value = mixture(leaf.proven.value, fold.proven.value);
    add(&[folded], "a circuit between leaf and fold", lie);
    let mut lie = Child { pair: two, ..fold };
    lie.proven.root = mixture(fold.proven.root, twins.proven.root);
    add(&[pair], "a circuit between fold and pair", lie);

    let mut lie = Child::new(Kind::Fold, chunk(n), digest(101), LEAF());
    add(&[root, value], "a fold by another circuit", lie);
    lie.proven.root = FOLD();
    add(&[value], "a fold over folds by another circuit", lie);
    let lie = Child::new(Kind::Pair, chunk(n), digest(101), LEAF());
    add(&[value], "a pair for another fold circuit", lie);
    attacks
}

/// Honest leaves that are not one after the other, or not of one session.
fn of_leaves() -> Vec<Attack> {
    let mut attacks = vec![];
    let mut add = |rules: &[&'static str], what: String, witness: Witness| {
        attacks.push((rules.to_vec(), what, witness));
    };
    for (what, left, right) in [
        ("chunks swapped", 1, 0),
        ("a chunk left out", 0, 2),
        ("a chunk twice", 0, 0),
    ] {
        let witness = pair(leaf(left), leaf(right));
        add(&["frontiers meet"], what.into(), witness);
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

/// Honest folds that are not one after the other.
fn of_folds() -> Vec<Attack> {
    let many = |from, to| child(Kind::Fold, chunks(from, to));
    [
        ("folds that overlap", many(0, 3), many(2, 4)),
        ("folds with a gap", many(0, 3), many(4, 6)),
        ("the end before the start", many(2, 4), many(0, 2)),
    ]
    .map(|(what, left, right)| (vec!["frontiers meet"], what.into(), pair(left, right)))
    .into()
}

/// Every lie is refused by each of its rules alone and passes without them; every equality has a lie that it alone refuses.
fn every_rule_is_needed(circuit: Circuit, attacks: Vec<Attack>) {
    let mut needed = BTreeSet::new();
    let names = holding(circuit, &pair(leaf(0), leaf(1)));
    for (rules, what, witness) in attacks {
        let value = |without: &[&str]| value(circuit, &witness, without);
        assert_eq!(value(&[]), None, "{what}: all rules");
        assert!(value(&rules).is_some(), "{what}: without {rules:?}");
        for kept in &rules {
            let others: Vec<&str> = rules.iter().copied().filter(|rule| rule != kept).collect();
            assert_eq!(value(&others), None, "{what}: {kept} alone");
        }
        let holding = holding(circuit, &witness);
        let broken: Vec<usize> = (0..holding.len()).filter(|&i| !holding[i].1).collect();
        if let [one] = broken[..] {
            needed.insert(one);
        }
    }
    let unneeded = (0..names.len()).filter(|i| !needed.contains(i));
    let unneeded: Vec<(usize, &str)> = unneeded.map(|i| (i, names[i].0)).collect();
    assert!(
        unneeded.is_empty(),
        "no lie is refused by {unneeded:?} alone"
    );
}

#[test]
fn every_rule_of_folds_is_needed() {
    let mut attacks = [of_leaves(), of_folds()].concat();
    for side in 0..2 {
        for kind in [Kind::Leaf, Kind::Pair, Kind::Fold] {
            attacks.extend(of_kind(kind, side));
        }
        attacks.extend(as_leaf(side));
        attacks.extend(of_kinds(side));
    }
    every_rule_is_needed(Circuit::Fold, attacks);
}

#[test]
fn every_rule_of_pairs_is_needed() {
    let mut attacks = of_leaves();
    for side in 0..2 {
        attacks.extend(of_kind(Kind::Leaf, side));
        attacks.extend(as_leaf(side));
    }
    every_rule_is_needed(Circuit::Pair, attacks);
}
