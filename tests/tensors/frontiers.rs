//! Lies about where a chunk begins, where it ends and which tokens it is about: in the program's input, alone and together with what the program
//! compares it with.
//!
//! What the program compares it refuses; what it takes from the memory of tensors fits no row. A model with attention behind carried positions,
//! whose records and chains make the roots.

use std::sync::OnceLock;

use cairo_decode::air::components::relations::{CHAIN, LANES as VIEWS};
use cairo_decode::program::{Roots, Schedule, chunk as program_chunk};
use cairo_decode::tensor::Tensor;
use cairo_decode::tensor::values::compute;
use cairo_decode::verify::statement::StatementError;
use cairo_decode::verify::statement::{Frontier, OUTPUT_FIELDS};
use starknet_types_core::felt::Felt;

use crate::Numbers;
use crate::attention::{Form, NEAR};
use crate::balance::Misfit;
use crate::generated::{Model, names};
use crate::rooted::{Decoded, chains, known};

/// Tokens of the model's 20.
const PROMPT: [u32; 5] = [3, 7, 11, 19, 5];
const CONTEXT: u32 = 24;

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let form = Form { layers: 1, ..NEAR };
        let mut plan = form.plan(&mut Numbers(5));
        let carried: Vec<Tensor> = plan.carried.tensors.iter().map(|of| of.own).collect();
        plan.records(&carried).expect("in range");
        plan.chains().expect("a head");
        let schedule = Schedule::new(&plan, &names(&plan), CONTEXT).expect("all roots");
        Model::of(plan, schedule)
    })
}

/// Decodes so many steps of a prompt behind a chunk of its first block, or from the start.
fn decode_of(prompt: &[u32], before: Option<&Decoded>, steps: usize) -> Decoded {
    let model = model();
    let start = Frontier::start(prompt).expect("a prompt");
    let first = before.map_or(start, |chunk| chunk.statement().frontier_out);
    let mut input = known(prompt, &first, steps);
    if let Some(before) = before {
        assert_eq!(before.statement().frontier_in.position, 0, "one block");
        input.chains = chains(model, before);
        let last = before.statement().steps as usize - 1;
        let row = |address: u32| &before.values.rows[address as usize];
        let own = model.plan.carried.tensors.iter();
        let own = own.flat_map(|tensor| tensor.own.addresses());
        let row = |address: u32| {
            let mut lanes = row(address).clone();
            lanes[last + 1..].fill(0);
            lanes
        };
        input.carried = own.map(row).collect();
    }
    let values = compute(&model.plan, &input).expect("no stream");
    let pins = model.pins(prompt);
    let chunk = program_chunk(&model.schedule, &pins, first, steps as u32, &values.rows);
    Decoded {
        values,
        chunk: chunk.expect("a chunk"),
    }
}

fn decode(before: Option<&Decoded>, steps: usize) -> Decoded {
    decode_of(&PROMPT, before, steps)
}

/// The chunk under attack: positions 3 to 6, of which the prompt gives the next token once.
fn attacked() -> &'static Decoded {
    static ATTACKED: OnceLock<Decoded> = OnceLock::new();
    ATTACKED.get_or_init(|| {
        let second = decode(Some(&decode(None, 3)), 4);
        let run = model().rows(&second.values, &second.chunk.input);
        let run = run.expect("an honest input");
        assert_eq!(run.output, second.statement().to_output());
        assert_eq!(run.misfit(), None);
        assert_eq!(second.statement().forced_count(), 1);
        second
    })
}

/// Places in an input.
const EOS: usize = 3;
const PROMPT_ROOT: usize = 4;
const PROMPT_LENGTH: usize = 5;
const STEPS: usize = 6;
const POSITION: usize = 7;
const TOKEN: usize = 8;
const ROOTS: usize = 9;
const BLOCKS: usize = 12;
const KEYS: usize = 13;
/// The view of the first lane, whose last row comes first: the token that it consumes, its listed choice, the token that it chooses.
const LANE: usize = 14;
const GIVEN: usize = 7;
const LISTED: usize = 6;
const CHOSEN: usize = 5;

/// The view of a lane behind so many forced ones.
fn lane(lane: usize, forced: usize) -> usize {
    LANE + 8 * lane + lane.min(forced)
}

/// Where the first number of a root's view is: of seven, the prompt's end, three before the chunk, three after it.
fn root(input: &[Felt], number: usize) -> usize {
    input.len() - 56 + 8 * number + 7
}

