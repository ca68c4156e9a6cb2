//! Lies of the hints: every hint of a tensor program's run, told differently.
//!
//! What hints write is the only freedom of a prover in the VM besides the program's input.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use cairo_decode::program::Compiled;
use cairo_decode::trace::{self, TraceError};
use serde_json::Value;
use starknet_types_core::felt::Felt;

use crate::hint_liar::{Liar, Lie, Site, quietly};
use crate::rooted::{Decoded, decode, model};

/// A program and a chunk with carried positions, forced and chosen tokens.
struct World {
    program: Compiled,
    input: Vec<Felt>,
    output: Vec<Felt>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let model = model();
        let first = decode(&model, None, 3);
        let Decoded { chunk, .. } = decode(&model, Some(&first), 4);
        assert_eq!(chunk.statement.forced_count(), 1);
        World {
            program: model.program,
            input: chunk.input,
            output: chunk.statement.to_output().to_vec(),
        }
    })
}

/// A run in which the prover lies once, or twice in a row: its output or the reason of the refusal, and the hints that ran.
fn run(lie: Option<Lie>, steps: usize) -> (Result<Vec<Felt>, String>, Vec<Site>) {
    let World { program, input, .. } = world();
    let mut liar = Liar::new(program.program(), input, lie, steps);
    let run = quietly(|| trace::run_with(program.program(), &mut liar));
    let result = match run {
        Some(Ok(trace)) => Ok(trace.output().to_vec()),
        Some(Err(TraceError::Refused(reason))) => Err(reason),
        Some(Err(error)) => panic!("{error}"),
        None => panic!("the VM panics"),
    };
    (result, liar.sites)
}

/// The value hints of the honest run, and its number of steps.
fn honest() -> (Vec<Site>, usize) {
    let World {
        program,
        input,
        output,
    } = world();
    let mut liar = Liar::new(program.program(), input, None, usize::MAX);
    let trace = trace::run_with(program.program(), &mut liar).expect("an honest run");
    assert_eq!(trace.output(), output);
    (liar.sites, trace.steps())
}

/// A refusal has to come from an instruction or from a range check, both of which are constraints of
/// the proof; an error of a hint or of the VM itself would say nothing about a prover.
fn assert_refusal(attack: &str, reason: &str) {
    let kinds = [
        "An ASSERT_EQ instruction failed",
        "Range-check validation failed",
    ];
    let known = kinds.iter().any(|kind| reason.contains(kind));
    assert!(known, "{attack}: refused for another reason: {reason}");
}

/// Attack: at one execution of one hint, the prover writes another value (quotient and remainder that
/// still fit, values plus the field's modulus, the other answer of a comparison).
/// Stopped by: the range checks and equations that follow every hint in the compiled program.
///
/// A lie about a comparison may be without effect: any number but 0 takes the same branch. Then the output has to be the honest one. A lie about
/// a number must be refused. A lie that leads to a hint of a kind that no honest run reaches is told together with lies of that one.
#[test]
fn requirement_11_every_hint_is_checked() {
    let (sites, steps) = honest();
    let known: BTreeSet<&str> = sites.iter().map(|site| site.kind).collect();
    let mut tallies = BTreeMap::<String, [usize; 2]>::new();
    let mut judge = |lie: Lie, then: &[Site]| {
        let site = &sites[lie.site];
        let mut name = format!("{} {}", site.kind, site.lies[lie.lie]);
        if let (Some(second), Some(next)) = (lie.then, then.get(lie.site + 1)) {
            name += &format!(", {} {}", next.kind, next.lies[second]);
        }
        let attack = format!("{name} (hint {}, pc {})", lie.site, site.pc);
        let (result, told) = run(Some(lie), 4 * steps);
        let tally = tallies.entry(name).or_default();
        match result {
            Err(reason) => {
                assert_refusal(&attack, &reason);
                tally[0] += 1;
            }
            Ok(output) => {
                assert_eq!(
                    output,
                    world().output,
                    "{attack}: SOUNDNESS: another output is accepted"
                );
                assert!(
                    site.kind.starts_with("Test") && lie.then.is_none(),
                    "{attack}"
                );
                tally[1] += 1;
            }
        }
        told
    };
    let mut count = 0;
    for (number, site) in sites.iter().enumerate() {
        for lie in 0..site.lies.len() {
            let first = Lie {
                site: number,
                lie,
                then: None,
            };
            let told = judge(first, &[]);
            count += 1;
            let next = told.get(number + 1);
            let next = next.filter(|next| !known.contains(next.kind));
            for then in 0..next.map_or(0, |next| next.lies.len()) {
                let both = Lie {
                    then: Some(then),
                    ..first
                };
                judge(both, &told);
                count += 1;
            }
        }
    }
    eprintln!("{count} lies at {} hints in {steps} steps", sites.len());
    for (name, [refused, harmless]) in &tallies {
        eprintln!("{name:55} refused {refused}, without effect {harmless}");
    }
    assert!(sites.len() > 10 && count > 30, "{count} lies");
}

