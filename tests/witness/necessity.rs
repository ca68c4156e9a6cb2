//! What each check of the chunk protocol is for: the program without that check accepts an attack that
//! the program refuses.
//!
//! The check is taken out of a copy of `cairo/src/chunk.cairo` that is compiled with the package.

use cairo_decode::chunk::Decoder;
use cairo_decode::compile::{Program, compile, kernel_sources};
use cairo_decode::lower::lower;
use cairo_decode::spec::roots::{EMPTY_ROOT, fold_token};
use cairo_decode::trace::{self, TraceError};
use starknet_types_core::felt::Felt;

use crate::header::*;
use crate::liar::{Liar, Lie, SUMS};
use crate::support::{MODEL_ROOT, pins};
use crate::table::{self, Row};
use crate::{assert_refusal, chunk, claimed, model};

/// The chunk protocol's source.
fn source() -> &'static str {
    let mut sources = kernel_sources();
    let found = sources.find(|(file, _)| *file == "chunk.cairo");
    found.expect("chunk.cairo").1
}

/// The attacked model's program without the `n`-th occurrence of a statement of the chunk protocol.
fn without(check: &str, n: usize) -> Program {
    let mut text = source().replace("crate::", "decode_kernels::");
    let (at, _) = text.match_indices(check).nth(n).expect("the check");
    let end = at + text[at..].find(";\n").expect("a statement's end") + 2;
    text.replace_range(at..end, "");
    let mut package = lower(&model().graph, Felt::from(MODEL_ROOT), claimed()).expect("lowers");
    let lib = package.files.get_mut("src/lib.cairo").expect("a library");
    let import = "use decode_kernels::chunk::{Model, run_chunk};";
    assert!(lib.contains(import), "the package imports the protocol");
    *lib = lib.replace(import, "mod chunk; use chunk::{Model, run_chunk};");
    package.files.insert("src/chunk.cairo".to_string(), text);
    compile(&package.name, &package.files, &package.calls).expect("compiles")
}

/// What a prover does: an input, and perhaps a lie about a claimed product, for which several inputs are
/// tried: few lies change a choice.
struct Attack {
    name: &'static str,
    inputs: Vec<Vec<Felt>>,
    claims: Option<Part>,
}

/// Which claims are lied about: those of a step's first part, or of its second.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Carry,
    Decide,
}

fn input(name: &'static str, base: &[Felt], change: impl FnOnce(&mut Vec<Felt>)) -> Attack {
    let mut input = base.to_vec();
    change(&mut input);
    assert_ne!(input, base, "{name} changes something");
    Attack {
        name,
        inputs: vec![input],
        claims: None,
    }
}

/// Runs the attack: the output if the program accepts it.
fn run(program: &Program, attack: &Attack) -> Option<Vec<Felt>> {
    let mut inputs = attack.inputs.iter();
    inputs.find_map(|input| run_one(program, attack, input))
}

fn run_one(program: &Program, attack: &Attack, input: &[Felt]) -> Option<Vec<Felt>> {
    let Some(part) = attack.claims else {
        return match trace::run(program, input) {
            Ok(trace) => Some(trace.output().to_vec()),
            Err(TraceError::Refused(reason)) => {
                assert_refusal(attack.name, &reason);
                None
            }
            Err(error) => panic!("{}: {error}", attack.name),
        };
    };
    let tell = |lie| {
        let mut liar = Liar::new(program, input, lie, 1 << 22);
        let run = trace::run_with(program, &mut liar);
        (run.map(|trace| trace.output().to_vec()).ok(), liar.sites)
    };
    let (honest, sites) = tell(None);
    let honest = honest.expect("an honest run");
    let claims: Vec<usize> = (0..sites.len())
        .filter(|&i| sites[i].kind == SUMS)
        .collect();
    // One step: first the claims of queries, keys and values, then the others.
    let matrices = &model().graph.matrices;
    assert_eq!(claims.len(), matrices.len(), "every product is claimed");
    let first = ["q_proj", "k_proj", "v_proj"];
    let carried = |name: &str| first.iter().any(|end| name.ends_with(end));
    let carry = matrices.iter().filter(|m| carried(&m.name)).count();
    let told = match part {
        Part::Carry => &claims[..carry],
        Part::Decide => &claims[carry..],
    };
    let lies = told.iter().flat_map(|&site| {
        (0..sites[site].lies.len()).map(move |lie| Lie {
            site,
            lie,
            then: None,
        })
    });
    let mut outputs = lies.filter_map(|lie| tell(Some(lie)).0);
    outputs.find(|output| *output != honest)
}

