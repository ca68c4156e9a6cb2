//! Proofs, and manifests that say what such proofs have.

#[allow(dead_code)]
#[path = "../tensors/program.rs"]
mod program;

use std::sync::OnceLock;

use arbtest::arbitrary::{Result, Unstructured};
use cairo_decode::air::components::Component;
use cairo_decode::air::components::form::{self, MAX_WIDTH};
use cairo_decode::air::layout::{Layouts, Sizes};
use cairo_decode::prove::Prover;
use cairo_decode::receipt::{Manifest, ModelFacts};
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{Chunk, Matrix, Plan, Product, constants, witness};
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::{TensorProof, encode_tensors};
use cairo_decode::verify::statement::{ModelRoot, Policy, ProgramHash};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::{Document, verify_tensors};
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::P;

use crate::{ONE, Worst, cases, document_bound, mutate, proof_bound};

/// A proof, and the manifest that fits it.
pub struct Honest {
    pub proof: TensorProof,
    /// The file of a proof of other tokens.
    other: Vec<u8>,
    manifest: Manifest,
}

impl Honest {
    pub fn pins(&self) -> &TensorPins {
        &self.manifest.tensors
    }

    fn root(&self) -> [u8; 32] {
        self.proof.proof.stark_proof.commitments[0].0
    }
}

fn matrix(inputs: usize, outputs: usize) -> Matrix {
    let weight = |i: usize, j: usize| ((5 * i + 3 * j + i * j) % 17) as i32 - 8;
    let row = |i| -> Vec<i32> { (0..inputs).map(|j| weight(i, j)).collect() };
    Matrix::new(inputs, (0..outputs).map(row))
}

/// A proof of embeddings, a product and a choice.
pub fn honest() -> &'static Honest {
    static HONEST: OnceLock<Honest> = OnceLock::new();
    HONEST.get_or_init(|| {
        let mut plan = Plan::new(8, 4, matrix(8, 24)).expect("a plan");
        let x = plan.embed();
        let product = Product {
            weights: matrix(8, 8),
            bias: vec![1; 8],
            shift: 3,
        };
        let y = plan.linear(x, product, 12).expect("in range");
        plan.head(y).expect("in range");
        let step = plan.addresses.next_power_of_two();
        (plan.carried.blocks, plan.carried.step) = (1, step);
        let sets = constants::constants(&plan, plan.lanes).expect("one writer each");
        let layouts = sets.layouts.clone();
        let sizes = constants::sizes(&plan, &layouts, 0);
        let constants = sets.at(&sizes).expect("allowed sizes");
        let prover = Prover::with_constants(&PLAIN, sets);
        let [proof, other] = [0, 9].map(|first| {
            let given: Vec<u32> = (first..first + 8).collect();
            let values = compute(&plan, &Chunk::first(&given)).expect("in range");
            let mut input = program::run(&plan, &values);
            let witness = witness::witness(&plan, &constants, &values, &mut input);
            let proof = prover.prove_tensors(input, &witness.expect("calls"));
            proof.expect("proves")
        });
        let pins = pins(layouts, prover.preprocessed_root()).expect("pins");
        Honest {
            proof,
            other: encode_tensors(&other),
            manifest: manifest(pins),
        }
    })
}

fn pins(layouts: Layouts, root: [u8; 32]) -> Option<TensorPins> {
    TensorPins::new(layouts, [(PLAIN.name.to_string(), root)]).ok()
}

fn manifest(tensors: TensorPins) -> Manifest {
    let parameters_root = ModelRoot(Felt::from(5));
    Manifest {
        model: ModelFacts {
            name: "toy".to_owned(),
            model_root: tensors.model_root(parameters_root),
            program_hash: ProgramHash(Felt::from(99)),
            spec_version: 2,
            statement_version: 3,
            policy: Policy::greedy(None),
            vocab_size: 24,
            context_length: 64,
            kv_words_per_position: 4,
            parameters: 256,
            source: "a test".to_owned(),
        },
        parameters_root,
        tensors,
    }
}

/// Whole files changed anywhere, mostly refused by the decoder.
#[test]
fn proof_files() {
    let bytes = encode_tensors(&honest().proof);
    let other = &honest().other;
    let mut worst = Worst::default();
    cases(1000, |u| {
        let mut changed = bytes.clone();
        mutate(u, &mut changed, other)?;
        if changed != bytes {
            let bound = proof_bound(changed.len());
            worst.measure(bound, || verify_tensors(&changed, honest().pins()).is_ok());
        }
        Ok(())
    });
    worst.print("files of proofs");
    assert_eq!(worst.refused, worst.cases, "a proof has one file");
}

/// Numbers that are where a bound is, or far beyond it.
fn number(u: &mut Unstructured<'_>) -> Result<u32> {
    let width = MAX_WIDTH as u32;
    let numbers = [
        0,
        1,
        2,
        3,
        4,
        7,
        8,
        10,
        11,
        16,
        20,
        21,
        22,
        31,
        32,
        63,
        64,
        65,
        width,
        width + 1,
        P - 1,
        P,
    ];
    Ok(*u.choose(&[&numbers[..], &[1 << 20, 1 << 31, u32::MAX]].concat())?)
}