/// Hints that write no value of their own: they make segments of memory and hand over the input.
const NO_VALUE: [&str; 3] = ["AllocSegment", "WriteRunParam", "AddRelocationRule"];

/// What a hint is, in a program's file.
fn kind(hint: &Value) -> &str {
    let names = hint.as_object().map(|fields| fields.keys().next());
    match names.flatten() {
        Some(name) => name,
        None => hint.as_str().expect("a hint"),
    }
}

/// Every kind of hint whose value is free is attacked: by a lie of its own, or behind a lie without which no run reaches it.
#[test]
fn requirement_11_every_kind_of_hint_is_attacked() {
    let (sites, steps) = honest();
    let mut attacked: BTreeSet<&str> = sites.iter().map(|site| site.kind).collect();
    for (site, at) in sites.iter().enumerate() {
        for lie in 0..at.lies.len() {
            let then = None;
            let (_, told) = run(Some(Lie { site, lie, then }), 4 * steps);
            attacked.extend(told.iter().map(|site| site.kind));
        }
    }
    let written = world().program.to_json().expect("a program");
    let written: Value = serde_json::from_slice(&written).expect("JSON");
    let places = written["program"]["executable"]["program"]["hints"].as_array();
    let places = places.expect("places of hints").iter();
    let hints = places.flat_map(|place| place[1].as_array().expect("hints"));
    let kinds: BTreeSet<&str> = hints.map(kind).collect();
    let values = kinds.iter().filter(|kind| !NO_VALUE.contains(kind));
    let kinds: BTreeSet<&str> = values.copied().collect();
    let missing: Vec<&&str> = kinds.difference(&attacked).collect();
    assert!(missing.is_empty(), "{missing:?} are not attacked");
    eprintln!("kinds {kinds:?}, attacked {attacked:?}");
}

/// Attack: the pointers that say where the input starts and ends point elsewhere, before, behind or
/// across each other, with something to read everywhere. Stopped by: what is read in between is the
/// input, nothing else, and the program has to end exactly at its end.
#[test]
fn requirement_22_the_inputs_pointers() {
    let World {
        program,
        input,
        output,
    } = world();
    let pad = vec![Felt::ONE; 3 * input.len()];
    let memory = [&pad[..], input, &pad].concat();
    let (before, after) = (pad.len() as i32, -(pad.len() as i32));
    let run = |span: [i32; 2]| {
        let mut liar = Liar::new(program.program(), &memory, None, 1 << 20);
        liar.input_span = span;
        let run = trace::run_with(program.program(), &mut liar);
        run.map(|trace| trace.output().to_vec())
    };
    assert_eq!(run([before, after]).expect("the honest span"), *output);
    let length = input.len() as i32;
    let ends = [
        -2 * length,
        -length - 1,
        -length,
        -length + 1,
        -2,
        -1,
        0,
        1,
        2,
        15,
    ];
    let mut count = 0;
    for start in -2..=2 {
        for end in ends {
            if (start, end) == (0, 0) {
                continue;
            }
            let attack = format!("start {start}, end {end}");
            match run([before + start, after + end]) {
                Err(TraceError::Refused(reason)) => assert_refusal(&attack, &reason),
                Err(other) => panic!("{attack}: {other}"),
                Ok(output) => panic!("{attack}: accepted with {output:?}"),
            }
            count += 1;
        }
    }
    eprintln!("{count} other spans refused");
}