fn with(input: &[Felt], changes: &[(usize, Felt)]) -> Vec<Felt> {
    let mut changed = input.to_vec();
    changes
        .iter()
        .for_each(|&(place, felt)| changed[place] = felt);
    assert_ne!(changed, input, "the attack changes something");
    changed
}

/// The program refuses the input, by one of its own checks.
fn refuses(attack: &str, input: &[Felt]) {
    let refused = model().program.run(input).err();
    let reason = refused.map(|refused| refused.to_string());
    assert!(
        reason.is_some_and(|reason| reason.contains("refuses its input")),
        "{attack}: accepted"
    );
}

/// The program runs and states something else than the honest chunk in these fields; its calls and reads fit no rows by this relation.
fn fits_nothing(attack: &str, of: &Decoded, input: &[Felt], relation: u32, fields: &[&str]) {
    let run = model().rows(&of.values, input).expect(attack);
    let honest = of.statement().to_output();
    let differs = |&i: &usize| run.output[i] != honest[i];
    let found = (0..honest.len()).filter(differs);
    let found: Vec<&str> = found.map(|i| OUTPUT_FIELDS[i]).collect();
    assert_eq!(found, fields, "{attack}");
    let Misfit { open, .. } = run.misfit().expect("rows that do not fit");
    assert!(
        !open.is_empty() && open.iter().all(|of| *of == relation),
        "{attack}: {open:?}"
    );
}

/// Attack: each of the frontier's five parts changed alone; and together with what the program compares it with. Stopped by: the checks of the program;
/// the rows of the memory, which has other tokens, other roots and other positions.
#[test]
fn requirement_02_each_part_of_the_frontier() {
    let of = attacked();
    let input = &of.chunk.input;
    let one = Felt::ONE;
    // The position: with the number of carried keys that it would have, the calls are about another number of positions.
    for position in [0u64, 1, 2, 4, 5, 8, 1 << 31, 1 << 32] {
        refuses("a position", &with(input, &[(POSITION, position.into())]));
    }
    refuses("a negative position", &with(input, &[(POSITION, -one)]));
    let later = [(POSITION, input[POSITION] + one), (KEYS, input[KEYS] + one)];
    refuses(
        "a position later, where the prompt is over",
        &with(input, &later),
    );
    // As far as the program is concerned a longer prompt may go with it.
    let longer = [(PROMPT_LENGTH, input[PROMPT_LENGTH] + one)];
    let fields = [
        "statement.prompt_length",
        "statement.frontier_in.position",
        "statement.frontier_out.position",
    ];
    let moved = with(input, &[&later[..], &longer].concat());
    fits_nothing("a position later", of, &moved, CHAIN.0, &fields);
    // The token.
    for token in [0u64, 1, 20, 255, 1 << 31, (1 << 32) + 19] {
        refuses("a token", &with(input, &[(TOKEN, token.into())]));
    }
    refuses("a negative token", &with(input, &[(TOKEN, -one)]));
    let given = lane(0, 1) + GIVEN;
    assert_eq!(input[given], input[TOKEN]);
    let other = [(TOKEN, Felt::from(4)), (given, Felt::from(4))];
    let field = ["statement.frontier_in.last_token"];
    fits_nothing("another token", of, &with(input, &other), VIEWS.0, &field);
    // The roots of keys and values, of tokens, of choices: before the chunk, and the view that the program reads.
    let fields = [
        "statement.frontier_in.kv_root",
        "statement.frontier_in.tokens_root",
        "statement.frontier_in.chosen_root",
    ];
    for (i, field) in fields.into_iter().enumerate() {
        let place = ROOTS + i;
        for felt in [input[place] + one, Felt::ZERO, input[ROOTS + (i + 1) % 3]] {
            refuses(field, &with(input, &[(place, felt)]));
        }
        let view = root(input, 1 + i);
        let both = [(place, input[place] + one), (view, input[view] + one)];
        fits_nothing(field, of, &with(input, &both), VIEWS.0, &[field]);
    }
    // What is carried: blocks and keys of another number of positions.
    for (blocks, keys) in [(0u64, 8u64), (0, 3), (1, 4), (2, 3)] {
        let lie = [(BLOCKS, blocks.into()), (KEYS, keys.into())];
        if (input[BLOCKS], input[KEYS]) != (lie[0].1, lie[1].1) {
            refuses("other blocks", &with(input, &lie));
        }
    }
}

