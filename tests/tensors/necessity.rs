//! What each check of the chunk protocol of tensor programs is for: the program without that check accepts an attack that the
//! program refuses. Nothing here is computed by operations: the memory is one that a prover might invent.

use std::path::Path;

use cairo_decode::compile::tensor_sources;
use cairo_decode::program::{
    Call, Cell, Chunk, ChunkError, Compiled, Name, Pins, Schedule, Step, chunk, package,
};
use cairo_decode::verify::statement::Frontier;
use cairo_decode::verify::statement::{
    ChosenRoot, Domain, KvRoot, MAX_POSITION, ModelRoot, Policy, ProgramHash, SessionId, TokensRoot,
};
use serde_json::{Value, json};
use starknet_types_core::felt::Felt;

use crate::Numbers;
use crate::table::{self, Row};
use crate::words::roots;

/// Rows of the memory.
const ROWS: usize = 200;

/// What a memory that nothing computes holds: tokens that follow from each other, and any roots.
pub fn memory(schedule: &Schedule, forced: usize) -> Vec<Vec<i64>> {
    let mut numbers = Numbers(9);
    let mut any = || {
        (0..schedule.lanes)
            .map(|_| (numbers.next() % 40) as i64)
            .collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<i64>> = (0..ROWS).map(|_| any()).collect();
    let chosen = rows[2].clone();
    let listed = |(lane, &token): (usize, &i64)| if lane < forced { 0 } else { token + 1 };
    rows[1] = chosen.iter().enumerate().map(listed).collect();
    // A lane behind one that chooses consumes what that has chosen.
    let behind = rows[0].iter_mut().enumerate().skip(forced + 1);
    behind.for_each(|(lane, token)| *token = chosen[lane - 1]);
    rows
}

/// The digest in a view.
fn digest(rows: &[Vec<i64>], view: u32, lane: usize) -> Felt {
    let numbers = (view..view + 8)
        .rev()
        .map(|row| Felt::from(rows[row as usize][lane]));
    numbers.fold(Felt::ZERO, |sum, number| {
        sum * Felt::from(1u64 << 31) + number
    })
}

/// A chunk of so many steps from a position on, of a prompt of so many tokens.
pub fn honest(schedule: &Schedule, position: u32, length: usize, steps: u32) -> Chunk {
    let left = (length - 1).saturating_sub(position as usize);
    let forced = left.min(steps as usize);
    let mut rows = memory(schedule, forced);
    let mut prompt = vec![0; length];
    let known = prompt.iter_mut().skip(position as usize);
    for (token, given) in known.zip(&rows[0]).take(forced + 1) {
        *token = *given as u32;
    }
    let mut first = Frontier {
        position,
        last_token: rows[0][0] as u32,
        kv_root: KvRoot(Felt::ZERO),
        tokens_root: TokensRoot(Felt::ZERO),
        chosen_root: ChosenRoot(Felt::ZERO),
    };
    let mut prompt_root = Felt::ZERO;
    if let Some(roots) = &schedule.roots {
        if position == 0 {
            for row in roots.before.kv..roots.after.kv {
                rows[row as usize][0] = 0;
            }
        }
        let before = |view| digest(&rows, view, 0);
        first.kv_root = KvRoot(before(roots.before.kv));
        first.tokens_root = TokensRoot(before(roots.before.tokens));
        first.chosen_root = ChosenRoot(before(roots.before.chosen));
        prompt_root = digest(&rows, roots.after.tokens, left.min(schedule.lanes - 1));
    }
    let pins = Pins {
        domain: Domain::local(),
        session_id: SessionId(Felt::from(77)),
        model_root: ModelRoot(Felt::from(5)),
        program_hash: ProgramHash(Felt::ZERO),
        policy: Policy::greedy(None),
        prompt,
        prompt_root: TokensRoot(prompt_root),
    };
    chunk(schedule, &pins, first, steps, &rows).expect("a chunk")
}

/// Its input.
pub fn input(schedule: &Schedule, position: u32, length: usize, steps: u32) -> Vec<Felt> {
    honest(schedule, position, length, steps).input
}

/// Places in an input.
const EOS: usize = 3;
const PROMPT_ROOT: usize = 4;
const PROMPT_LENGTH: usize = 5;
const STEPS: usize = 6;
const TOKEN: usize = 8;
const ROOTS: [usize; 3] = [9, 10, 11];
const BLOCKS: usize = 12;
const KEYS: usize = 13;
const VIEWS: usize = 14;

/// Places in a view, whose last row comes first.
const GIVEN: usize = 7;
const LISTED: usize = 6;

/// A program that reads everything: roots, and the blocks of carried positions.
pub fn schedule(lanes: usize) -> Schedule {
    let cells = vec![
        Cell::Number(1),
        Cell::Position,
        Cell::Blocks,
        Cell::LastKeys,
        Cell::Group,
    ];
    let name = Name::in_layer(0, "attend");
    let calls = vec![Step::NextHead, Step::Call(Call { name, cells })];
    Schedule {
        lanes,
        context: MAX_POSITION,
        tokens: 0,
        roots: Some(roots(100)),
        steps: vec![Step::Layer {
            number: 0,
            steps: calls,
        }],
    }
}

/// The program of that schedule, with copies of the library's files `chunk` and `lanes` of which the `n`-th occurrence of a check
/// only computes what it asserts.
fn without(check: Option<(&str, usize)>) -> Compiled {
    let mut package = package("model", &schedule(8), Felt::from(5));
    let mut taken = false;
    for file in ["chunk.cairo", "lanes.cairo"] {
        let mut text = source(file).replace("crate::calls", "decode_tensors::calls");
        text = text.replace("crate::digest", "decode_tensors::digest");
        if let Some((check, n)) = check
            && let Some((at, _)) = text.match_indices(check).nth(n)
        {
            let end = at + text[at..].find(");\n").expect("a statement's end");
            let condition = text[at..end].rfind(", '").expect("a message");
            let condition = text[at + "assert(".len()..at + condition].to_string();
            text.replace_range(at..end + 1, &format!("let _ = {condition}"));
            taken = true;
        }
        package.files.insert(format!("src/{file}"), text);
    }
    assert_eq!(taken, check.is_some(), "{check:?} is there");
    let lib = package.files.get_mut("src/lib.cairo").expect("a library");
    *lib = lib.replace(
        "use decode_tensors::chunk::",
        "mod chunk;\nmod lanes;\nuse chunk::",
    );
    *lib = lib.replace("use decode_tensors::lanes::", "use lanes::");
    Compiled::new(&package).expect("compiles")
}

fn source(file: &str) -> &'static str {
    let mut sources = tensor_sources();
    sources
        .find(|(path, _)| *path == file)
        .expect("a file of the library")
        .1
}

