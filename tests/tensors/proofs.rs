//! Real proofs with tensor components.

use cairo_decode::air::components::Component;
use cairo_decode::air::layout::{Layout, Layouts, SizeError};
use cairo_decode::air::verify::{TensorPart, verify};
use cairo_decode::prove::Prover;
use cairo_decode::tensor::constants;
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::CairoProof;
use stwo::core::fields::m31::M31;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use crate::balance::sum_of_rows;
use crate::{Chunk, GIVEN, Numbers, attention, chunk, chunk_of, plan};

pub fn accepts(proof: &CairoProof, layout: &Layout, part: &TensorPart) -> Result<(), String> {
    let proof = proof.clone();
    let verify =
        || verify(proof, (&Layouts::from(layout), part), &PLAIN.fixed()).map_err(|e| e.to_string());
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

/// A chunk with attention behind a partial block is proven, in a build that allows more blocks and fewer; another sum of a component of
/// attention is refused, as are two that cancel,
/// another size, and another layout.
#[test]
fn attention_is_proven() {
    let mut numbers = Numbers(31);
    let plan = attention::FAR.plan(&mut numbers);
    let of = attention::behind(&plan, 5, &mut numbers);
    // No record binds what is carried here: this is about attention alone.
    plan.check().expect("one writer each");
    let sets = constants::unchecked(&plan, plan.lanes);
    let layouts = sets.layouts.clone();
    let chunk = attention::chunk(plan, &of);
    let proven = Prover::with_constants(&PLAIN, sets).prove_tensors(chunk.input, &chunk.witness);
    let proven = proven.expect("proves");
    let accepts = |layouts: &Layouts, part: &TensorPart| {
        verify(proven.proof.clone(), (layouts, part), &PLAIN.fixed())
    };
    let part = &proven.tensors;
    assert!(accepts(&layouts, part).is_ok());
    let mut placed = layouts.components.iter().map(|sizes| sizes.component);
    let attend = placed.find(|component| matches!(component, Component::Attend { .. }));
    let names = ["softmax", "qk", "attend", "mixed", "masks", "carried_lanes"];
    for (index, sizes) in layouts.components.iter().enumerate() {
        if !names.contains(&sizes.component.to_string().as_str()) {
            continue;
        }
        let mut lie = part.clone();
        lie.sums[index] += M31::from(1);
        assert!(accepts(&layouts, &lie).is_err(), "another sum");
        lie.sums[0] -= M31::from(1);
        assert!(accepts(&layouts, &lie).is_err(), "two other sums");
    }
    assert!(part.sizes.len() >= 2, "{:?}", part.sizes);
    for place in 0..part.sizes.len() {
        let mut lie = part.clone();
        lie.sizes[place] += 1;
        assert!(accepts(&layouts, &lie).is_err(), "another size");
    }
    let mut near = layouts.clone();
    for sizes in &mut near.components {
        if Some(sizes.component) == attend {
            let head_dim = attention::FAR.head_dim;
            sizes.component = Component::Attend {
                head_dim,
                far: false,
            };
        }
    }
    assert!(accepts(&near, part).is_err(), "another layout");
}

/// A build whose memory has two sizes, as more or less is carried: a proof of the smaller one is accepted with its size and no other.
#[test]
fn a_size_is_one_of_those_that_are_allowed() {
    let mut plan = plan();
    let step = plan.addresses.next_power_of_two();
    (plan.carried.blocks, plan.carried.step) = (1, step);
    let sets = constants::constants(&plan, plan.lanes).expect("one writer each");
    let layouts = sets.layouts.clone();
    let chunk = chunk_of(plan, &GIVEN);
    let prover = Prover::with_constants(&PLAIN, sets);
    let proven = prover.prove_tensors(chunk.input, &chunk.witness);
    let proven = proven.expect("proves");
    let accepts = |sizes: &[u32]| {
        let mut part = proven.tensors.clone();
        part.sizes = sizes.to_vec();
        verify(proven.proof.clone(), (&layouts, &part), &PLAIN.fixed())
    };
    let size = proven.tensors.sizes[0];
    assert!(accepts(&[size]).is_ok());
    // The larger set of constants is there, and not what the proof is about.
    assert!(accepts(&[size + 1]).is_err());
    let component = Component::Tensor;
    for found in [size - 1, size + 2, u32::MAX] {
        let (smallest, largest) = (size, size + 1);
        let error = SizeError::Size {
            component,
            found,
            smallest,
            largest,
        };
        let refused = accepts(&[found]).expect_err("another size");
        assert_eq!(refused.to_string(), error.to_string());
    }
    for found in [vec![], vec![size, size]] {
        let error = SizeError::Count {
            found: found.len(),
            expected: 1,
        };
        let refused = accepts(&found).expect_err("another number of sizes");
        assert_eq!(refused.to_string(), error.to_string());
    }
}
