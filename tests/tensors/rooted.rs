//! Generated programs of plans whose operations make the roots: chunks of a session follow from each other by their frontiers.

use cairo_decode::air::components::relations::LANES as VIEWS;
use cairo_decode::air::components::tokens::CHAINS;
use cairo_decode::air::layout::Layouts;
use cairo_decode::air::verify::verify;
use cairo_decode::program::Roots;
use cairo_decode::spec::poseidon2::Digest;
use cairo_decode::spec::program_hash::program_hash;
use cairo_decode::spec::token_chain::{EMPTY, append};
use cairo_decode::tensor::values::{Values, compute};
use cairo_decode::tensor::{self, Tensor};
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::statement::{Frontier, Statement, packed};
use starknet_types_core::felt::Felt;

use crate::digests::digested;
use crate::generated::{Model, shown};

pub const PROMPT: [u32; 5] = [3, 7, 31, 39, 5];
pub const LANES: usize = 8;

pub fn model() -> Model {
    let (plan, ..) = digested(LANES, &[16, 24], 7, 1);
    let model = Model::new(plan);
    assert!(model.schedule.roots.is_some());
    model
}

/// A chunk as it was decoded.
pub struct Decoded {
    pub values: Values,
    pub chunk: cairo_decode::program::Chunk,
}

impl Decoded {
    pub fn statement(&self) -> &Statement {
        &self.chunk.statement
    }
}

/// What so many steps of a prompt put into the plan: the tokens that are known come in together.
pub fn known(prompt: &[u32], first: &Frontier, steps: usize) -> tensor::Chunk {
    let position = first.position as usize;
    let forced = (prompt.len() - 1).saturating_sub(position).min(steps);
    let next = prompt.iter().skip(position + 1).take(forced);
    let mut tokens: Vec<u32> = [first.last_token].iter().chain(next).copied().collect();
    tokens.truncate(LANES);
    tensor::Chunk {
        tokens,
        position: first.position,
        forced,
        ..Default::default()
    }
}

/// The chains of tokens and choices behind a chunk.
pub fn chains(model: &Model, before: &Decoded) -> [Digest; CHAINS] {
    let Roots { after, .. } = Roots::of(&model.plan).expect("roots");
    let last = before.statement().steps as usize - 1;
    let row = |address: u32| &before.values.rows[address as usize];
    let digest = |view: u32| std::array::from_fn(|i| row(view + i as u32)[last] as u32);
    [after.tokens, after.chosen].map(digest)
}

/// Decodes so many steps behind a chunk, or from the start.
pub fn decode(model: &Model, before: Option<&Decoded>, steps: usize) -> Decoded {
    let start = Frontier::start(&PROMPT).expect("a prompt");
    let first = before.map_or(start, |chunk| chunk.statement().frontier_out);
    let mut input = known(&PROMPT, &first, steps);
    if let Some(before) = before {
        input.chains = chains(model, before);
        let row = |address: u32| &before.values.rows[address as usize];
        let records = &model.plan.recorded().expect("records").tensors;
        let own = records.iter().flat_map(Tensor::addresses);
        input.carried = own.map(|address| row(address).clone()).collect();
    }
    let values = compute(&model.plan, &input).expect("no stream");
    let chunk = model.chunk(&PROMPT, first, steps, &values);
    Decoded { values, chunk }
}

/// The chain of some numbers.
fn chain(numbers: impl IntoIterator<Item = u32>) -> Felt {
    let numbers = numbers.into_iter();
    packed(&numbers.fold(EMPTY, |chain, number| append(&chain, number)))
}

/// Two chunks of a session, and one of both: the programs state what the roots of tokens say, the calls fit, the frontiers meet, and
/// a chunk cut elsewhere ends in the same frontier.
#[test]
fn frontiers_follow_from_each_other() {
    let model = model();
    // The prompt's end is in the first chunk, between two chunks, and in the second one.
    for cut in [3, 4, 5, 6] {
        let first = decode(&model, None, cut);
        let second = decode(&model, Some(&first), 7 - cut);
        let whole = decode(&model, None, 7);
        for decoded in [&first, &second, &whole] {
            let run = model
                .rows(&decoded.values, &decoded.chunk.input)
                .expect("it runs");
            assert_eq!(run.output, decoded.statement().to_output(), "cut {cut}");
            assert_eq!(run.misfit(), None, "cut {cut}");
        }
        let out = whole.statement().frontier_out;
        assert_eq!(
            second.statement().frontier_in,
            first.statement().frontier_out
        );
        assert_eq!(second.statement().frontier_out, out, "cut {cut}");
        // What the roots are of.
        let row = |address: u32| {
            whole.values.rows[address as usize][..7]
                .iter()
                .map(|&t| t as u32)
        };
        let given: Vec<u32> = row(model.plan.tokens.given).collect();
        assert_eq!(given[..5], PROMPT);
        assert_eq!(out.tokens_root.0, chain(given));
        let chosen = row(model.plan.tokens.chosen).skip(4).map(|token| token + 1);
        assert_eq!(out.chosen_root.0, chain([0; 4].into_iter().chain(chosen)));
    }
}

/// A proof of a chunk that carries positions shows the statement, roots and all.
#[test]
fn a_chunk_with_roots_is_proven() {
    let model = model();
    let first = decode(&model, None, 3);
    let second = decode(&model, Some(&first), 4);
    let run = model
        .rows(&second.values, &second.chunk.input)
        .expect("it runs");
    let layout = run.constants.layout.clone();
    let proven = run.prove();
    let layouts = Layouts::from(&layout);
    verify(
        proven.proof.clone(),
        (&layouts, &proven.tensors),
        &PLAIN.fixed(),
    )
    .expect("verifies");
    let [words, output] = shown(&proven.proof);
    second
        .statement()
        .compare(&output, program_hash(&words))
        .expect("what was stated");
    // No instruction of the program reads these tables.
    let claim = &proven.proof.claim;
    assert!(claim.range_check_20.is_none() && claim.verify_bitwise_xor_9.is_none());
}

/// Another root is stated by a run whose input says so, and fits no view: before the chunk, after it, and where the prompt ends.
#[test]
fn requirement_02_other_roots_than_the_memorys_do_not_fit() {
    let model = model();
    let first = decode(&model, None, 3);
    let second = decode(&model, Some(&first), 4);
    let honest = &second.chunk.input;
    // The end of the input: the prompt's end; three views before the chunk; three after it.
    for root in 0..7 {
        let place = honest.len() - 56 + 8 * root + 7;
        let mut input = honest.clone();
        input[place] += Felt::ONE;
        let refused = model.rows(&second.values, &input).err();
        // Those of the header are compared.
        match root {
            0 => input[4] += Felt::ONE,
            1..=3 => input[8 + root] += Felt::ONE,
            _ => assert_eq!(refused, None),
        }
        let run = model.rows(&second.values, &input).expect("it runs");
        assert_ne!(run.output, second.statement().to_output());
        let open = run.misfit().map(|misfit| misfit.open);
        assert_eq!(open, Some(vec![VIEWS.0; 2]), "root {root}");
        let compared = refused.is_some_and(|refused| refused.contains("refuses its input"));
        assert_eq!(compared, root < 4, "root {root}");
    }
}
