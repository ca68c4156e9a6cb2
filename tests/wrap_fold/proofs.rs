//! Proofs of folds: rows, the root, what the whole circuit takes and refuses, and a proof over three leaves.

use std::time::Instant;

use cairo_decode::wrap::WrapError;
use cairo_decode::wrap::calldata::pack;
use cairo_decode::wrap::circuit::{self, Proof};
use cairo_decode::wrap::fold::{
    Child, Fold, Kind, Node, ROOT, Witness, build, topology, values_of,
};
use cairo_decode::wrap::shape::AGGREGATE;
use cairo_decode::wrap::span::Span;
use cairo_decode::wrap::verify::{WrappedProofError, verify_packed};
use circuits::blake::HashValue;
use circuits_stark_verifier::proof::Proof as ProofValues;
use num_traits::{One, Zero};
use stwo::core::fields::qm31::QM31;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use crate::rules::{Digest, chunk, chunks};
use crate::toy::Toy;

/// A sixteenth of the shape's rows is left in the fullest table.
#[test]
fn rows() {
    let circuit = topology();
    let gates = circuit.circuit();
    let rows = [
        (gates.eq.len(), AGGREGATE.eq),
        (gates.n_qm31_ops_rows(), AGGREGATE.qm31_ops),
        (gates.triple_xor.len(), AGGREGATE.triple_xor),
        (gates.m31_to_u32.len(), AGGREGATE.m31_to_u32),
        (gates.blake_g_gate.len(), AGGREGATE.blake_g_gate),
    ];
    let found = rows.map(|(rows, _)| rows);
    assert_eq!(found, [16_341, 976_031, 73_944, 146_424, 739_440]);
    for (rows, log_rows) in rows {
        assert!(rows <= 15 << (log_rows - 4));
    }
}

/// A node on disk, as a proof cannot be copied.
struct Stored {
    kind: Kind,
    span: Span<QM31>,
    proof: Vec<u8>,
}

impl Stored {
    fn new(kind: Kind, span: Span<QM31>, proof: &Proof) -> Stored {
        let proof = circuit::encode(proof);
        Stored { kind, span, proof }
    }

    fn proof(&self) -> Proof {
        circuit::decode(&self.proof, &AGGREGATE).expect("a proof")
    }

    fn node(&self) -> Node {
        let Stored { kind, span, .. } = *self;
        let proof = self.proof();
        Node { kind, span, proof }
    }

    fn values(&self) -> ProofValues<QM31> {
        values_of(self.proof())
    }
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{what}: {:.1} s", start.elapsed().as_secs_f64());
    result
}

fn root(root: [u8; 32]) -> Digest {
    HashValue::from(Blake2sHash(root))
}

/// Three leaves, and a proof of another circuit with the second one's value.
fn leaves() -> ([u8; 32], Vec<Stored>, Stored) {
    let toy = Toy::Leaf.prover();
    let prove = |n| {
        let span = chunk(n);
        let proof = timed("leaf", || toy.prove(&span, span.leaf_value()));
        Stored::new(Kind::Leaf, span, &proof)
    };
    let leaves = (0..3).map(prove).collect();
    let leaf = toy.root();
    drop(toy);
    let liar = Toy::Anything.prover();
    assert_ne!(liar.root(), leaf);
    let span = chunk(1);
    let proof = timed("another circuit", || liar.prove(&span, span.leaf_value()));
    (leaf, leaves, Stored::new(Kind::Leaf, span, &proof))
}

/// What the whole circuit is told.
struct Told<'a> {
    witness: Witness,
    proofs: [&'a Stored; 2],
}

impl Told<'_> {
    fn is_valid(&self) -> bool {
        let [left, right] = self.proofs.map(Stored::values);
        build(&self.witness, [&left, &right]).is_circuit_valid()
    }
}

/// The roots of the fold circuit and of the leaf.
#[derive(Clone, Copy)]
struct Roots {
    fold: Digest,
    leaf: Digest,
}

impl Roots {
    fn told<'a>(&self, left: &'a Stored, right: &'a Stored, single: bool) -> Told<'a> {
        let Roots { fold, leaf } = *self;
        let child = |node: &Stored| Child::new(node.kind, node.span, fold, leaf);
        Told {
            witness: Witness {
                fold,
                leaf,
                single: QM31::from(u32::from(single)),
                children: [child(left), child(right)],
            },
            proofs: [left, right],
        }
    }
}

/// Every way to put nodes together, on real proofs.
fn takes(roots: Roots, leaves: &[Stored], pair: &Stored, last: &Stored) {
    let told = |left, right, single| roots.told(left, right, single).is_valid();
    assert!(told(&leaves[0], &leaves[1], false), "two leaves");
    assert!(told(&leaves[1], last, false), "a leaf and a fold");
    assert!(told(pair, &leaves[2], false), "a fold and a leaf");
    assert!(told(pair, last, false), "two folds");
    assert!(told(&leaves[0], &leaves[0], true), "a leaf alone");
    assert!(told(pair, pair, true), "a fold alone");
    assert!(
        told(&leaves[0], last, true),
        "a leaf, and what is not looked at"
    );
}

