//! A real proof with records and chains.

use cairo_decode::air::components::Component;
use cairo_decode::prove::Prover;
use cairo_decode::spec::record::Packing;
use cairo_decode::verify::params::PLAIN;

use crate::digests::{carried, chunk_from, digested};
use crate::proofs::accepts;
use crate::{Chunk, Numbers};

/// A proof with carried positions is accepted, and refused with another packing, another number of blocks, or without one of its
/// components.
#[test]
fn digests_are_proven() {
    let (plan, ..) = digested(8, &[16, 24], 7, 2);
    let came = carried(&plan, 11, &mut Numbers(6));
    let Chunk {
        constants,
        witness,
        input,
        ..
    } = chunk_from(plan, &came);
    let layout = constants.layout.clone();
    let prover = Prover::with_constants(&PLAIN, constants);
    let proven = prover.prove_tensors(input, &witness).expect("proves");
    assert_eq!(accepts(&proven.proof, &layout, &proven.tensors), Ok(()));

    let others = [
        (
            Component::Record {
                packing: Packing::Two,
            },
            Component::Record {
                packing: Packing::Three,
            },
        ),
        (
            Component::Roots { blocks: 2 },
            Component::Roots { blocks: 3 },
        ),
        (Component::Tokens, Component::Compress),
    ];
    for (own, other) in others {
        let mut lie = layout.clone();
        let placed = lie
            .components
            .iter_mut()
            .find(|placed| placed.component == own);
        placed.expect("the component").component = other;
        accepts(&proven.proof, &lie, &proven.tensors).expect_err("a lie");
    }
    for i in 0..layout.components.len() {
        let mut part = proven.tensors.clone();
        part.sums[i] += stwo::core::fields::m31::M31::from(1);
        accepts(&proven.proof, &layout, &part).expect_err("a lie");
    }
}
