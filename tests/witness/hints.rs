//! Lies of the hints: every hint of a chunk, told differently.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use cairo_decode::trace::{self, TraceError};
use starknet_types_core::felt::Felt;

use crate::coverage::hints;
use crate::liar::{COUNT, ENDLESS, Liar, Lie, MAXIMUM, SUMS, Site, quietly};
use crate::{assert_refusal, chunk, model};

/// Lies beyond the first and the last of every program counter are sampled down to about this many.
const SAMPLES: usize = 1500;

/// Hints that write no value of their own: they make memory segments and hand over the input.
const NO_VALUE: [&str; 3] = ["AllocSegment", "AllocConstantSize", "WriteRunParam"];

/// What the VM says where a loop leaves the values that it is for, or the steps that a run may have.
const NO_END: [&str; 3] = [
    "Unknown value for memory cell",
    "to be smaller than 2^251",
    "Execution reached the end of the program",
];

/// The lies about a rounding: the quotient off by one in both directions, the remainder with it, the value
/// plus the modulus.
const ROUNDINGS: &[&str] = &[
    "q + 1, r - d",
    "q - 1, r + d",
    "value + prime",
    "r + 1, q in the field",
];

/// What became of the lies of one kind.
#[derive(Default)]
struct Tally {
    refused: BTreeMap<&'static str, usize>,
    harmless: usize,
}

/// A lie with its outcome: the reason of the refusal, or the output; and the hints that ran.
struct Told {
    lie: Lie,
    sites: Vec<Site>,
    result: Result<Vec<Felt>, String>,
}

/// A lie, where it was told, and what became of it.
struct Verdict {
    /// The operation of the graph that the hint worked for, or a part of the program around the graph.
    label: String,
    kind: &'static str,
    lie: &'static str,
    /// How it was refused; `None` for a lie without effect.
    refused: Option<&'static str>,
}

/// All lies, told once and judged.
struct Verdicts {
    sites: Vec<Site>,
    all: Vec<Verdict>,
}

/// Attack: at one execution of one hint, the prover writes another value (quotient and remainder that
/// still fit, other rounding, values plus the field's modulus, the other answer of a comparison).
/// Stopped by: the range checks and equations that follow every hint in the compiled program.
///
/// A lie about a comparison may be without effect: any number but 0 takes the same branch, and a felt
/// below 2^128 may be split into halves although its upper half is 0. So may a lie about how many batches a
/// kernel's loop runs. Then the output has to be the honest one. A lie about a number must be refused.
///
/// Panics otherwise: every test that looks at a verdict has seen that no lie changes the output.
fn verdicts() -> &'static Verdicts {
    static VERDICTS: OnceLock<Verdicts> = OnceLock::new();
    VERDICTS.get_or_init(|| {
        // Position 1, so that keys and values are carried in; one forced and one chosen token.
        let (chunk, _) = chunk(&[3, 1, 6], 1, 2);
        let (sites, output, steps) = honest(&chunk.input);
        assert_eq!(output, chunk.statement.to_output());
        let lies = select(&sites);
        eprintln!(
            "{} value hints in {steps} steps; {} lies told",
            sites.len(),
            lies.len()
        );
        let mut told = tell(&chunk.input, lies, 4 * steps);
        // A lie that leads to a hint of a kind that no honest run reaches: that hint lies too.
        let known: BTreeSet<&str> = sites.iter().map(|site| site.kind).collect();
        let then = |told: &Told| {
            let next = told
                .sites
                .get(told.lie.site + 1)
                .filter(|site| !known.contains(site.kind));
            let lies = 0..next.map_or(0, |site| site.lies.len());
            lies.map(|then| Lie {
                then: Some(then),
                ..told.lie
            })
            .collect::<Vec<_>>()
        };
        let second: Vec<Lie> = told.iter().flat_map(then).collect();
        eprintln!(
            "{} lies in a row with a lie of a hint that honest runs do not reach",
            second.len()
        );
        told.extend(tell(&chunk.input, second, 4 * steps));
        let all = told.iter().map(|told| judge(told, &sites, &output));
        let all = all.collect();
        Verdicts { sites, all }
    })
}

