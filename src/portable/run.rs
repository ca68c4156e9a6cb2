//! A chunk's run in the VM: its output must be the statement's encoding, all of it and nothing else.

use starknet_types_core::felt::Felt;

use super::constants::constants;
use super::error::PortableError;
use super::model::PortableModel;
use super::session::{Decoded, Session};
use crate::compile::Program;
use crate::guard::guarded;
use crate::integers::Operation;
use crate::trace::{self, Trace, TraceError};
use crate::verify::statement::OUTPUT_FIELDS;

/// A run that has stated what it must.
pub struct Run {
    pub output: Vec<Felt>,
    /// The VM's steps.
    pub steps: usize,
    /// The run, for a prover.
    pub trace: Trace,
}

/// VM steps that a run may take: about ten times as many as the library's functions take (`docs/portable.md` has counts), so that another
/// compiler's program has room, and one that does not end, ends. `end` is the position behind the chunk.
fn most_steps(model: &PortableModel, steps: u64, end: u64) -> usize {
    const OF_CONSTANT: u64 = 64;
    const OF_PRODUCT: u64 = 64;
    const OF_CARRIED: u64 = 8_000;
    const OTHERS: u64 = 1 << 22;
    let description = &model.description;
    let products = description
        .operations
        .iter()
        .map(|operation| match operation {
            Operation::Attention { of, .. } => 2 * (of.heads * of.head_dim) as u64,
            _ => 0,
        });
    let carried = model.record.parts.iter().map(|part| part.channels as u64);
    let each_step =
        OF_CONSTANT * constants(description) as u64 + OF_PRODUCT * end * products.sum::<u64>();
    let all = OTHERS + steps * each_step + OF_CARRIED * end * carried.sum::<u64>();
    usize::try_from(all).unwrap_or(usize::MAX)
}

/// Runs a chunk.
///
/// # Errors
/// A program that refuses its input, takes many more steps than such a program does, or states anything else.
pub fn run(program: &Program, decoded: &Decoded<'_>) -> Result<Run, PortableError> {
    let statement = &decoded.statement;
    let (steps, end) = (
        statement.steps.into(),
        statement.frontier_out.position.into(),
    );
    let limit = most_steps(decoded.next.model(), steps, end);
    let run = guarded(|| trace::run(program, &decoded.input, Some(limit)));
    let trace = run.unwrap_or_else(|panic| Err(TraceError::Refused(panic)))?;
    let output = trace.output().to_vec();
    let expected = decoded.statement.to_output();
    let shown = |of: &[Felt], place: usize| {
        let felt = of.get(place);
        felt.map_or("nothing".to_string(), |felt| format!("{felt:#x}"))
    };
    let longest = output.len().max(expected.len());
    if let Some(place) = (0..longest).find(|&place| output.get(place) != expected.get(place)) {
        return Err(PortableError::Output {
            field: OUTPUT_FIELDS
                .get(place)
                .unwrap_or(&"a felt behind the statement"),
            found: shown(&output, place),
            expected: shown(&expected, place),
        });
    }
    Ok(Run {
        output,
        steps: trace.steps(),
        trace,
    })
}

/// Runs a session of so many steps, or fewer if it ends before, in chunks of at most `chunk` steps; `each` gets each chunk with its run.
/// Returns the session behind the last one.
///
/// # Errors
/// As [`Session::decode`] and [`run`], and what `each` gives.
pub fn run_session<'a, E: From<PortableError>>(
    program: &Program,
    mut session: Session<'a>,
    mut steps: u32,
    chunk: u32,
    each: &mut dyn FnMut(&Decoded<'a>, Run) -> Result<(), E>,
) -> Result<Session<'a>, E> {
    while steps > 0 && session.ended().is_none() {
        let decoded = session.decode(chunk.min(steps))?;
        let run = run(program, &decoded)?;
        each(&decoded, run)?;
        steps -= decoded.statement.steps;
        session = decoded.next;
    }
    Ok(session)
}
