//! Proofs of folds: rows, the root, what the whole circuit takes and refuses, and a proof over three leaves.

use std::time::Instant;

use cairo_decode::wrap::WrapError;
use cairo_decode::wrap::calldata::pack;
use cairo_decode::wrap::circuit::{self, Proof};
use cairo_decode::wrap::fold::{Child, Circuit, Fold, Kind, Node, PAIR_ROOT, ROOT, Witness};
use cairo_decode::wrap::shape::{AGGREGATE, LARGE_LEAF, Shape};
use cairo_decode::wrap::span::Span;
use cairo_decode::wrap::verify::{WrappedProofError, verify_packed};
use circuits::blake::HashValue;
use circuits_stark_verifier::proof::Proof as ProofValues;
use num_traits::{One, Zero};
use stwo::core::fields::qm31::QM31;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use crate::rules::{Digest, chunk, chunks};
use crate::toy::Toy;

/// Rows of the tables: equalities, arithmetic, the three of hashes. Each has room in the shape, or the circuit would not be made.
fn rows(circuit: Circuit) -> [usize; 5] {
    let circuit = circuit.topology();
    let gates = circuit.circuit();
    [
        gates.eq.len(),
        gates.n_qm31_ops_rows(),
        gates.triple_xor.len(),
        gates.m31_to_u32.len(),
        gates.blake_g_gate.len(),
    ]
}

#[test]
fn circuits_have_these_rows() {
    let expected = [16_343, 976_104, 73_944, 146_424, 739_440];
    assert_eq!(rows(Circuit::Fold), expected);
    let expected = [16_489, 1_033_599, 79_208, 155_904, 792_080];
    assert_eq!(rows(Circuit::Pair), expected);
}

/// A node on disk, as a proof cannot be copied.
struct Stored {
    shape: &'static Shape,
    kind: Kind,
    span: Span<QM31>,
    proof: Vec<u8>,
}

impl Stored {
    fn new(shape: &'static Shape, kind: Kind, span: Span<QM31>, proof: &Proof) -> Stored {
        let proof = circuit::encode(proof);
        Stored {
            shape,
            kind,
            span,
            proof,
        }
    }

    fn proof(&self) -> Proof {
        circuit::decode(&self.proof, self.shape).expect("a proof")
    }

    fn node(&self) -> Node {
        let Stored { kind, span, .. } = *self;
        let proof = self.proof();
        Node { kind, span, proof }
    }