/// Lies over real proofs. Those that no proof stands behind are in `attacks`.
fn refuses(roots: Roots, leaves: &[Stored], pair: &Stored, liar: &Stored) {
    let refused = |what: &str, change: &dyn Fn(&mut Told<'_>), left, right| {
        let mut told = roots.told(left, right, false);
        change(&mut told);
        assert!(!told.is_valid(), "{what}");
    };
    let [first, second, third] = leaves else {
        panic!("three leaves")
    };
    let same = |_: &mut Told<'_>| ();
    refused("chunks swapped", &same, second, first);
    refused("a chunk left out", &same, first, third);
    refused("a chunk twice", &same, pair, second);
    refused("another circuit's proof", &same, first, liar);
    let foreign = liar.proof().stark_proof.proof.commitments[0];
    let its_root = |told: &mut Told<'_>| told.witness.children[1].proven.root = foreign.into();
    refused(
        "another circuit's proof, with its root",
        &its_root,
        first,
        liar,
    );
    let as_fold = |told: &mut Told<'_>| told.witness.children[1].kind = QM31::one();
    refused("a leaf as a fold", &as_fold, first, second);
    let as_leaf = |told: &mut Told<'_>| told.witness.children[0].kind = QM31::zero();
    refused("a fold as a leaf", &as_leaf, pair, third);
    let other_fold = |told: &mut Told<'_>| told.witness.fold.0 += QM31::one();
    refused("another fold circuit", &other_fold, pair, third);
    let other_leaf = |told: &mut Told<'_>| told.witness.leaf.1 += QM31::one();
    refused("another leaf", &other_leaf, first, second);
    // The value that the third chunk's leaf would have.
    let other = Stored::new(Kind::Leaf, chunk(1), &third.proof());
    refused("a proof of another value", &same, first, &other);
}

/// The salt of each child's proof is compared with 0. A proof with another one would verify, so no other rule refuses it.
fn has_no_salt(roots: Roots, leaves: &[Stored]) {
    let salt = QM31::from_u32_unchecked(1, 2, 3, 4);
    for side in 0..2 {
        let mut proofs = [&leaves[0], &leaves[1]].map(Stored::values);
        proofs[side].channel_salt = salt;
        let told = roots.told(&leaves[0], &leaves[1], false);
        let circuit = build(&told.witness, [&proofs[0], &proofs[1]]);
        let mut equalities = circuit.circuit().eq.iter();
        let compared = equalities
            .any(|gate| circuit.values()[gate.in0] == salt && circuit.values()[gate.in1].is_zero());
        assert!(compared, "child {side}");
    }
}

/// The verifier's verdict on a proof of these chunks.
fn verdict(proof: &Proof, leaf: [u8; 32], said: Span<QM31>) -> Result<(), WrappedProofError> {
    let HashValue(a, b) = said.fold_value(root(ROOT), root(leaf));
    verify_packed(ROOT, [a, b], &pack(proof))
}

#[test]
fn three_leaves_are_folded_and_verified() {
    let (leaf, leaves, liar) = leaves();
    let fold = timed("fold: the circuit", || Fold::new().expect("fits"));
    assert_eq!(fold.root(), ROOT);
    let prove = |left: &Stored, right: Option<&Stored>| {
        let (left, right) = (left.node(), right.map(Stored::node));
        let node = timed("fold", || fold.prove(leaf, left, right));
        node.map(|node| Stored::new(node.kind, node.span, &node.proof))
    };
    let swapped = prove(&leaves[1], Some(&leaves[0]));
    assert!(matches!(swapped, Err(WrapError::Inner)));
    let pair = prove(&leaves[0], Some(&leaves[1])).expect("a fold of two leaves");
    let last = prove(&leaves[2], None).expect("a fold of one leaf");
    let top = prove(&pair, Some(&leaves[2])).expect("a fold of a fold and a leaf");
    drop(fold);

    for (node, from, to) in [(&pair, 0, 2), (&last, 2, 3), (&top, 0, 3)] {
        let proof = node.proof();
        assert_eq!(verdict(&proof, leaf, chunks(from, to)), Ok(()));
        println!("{} felts", pack(&proof).len());
        assert!(verdict(&proof, leaf, chunks(from, to + 1)).is_err());
        assert!(verdict(&proof, ROOT, chunks(from, to)).is_err());
    }
    let bare = verdict(&leaves[0].proof(), leaf, chunk(0));
    assert!(bare.is_err(), "a leaf without a fold");

    let roots = Roots {
        fold: root(ROOT),
        leaf: root(leaf),
    };
    timed("takes", || takes(roots, &leaves, &pair, &last));
    has_no_salt(roots, &leaves);
    timed("refuses", || refuses(roots, &leaves, &pair, &liar));
}
