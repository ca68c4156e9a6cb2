//! One proof or two: the same decode step proven by its program, and by two others, of which one does the arithmetic
//! and the other checks ranges and table lookups. See `docs/proof-boundary.md`.
//!
//! Owns what a verifier of the two has to check ([`verify_pair`]), and the comparison. No receipt is made of two
//! proofs, and no other module knows of them.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use starknet_types_core::felt::Felt;
use stwo_cairo_adapter::ProverInput;
use thiserror::Error;

use super::steps::{Subject, prompt, request, used_cells};
use super::{BenchError, shortest};
use crate::air::cairo::Component;
use crate::bundle::{Bundle, BundleError, build};
use crate::casm::Table;
use crate::compile::{COMMITMENT, Program, arithmetic, membership};
use crate::ir::VerifiedGraph;
use crate::lower::{LowerOptions, lower};
use crate::model::random::Shape;
use crate::profile::components;
use crate::prove::{ProveError, Prover, check_memory, check_rows};
use crate::trace::{self, Trace};
use crate::verify::params::{LARGE, PLAIN, ParamSet};
use crate::verify::statement::{OUTPUT_LEN, ProofParams};
use crate::verify::{ProofError, verify_proof};

/// Felts that commit to claims, at the end of both outputs: number of ranges, cells of lookups, hash.
const COMMITMENT_LEN: usize = 3;

/// A model to compare with.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub name: &'static str,
    pub about: &'static str,
    subject: Subject,
}

/// All sizes.
pub const SIZES: [Size; 3] = [
    Size {
        name: "tiny",
        about: "1 layer, d 16, 2 heads, hidden 32, vocabulary 65",
        subject: Subject::Random(Shape {
            hidden: 16,
            mlp: 32,
            layers: 1,
            heads: 2,
            kv_heads: 2,
            head_dim: 8,
            vocab: 65,
            tied: true,
        }),
    },
    Size {
        name: "A",
        about: "1 layer, d 64, 4 heads, hidden 256, vocabulary 65",
        subject: Subject::Random(Shape {
            hidden: 64,
            mlp: 256,
            layers: 1,
            heads: 4,
            kv_heads: 4,
            head_dim: 16,
            vocab: 65,
            tied: true,
        }),
    },
    Size {
        name: "C",
        about: "the demo model",
        subject: Subject::Demo,
    },
];

/// Positions that the compared step attends to, its own included.
pub const CONTEXTS: [u16; 3] = [1, 16, 64];

/// The program of a model, and the two that do the same apart.
pub struct Objects {
    pub one: Program,
    pub arithmetic: Program,
    pub membership: Program,
}

impl Objects {
    /// Compiles the two for the program `one` of a graph, which has to come from the same options.
    ///
    /// # Errors
    /// A graph that cannot be lowered or compiled.
    pub fn new(
        one: Program,
        graph: &VerifiedGraph,
        model_root: Felt,
        options: LowerOptions,
    ) -> Result<Objects, BenchError> {
        let package = lower(graph, model_root, options).map_err(BundleError::from)?;
        let arithmetic = arithmetic(&package.name, &package.files, &package.calls);
        let entries = Table::ALL.iter().flat_map(|table| match table {
            Table::Sigmoid => graph.tables.sigmoid.clone(),
            Table::Exp2 => graph.tables.exp2.clone(),
            Table::Powers => (0..16).rev().map(|i| 1 << i).collect(),
        });
        let entries: Vec<Felt> = entries.map(Felt::from).collect();
        Ok(Objects {
            one,
            arithmetic: arithmetic.map_err(BundleError::from)?,
            membership: membership(&entries),
        })
    }

    /// What a verifier of the two pins.
    pub fn pins(&self) -> Pins {
        Pins {
            arithmetic: self.arithmetic.hash(),
            membership: self.membership.hash(),
        }
    }
}

/// The two programs that a verifier of a pair expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pins {
    pub arithmetic: Felt,
    pub membership: Felt,
}

/// Why two proofs are not one claim.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum PairError {
    #[error("{object}: {source}")]
    Proof {
        object: &'static str,
        source: ProofError,
    },
    #[error("{object}: program {found:#x}, expected {expected:#x}")]
    Program {
        object: &'static str,
        found: Felt,
        expected: Felt,
    },
    #[error("{object}: an output of {found} felts, expected {expected}")]
    Output {
        object: &'static str,
        found: usize,
        expected: usize,
    },
    #[error(
        "{field}: the arithmetic commits to {arithmetic:#x}, the membership proof to {membership:#x}"
    )]
    Commitment {
        field: &'static str,
        arithmetic: Felt,
        membership: Felt,
    },
}

