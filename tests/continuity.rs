//! Requirements 3 and 5: how a session is cut into chunks is a choice, and what a session's folder keeps is all that the rest of the session
//! depends on.

#[path = "support/identity.rs"]
mod identity;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/small.rs"]
mod small;

use std::path::Path;
use std::sync::LazyLock;

use cairo_decode::decode::{DecodeError, Decoded, Decoder, IntegerModel, Session};
use cairo_decode::integers::encode;
use cairo_decode::program::Compiled;
use cairo_decode::receipt::{Document, Manifest};
use cairo_decode::spec::record;
use cairo_decode::verify::statement::{ChosenRoot, Domain, KvRoot, SessionId, TokensRoot};
use cairo_decode::verify::statement::{Frontier, OUTPUT_LEN, Statement, extended, packed};
use model_dir::{Random, random_model};
use small::{CONTEXT, LANES, SHAPE, Small, recomputed, small};
use starknet_types_core::felt::Felt;

static MODELS: LazyLock<[Small; 2]> = LazyLock::new(|| [3, 4].map(small));

/// Where the public output of a chunk has its frontiers.
const FRONTIERS: [std::ops::Range<usize>; 2] = [12..17, 17..OUTPUT_LEN];

fn session<'a>(decoder: &'a Decoder, prompt: &[u32]) -> Session<'a> {
    let id = SessionId(Felt::from(7));
    Session::new(decoder, Domain::local(), id, prompt.to_vec()).expect("a prompt")
}

fn prompt(random: &mut Random, length: usize) -> Vec<u32> {
    let token = |_| (random.next() % SHAPE.vocab as u64) as u32;
    (0..length).map(token).collect()
}

/// All chunks of `steps` steps, `size` at a time.
fn chunks(session: &mut Session<'_>, steps: usize, size: usize) -> Vec<Decoded> {
    let mut chunks = vec![];
    let mut left = steps;
    while left > 0 {
        let decoded = session.decode(size.min(left)).expect("a chunk");
        session.advance(&decoded);
        left -= size.min(left);
        chunks.push(decoded);
    }
    chunks
}

/// The tokens behind a session's first one.
fn tokens(chunks: &[Decoded]) -> Vec<u32> {
    let lists = chunks
        .iter()
        .flat_map(|c| c.forced.iter().chain(&c.emitted));
    lists.copied().collect()
}

/// The root of a chain of these numbers.
fn chain(numbers: impl IntoIterator<Item = u32>) -> Felt {
    extended(Felt::ZERO, numbers.into_iter().map(u64::from)).expect("numbers of a chain")
}

/// What the reference says of a session of so many steps, computed on the whole prefix for every step: the tokens behind the
/// prompt's first, and the last frontier, whose roots are hashed from all that is carried.
fn reference(model: &Small, prompt: &[u32], steps: usize) -> (Vec<u32>, Frontier) {
    let (all, carried) = recomputed(&model.description, prompt, steps);
    let packing = model.build.plan.recorded().expect("records").packing;
    let record = |position: usize| -> Vec<i64> {
        let lists = carried.keys.iter().zip(&carried.values);
        let lists = lists.filter(|(keys, _)| !keys.is_empty());
        lists
            .flat_map(|(keys, values)| [&keys[position][..], &values[position]].concat())
            .collect()
    };
    let root = (0..steps).fold(record::EMPTY, |root, position| {
        record::append(&root, &record(position), packing)
    });
    let listed = (0..steps).map(|position| match position + 1 < prompt.len() {
        true => 0,
        false => all[position + 1] + 1,
    });
    let frontier = Frontier {
        position: steps as u32,
        last_token: all[steps],
        kv_root: KvRoot(packed(&root)),
        tokens_root: TokensRoot(chain(all[..steps].iter().copied())),
        chosen_root: ChosenRoot(chain(listed)),
    };
    (all[1..].to_vec(), frontier)
}