    fn values(&self, of: Circuit) -> ProofValues<QM31> {
        of.values_of(self.proof())
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

/// Leaves of so many chunks, and the root of their circuit.
fn leaves(shape: &'static Shape, count: u32) -> ([u8; 32], Vec<Stored>) {
    let toy = Toy::Leaf.prover(shape);
    let prove = |n| {
        let span = chunk(n);
        let proof = timed("leaf", || toy.prove(&span, span.leaf_value()));
        Stored::new(shape, Kind::Leaf, span, &proof)
    };
    (toy.root(), (0..count).map(prove).collect())
}

/// A proof of another circuit with the value of the second chunk's leaf.
fn liar() -> Stored {
    let span = chunk(1);
    let toy = Toy::Anything.prover(&AGGREGATE);
    let proof = timed("another circuit", || toy.prove(&span, span.leaf_value()));
    Stored::new(&AGGREGATE, Kind::Leaf, span, &proof)
}

/// What the whole circuit is told.
struct Told<'a> {
    circuit: Circuit,
    witness: Witness,
    proofs: [&'a Stored; 2],
}

impl Told<'_> {
    fn is_valid(&self) -> bool {
        let [left, right] = self.proofs.map(|proof| proof.values(self.circuit));
        let circuit = self.circuit.build(&self.witness, [&left, &right]);
        circuit.is_circuit_valid()
    }
}

/// One of the circuits, over the proofs of a leaf with this root.
#[derive(Clone, Copy)]
struct Over {
    circuit: Circuit,
    leaf: Digest,
}

impl Over {
    fn told<'a>(&self, left: &'a Stored, right: &'a Stored, single: bool) -> Told<'a> {
        let (fold, leaf) = (root(ROOT), self.leaf);
        let child = |node: &Stored| Child::new(node.kind, node.span, fold, leaf);
        Told {
            circuit: self.circuit,
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
fn takes(over: Over, leaves: &[Stored], pair: &Stored, last: &Stored) {
    let told = |left, right, single| over.told(left, right, single).is_valid();
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
fn refuses(over: Over, leaves: &[Stored], pair: &Stored, liar: &Stored) {
    let refused = |what: &str, change: &dyn Fn(&mut Told<'_>), left, right| {
        let mut told = over.told(left, right, false);
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
    assert_ne!(HashValue::from(foreign), over.leaf);
    let its_root = |told: &mut Told<'_>| told.witness.children[1].proven.root = foreign.into();
    refused(
        "another circuit's proof, with its root",
        &its_root,
        first,
        liar,
    );
    let as_fold = |told: &mut Told<'_>| told.witness.children[1].folded = QM31::one();
    refused("a leaf as a fold", &as_fold, first, second);
    let as_leaf = |told: &mut Told<'_>| told.witness.children[0].folded = QM31::zero();
    refused("a fold as a leaf", &as_leaf, pair, third);
    let other_fold = |told: &mut Told<'_>| told.witness.fold.0 += QM31::one();
    refused("another fold circuit", &other_fold, pair, third);
    let other_leaf = |told: &mut Told<'_>| told.witness.leaf.1 += QM31::one();
    refused("another leaf", &other_leaf, first, second);
    // The value that the third chunk's leaf would have.
    let other = Stored::new(&AGGREGATE, Kind::Leaf, chunk(1), &third.proof());
    refused("a proof of another value", &same, first, &other);
}

/// The salt of each child's proof is compared with 0. A proof with another one would verify, so no other rule refuses it.
fn has_no_salt(over: Over, leaves: &[Stored]) {
    let salt = QM31::from_u32_unchecked(1, 2, 3, 4);
    for side in 0..2 {
        let mut proofs = [&leaves[0], &leaves[1]].map(|leaf| leaf.values(over.circuit));
        proofs[side].channel_salt = salt;
        let told = over.told(&leaves[0], &leaves[1], false);
        let circuit = over.circuit.build(&told.witness, [&proofs[0], &proofs[1]]);
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

/// A proof of two nodes, or of one.
fn fold(
    circuit: &Fold,
    leaf: [u8; 32],
    left: &Stored,
    right: Option<&Stored>,
) -> Result<Stored, WrapError> {
    let (left, right) = (left.node(), right.map(Stored::node));
    let node = timed("fold", || circuit.prove(leaf, left, right))?;
    Ok(Stored::new(&AGGREGATE, node.kind, node.span, &node.proof))
}

#[test]
fn three_leaves_are_folded_and_verified() {
    let (leaf, leaves) = leaves(&AGGREGATE, 3);
    let liar = liar();
    let circuit = timed("the circuit", || Fold::new(Circuit::Fold).expect("fits"));
    assert_eq!(circuit.root(), ROOT);
    let swapped = fold(&circuit, leaf, &leaves[1], Some(&leaves[0]));
    assert!(matches!(swapped, Err(WrapError::Inner)));
    let pair = fold(&circuit, leaf, &leaves[0], Some(&leaves[1])).expect("of two leaves");
    let last = fold(&circuit, leaf, &leaves[2], None).expect("of one leaf");
    let top = fold(&circuit, leaf, &pair, Some(&leaves[2])).expect("of a fold and a leaf");
    drop(circuit);

    for (node, from, to) in [(&pair, 0, 2), (&last, 2, 3), (&top, 0, 3)] {
        let proof = node.proof();
        println!("{} felts", pack(&proof).len());
        assert_eq!(verdict(&proof, leaf, chunks(from, to)), Ok(()));
        assert!(verdict(&proof, leaf, chunks(from, to + 1)).is_err());
        assert!(verdict(&proof, ROOT, chunks(from, to)).is_err());
    }
    let bare = verdict(&leaves[0].proof(), leaf, chunk(0));
    assert!(bare.is_err(), "a leaf without a fold");

    let over = Over {
        circuit: Circuit::Fold,
        leaf: root(leaf),
    };
    timed("takes", || takes(over, &leaves, &pair, &last));
    timed("refuses", || refuses(over, &leaves, &pair, &liar));
    has_no_salt(over, &leaves);
}

#[test]
fn large_leaves_are_folded_in_pairs() {
    let (leaf, leaves) = leaves(&LARGE_LEAF, 2);
    let circuit = timed("the circuit", || Fold::new(Circuit::Pair).expect("fits"));
    assert_eq!(circuit.root(), PAIR_ROOT);
    let pair = fold(&circuit, leaf, &leaves[0], Some(&leaves[1])).expect("of two leaves");
    drop(circuit);
    let circuit = Fold::new(Circuit::Fold).expect("fits");
    let top = fold(&circuit, leaf, &pair, None).expect("of a pair");
    drop(circuit);
    assert_eq!(verdict(&top.proof(), leaf, chunks(0, 2)), Ok(()));
    assert!(verdict(&top.proof(), leaf, chunks(0, 3)).is_err());
    assert!(
        verdict(&pair.proof(), leaf, chunks(0, 2)).is_err(),
        "a pair is no top"
    );

    let over = Over {
        circuit: Circuit::Pair,
        leaf: root(leaf),
    };
    let told = |left: usize, right: usize, single| {
        over.told(&leaves[left], &leaves[right], single).is_valid()
    };
    assert!(told(0, 1, false));
    assert!(told(1, 1, true));
    assert!(!told(1, 0, false), "chunks swapped");
    assert!(!told(0, 0, false), "a chunk twice");
    let other = Over {
        leaf: root(ROOT),
        ..over
    };
    assert!(
        !other.told(&leaves[0], &leaves[1], false).is_valid(),
        "another leaf"
    );
    has_no_salt(over, &leaves);
}
