//! Requirements 3 and 5: how a session is cut into chunks is a choice, and a saved state is all that
//! the rest of a session depends on.

mod support;

use cairo_decode::chunk::{Chunk, ChunkError, Decoder, SessionPins, State};
use cairo_decode::ir::{KvCache, VerifiedGraph, run_step};
use cairo_decode::spec::kv::pack_kv;
use cairo_decode::spec::roots;
use cairo_decode::trace;
use cairo_decode::verify::statement::{
    Domain, Frontier, KvRoot, ModelRoot, Policy, ProgramHash, SessionId, TokensRoot,
};
use starknet_types_core::felt::Felt;
use support::{Random, Sizes, program, random_graph, sizes, tiny};

/// Pins of a session where no program is run.
fn pins(prompt: &[u32], eos: Option<u32>) -> SessionPins {
    SessionPins {
        domain: Domain::local(),
        session_id: SessionId(Felt::from(7)),
        model_root: ModelRoot(Felt::from(1234)),
        program_hash: ProgramHash(Felt::from(99)),
        policy: Policy::greedy(eos),
        words: None,
        prompt: prompt.to_vec(),
    }
}

fn small() -> Sizes {
    let mut sizes = sizes(12, 2, 4, 2, 4, 16, 24);
    sizes.shape.context = 16;
    sizes
}

fn prompt(random: &mut Random, graph: &VerifiedGraph, length: usize) -> Vec<u32> {
    (0..length)
        .map(|_| random.below(graph.shape.vocab) as u32)
        .collect()
}

/// All chunks of a session of `steps` steps, `size` at a time.
fn chunks(decoder: &mut Decoder<'_>, steps: usize, size: usize) -> Vec<Chunk> {
    let mut chunks = vec![];
    let mut left = steps;
    while left > 0 {
        chunks.push(decoder.chunk(size.min(left)).expect("a chunk"));
        left -= size.min(left);
    }
    chunks
}

fn tokens(chunks: &[Chunk]) -> Vec<u32> {
    chunks
        .iter()
        .flat_map(|c| c.forced.iter().chain(&c.emitted))
        .copied()
        .collect()
}

/// The reference interpreter on the whole prefix, every step from an empty cache anew: the tokens after
/// the prompt's first, and the last frontier.
fn recomputed(graph: &VerifiedGraph, prompt: &[u32], steps: usize) -> (Vec<u32>, Frontier) {
    let mut all = prompt.to_vec();
    let mut cache = KvCache::new(graph.shape.layers);
    for step in 0..steps {
        cache = KvCache::new(graph.shape.layers);
        let mut token = 0;
        for &consumed in &all[..=step] {
            token = run_step(graph, &mut cache, consumed).token();
        }
        if all.len() == step + 1 {
            all.push(token);
        }
    }
    let rows = (0..steps).map(|t| pack_kv(&cache.position(t)));
    let kv_root = rows.fold(roots::EMPTY_ROOT, |root, words| {
        roots::kv_append(root, &words)
    });
    all.truncate(steps + 1);
    let frontier = Frontier {
        position: steps as u32,
        last_token: all[steps],
        kv_root: KvRoot(kv_root),
        tokens_root: TokensRoot(roots::fold_tokens(all.iter().copied())),
    };
    (all[1..].to_vec(), frontier)
}

/// Requirement 3: one chunk of n steps, n chunks of one step, chunks of every size between, and the
/// recomputation of the whole prefix have the same tokens and the same last frontier; every chunk starts
/// where the one before it ended (requirement 18).
#[test]
fn requirement_03_chunking_changes_nothing() {
    for seed in 0..6 {
        let mut random = Random::new(100 + seed);
        let graph = random_graph("cut", seed, small());
        for length in [1, 2, 5] {
            let prompt = prompt(&mut random, &graph, length);
            let steps = 4 + random.below(8);
            let (tokens_expected, last) = recomputed(&graph, &prompt, steps);
            for size in 1..=steps {
                let mut decoder = Decoder::new(&graph, pins(&prompt, None)).expect("a session");
                let mut frontier = decoder.frontier();
                let chunks = chunks(&mut decoder, steps, size);
                assert_eq!(
                    tokens(&chunks),
                    tokens_expected,
                    "seed {seed}, {length} of {steps}, by {size}"
                );
                for chunk in &chunks {
                    assert_eq!(chunk.statement.frontier_in, frontier, "in(t+1) = out(t)");
                    frontier = chunk.statement.frontier_out;
                    let moved = frontier.position - chunk.statement.frontier_in.position;
                    assert_eq!(moved, chunk.statement.steps, "one position per step");
                    assert_eq!(chunk.statement.forced_count() as usize, chunk.forced.len());
                    assert_eq!(
                        chunk.statement.emitted_count() as usize,
                        chunk.emitted.len()
                    );
                    assert_eq!(chunk.statement.check_form(), Ok(()));
                }
                assert_eq!(frontier, last);
                assert_eq!(decoder.frontier(), last);
            }
        }
    }
}