/// The checks of `cairo/src/chunk.cairo`, each with the attack that it is there for.
fn attacks() -> Vec<(&'static str, usize, Attack)> {
    // Two positions carried, one token forced, two chosen; and the step after the prompt.
    let middle = chunk(&PROMPT, 2, 3).0.input;
    let after = chunk(&PROMPT, 4, 1).0;
    let start = chunk(&PROMPT, 0, 2).0.input;
    let single = chunk(&[3], 0, 1).0.input;
    let foreign = chunk(&[4, 1, 6, 2], 2, 3).0.input;
    let chosen = chunk(&PROMPT, 2, 3).0.emitted[0];
    assert_ne!(middle[HEADER], foreign[HEADER]);
    let claims = |name, part| Attack {
        name,
        inputs: (0..8)
            .map(|last| chunk(&[3, 1, 6, last], 3, 1).0.input)
            .collect(),
        claims: Some(part),
    };
    vec![
        (
            "assert(steps != 0",
            0,
            input("a chunk of no steps", &after.input, |i| {
                i[STEPS] = Felt::ZERO
            }),
        ),
        (
            "assert(prompt_len != 0",
            0,
            input("a prompt of no tokens", &after.input, |i| {
                i[PROMPT_LENGTH] = Felt::ZERO
            }),
        ),
        (
            "assert(tokens_root == fold_token(0, token)",
            0,
            input("the tokens root of another first token", &start, |i| {
                i[TOKENS_ROOT] = fold_token(EMPTY_ROOT, 5)
            }),
        ),
        (
            "assert(tokens_root == prompt_root",
            0,
            input("the root of another prompt of one token", &single, |i| {
                i[PROMPT_ROOT] = fold_token(EMPTY_ROOT, 5)
            }),
        ),
        (
            "assert(frontier.token + 1 != eos",
            0,
            input("a step after a chosen eos", &after.input, |i| {
                i[EOS] = Felt::from(chosen + 1)
            }),
        ),
        (
            "assert(tokens_root == prompt_root",
            1,
            input("another prompt's last token", &middle, |i| {
                *i.last_mut().expect("a forced token") = Felt::from(5)
            }),
        ),
        (
            "assert(input.is_empty()",
            0,
            input("a felt behind the input", &middle, |i| i.push(Felt::ONE)),
        ),
        (
            "check_claims(carry_claims",
            0,
            claims(
                "another sum of a product before the last append",
                Part::Carry,
            ),
        ),
        (
            "check_claims(decide_claims",
            0,
            claims("another sum of a product after it", Part::Decide),
        ),
        (
            "assert(root == frontier.kv_root",
            0,
            input("a carried row of another session", &middle, |i| {
                i[HEADER] = foreign[HEADER]
            }),
        ),
    ]
}

/// Every check of the chunk protocol stops an attack that nothing else stops.
#[test]
fn requirement_24_every_check_of_the_program_is_needed() {
    // The copy, with nothing taken out, is the program.
    let attacks = attacks();
    let text = source();
    let body = &text[text.find("pub fn run_chunk").expect("the protocol")..];
    let checks = body.matches("assert(").count() + body.matches("check_claims(").count();
    assert_eq!(checks, attacks.len(), "every check has its attack");
    let mut rows = vec![];
    for (check, n, attack) in &attacks {
        let name = attack.name;
        assert_eq!(run(&model().program, attack), None, "{name}: accepted");
        let open = without(check, *n);
        // Honest chunks are accepted either way.
        let mut decoder = Decoder::new(&model().graph, pins(&open, &PROMPT)).expect("a session");
        let honest = decoder.chunk(3).expect("a chunk");
        let accepted = trace::run(&open, &honest.input).expect("an honest chunk");
        assert_eq!(accepted.output(), honest.statement.to_output());
        let accepted = run(&open, attack).is_some();
        assert!(accepted, "{name}: refused without its check, too");
        rows.push(Row {
            check: format!("`{}…`", check.trim_start_matches("assert(")),
            attack: name.to_string(),
            next: None,
        });
    }
    let name = "necessity of the program's checks";
    table::check(name, &table::necessity(&rows));
}
