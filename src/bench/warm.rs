//! What a prover that is warm could still save, measured: its tables read from disk, the next chunk's trace made
//! meanwhile, proof of work against queries.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use serde::Serialize;
use stwo::core::channel::{Blake2sM31Channel, Channel};
use stwo::core::proof_of_work::GrindOps;
use stwo::prover::backend::simd::SimdBackend;
use stwo_cairo_adapter::ProverInput;

use super::{BenchError, Case, on, prompt, request, shortest};
use crate::air;
use crate::bundle::{Bundle, build};
use crate::chunk::Decoder;
use crate::lower::WeightLayout;
use crate::prove::Prover;
use crate::trace;
use crate::verify::params::{ACCEPTED, PLAIN, ParamSet};
use crate::verify::{ProofError, proof};

/// Times that chunks are proven one way and the other.
const PAIRS: usize = 3;
/// Channels that the mean time of a proof of work is taken over.
const CHANNELS: u64 = 16;
/// Divisions of 96 bits into bits of proof of work and queries, at blow-up 2.
const DIVISIONS: [(u32, u32); 5] = [(16, 80), (20, 76), (22, 74), (24, 72), (26, 70)];

/// The answers.
#[derive(Debug, Clone, Serialize)]
pub struct Warm {
    pub case: &'static str,
    pub about: &'static str,
    pub tables: Vec<Tables>,
    pub overlap: Vec<Overlap>,
    pub divisions: Vec<Division>,
}

/// The tables of a set of parameters: made, or read from a file of as many bytes that the system has in memory.
#[derive(Debug, Clone, Serialize)]
pub struct Tables {
    pub log_blowup: u32,
    pub max_log_rows: u32,
    pub bytes: u64,
    pub make_seconds: f64,
    pub read_seconds: f64,
}

/// Two chunks proven: the second one's trace after the first one's proof, or meanwhile.
#[derive(Debug, Clone, Serialize)]
pub struct Overlap {
    pub steps: usize,
    pub after_seconds: f64,
    pub meanwhile_seconds: f64,
}

/// A division of 96 bits.
#[derive(Debug, Clone, Serialize)]
pub struct Division {
    pub pow_bits: u32,
    pub queries: u32,
    /// Of a proof of work, on average.
    pub pow_seconds: f64,
    /// The shortest of [`VERIFICATIONS`](super::VERIFICATIONS).
    pub verify_seconds: f64,
    pub proof_bytes: usize,
}

/// Measures with the case's model, in chunks of `steps` steps.
///
/// # Errors
/// What a step of the pipeline gives.
pub fn run(case: &Case, steps: usize, demo: &Path, work: &Path) -> Result<Warm, BenchError> {
    let request = request(case.subject, WeightLayout::Ready, demo, work)?;
    build(&request, &mut |_| {})?;
    let bundle = Bundle::open(&request.out)?;
    let mut decoder = bundle.trial(prompt(&bundle, case.before), false)?;
    Ok(Warm {
        case: case.name,
        about: case.about,
        tables: ACCEPTED
            .into_iter()
            .map(|set| tables(set, work))
            .collect::<Result<_, _>>()?,
        divisions: divisions(&bundle, decoder.clone())?,
        overlap: overlaps(&bundle, &mut decoder, steps)?,
    })
}

fn tables(set: &'static ParamSet, work: &Path) -> Result<Tables, BenchError> {
    let start = Instant::now();
    let prover = Prover::new(set);
    let make_seconds = start.elapsed().as_secs_f64();
    let bytes = prover.table_bytes();
    drop(prover);
    let file = work.join("tables");
    fs::write(&file, vec![1u8; bytes as usize]).map_err(on(&file))?;
    let start = Instant::now();
    let read = fs::read(&file).map_err(on(&file))?;
    let read_seconds = start.elapsed().as_secs_f64();
    fs::remove_file(&file).map_err(on(&file))?;
    Ok(Tables {
        log_blowup: set.params.log_blowup,
        max_log_rows: set.max_log_rows,
        bytes: read.len() as u64,
        make_seconds,
        read_seconds,
    })
}

/// The next `steps` steps, run in the VM.
fn traced(
    bundle: &Bundle,
    decoder: &mut Decoder<'_>,
    steps: usize,
) -> Result<ProverInput, BenchError> {
    let input = decoder.chunk(steps)?.input;
    Ok(trace::run(&bundle.program, &input)?.into_prover_input()?)
}

/// [`PAIRS`] times two chunks of `steps` steps, one way and the other.
fn overlaps(
    bundle: &Bundle,
    decoder: &mut Decoder<'_>,
    steps: usize,
) -> Result<Vec<Overlap>, BenchError> {
    let prover = Prover::new(&PLAIN);
    let first = traced(bundle, decoder, steps)?;
    prover.prove(first.clone())?;
    (0..PAIRS)
        .map(|_| {
            let start = Instant::now();
            prover.prove(first.clone())?;
            let second = traced(bundle, &mut decoder.clone(), steps)?;
            prover.prove(second)?;
            let after_seconds = start.elapsed().as_secs_f64();

            let start = Instant::now();
            let second = thread::scope(|scope| {
                let second = scope.spawn(|| traced(bundle, &mut decoder.clone(), steps));
                prover.prove(first.clone())?;
                second
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })?;
            prover.prove(second)?;
            Ok(Overlap {
                steps,
                after_seconds,
                meanwhile_seconds: start.elapsed().as_secs_f64(),
            })
        })
        .collect()
}

/// Mean seconds of proofs of work.
fn pow_seconds(pow_bits: u32) -> f64 {
    let start = Instant::now();
    for seed in 0..CHANNELS {
        let mut channel = Blake2sM31Channel::default();
        channel.mix_u64(seed);
        SimdBackend::grind(&channel, pow_bits);
    }
    start.elapsed().as_secs_f64() / CHANNELS as f64
}

/// What each division takes for the proof of a chunk of one step.
fn divisions(bundle: &Bundle, mut decoder: Decoder<'_>) -> Result<Vec<Division>, BenchError> {
    let input = traced(bundle, &mut decoder, 1)?;
    let divided = DIVISIONS.map(|(pow_bits, queries)| {
        let mut set = PLAIN;
        set.params.pow_bits = pow_bits;
        set.params.queries = queries;
        // A prover's parameters live as long as the process.
        let set: &'static ParamSet = Box::leak(Box::new(set));
        let prover = Prover::new(set);
        let bytes = prover.prove(input.clone())?.proof;
        let (_, verify_seconds) = shortest(|| {
            let proof = proof::decode(&bytes).map_err(ProofError::from)?;
            air::verify::verify(proof, None, set.all_preprocessed_columns)
                .map_err(|e| ProofError::Invalid(e.to_string()))?;
            Ok(())
        })?;
        Ok(Division {
            pow_bits,
            queries,
            pow_seconds: pow_seconds(pow_bits),
            verify_seconds,
            proof_bytes: bytes.len(),
        })
    });
    divided.into_iter().collect()
}