/// The tensor part and the claim's sizes, changed so that the file can be decoded.
#[test]
fn tensor_parts_of_proofs() {
    let proof = &honest().proof;
    let bytes = encode_tensors(proof);
    let mut worst = Worst::default();
    cases(300, |u| {
        let mut changed = proof.clone();
        for _ in 0..u.int_in_range(1..=3)? {
            let count = *u.choose(&[0usize, 1, 7, 8, 9, 13, 64, 4096, 1 << 18])?;
            let log = number(u)?;
            let part = &mut changed.tensors;
            match u.int_in_range(0..=6)? {
                0 => part.messages.resize(count, Default::default()),
                1 => part.sums.resize(count, Default::default()),
                2 => part.sizes.resize(count, log),
                3 => part.sums.reverse(),
                4 => std::mem::swap(&mut part.sums, &mut part.messages),
                5 => {
                    let claim = &mut changed.proof.claim;
                    claim
                        .memory_address_to_id
                        .iter_mut()
                        .for_each(|c| c.log_size = log);
                }
                _ => {
                    let samples = &mut changed.proof.stark_proof.0.sampled_values;
                    let sample = samples[0].first().cloned().unwrap_or_default();
                    samples[0].resize(count.min(4096), sample);
                }
            }
        }
        let file = encode_tensors(&changed);
        if file != bytes {
            let bound = proof_bound(file.len());
            worst.measure(bound, || verify_tensors(&file, honest().pins()).is_ok());
        }
        Ok(())
    });
    worst.print("tensor parts of proofs");
    assert_eq!(worst.refused, worst.cases, "a proof has one tensor part");
    let mut honest_one = Worst::default();
    honest_one.measure(proof_bound(bytes.len()), || {
        verify_tensors(&bytes, honest().pins()).is_err()
    });
    honest_one.print("the honest proof, which is not refused");
}

/// A manifest's text, changed anywhere: it is refused, or it pins what it did.
#[test]
fn manifests() {
    let text = honest()
        .manifest
        .to_json()
        .expect("a document")
        .into_bytes();
    let other = text.clone();
    let mut worst = Worst::default();
    cases(4000, |u| {
        let mut bytes = text.clone();
        mutate(u, &mut bytes, &other)?;
        let mut read = None;
        worst.measure(document_bound(bytes.len()), || {
            read = Manifest::from_json(&bytes).ok();
            read.is_some()
        });
        // What can be changed is for people, or about the program.
        if let Some(read) = read {
            assert_eq!(read.tensors, *honest().pins());
            assert_eq!(read.parameters_root, honest().manifest.parameters_root);
        }
        Ok(())
    });
    worst.print("manifests");
}

/// A layout of any components with any numbers.
fn strange(u: &mut Unstructured<'_>) -> Result<Layouts> {
    let mut components = vec![];
    for largest in form::largest() {
        if u.ratio(1, 4)? {
            continue;
        }
        // Mostly what the bounds let pass.
        let mut parameters = vec![];
        for parameter in largest.parameters() {
            parameters.push(match u.ratio(7, 8)? {
                true => *u.choose(&[8, parameter.value as u32])?,
                false => number(u)?,
            });
        }
        let component = Component::of_document(largest.document_name(), &parameters);
        let component = component.unwrap_or(largest);
        let smallest = match u.ratio(7, 8)? {
            true => u.int_in_range(4..=20)?,
            false => number(u)?,
        };
        let largest = match component.grows() || u.ratio(1, 16)? {
            true => number(u)?,
            false => smallest,
        };
        components.push(Sizes {
            component,
            smallest,
            largest,
        });
    }
    let width = components.iter().find_map(|placed| match placed.component {
        Component::Head { width, .. } => Some(width),
        _ => None,
    });
    Ok(Layouts {
        lanes: *u.choose(&[8, 16, 32, 64, 64, 64, 12])?,
        components,
        messages: match u.ratio(7, 8)? {
            true => width.unwrap_or(0),
            false => number(u)? as usize,
        },
    })
}

/// Verifies a proof whose tensor part fits layouts, which no constants have, as late as it can be refused.
fn verified(layouts: Layouts) -> bool {
    let Some(pins) = pins(layouts, honest().root()) else {
        return false;
    };
    let layouts = pins.layouts();
    let layout = layouts.largest();
    let mut proof = honest().proof.clone();
    let part = &mut proof.tensors;
    part.sizes = layouts.sizes(&layout);
    part.messages.resize(layout.messages, Default::default());
    part.sums
        .resize(layout.components.len(), Default::default());
    verify_tensors(&encode_tensors(&proof), &pins).is_ok()
}

/// Attack: a stranger's manifest with a layout that makes a verifier panic, loop or grow. Stopped by: bounds on each number.
#[test]
fn strange_layouts() {
    honest();
    let bound = proof_bound(encode_tensors(&honest().proof).len());
    let mut worst = Worst::default();
    cases(400, |u| {
        let layouts = strange(u)?;
        worst.measure(bound, || verified(layouts));
        Ok(())
    });
    worst.print("strange layouts");
    assert_eq!(worst.refused, worst.cases, "no proof is of them");
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut largest = Worst::default();
    for log_rows in [4, 20] {
        let placed = |component: Component| Sizes {
            component,
            smallest: if component.grows() { 4 } else { log_rows },
            largest: log_rows,
        };
        let layouts = Layouts {
            lanes: 64,
            components: form::largest().into_iter().map(placed).collect(),
            messages: MAX_WIDTH as usize,
        };
        assert!(pins(layouts.clone(), honest().root()).is_some());
        largest.measure(bound, || verified(layouts));
    }
    largest.print("the largest layouts");
}