/// Requirement 3 for the program itself: run on one chunk, and on chunks of one, two and three steps,
/// it states the same first and last frontier and the same tokens.
#[test]
fn requirement_03_the_program_agrees_however_it_is_cut() {
    let graph = random_graph("cut", 11, tiny());
    let program = program(&graph);
    let mut random = Random::new(12);
    for length in [1, 3] {
        let prompt = prompt(&mut random, &graph, length);
        let steps = 6;
        let (_, last) = recomputed(&graph, &prompt, steps);
        for size in [1, 2, 3, 6] {
            let mut decoder =
                Decoder::new(&graph, support::pins(&program, &prompt)).expect("a session");
            let mut outputs = vec![];
            for chunk in chunks(&mut decoder, steps, size) {
                let trace = trace::run(&program, &chunk.input).expect("an honest chunk");
                assert_eq!(trace.output(), chunk.statement.to_output());
                outputs.push(trace.output().to_vec());
            }
            for pair in outputs.windows(2) {
                assert_eq!(
                    pair[0][16..20],
                    pair[1][12..16],
                    "the program's own out(t) = in(t+1)"
                );
            }
            let end = &outputs.last().expect("a chunk")[16..20];
            let position = Felt::from(last.position);
            let token = Felt::from(last.last_token);
            assert_eq!(*end, [position, token, last.kv_root.0, last.tokens_root.0]);
        }
    }
}

/// Requirement 5: after any number of steps the state goes through JSON, and a decoder made from it
/// gives the same remaining chunks, inputs and statements included.
#[test]
fn requirement_05_a_saved_state_is_all_there_is() {
    let graph = random_graph("saved", 21, small());
    let mut random = Random::new(22);
    for length in [1, 4] {
        let prompt = prompt(&mut random, &graph, length);
        for before in 0..10 {
            let mut whole = Decoder::new(&graph, pins(&prompt, None)).expect("a session");
            if before > 0 {
                whole.chunk(before).expect("a chunk");
            }
            let text = serde_json::to_string(&whole.state()).expect("serialises");
            let state: State = serde_json::from_str(&text).expect("deserialises");
            assert_eq!(state, whole.state());
            let mut resumed =
                Decoder::resume(&graph, pins(&prompt, None), &state).expect("resumes");
            assert_eq!(resumed.frontier(), whole.frontier());
            for steps in [1, 3, 2] {
                let (a, b) = (
                    whole.chunk(steps).expect("a chunk"),
                    resumed.chunk(steps).expect("a chunk"),
                );
                assert_eq!(a.input, b.input);
                assert_eq!(a.statement, b.statement);
                assert_eq!((a.forced, a.emitted), (b.forced, b.emitted));
                assert_eq!(whole.state(), resumed.state());
            }
        }
    }
}