/// Verifies two proofs as one claim, in these steps: each proof, under this verifier's parameters; its program; the
/// length of its output; the commitments, which have to be the same. Returns the statement's encoding.
///
/// # Errors
/// The first check that does not hold.
pub fn verify_pair(
    pins: &Pins,
    arithmetic: &[u8],
    membership: &[u8],
) -> Result<Vec<Felt>, PairError> {
    let output = |object, proof: &[u8], expected: Felt, len: usize| {
        let facts = verify_proof(proof).map_err(|source| PairError::Proof { object, source })?;
        let (found, output) = (facts.program_hash, facts.output);
        if found != expected {
            return Err(PairError::Program {
                object,
                found,
                expected,
            });
        }
        match output.len() == len {
            true => Ok(output),
            false => Err(PairError::Output {
                object,
                found: output.len(),
                expected: len,
            }),
        }
    };
    let length = OUTPUT_LEN + COMMITMENT_LEN;
    let mut statement = output("arithmetic", arithmetic, pins.arithmetic, length)?;
    let checked = output("membership", membership, pins.membership, COMMITMENT_LEN)?;
    let claimed = statement.split_off(OUTPUT_LEN);
    for (i, field) in ["number of ranges", "cells of lookups", "hash of the claims"]
        .into_iter()
        .enumerate()
    {
        if claimed[i] != checked[i] {
            return Err(PairError::Commitment {
                field,
                arithmetic: claimed[i],
                membership: checked[i],
            });
        }
    }
    Ok(statement)
}

/// A proof in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Proof {
    pub bytes: usize,
    pub prove_seconds: f64,
    /// The shortest of [`VERIFICATIONS`](super::VERIFICATIONS).
    pub verify_seconds: f64,
    pub security_bits: u32,
    pub params: ProofParams,
}

/// A program's run in numbers, and its proof.
#[derive(Debug, Clone, Serialize)]
pub struct Object {
    pub object: &'static str,
    pub program_words: usize,
    pub vm_steps: usize,
    /// Steps that only commit to claims; of the membership program, those that check them too.
    pub commitment_steps: usize,
    /// Rows in use, over all components but the tables of fixed size.
    pub rows: u64,
    /// Cells of these rows.
    pub used_cells: u64,
    /// Of these, the cells of Poseidon permutations.
    pub hash_cells: u64,
    /// Cells that the proof commits to, padding and tables of fixed size included.
    pub cells: u64,
    /// Values that the range check builtin has checked in this run.
    pub range_checks: u64,
    /// Values that this run commits to as in range.
    pub range_claims: u64,
    /// Entries of tables that were looked up, claimed or checked in this run.
    pub lookups: u64,
    /// None where it does not fit; see [`Comparison::unproven`].
    pub proof: Option<Proof>,
}

/// One step in one proof and in two.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Positions that the step attends to.
    pub context: usize,
    /// The program, the arithmetic, the membership program.
    pub objects: Vec<Object>,
    /// Why there are no proofs, if there are none.
    pub unproven: Option<String>,
}

/// Comparisons of a size.
#[derive(Debug, Clone, Serialize)]
pub struct SizeResult {
    pub size: &'static str,
    pub about: &'static str,
    pub parameters: u64,
    pub comparisons: Vec<Comparison>,
}

/// Compares one decode step of a size at each of the contexts. `demo` is the demo model's directory, `work` an empty
/// folder for the build. The programs hold their weights as `compile` does by default.
///
/// # Errors
/// What a step of the pipeline gives.
pub fn run(
    size: &Size,
    contexts: &[usize],
    demo: &Path,
    work: &Path,
) -> Result<SizeResult, BenchError> {
    let options = LowerOptions::default();
    build(
        &request(size.subject, options.weights, demo, work)?,
        &mut |_| {},
    )?;
    let bundle = Bundle::open(&work.join("build"))?;
    let root = bundle.manifest.model_root.0;
    let objects = Objects::new(bundle.program.clone(), &bundle.graph, root, options)?;
    let mut prover = None;
    let mut comparisons = vec![];
    for &context in contexts {
        let before = context.saturating_sub(1);
        let mut decoder = bundle.trial(prompt(&bundle, before), false)?;
        if before > 0 {
            decoder.chunk(before)?;
        }
        let input = decoder.chunk(1)?.input;
        comparisons.push(compare(&objects, context, &input, &mut prover)?);
    }
    Ok(SizeResult {
        size: size.name,
        about: size.about,
        parameters: bundle.manifest.parameters,
        comparisons,
    })
}