/// Requirement 3: chunks of every size, from one step to as many as a proof has, and the recomputation of the whole prefix
/// have the same tokens and the same last frontier; every chunk starts where the one before it ended (requirement 18).
#[test]
fn requirement_03_chunking_changes_nothing() {
    for (seed, model) in MODELS.iter().enumerate() {
        let mut random = Random(100 + seed as u64);
        for length in [1, 2, 5, 11] {
            let prompt = prompt(&mut random, length);
            let steps = 10 + random.next() as usize % 10;
            let (expected, last) = reference(model, &prompt, steps);
            for size in 1..=LANES {
                let mut session = session(&model.build, &prompt);
                let mut frontier = *session.frontier();
                assert_eq!(Some(frontier), Frontier::start(&prompt));
                let chunks = chunks(&mut session, steps, size);
                assert_eq!(
                    tokens(&chunks),
                    expected,
                    "model {seed}, {length} of {steps}, by {size}"
                );
                for chunk in &chunks {
                    let statement = chunk.statement();
                    assert_eq!(statement.frontier_in, frontier, "in(t+1) = out(t)");
                    frontier = statement.frontier_out;
                    let moved = frontier.position - statement.frontier_in.position;
                    assert_eq!(moved, statement.steps, "one position per step");
                    assert_eq!(statement.forced_count() as usize, chunk.forced.len());
                    assert_eq!(statement.emitted_count() as usize, chunk.emitted.len());
                    assert_eq!(statement.check_form(), Ok(()));
                }
                assert_eq!(
                    frontier, last,
                    "model {seed}, {length} of {steps}, by {size}"
                );
                assert_eq!(*session.frontier(), last);
            }
        }
    }
}

/// Requirement 3 for the program itself: run on chunks of one, two, three and eight steps, it states the same last frontier and the
/// same tokens.
#[test]
fn requirement_03_the_program_agrees_however_it_is_cut() {
    let model = &MODELS[0];
    let mut random = Random(12);
    for length in [1, 3, 10] {
        let prompt = prompt(&mut random, length);
        let steps = 12;
        let (expected, last) = reference(model, &prompt, steps);
        for size in [1, 2, 3, 8] {
            let mut session = session(&model.build, &prompt);
            let chunks = chunks(&mut session, steps, size);
            assert_eq!(tokens(&chunks), expected);
            let outputs: Vec<Vec<Felt>> = chunks
                .iter()
                .map(|decoded| {
                    let run = model.build.program.run(&decoded.chunk.input);
                    let run = run.expect("an honest chunk");
                    assert_eq!(run.output(), decoded.statement().to_output());
                    run.output().to_vec()
                })
                .collect();
            let [from, to] = FRONTIERS;
            for pair in outputs.windows(2) {
                let [before, behind] = [&pair[0][to.clone()], &pair[1][from.clone()]];
                assert_eq!(before, behind, "the program's own out(t) = in(t+1)");
            }
            let end = &outputs.last().expect("a chunk")[to];
            let expected = [
                last.position.into(),
                last.last_token.into(),
                last.kv_root.0,
                last.tokens_root.0,
                last.chosen_root.0,
            ];
            assert_eq!(*end, expected);
        }
    }
}

/// What a build's folder has, read back: as a new process does.
fn reopened(model: &Small, seed: u64) -> Decoder {
    let text = model.build.manifest.to_json().expect("a manifest");
    let manifest = Manifest::from_json(text.as_bytes()).expect("a manifest");
    let bytes = encode(&model.description).expect("bytes");
    let of = random_model(&SHAPE, seed);
    let digests = [&of.config_digest, &of.tokenizer_digest];
    let integers = IntegerModel::open(manifest, &bytes, digests).expect("the manifest's model");
    let program = model.build.program.to_json().expect("JSON");
    let program = Compiled::from_json(&program, Path::new("program.json")).expect("a program");
    Decoder::new(integers, program).expect("a build")
}