/// A state of another shape is refused, and a file with an unknown or a missing field is no state.
#[test]
fn resume_refuses_other_states() {
    let graph = random_graph("saved", 23, small());
    let prompt = [3, 1, 4];
    let mut decoder = Decoder::new(&graph, pins(&prompt, None)).expect("a session");
    decoder.chunk(5).expect("a chunk");
    let good = decoder.state();
    let refused = |change: &dyn Fn(&mut State)| {
        let mut state = good.clone();
        change(&mut state);
        match Decoder::resume(&graph, pins(&prompt, None), &state) {
            Ok(_) => panic!("must be refused"),
            Err(error) => error,
        }
    };
    assert!(Decoder::resume(&graph, pins(&prompt, None), &good).is_ok());
    let rows = ChunkError::State("its keys and values are not one row per position");
    assert_eq!(refused(&|s| s.position += 1), rows);
    assert_eq!(refused(&|s| s.position -= 1), rows);
    assert_eq!(refused(&|s| drop(s.kv.pop())), rows);
    assert_eq!(refused(&|s| s.kv.push(s.kv[0].clone())), rows);
    assert_eq!(
        refused(&|s| (s.kv, s.position) = (vec![s.kv[0].clone(); 17], 17)),
        rows
    );
    let row = ChunkError::State("a row of keys and values has another length");
    assert_eq!(refused(&|s| s.kv[2].truncate(3)), row);
    assert_eq!(refused(&|s| s.kv[4].push(0)), row);
    assert_eq!(
        refused(&|s| s.last_token = 24),
        ChunkError::Token {
            token: 24,
            vocab: 24
        }
    );
    // A state of a model with fewer layers.
    let mut shallow = small();
    shallow.shape.layers = 1;
    let other = random_graph("saved", 23, shallow);
    let mut decoder = Decoder::new(&other, pins(&prompt, None)).expect("a session");
    decoder.chunk(5).expect("a chunk");
    assert_eq!(refused(&|s| *s = decoder.state()), row);

    let text = serde_json::to_string(&good).expect("serialises");
    for (from, to) in [
        ("{", "{\"more\":0,"),
        ("\"position\":5,", ""),
        ("\"last_token\":", "\"last_token\":-"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(
            serde_json::from_str::<State>(&changed).is_err(),
            "{from} → {to}"
        );
    }
}

/// A session ends with the end of sequence that the model chose, also across a restart, and not with one
/// that the prompt contains.
#[test]
fn end_of_sequence_ends_a_session() {
    let graph = random_graph("ends", 31, small());
    let prompt = [3, 1, 4];
    let mut decoder = Decoder::new(&graph, pins(&prompt, None)).expect("a session");
    let free = decoder.chunk(10).expect("a chunk").emitted;
    // The first token that the model repeats nowhere before, and that the prompt does not hold.
    for (n, &eos) in free.iter().enumerate() {
        if free[..n].contains(&eos) {
            continue;
        }
        let mut decoder = Decoder::new(&graph, pins(&prompt, Some(eos))).expect("a session");
        let chunk = decoder.chunk(10).expect("a chunk");
        assert_eq!(chunk.emitted, free[..=n], "fewer steps than asked for");
        assert_eq!(chunk.statement.steps as usize, 2 + n + 1);
        assert!(decoder.finished());
        assert_eq!(decoder.chunk(1).err(), Some(ChunkError::Ended));
        let mut resumed =
            Decoder::resume(&graph, pins(&prompt, Some(eos)), &decoder.state()).expect("resumes");
        assert!(resumed.finished());
        assert_eq!(resumed.chunk(1).err(), Some(ChunkError::Ended));
    }
    for &eos in &prompt {
        let mut decoder = Decoder::new(&graph, pins(&prompt, Some(eos))).expect("a session");
        let chunk = decoder.chunk(2).expect("a chunk");
        assert_eq!(chunk.forced, prompt[1..]);
        let resumed =
            Decoder::resume(&graph, pins(&prompt, Some(eos)), &decoder.state()).expect("resumes");
        assert!(!decoder.finished() && !resumed.finished());
    }
}

/// A session ends where the context does; what does not fit is refused at once.
#[test]
fn the_context_ends_a_session() {
    let graph = random_graph("ends", 32, small());
    let mut decoder = Decoder::new(&graph, pins(&[3, 1, 4], None)).expect("a session");
    let chunk = decoder.chunk(100).expect("a chunk");
    assert_eq!(chunk.statement.steps, 16);
    assert!(decoder.finished());
    assert_eq!(
        decoder.chunk(1).err(),
        Some(ChunkError::Context {
            position: 16,
            context: 16
        })
    );
    let resumed = Decoder::resume(&graph, pins(&[3, 1, 4], None), &decoder.state());
    assert!(resumed.expect("resumes").finished());

    let refused = |prompt: &[u32]| Decoder::new(&graph, pins(prompt, None)).err();
    assert_eq!(refused(&[]), Some(ChunkError::EmptyPrompt));
    assert_eq!(
        refused(&[0, 24]),
        Some(ChunkError::Token {
            token: 24,
            vocab: 24
        })
    );
    assert_eq!(
        refused(&[0; 17]),
        Some(ChunkError::Context {
            position: 16,
            context: 16
        })
    );
    assert_eq!(refused(&[0; 16]), None);
    let mut decoder = Decoder::new(&graph, pins(&[0], None)).expect("a session");
    assert_eq!(decoder.chunk(0).err(), Some(ChunkError::NoSteps));
}