/// A check, which of its occurrences, what is done, and the input.
type Attack = (&'static str, usize, &'static str, Vec<Felt>);

fn changed(base: &[Felt], change: impl FnOnce(&mut Vec<Felt>)) -> Vec<Felt> {
    let mut input = base.to_vec();
    change(&mut input);
    assert_ne!(input, base);
    input
}

fn attacks() -> Vec<Attack> {
    let eight = schedule(8);
    let more = Schedule {
        context: MAX_POSITION + 1,
        ..schedule(8)
    };
    // Two lanes forced, two that choose; all forced, from the start; all that choose.
    let middle = input(&eight, 2, 5, 4);
    let start = input(&eight, 0, 3, 2);
    let after = input(&eight, 9, 3, 1);
    let one = Felt::ONE;
    let add = |place: usize| changed(&middle, |i| i[place] += one);
    // Lanes 0 and 1 have a next token behind their views.
    let view = |lane: usize| VIEWS + 8 * lane + lane.min(2);
    let before = start.len() - 48;
    let carried = |root: usize| {
        changed(&start, |i| {
            i[ROOTS[root]] = one;
            i[before + 8 * root + 7] = one;
        })
    };
    vec![
        (
            "assert(count != 0",
            0,
            "a chunk of no steps",
            changed(&after, |i| {
                i[STEPS] = Felt::ZERO;
                i.drain(VIEWS..VIEWS + 8);
            }),
        ),
        (
            "assert(count <= M::LANES",
            0,
            "a chunk of nine steps in eight lanes",
            changed(&input(&schedule(16), 0, 1, 9), |i| i[KEYS] = Felt::from(8)),
        ),
        (
            "assert(at + count <= M::CONTEXT",
            0,
            "a chunk that ends beyond the context",
            input(&more, MAX_POSITION - 7, 5, 8),
        ),
        (
            "assert(length != 0",
            0,
            "a prompt of no tokens",
            changed(&after, |i| i[PROMPT_LENGTH] = Felt::ZERO),
        ),
        (
            "assert(kv == EMPTY",
            0,
            "keys and values before the start",
            carried(0),
        ),
        (
            "assert(tokens == EMPTY",
            0,
            "tokens before the start",
            carried(1),
        ),
        (
            "assert(chosen == EMPTY",
            0,
            "choices before the start",
            carried(2),
        ),
        (
            "assert(token + 1 != eos",
            0,
            "a step after an eos that the chunk before has chosen",
            changed(&after, |i| i[EOS] = i[TOKEN] + one),
        ),
        (
            "assert(M::tokens_after(lane",
            0,
            "another prompt's root",
            add(PROMPT_ROOT),
        ),
        (
            "assert(before.kv == kv",
            0,
            "the KV root of another frontier",
            add(ROOTS[0]),
        ),
        (
            "assert(before.tokens == tokens",
            0,
            "the tokens root of another frontier",
            add(ROOTS[1]),
        ),
        (
            "assert(before.chosen == chosen",
            0,
            "the choices' root of another frontier",
            add(ROOTS[2]),
        ),
        (
            "assert(input.is_empty()",
            0,
            "a felt behind the input",
            changed(&middle, |i| i.push(one)),
        ),
        (
            "assert(given == token",
            0,
            "a forced lane that consumes another token",
            add(view(0) + GIVEN),
        ),
        (
            "assert(listed == 0",
            0,
            "a forced token that is listed",
            add(view(1) + LISTED),
        ),
        (
            "assert(given == token",
            1,
            "a choosing lane that consumes another token",
            add(view(3) + GIVEN),
        ),
        (
            "assert(listed == chosen + 1",
            0,
            "another token than the chosen one is listed",
            add(view(2) + LISTED),
        ),
        (
            "assert(listed != eos",
            0,
            "a step after an eos that the lane before has chosen",
            changed(&middle, |i| i[EOS] = i[view(2) + LISTED]),
        ),
        (
            "assert(behind < lanes",
            0,
            "a last block with more keys than lanes",
            changed(&middle, |i| {
                (i[BLOCKS], i[KEYS]) = (Felt::ZERO, Felt::from(10))
            }),
        ),
        (
            "assert(position + lanes.into()",
            0,
            "a carried block more",
            add(BLOCKS),
        ),
    ]
}

