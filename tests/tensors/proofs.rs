//! Real proofs with tensor components.

use cairo_decode::air::components::Component;
use cairo_decode::air::layout::Layout;
use cairo_decode::air::verify::{TensorPart, verify};
use cairo_decode::prove::Prover;
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::CairoProof;
use stwo::core::fields::m31::M31;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use crate::balance::sum_of_rows;
use crate::{Chunk, GIVEN, Numbers, attention, chunk};

fn accepts(proof: &CairoProof, layout: &Layout, part: &TensorPart) -> Result<(), String> {
    let proof = proof.clone();
    let verify = || verify(proof, Some((layout, part)), false).map_err(|e| e.to_string());
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(verify))
        .unwrap_or(Err("a panic".to_string()))
}

/// Moves the number of a component's first output.
fn begins_later(layout: &mut Layout, kind: &str) {
    let mut placed = layout.components.iter_mut();
    let found = placed.find(|placed| placed.component.to_string() == kind);
    match found.map(|placed| &mut placed.component) {
        Some(
            Component::Function { start }
            | Component::Residual { start }
            | Component::Gated { start },
        ) => *start += 1,
        _ => panic!("{kind} takes no outputs"),
    }
}

/// A proof of a chunk is accepted, with the tokens that the integers choose; and refused with another message, another
/// sum, sums that are swapped, one more, another layout or another root of constants.
#[test]
fn a_chunk_is_proven() {
    let Chunk {
        plan,
        constants,
        values,
        witness,
        input,
    } = chunk(&GIVEN);
    eprintln!("given {:?}", values.rows[plan.tokens.given as usize]);
    eprintln!("chosen {:?}", values.rows[plan.tokens.chosen as usize]);
    let layout = constants.layout.clone();
    let prover = Prover::with_constants(&PLAIN, constants);
    let root = prover.preprocessed_root();
    let start = std::time::Instant::now();
    let proven = prover.prove_tensors(input, &witness).expect("proves");
    eprintln!("proven after {:?}", start.elapsed());
    assert_eq!(proven.proof.stark_proof.commitments[0], Blake2sHash(root));
    let start = std::time::Instant::now();
    assert_eq!(accepts(&proven.proof, &layout, &proven.tensors), Ok(()));
    eprintln!("verified after {:?}", start.elapsed());

    let refused = |change: &dyn Fn(&mut TensorPart, &mut Layout, &mut CairoProof)| {
        let (mut part, mut layout, mut proof) =
            (proven.tensors.clone(), layout.clone(), proven.proof.clone());
        change(&mut part, &mut layout, &mut proof);
        accepts(&proof, &layout, &part).expect_err("a lie")
    };
    let one = M31::from(1);
    refused(&|part, _, _| part.messages[3] += one);
    refused(&|part, _, _| part.messages.truncate(3));
    refused(&|part, _, _| part.sums[0] += one);
    refused(&|part, _, _| part.sums.swap(0, 1));
    refused(&|part, _, _| part.sums.push(Default::default()));
    refused(&|part, _, _| {
        part.sums.pop();
    });
    refused(&|_, layout, _| layout.messages -= 1);
    refused(&|_, layout, _| layout.lanes = 16);
    // Numbers of outputs that begin elsewhere.
    for kind in ["function", "residual", "gated"] {
        refused(&|_, layout, _| begins_later(layout, kind));
    }
    refused(&|_, layout, _| layout.components.swap(0, 1));
    refused(&|_, layout, _| layout.components[0].log_rows += 1);
    refused(&|_, layout, _| {
        layout
            .components
            .retain(|placed| placed.component != Component::Round);
    });
    refused(&|_, _, proof| proof.stark_proof.0.commitments[0].0[5] ^= 1);
}

/// The interaction columns of each component have the sum of its rows' fractions.
#[test]
fn interaction_columns_sum_what_rows_say() {
    let Chunk {
        constants, witness, ..
    } = chunk(&GIVEN);
    for (i, placed) in constants.layout.components.iter().enumerate() {
        let (rows, columns) = sum_of_rows(&constants, &witness, i);
        assert_eq!(rows, columns, "{}", placed.component);
    }
}

/// A chunk with attention behind a partial block is proven; another sum of a component of attention is refused, and another layout.
#[test]
fn attention_is_proven() {
    let mut numbers = Numbers(31);
    let plan = attention::FAR.plan(&mut numbers);
    let of = attention::behind(&plan, 11, &mut numbers);
    let chunk = attention::chunk(plan, &of);
    let indices = ["softmax", "qk", "attend", "mixed", "masks"].map(|name| chunk.index(name));
    let Chunk {
        constants,
        witness,
        input,
        ..
    } = chunk;
    let layout = constants.layout.clone();
    let proven = Prover::with_constants(&PLAIN, constants)
        .prove_tensors(input, &witness)
        .expect("proves");
    assert_eq!(accepts(&proven.proof, &layout, &proven.tensors), Ok(()));
    for index in indices {
        let mut part = proven.tensors.clone();
        part.sums[index] += M31::from(1);
        accepts(&proven.proof, &layout, &part).expect_err("another sum");
        // Two sums that are wrong together add up to zero.
        part.sums[0] -= M31::from(1);
        accepts(&proven.proof, &layout, &part).expect_err("two other sums");
    }
    let mut near = layout.clone();
    for placed in &mut near.components {
        if let Component::Attend { far, .. } = &mut placed.component {
            *far = false;
        }
    }
    accepts(&proven.proof, &near, &proven.tensors).expect_err("another layout");
}