/// Compares one chunk. All its proofs have the same parameters, the first accepted ones that all fit; `prover` keeps
/// the prover for them.
///
/// # Errors
/// What a step of the pipeline gives; two proofs that do not make the claim of the one.
pub fn compare(
    objects: &Objects,
    context: usize,
    input: &[Felt],
    prover: &mut Option<Prover>,
) -> Result<Comparison, BenchError> {
    let arithmetic = trace::run(&objects.arithmetic, input)?;
    let claims = arithmetic.claims()?;
    let runs = [
        ("one", &objects.one, trace::run(&objects.one, input)?),
        ("arithmetic", &objects.arithmetic, arithmetic),
        (
            "membership",
            &objects.membership,
            trace::run(&objects.membership, &claims)?,
        ),
    ];
    let (mut measured, mut inputs) = (vec![], vec![]);
    for (object, program, trace) in runs {
        let (object, input) = measure(object, program, trace)?;
        measured.push(object);
        inputs.push(input);
    }
    let largest = measured.iter().map(|object| object.cells).max();
    let set = match accepted_set(&inputs, largest.unwrap_or(0)) {
        Ok(set) => set,
        Err(error) => {
            return Ok(Comparison {
                context,
                objects: measured,
                unproven: Some(error.to_string()),
            });
        }
    };
    let prover = match prover.take_if(|prover| prover.parameters() != set) {
        Some(_) => prover.insert(Prover::new(set)),
        None => prover.get_or_insert_with(|| Prover::new(set)),
    };
    let (mut proofs, mut outputs) = (vec![], vec![]);
    for (object, input) in measured.iter_mut().zip(inputs) {
        let start = Instant::now();
        let bytes = prover.prove(input)?;
        let prove_seconds = start.elapsed().as_secs_f64();
        let (facts, verify_seconds) = shortest(|| Ok(verify_proof(&bytes)?))?;
        object.proof = Some(Proof {
            bytes: bytes.len(),
            prove_seconds,
            verify_seconds,
            security_bits: facts.security_bits,
            params: facts.params,
        });
        outputs.push(facts.output);
        proofs.push(bytes);
    }
    if verify_pair(&objects.pins(), &proofs[1], &proofs[2])? != outputs[0] {
        return Err(BenchError::Statements);
    }
    Ok(Comparison {
        context,
        objects: measured,
        unproven: None,
    })
}

/// The smaller set of accepted parameters that all traces fit, the largest of so many cells.
fn accepted_set(inputs: &[ProverInput], cells: u64) -> Result<&'static ParamSet, ProveError> {
    let fit = |set: &'static ParamSet| {
        check_memory(set, cells)?;
        let mut inputs = inputs.iter();
        inputs
            .try_for_each(|input| check_rows(set, input))
            .map(|()| set)
    };
    fit(&PLAIN).or_else(|_| fit(&LARGE))
}

/// Counts what is in a program's run. Returns the prover's input as well.
///
/// # Errors
/// A component whose rows are not counted.
pub fn measure(
    object: &'static str,
    program: &Program,
    trace: Trace,
) -> Result<(Object, ProverInput), BenchError> {
    let steps = |of: &dyn Fn(usize) -> bool| trace.registers().filter(|r| of(r.pc)).count();
    let commitment_steps = steps(&|pc| program.operation(pc) == COMMITMENT);
    let lookups = steps(&|pc| program.looks_up(pc)) as u64;
    let at = trace.output().len().checked_sub(COMMITMENT_LEN);
    let claimed = at.filter(|_| commitment_steps > 0);
    let claimed = claimed.and_then(|at| u64::try_from(trace.output()[at]).ok());
    let vm_steps = trace.steps();
    let input = trace.into_prover_input()?;
    let components = components(&input)?;
    let own = || components.iter().filter(|component| !component.fixed);
    let hashes =
        |c: Component| c == Component::PoseidonBuiltin || c.rows_per_permutation().is_some();
    let mut checks = own().filter(|c| c.component == Component::RangeCheckBuiltin);
    let object = Object {
        object,
        program_words: program.words().len(),
        vm_steps,
        commitment_steps,
        rows: own().map(|component| component.rows).sum(),
        used_cells: used_cells(&components),
        hash_cells: own()
            .filter(|c| hashes(c.component))
            .map(|component| component.rows * component.cells_per_row)
            .sum(),
        cells: components.iter().map(|component| component.cells).sum(),
        range_checks: checks.next().map_or(0, |component| component.rows),
        range_claims: claimed.unwrap_or(0),
        lookups,
        proof: None,
    };
    Ok((object, input))
}