/// Every check of the chunk protocol stops an attack that no other check of the program stops. (Of the first two attacks there
/// would be no proof either: the memory has no view of such lanes.)
#[test]
fn requirement_24_every_check_of_the_protocol_is_needed() {
    let program = Compiled::new(&package("model", &schedule(8), Felt::from(5))).expect("compiles");
    let attacks = attacks();
    let chunk = source("chunk.cairo");
    let body = &chunk[chunk.find("pub fn run_chunk").expect("the protocol")..];
    let checks = body.matches("assert(").count() + source("lanes.cairo").matches("assert(").count();
    assert_eq!(checks, attacks.len(), "every check has its attack");
    let honest = honest(&schedule(8), 2, 5, 4);
    let copy = without(None);
    let mut rows = vec![];
    for (check, n, name, input) in &attacks {
        for program in [&program, &copy] {
            let refusal = program.run(input).err().map(|error| error.to_string());
            assert!(
                refusal.is_some_and(|r| r.contains("refuses its input")),
                "{name}: accepted"
            );
        }
        let open = without(Some((check, *n)));
        let accepted = open.run(&honest.input).expect("an honest chunk");
        assert_eq!(accepted.output(), honest.statement.to_output());
        assert!(
            open.run(input).is_ok(),
            "{name}: refused without its check, too"
        );
        rows.push(Row {
            check: format!("`{}…`", check.trim_start_matches("assert(")),
            attack: name.to_string(),
            next: None,
        });
    }
    table::check(
        "necessity of the tensor program's checks",
        &table::necessity(&rows),
    );
}