/// Attack: what is stated of the frontier after the chunk: a position left out or repeated, another last token, a root that another chunk has.
/// Stopped by: the program computes them, or reads them from the memory; its output is the statement.
#[test]
fn requirement_04_one_position_and_these_lanes_rows() {
    let of = attacked();
    let input = &of.chunk.input;
    let output = of.statement().to_output();
    let shorter = decode(Some(&decode(None, 3)), 3);
    let out = |of: &Decoded| of.statement().frontier_out;
    assert_eq!(out(&shorter).position + 1, out(of).position);
    type Change<'a> = (&'a dyn Fn(&mut Frontier), &'a str);
    let changes: [Change<'_>; 5] = [
        (&|f| f.position += 1, "statement.frontier_out.position"),
        (&|f| f.position -= 1, "statement.frontier_out.position"),
        (
            &|f| f.kv_root = out(&shorter).kv_root,
            "statement.frontier_out.kv_root",
        ),
        (
            &|f| f.kv_root = of.statement().frontier_in.kv_root,
            "statement.frontier_out.kv_root",
        ),
        (
            &|f| f.last_token = (f.last_token + 1) % 20,
            "statement.frontier_out.last_token",
        ),
    ];
    for (change, expected) in changes {
        let mut claimed = of.statement().clone();
        change(&mut claimed.frontier_out);
        match claimed.compare(&output, claimed.program_hash.0) {
            Err(StatementError::Differs { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    // The same by the input: the roots after the last lane are views of it.
    let fields = [
        "statement.frontier_out.kv_root",
        "statement.frontier_out.tokens_root",
        "statement.frontier_out.chosen_root",
    ];
    for (i, field) in fields.into_iter().enumerate() {
        let view = root(input, 4 + i);
        let other = with(input, &[(view, input[view] + Felt::ONE)]);
        fits_nothing(field, of, &other, VIEWS.0, &[field]);
    }
    // Those of another lane, which the memory has: a step less than is stated.
    let mut other = input.clone();
    let last = input.len() - 24;
    let of_shorter = &shorter.chunk.input[shorter.chunk.input.len() - 24..];
    other[last..].copy_from_slice(of_shorter);
    fits_nothing("the lane before", of, &other, VIEWS.0, &fields);
}

/// Attack: a session that starts with keys, values, tokens or choices from nowhere, or with another first token. Stopped by: the checks at position 0; the
/// memory.
#[test]
fn requirement_21_first_frontier() {
    let of = decode(None, 2);
    let input = &of.chunk.input;
    let roots = input.len() - 48;
    for i in 0..3 {
        assert_eq!(input[ROOTS + i], Felt::ZERO);
        let carried = [(ROOTS + i, Felt::ONE)];
        refuses("a root", &with(input, &carried));
        let both = [carried[0], (roots + 8 * i + 7, Felt::ONE)];
        refuses("a root that the views have", &with(input, &both));
    }
    refuses("another first token", &with(input, &[(TOKEN, 5u64.into())]));
    let given = lane(0, 2) + GIVEN;
    let both = [(TOKEN, Felt::from(5)), (given, Felt::from(5))];
    let field = ["statement.frontier_in.last_token"];
    fits_nothing(
        "another first token",
        &of,
        &with(input, &both),
        VIEWS.0,
        &field,
    );
}

/// Attack: another prompt, or another length of it. Stopped by: the next lane consumes the forced token; the chain of tokens where the prompt ends has to be
/// the prompt's root; the input has one token per forced step.
#[test]
fn requirement_21_prompt() {
    let of = attacked();
    let input = &of.chunk.input;
    let one = Felt::ONE;
    let forced = lane(0, 1) + 8;
    assert_eq!(input[forced], Felt::from(PROMPT[4]));
    for token in [0u64, 1, 3, 7, 20, 1 << 32] {
        refuses("a forced token", &with(input, &[(forced, token.into())]));
    }
    let next = lane(1, 1) + GIVEN;
    let both = [(forced, Felt::from(4)), (next, Felt::from(4))];
    fits_nothing("a forced token", of, &with(input, &both), VIEWS.0, &[]);
    let mut dropped = input.clone();
    dropped.remove(forced);
    refuses("a forced token dropped", &dropped);
    let mut added = input.clone();
    added.insert(forced, input[forced]);
    refuses("a forced token added", &added);
    refuses("a felt behind the input", &[&input[..], &[one]].concat());
    refuses(
        "another root",
        &with(input, &[(PROMPT_ROOT, input[PROMPT_ROOT] + one)]),
    );
    let end = root(input, 0);
    let both = [
        (PROMPT_ROOT, input[PROMPT_ROOT] + one),
        (end, input[end] + one),
    ];
    let field = ["statement.prompt_root"];
    fits_nothing("another root", of, &with(input, &both), VIEWS.0, &field);
    for length in [0u64, 1, 2, 3, 4, 6, 7, 1 << 32] {
        refuses("a length", &with(input, &[(PROMPT_LENGTH, length.into())]));
    }
    refuses("a negative length", &with(input, &[(PROMPT_LENGTH, -one)]));
    // The model's own choice, passed off as a longer prompt's token: behind its lane's view, and not listed.
    let view = lane(1, 1);
    let mut longer = with(
        input,
        &[(PROMPT_LENGTH, 6u64.into()), (view + LISTED, Felt::ZERO)],
    );
    longer.insert(view + 8, input[view + CHOSEN]);
    let field = ["statement.prompt_length"];
    fits_nothing("a chosen token as forced", of, &longer, VIEWS.0, &field);
}

/// As where a session starts, where the prompt's first token is also its last.
#[test]
fn requirement_21_prompt_of_one_token() {
    let of = decode_of(&[3], None, 1);
    let input = &of.chunk.input;
    let run = model().rows(&of.values, input).expect("an honest input");
    assert_eq!(run.output, of.statement().to_output());
    assert_eq!(run.misfit(), None);
    let one = Felt::ONE;
    refuses(
        "another root",
        &with(input, &[(PROMPT_ROOT, input[PROMPT_ROOT] + one)]),
    );
    let end = root(input, 0);
    let both = [
        (PROMPT_ROOT, input[PROMPT_ROOT] + one),
        (end, input[end] + one),
    ];
    let field = ["statement.prompt_root"];
    fits_nothing("another root", &of, &with(input, &both), VIEWS.0, &field);
    let token = [(TOKEN, Felt::from(5)), (lane(0, 0) + GIVEN, Felt::from(5))];
    let field = ["statement.frontier_in.last_token"];
    fits_nothing("another token", &of, &with(input, &token), VIEWS.0, &field);
}

/// Attack: another number of steps. Stopped by: the input has a view for each lane and the roots of the last one. A chunk that is one step shorter, with an
/// input of its own, is the honest other chunk, whose rows are the same.
#[test]
fn requirement_22_steps() {
    let of = attacked();
    let input = &of.chunk.input;
    for steps in [0u64, 1, 2, 3, 5, 7, 8, 9, 1 << 32] {
        refuses("steps", &with(input, &[(STEPS, steps.into())]));
    }
    refuses("negative steps", &with(input, &[(STEPS, -Felt::ONE)]));
    let first = decode(None, 3);
    for steps in [1, 2, 3, 5] {
        let other = decode(Some(&first), steps);
        let run = model()
            .rows(&of.values, &other.chunk.input)
            .expect("it runs");
        assert_eq!(run.output, other.statement().to_output());
        assert_eq!(run.misfit(), None, "the rows are the same");
        assert_eq!(other.statement().steps as usize, steps);
        assert_ne!(run.output, of.statement().to_output());
    }
}

/// Attack: a step after the policy's end of sequence. Stopped by: the checks before every step whose token the model chose.
#[test]
fn requirement_14_end_of_sequence() {
    let chosen =
        |of: &Decoded, lane: usize| of.values.rows[model().plan.tokens.chosen as usize][lane];
    // A prompt behind which the model chooses different tokens, none of them the prompt's last.
    let found = (0..20).find_map(|last| {
        let prompt = [3, 7, 11, 19, last];
        let first = decode_of(&prompt, None, 3);
        let of = decode_of(&prompt, Some(&first), 4);
        let choices = [1, 2, 3].map(|lane| chosen(&of, lane));
        let differ =
            choices[0] != choices[1] && choices[1] != choices[2] && choices[0] != choices[2];
        (differ && !choices.contains(&last.into())).then_some((prompt, of, choices))
    });
    let (prompt, of, choices) = found.expect("such a prompt");
    let input = &of.chunk.input;
    let eos = |token: i64| with(input, &[(EOS, Felt::from(token) + Felt::ONE)]);
    for choice in &choices[..2] {
        refuses("a step after eos", &eos(*choice));
    }
    // As the last token, and as the prompt's, which nobody chose, it may be there.
    for token in [choices[2], prompt[4].into()] {
        let run = model().rows(&of.values, &eos(token)).expect("accepted");
        let honest = of.statement().to_output();
        let found = (0..honest.len()).filter(|i| run.output[*i] != honest[*i]);
        let found: Vec<&str> = found.map(|i| OUTPUT_FIELDS[i]).collect();
        assert_eq!((found, run.misfit()), (vec!["statement.policy.eos"], None));
    }
    // A chunk that starts with a chosen end of sequence.
    let first = decode_of(&prompt, None, 6);
    let after = decode_of(&prompt, Some(&first), 1);
    let token = after.chunk.input[TOKEN];
    let run = model().rows(&after.values, &after.chunk.input);
    assert_eq!(run.expect("an honest input").misfit(), None);
    refuses(
        "a chunk after eos",
        &with(&after.chunk.input, &[(EOS, token + Felt::ONE)]),
    );
}

/// The same model with a shorter context and another root.
fn other() -> &'static Model {
    static OTHER: OnceLock<Model> = OnceLock::new();
    OTHER.get_or_init(|| {
        let own = model();
        let mut schedule = own.schedule.clone();
        schedule.context = 6;
        Model::with_root(own.plan.clone(), schedule, own.root + Felt::ONE)
    })
}

/// Attack: a position outside the context, with everything else as it would be. Stopped by: the program's check; and by the table of a context, which has no
/// row of it (`position_lies`).
#[test]
fn requirement_13_a_position_outside_the_context() {
    // Up to the last position, and one beyond it.
    let within = decode(Some(&decode(None, 3)), 3);
    assert_eq!(within.statement().frontier_out.position, 6);
    assert!(other().program.run(&within.chunk.input).is_ok());
    let refused = other().program.run(&attacked().chunk.input).err();
    let refused = refused.expect("beyond the context").to_string();
    assert!(refused.contains("refuses its input"), "{refused}");
}

/// Attack: another model's root on this program, and this model's on another. Stopped by: the root is in the program, which outputs it, and has another hash with
/// another root.
#[test]
fn requirement_23_model_root() {
    let of = decode(Some(&decode(None, 3)), 3);
    assert_ne!(other().program.hash(), model().program.hash());
    let run = other().program.run(&of.chunk.input).expect("it runs");
    let honest = of.statement().to_output();
    let found: Vec<&str> = (0..honest.len())
        .filter(|i| run.output()[*i] != honest[*i])
        .map(|i| OUTPUT_FIELDS[i])
        .collect();
    assert_eq!(found, ["statement.model_root"]);
    // By the program's hash, and if somebody takes the other program for this one, by the root.
    let hashes = [
        (other().program.hash(), "statement.program_hash"),
        (of.statement().program_hash.0, "statement.model_root"),
    ];
    for (hash, expected) in hashes {
        match of.statement().compare(run.output(), hash) {
            Err(StatementError::Differs { field, .. }) => assert_eq!(field, expected),
            other => panic!("{other:?}"),
        }
    }
}

/// Attack: the elements of a carried position in another order, any two of them; and two positions. Stopped by: the root of keys and values, which the rows of
/// `record` make of them in their order.
#[test]
fn requirement_34_carried_elements() {
    let of = attacked();
    let plan = &model().plan;
    let Roots { before, .. } = Roots::of(plan).expect("roots");
    let root = |carried: &[Vec<i64>]| -> Vec<i64> {
        let mut chunk = of.values.chunk.clone();
        chunk.carried = carried.to_vec();
        let values = compute(plan, &chunk).expect("no stream");
        let view = before.kv as usize..before.kv as usize + 8;
        values.rows[view].iter().map(|row| row[0]).collect()
    };
    let honest = &of.values.chunk.carried;
    let own = root(honest);
    let mut count = 0;
    let mut differs = |what: String, change: &dyn Fn(&mut Vec<Vec<i64>>)| {
        let mut carried = honest.clone();
        change(&mut carried);
        if carried != *honest {
            assert_ne!(root(&carried), own, "{what}");
            count += 1;
        }
    };
    for position in 0..3 {
        for a in 0..honest.len() {
            for b in a + 1..honest.len() {
                differs(format!("{a} and {b} of position {position}"), &|rows| {
                    let [first, second] = [a, b].map(|row| rows[row][position]);
                    (rows[a][position], rows[b][position]) = (second, first);
                });
            }
        }
    }
    differs("two positions".to_string(), &|rows| {
        rows.iter_mut().for_each(|row| row.swap(0, 2))
    });
    assert!(count > 100, "{count} pairs");
}

/// Inputs that are no input at all.
#[test]
fn malformed_inputs() {
    let input = &attacked().chunk.input;
    for length in 0..input.len() {
        refuses("a shorter input", &input[..length]);
    }
    refuses("zeros", &vec![Felt::ZERO; input.len()]);
    refuses("minus ones", &vec![-Felt::ONE; input.len()]);
}
