//! A real proof with records and chains.

use cairo_decode::air::components::Component;
use cairo_decode::air::layout::Layouts;
use cairo_decode::air::verify::{TensorPart, verify};
use cairo_decode::prove::Prover;
use cairo_decode::spec::record::Packing;
use cairo_decode::tensor::constants;
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::CairoProof;
use stwo::core::fields::m31::M31;

use crate::digests::{carried, chunk_from, digested};
use crate::{Chunk, Numbers, program};

fn accepts(proof: &CairoProof, layouts: &Layouts, part: &TensorPart) -> Result<(), String> {
    let proof = proof.clone();
    let verify = || verify(proof, (layouts, part), &PLAIN.fixed()).map_err(|e| e.to_string());
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(verify))
        .unwrap_or(Err("a panic".to_string()))
}

/// A proof of a chunk that carries 5 positions, of a build that has room for 24, is accepted with its sizes; and refused with other ones,
/// with another packing, another number of blocks, another component in the place of one, or another sum.
#[test]
fn digests_are_proven() {
    let (plan, ..) = digested(8, &[16, 24], 7, 3);
    let came = carried(&plan, 5, &mut Numbers(6));
    let sets = constants::constants(&plan, program::reads(&plan).len()).expect("one writer each");
    let layouts = sets.layouts.clone();
    let Chunk { witness, input, .. } = chunk_from(plan, &came);
    let prover = Prover::with_constants(&PLAIN, sets);
    let proven = prover.prove_tensors(input, &witness).expect("proves");
    assert_eq!(accepts(&proven.proof, &layouts, &proven.tensors), Ok(()));

    let (two, three) = (Packing::Two, Packing::Three);
    let others = [
        (
            Component::Record { packing: two },
            Component::Record { packing: three },
        ),
        (
            Component::Roots { blocks: 2 },
            Component::Roots { blocks: 3 },
        ),
        (Component::Tokens, Component::Compress),
    ];
    for (own, other) in others {
        let mut lie = layouts.clone();
        let mut components = lie.components.iter_mut();
        let placed = components.find(|placed| placed.component == own);
        placed.expect("the component").component = other;
        accepts(&proven.proof, &lie, &proven.tensors).expect_err("a lie");
    }
    for i in 0..layouts.components.len() {
        let mut part = proven.tensors.clone();
        part.sums[i] += M31::from(1);
        accepts(&proven.proof, &layouts, &part).expect_err("a lie");
    }
    assert!(proven.tensors.sizes.len() > 1);
    for i in 0..proven.tensors.sizes.len() {
        for by in [1, u32::MAX] {
            let mut part = proven.tensors.clone();
            part.sizes[i] = part.sizes[i].wrapping_add(by);
            accepts(&proven.proof, &layouts, &part).expect_err("a lie");
        }
    }
}