fn judge(told: &Told, honest: &[Site], output: &[Felt]) -> Verdict {
    let Told { lie, sites, result } = told;
    let site = &sites[lie.site];
    let mut name = format!("{} {}", site.kind, site.lies[lie.lie]);
    if let Some(then) = lie.then {
        let next = &sites[lie.site + 1];
        name += &format!(", {} {}", next.kind, next.lies[then]);
    }
    let attack = format!(
        "{name} (hint {}, {}, pc {})",
        lie.site,
        operation(site),
        site.pc
    );
    // Nothing stops a loop that has to run 2^40 times and more but that no trace has as many rows. The
    // VM stops earlier, where the memory that the loop reads has no values.
    let endless = site.lies[lie.lie].starts_with(ENDLESS);
    let refused = match result {
        Err(reason) if endless && NO_END.iter().any(|end| reason.contains(end)) => {
            Some("has no end")
        }
        Err(reason) => Some(assert_refusal(&attack, reason)),
        Ok(other) => {
            assert_eq!(
                other, output,
                "{attack}: SOUNDNESS: another output is accepted"
            );
            // Another way through the same elements, or a loop inside one that is not run.
            let free = site.kind.starts_with("Test") || site.kind == COUNT;
            assert!(free && lie.then.is_none(), "{attack}: accepted");
            None
        }
    };
    Verdict {
        label: label(&honest[lie.site]),
        kind: site.kind,
        lie: site.lies[lie.lie],
        refused,
    }
}

/// What a hint works for: the operation whose line of the generated code it comes from, or whose line
/// called the function that it is in, however deep; otherwise the kernel file.
fn label(site: &Site) -> String {
    let program = &model().program;
    let places = std::iter::once(&site.pc).chain(&site.calls);
    let mut compiled = places.filter(|pc| program.compiled(**pc));
    let found = compiled.find_map(|pc| program.call(*pc));
    found.unwrap_or_else(|| operation(site)).to_string()
}

#[test]
fn requirement_11_every_hint_is_checked() {
    let verdicts = verdicts();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for Verdict {
        kind, lie, refused, ..
    } in &verdicts.all
    {
        let tally = tallies.entry(format!("{kind} {lie}")).or_default();
        match refused {
            Some(how) => *tally.refused.entry(how).or_default() += 1,
            None => tally.harmless += 1,
        }
    }
    print_sites(&verdicts.sites);
    for (name, tally) in &tallies {
        eprintln!(
            "{name:55} refused {:?}, without effect {}",
            tally.refused, tally.harmless
        );
    }
}

/// The refused lies at the operations whose label ends like one of these, by label. Every one of these
/// operations has some.
fn refused_at(ends: &[&str]) -> BTreeMap<&'static str, Vec<&'static Verdict>> {
    let named = |label: &str| ends.iter().any(|end| label.ends_with(end));
    let nodes = model().graph.nodes.iter().map(|node| node.label.as_str());
    let mut found: BTreeMap<&str, Vec<&Verdict>> =
        nodes.filter(|l| named(l)).map(|l| (l, vec![])).collect();
    assert!(found.len() >= ends.len(), "{ends:?}: {:?}", found.keys());
    for verdict in &verdicts().all {
        if let Some(refused) = found.get_mut(verdict.label.as_str())
            && verdict.refused.is_some()
        {
            refused.push(verdict);
        }
    }
    for (label, refused) in &found {
        eprintln!("{label}: {} lies refused", refused.len());
        assert!(!refused.is_empty(), "{label} was not attacked");
    }
    found
}

/// Whether lies of these kinds or names are among the refused ones of every operation.
fn assert_lies(found: &BTreeMap<&str, Vec<&Verdict>>, lies: &[&str]) {
    for (label, refused) in found {
        for lie in lies {
            let told = refused.iter().any(|v| v.lie == *lie || v.kind == *lie);
            let names: BTreeSet<_> = refused.iter().map(|v| (v.kind, v.lie)).collect();
            assert!(told, "{label}: no lie {lie:?} among {names:?}");
        }
    }
}

/// Attack: another query, key or value: another sum of the projection, another rounding.
#[test]
fn requirement_07_another_query_key_or_value() {
    let sums = refused_at(&[".q_proj", ".k_proj", ".v_proj"]);
    assert_lies(&sums, &[SUMS, "first + 1", "second lane + 1"]);
    let rows = refused_at(&["layer0.q", "layer0.k", "layer0.v"]);
    assert_lies(&rows, &["DivMod"]);
}

