//! The fixture of `tests/contracts`: a fold of two leaves that verify no chunk and say what the receipts of a session of the demo model
//! say. With `UPDATE_EXPECT` set it is made anew.

use std::path::Path;

use cairo_decode::verify::statement::v3::OUTPUT_LEN;
use cairo_decode::wrap::calldata::pack;
use cairo_decode::wrap::fold::{Circuit, Fold, Kind, Node, ROOT};
use cairo_decode::wrap::shape::AGGREGATE;
use cairo_decode::wrap::span::Span;
use cairo_decode::wrap::verify::verify_packed;
use cairo_decode::wrap::{digest_felt, felt_digest};
use circuits::blake::HashValue;
use serde::{Deserialize, Serialize};
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use crate::toy::Toy;

/// A session of two chunks, as its receipts have it, and a proof of both.
#[derive(Serialize, Deserialize)]
struct Fixture {
    /// The felts that all statements have in common.
    common: [Felt; 11],
    /// Where the chunks start and end.
    frontiers: [[Felt; 5]; 3],
    leaf_root: Felt,
    proof: Vec<Felt>,
}

impl Fixture {
    /// What steps between two of the frontiers are.
    fn span(&self, from: usize, to: usize) -> Span<QM31> {
        let steps = [Felt::ONE];
        let [first, last] = [from, to].map(|at| &self.frontiers[at][..]);
        let output = [&self.common[..], &steps, first, last].concat();
        Span::of(&<[Felt; OUTPUT_LEN]>::try_from(output).expect("a statement"))
    }

    /// Proves it.
    fn renew(&mut self) {
        let toy = Toy::Leaf.prover(&AGGREGATE);
        let leaf = toy.root();
        let node = |span: Span<QM31>| Node {
            kind: Kind::Leaf,
            span,
            proof: toy.prove(&span, span.leaf_value()),
        };
        let [left, right] = [0, 1].map(|at| node(self.span(at, at + 1)));
        drop(toy);
        let fold = Fold::new(Circuit::Fold).expect("fits");
        let top = fold.prove(leaf, left, Some(right)).expect("a fold");
        self.leaf_root = digest_felt(&leaf);
        self.proof = pack(&top.proof);
    }
}

#[test]
fn the_contracts_fixture_is_of_this_circuit() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fold-of-toys.json");
    let text = std::fs::read_to_string(&file).expect("the fixture");
    let mut fixture: Fixture = serde_json::from_str(&text).expect("the fixture");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fixture.renew();
        let text = serde_json::to_string_pretty(&fixture).expect("JSON");
        std::fs::write(&file, text + "\n").expect("written");
    }
    let leaf = felt_digest(&fixture.leaf_root).expect("a digest");
    let [fold, leaf] = [ROOT, leaf].map(|root| HashValue::from(Blake2sHash(root)));
    let HashValue(a, b) = fixture.span(0, 2).fold_value(fold, leaf);
    assert_eq!(verify_packed(ROOT, [a, b], &fixture.proof), Ok(()));
}