/// Requirement 5: a session's folder keeps the prompt and what the chunks so far state. A decoder that is read from a build's files
/// goes on from that after any number of steps, however they were cut, with the same remaining chunks: values, inputs and statements.
#[test]
fn requirement_05_a_saved_state_is_all_there_is() {
    let model = &MODELS[0];
    let decoder = reopened(model, 3);
    let mut random = Random(22);
    for length in [1, 4, 10] {
        let prompt = prompt(&mut random, length);
        for before in [0, 1, 2, 5, 7, 8, 9, 15, 16] {
            let mut whole = session(&model.build, &prompt);
            let saved = chunks(&mut whole, before, 3);
            let stated: Option<&Statement> = saved.last().map(Decoded::statement);
            let mut resumed = session(&decoder, &prompt);
            let again = chunks(&mut resumed, before, LANES);
            // The state that was saved is the one that is reached.
            assert_eq!(tokens(&again), tokens(&saved));
            let start = Frontier::start(&prompt).expect("a prompt");
            let frontier = stated.map_or(start, |statement| statement.frontier_out);
            assert_eq!(
                (*resumed.frontier(), *whole.frontier()),
                (frontier, frontier)
            );
            for steps in [1, 4, 3] {
                let [a, b] = [&mut whole, &mut resumed].map(|session| {
                    let decoded = session.decode(steps).expect("a chunk");
                    session.advance(&decoded);
                    decoded
                });
                assert_eq!(a.chunk.input, b.chunk.input);
                assert_eq!(a.statement(), b.statement());
                assert_eq!(a.values.rows, b.values.rows);
                assert_eq!((a.forced, a.emitted), (b.forced, b.emitted));
            }
        }
    }
}

/// The decoder of a policy with another end of sequence: neither the program nor the plan depends on it.
fn ending(seed: u64, eos: u32) -> Decoder {
    let mut decoder = reopened(&MODELS[0], seed);
    decoder.manifest.model.policy.eos = Some(eos);
    decoder
}

/// A session ends with the end of sequence that the model chose, also for whoever goes on with it, and not with one that
/// the prompt contains.
#[test]
fn end_of_sequence_ends_a_session() {
    let prompt = [3, 1, 4];
    let free = tokens(&chunks(&mut session(&MODELS[0].build, &prompt), 14, LANES));
    let free = &free[prompt.len() - 1..];
    // Tokens that the model repeats nowhere before.
    for (n, &eos) in free.iter().enumerate() {
        if free[..n].contains(&eos) {
            continue;
        }
        let decoder = ending(3, eos);
        for size in [1, 5, LANES] {
            let mut session = session(&decoder, &prompt);
            let mut emitted = vec![];
            while session.ended().is_none() {
                let decoded = session.decode(size).expect("a chunk");
                session.advance(&decoded);
                emitted.extend(decoded.emitted);
            }
            assert_eq!(emitted, free[..=n], "fewer steps than asked for");
            assert_eq!(session.frontier().position as usize, 2 + n + 1);
            assert!(matches!(session.decode(1), Err(DecodeError::End(_))));
        }
    }
    for eos in prompt {
        let decoder = ending(3, eos);
        let mut session = session(&decoder, &prompt);
        let decoded = session.decode(2).expect("a chunk");
        session.advance(&decoded);
        assert_eq!(decoded.forced, prompt[1..]);
        assert_eq!(session.ended(), None);
    }
}

/// A session ends where the context does; what does not fit is refused at once.
#[test]
fn the_context_ends_a_session() {
    let build = &MODELS[0].build;
    let mut whole = session(build, &[3, 1, 4]);
    while whole.ended().is_none() {
        let decoded = whole.decode(7).expect("a chunk");
        whole.advance(&decoded);
    }
    assert_eq!(whole.frontier().position as usize, CONTEXT);
    assert!(matches!(whole.decode(1), Err(DecodeError::End(_))));

    let id = SessionId(Felt::ONE);
    let start = |prompt: Vec<u32>| Session::new(build, Domain::local(), id, prompt).map(|_| ());
    let refused = |prompt: &[u32]| start(prompt.to_vec()).expect_err("refused");
    assert!(matches!(refused(&[]), DecodeError::Prompt));
    let vocabulary = SHAPE.vocab as u32;
    assert!(matches!(
        refused(&[0, vocabulary]),
        DecodeError::PromptToken { place: 1, token, .. } if token == vocabulary
    ));
    let too_long = refused(&[0; CONTEXT + 1]);
    assert!(
        matches!(too_long, DecodeError::PromptLength { .. }),
        "{too_long}"
    );
    start(vec![0; CONTEXT]).expect("it fits");
    for steps in [0, LANES + 1] {
        let refused = session(build, &[0]).decode(steps).err().expect("refused");
        assert!(matches!(refused, DecodeError::Steps { .. }), "{refused}");
    }
}