/// Attack: a wrong root or reciprocal of a norm; a wrong maximum or exponent of a softmax; a remainder
/// that is not below its divisor.
#[test]
fn requirement_09_normalisation() {
    let norms = refused_at(&["attention_norm", "mlp_norm", "final.norm"]);
    assert_lies(&norms, &["SquareRoot", "DivMod"]);
    let softmax = refused_at(&["softmax"]);
    assert_lies(&softmax, &["DivMod", "TestLessThan", MAXIMUM]);
}

/// Attack: another rounding of a weighted sum of the carried values. (Other rows, and rows in another
/// order: `requirement_10_value_rows`.)
#[test]
fn requirement_10_the_weighted_sum() {
    assert_lies(&refused_at(&["mix"]), &["DivMod"]);
}

/// Every operation of the graph: attacked at its hints, or free of them, so that its values follow from
/// instructions alone. There is no third kind.
#[test]
fn requirement_11_every_operation_is_covered() {
    let (mut attacked, mut free) = (vec![], vec![]);
    for node in &model().graph.nodes {
        let sites = verdicts().sites.iter();
        let hints = sites.filter(|site| label(site) == node.label).count();
        let told = verdicts().all.iter().filter(|v| v.label == node.label);
        let refused = told.filter(|v| v.refused.is_some()).count();
        match (hints, refused) {
            (0, _) => free.push(node.label.as_str()),
            (_, 0) => panic!(
                "{}: {hints} hints, no lie of theirs was refused",
                node.label
            ),
            _ => attacked.push(node.label.as_str()),
        }
    }
    let all = model().graph.nodes.len();
    eprintln!(
        "{} of {all} operations attacked at their hints, {} without a hint: {free:?}",
        attacked.len(),
        free.len()
    );
    assert_eq!(attacked.len() + free.len(), all, "100 %");
    // What has no hint is an addition, or an append.
    for label in free {
        assert!(
            ["residual", "kv_append"]
                .iter()
                .any(|end| label.ends_with(end)),
            "{label} has lost its hints"
        );
    }
}

/// Attack: a value out of its range, plus or minus the field's modulus, or rounded the other way, at
/// every kind of tensor that is rounded.
#[test]
fn requirement_12_ranges_and_rounding() {
    let roles = [
        "layer0.q",
        "layer0.k",
        "layer0.v",
        "mix",
        "attention_out",
        "layer0.gate",
        "layer0.up",
        "gated",
        "mlp_out",
    ];
    let found = refused_at(&roles);
    for (label, refused) in &found {
        let names: BTreeSet<_> = refused.iter().map(|v| v.lie).collect();
        eprintln!("{label}: {names:?}");
    }
    assert_lies(&found, ROUNDINGS);
}

/// Attack: an index out of the table of exponentials or sigmoids, or another entry's.
#[test]
fn requirement_13_indices_of_tables() {
    let found = refused_at(&["softmax", "silu"]);
    for (label, refused) in &found {
        let names: BTreeSet<_> = refused.iter().map(|v| (v.kind, v.lie)).collect();
        eprintln!("{label}: {names:?}");
    }
    assert_lies(&found, ROUNDINGS);
}

/// Attack: another token than the first largest logit's: the argmax names another index.
#[test]
fn requirement_14_another_choice() {
    let found = refused_at(&["final.token"]);
    assert_lies(&found, &[MAXIMUM]);
    assert!(found["final.token"].len() >= 4, "few lies");
}

/// The kernel that a hint belongs to.
fn operation(site: &Site) -> &'static str {
    model().program.operation(site.pc)
}

fn print_sites(sites: &[Site]) {
    let mut counts: BTreeMap<(&str, &str), (usize, BTreeSet<usize>)> = BTreeMap::new();
    for site in sites {
        let (executions, places) = counts.entry((operation(site), site.kind)).or_default();
        *executions += 1;
        places.insert(site.pc);
    }
    for ((operation, kind), (executions, places)) in &counts {
        eprintln!(
            "{operation:12} {kind:26} {executions:5} executions at {} places",
            places.len()
        );
    }
}

