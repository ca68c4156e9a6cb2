//! Lies of the hints: every hint of a chunk, told differently.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use cairo_decode::trace::{self, TraceError};
use starknet_types_core::felt::Felt;

use crate::liar::{Liar, Lie, Site, quietly};
use crate::{assert_refusal, chunk, model};

/// Lies beyond the first and the last of every program counter are sampled down to about this many.
const SAMPLES: usize = 1500;

/// What became of the lies of one kind.
#[derive(Default)]
struct Tally {
    refused: BTreeMap<&'static str, usize>,
    harmless: usize,
}

/// Attack: at one execution of one hint, the prover writes another value (quotient and remainder that
/// still fit, other rounding, values plus the field's modulus, the other answer of a comparison).
/// Stopped by: the range checks and equations that follow every hint in the compiled program.
///
/// A lie about a comparison may choose a branch that the program leaves again in the same state; then
/// the output has to be the honest one. A lie about a number must be refused.
#[test]
fn every_hint_is_checked() {
    // Position 1, so that keys and values are carried in; one forced and one chosen token.
    let (chunk, _) = chunk(&[3, 1, 6], 1, 2);
    let (sites, output, steps) = honest(&chunk.input);
    assert_eq!(output, chunk.statement.to_output());
    let lies = select(&sites);
    eprintln!("{} value hints in {steps} steps; {} lies told", sites.len(), lies.len());

    let next = AtomicUsize::new(0);
    let mut tallies: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut found = vec![];
                    while let Some(&lie) = lies.get(next.fetch_add(1, Ordering::Relaxed)) {
                        found.push((lie, tell(&chunk.input, lie, 4 * steps)));
                    }
                    found
                })
            })
            .collect();
        for (lie, result) in workers.into_iter().flat_map(|w| w.join().expect("a worker")) {
            let site = &sites[lie.site];
            let name = site.lies[lie.lie];
            let attack = format!("{} {name} (hint {}, pc {})", site.kind, lie.site, site.pc);
            let tally = tallies.entry((site.kind, name)).or_default();
            match result {
                Err(reason) => *tally.refused.entry(assert_refusal(&attack, &reason)).or_default() += 1,
                Ok(other) => {
                    assert_eq!(other, output, "{attack}: SOUNDNESS: another output is accepted");
                    assert!(site.kind.starts_with("Test"), "{attack}: accepted");
                    tally.harmless += 1;
                }
            }
        }
    });
    for ((kind, name), tally) in &tallies {
        eprintln!("{kind:24} {name:24} refused {:?}, without effect {}", tally.refused, tally.harmless);
    }
}

/// The value hints of an honest run, its output, its steps.
fn honest(input: &[Felt]) -> (Vec<Site>, Vec<Felt>, usize) {
    let program = &model().program;
    let mut liar = Liar::new(program, input, None, usize::MAX);
    let trace = trace::run_with(program, &mut liar).expect("an honest run");
    (liar.sites, trace.output().to_vec(), trace.steps())
}

/// Runs with a lie: the reason of the refusal, or the output.
fn tell(input: &[Felt], lie: Lie, max_steps: usize) -> Result<Vec<Felt>, String> {
    let program = &model().program;
    let mut liar = Liar::new(program, input, Some(lie), max_steps);
    match quietly(|| trace::run_with(program, &mut liar)) {
        Some(Ok(trace)) => Ok(trace.output().to_vec()),
        Some(Err(TraceError::Refused(reason))) => Err(reason),
        Some(Err(other)) => Err(format!("not refused, but {other}")),
        None => Err("the VM panicked".to_string()),
    }
}

/// All lies of the first and the last execution of every (kind, program counter), and an even sample
/// of the executions in between.
fn select(sites: &[Site]) -> Vec<Lie> {
    let mut chosen = BTreeSet::new();
    let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
    for (i, site) in sites.iter().enumerate() {
        first.entry((site.kind, site.pc)).or_insert(i);
        last.insert((site.kind, site.pc), i);
    }
    chosen.extend(first.into_values().chain(last.into_values()));
    chosen.extend((0..sites.len()).step_by(sites.len().div_ceil(SAMPLES)));
    let lies = |site: usize| (0..sites[site].lies.len()).map(move |lie| Lie { site, lie });
    chosen.into_iter().flat_map(lies).collect()
}