/// Numbers of the header and of carried blocks have one reading: no other felt solves the same equations.
#[test]
fn requirement_12_numbers_of_the_input_have_one_reading() {
    let program = Compiled::new(&package("model", &schedule(8), Felt::from(5))).expect("compiles");
    let middle = input(&schedule(8), 2, 5, 4);
    let large = Felt::from(1u64 << 32);
    // 8 blocks + 1 = 10, in the field.
    let blocks = Felt::from(9).field_div(&Felt::from(8).try_into().expect("not 0"));
    let lies: [&[(usize, Felt)]; 4] = [
        &[(STEPS, large)],
        &[(PROMPT_LENGTH, large)],
        &[(BLOCKS, blocks), (KEYS, Felt::ONE)],
        &[(BLOCKS, Felt::from(2)), (KEYS, -Felt::from(6))],
    ];
    assert!(program.run(&middle).is_ok());
    for lie in lies {
        let input = changed(&middle, |i| {
            lie.iter().for_each(|&(place, felt)| i[place] = felt)
        });
        let refusal = program.run(&input).err().map(|error| error.to_string());
        assert!(
            refusal.is_some_and(|r| r.contains("refuses its input")),
            "{lie:?}"
        );
    }
}

/// A chunk that no program could prove is refused before it runs.
#[test]
fn chunks_are_refused() {
    let schedule = schedule(8);
    let pins = |prompt: &[u32]| Pins {
        domain: Domain::local(),
        session_id: SessionId(Felt::ONE),
        model_root: ModelRoot(Felt::ONE),
        program_hash: ProgramHash(Felt::ONE),
        policy: Policy::greedy(None),
        prompt: prompt.to_vec(),
        prompt_root: TokensRoot(Felt::ONE),
    };
    let rows = memory(&schedule, 0);
    let start = Frontier::start(&[1]).expect("a prompt");
    let at = |position: u32| Frontier { position, ..start };
    let refused = |prompt: &[u32], first: Frontier, steps: u32, rows: &[Vec<i64>]| {
        chunk(&schedule, &pins(prompt), first, steps, rows).expect_err("no chunk")
    };
    let steps = |steps| ChunkError::Steps { steps, lanes: 8 };
    assert_eq!(refused(&[1], start, 0, &rows), steps(0));
    assert_eq!(refused(&[1], start, 9, &rows), steps(9));
    assert_eq!(refused(&[], start, 1, &rows), ChunkError::Prompt);
    let position = MAX_POSITION + 1;
    assert_eq!(
        refused(&[1], at(position), 1, &rows),
        ChunkError::Position { position }
    );
    let last = MAX_POSITION - 8;
    assert!(chunk(&schedule, &pins(&[1]), at(last), 8, &rows).is_ok());
    let beyond = ChunkError::Context {
        position: last + 1,
        steps: 8,
        context: MAX_POSITION,
    };
    assert_eq!(refused(&[1], at(last + 1), 8, &rows), beyond);
    let missing = ChunkError::Memory {
        address: 147,
        lane: 0,
    };
    assert_eq!(refused(&[1], at(9), 1, &rows[..147]), missing);
    let mut other = rows.clone();
    other[2][0] = -1;
    let token = ChunkError::Token {
        address: 2,
        lane: 0,
        value: -1,
    };
    assert_eq!(refused(&[1], at(9), 1, &other), token);
}

/// A program file of a stranger: words that are said to be others than what runs, so that the hash is that of another program; and a hint
/// that prints what it likes.
#[test]
fn a_program_file_has_calls_where_calls_are() {
    let written = without(None).to_json().expect("a program");
    let honest: Value = serde_json::from_slice(&written).expect("JSON");
    let read = |file: &Value| {
        let text = serde_json::to_vec(file).expect("JSON");
        Compiled::from_json(&text, Path::new("program.json")).map_err(|error| error.to_string())
    };
    assert!(read(&honest).is_ok());

    let mut other = honest.clone();
    other["instructions"]["6"] = 5.into();
    let said = read(&other).expect_err("a word");
    assert!(said.contains("the word 6 is not a call"), "{said}");

    let mut other = honest.clone();
    let hints = &mut other["program"]["executable"]["program"]["hints"][0][1];
    let cell = json!({ "Deref": { "register": "AP", "offset": 0 } });
    let print = json!({ "DebugPrint": { "start": cell, "end": cell } });
    hints.as_array_mut().expect("hints").push(print);
    let said = read(&other).expect_err("a hint");
    assert!(said.contains("it has the hint DebugPrint"), "{said}");
}