/// Requirement 11: every kernel that has a hint whose value is free is attacked.
#[test]
fn requirement_11_every_kernel_is_attacked() {
    let (chunk, _) = chunk(&[3, 1, 6], 1, 2);
    let (sites, ..) = honest(&chunk.input);
    let attacked: BTreeSet<&str> = sites.iter().map(operation).collect();
    let program = &model().program;
    let places: Vec<(usize, String)> = hints(program)
        .into_iter()
        .filter(|(_, kind)| !NO_VALUE.contains(&kind.as_str()))
        .collect();
    let kernels: BTreeSet<&str> = places
        .iter()
        .map(|(pc, _)| program.operation(*pc))
        .collect();
    assert_eq!(attacked, kernels);
    let reached: BTreeSet<usize> = sites.iter().map(|site| site.pc).collect();
    let idle = places
        .iter()
        .filter(|(pc, _)| !reached.contains(pc))
        .count();
    eprintln!(
        "{} places of value hints in {kernels:?}, {idle} on branches not taken here",
        places.len()
    );
}

/// Attack: the pointers that say where the input starts and ends point elsewhere, before, behind or
/// across each other, with something to read everywhere. Stopped by: what is read in between is the
/// input, nothing else, and the program has to end exactly at its end.
#[test]
fn the_inputs_pointers() {
    let (chunk, _) = chunk(&[3, 1, 6], 1, 2);
    let pad = vec![Felt::ONE; 20];
    let memory = [&pad[..], &chunk.input, &pad].concat();
    let (before, after) = (pad.len() as i32, -(pad.len() as i32));
    let run = |span: [i32; 2]| {
        let program = &model().program;
        let mut liar = Liar::new(program, &memory, None, 1 << 20);
        liar.input_span = span;
        trace::run_with(program, &mut liar).map(|trace| trace.output().to_vec())
    };
    assert_eq!(
        run([before, after]).expect("the honest span"),
        chunk.statement.to_output()
    );
    let length = chunk.input.len() as i32;
    let mut count = 0;
    for start in -2..=2 {
        for end in [
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
        ] {
            if (start, end) == (0, 0) {
                continue;
            }
            match run([before + start, after + end]) {
                Err(TraceError::Refused(reason)) => {
                    assert_refusal(&format!("start {start}, end {end}"), &reason);
                }
                Err(other) => panic!("start {start}, end {end}: {other}"),
                Ok(output) => panic!("start {start}, end {end}: accepted with {output:?}"),
            }
            count += 1;
        }
    }
    eprintln!("{count} other spans refused");
}

/// The value hints of an honest run, its output, its steps.
fn honest(input: &[Felt]) -> (Vec<Site>, Vec<Felt>, usize) {
    let program = &model().program;
    let mut liar = Liar::new(program, input, None, usize::MAX);
    let trace = trace::run_with(program, &mut liar).expect("an honest run");
    (liar.sites, trace.output().to_vec(), trace.steps())
}

/// Runs once per lie.
fn tell(input: &[Felt], lies: Vec<Lie>, max_steps: usize) -> Vec<Told> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut told = vec![];
        while let Some(&lie) = lies.get(next.fetch_add(1, Ordering::Relaxed)) {
            told.push(tell_one(input, lie, max_steps));
        }
        told
    };
    std::thread::scope(|scope| {
        let workers = [(); 2].map(|()| scope.spawn(worker));
        workers
            .into_iter()
            .flat_map(|w| w.join().expect("a worker"))
            .collect()
    })
}

fn tell_one(input: &[Felt], lie: Lie, max_steps: usize) -> Told {
    let program = &model().program;
    let mut liar = Liar::new(program, input, Some(lie), max_steps);
    let result = match quietly(|| trace::run_with(program, &mut liar)) {
        Some(Ok(trace)) => Ok(trace.output().to_vec()),
        Some(Err(TraceError::Refused(reason))) => Err(reason),
        Some(Err(other)) => Err(format!("not refused, but {other}")),
        None => Err("the VM panicked".to_string()),
    };
    Told {
        lie,
        sites: liar.sites,
        result,
    }
}

/// All lies of the first and the last execution of every (operation, kind, program counter), and an even
/// sample of the executions in between.
fn select(sites: &[Site]) -> Vec<Lie> {
    let mut chosen = BTreeSet::new();
    let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
    for (i, site) in sites.iter().enumerate() {
        let place = (label(site), site.kind, site.pc);
        first.entry(place.clone()).or_insert(i);
        last.insert(place, i);
    }
    chosen.extend(first.into_values().chain(last.into_values()));
    chosen.extend((0..sites.len()).step_by(sites.len().div_ceil(SAMPLES)));
    let lies = |site: usize| {
        (0..sites[site].lies.len()).map(move |lie| Lie {
            site,
            lie,
            then: None,
        })
    };
    chosen.into_iter().flat_map(lies).collect()
}
