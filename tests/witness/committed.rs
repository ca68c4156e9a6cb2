//! Lies about words that the program reads of the model: it states the root of what it reads, so that the verifier's
//! root is of these words only. What stops each lie is the model root, or a check of the program.

use std::sync::OnceLock;

use cairo_decode::chunk::{Chunk, Decoder, SessionPins};
use cairo_decode::compile::{Program, compile};
use cairo_decode::ir::VerifiedGraph;
use cairo_decode::lower::{LowerOptions, Products, WeightLayout, lower};
use cairo_decode::spec::SPEC_VERSION;
use cairo_decode::trace::{self, TraceError};
use cairo_decode::verify::policy::{Accept, AcceptedModel};
use cairo_decode::verify::statement::{Domain, OUTPUT_FIELDS, Statement, Weights};
use starknet_types_core::felt::Felt;

use crate::assert_refusal;
use crate::header::*;
use crate::support::{MODEL_ROOT, pins_as, program_as, random_graph, tiny};

const COMMITTED: LowerOptions = LowerOptions {
    products: Products::Claimed,
    weights: WeightLayout::Committed,
};

/// Where the model root is in the output.
const ROOT: usize = 5;

/// A model with its program, and the chunk under attack: two positions carried, one token forced, two chosen.
struct World {
    graph: VerifiedGraph,
    program: Program,
    pins: SessionPins,
    chunk: Chunk,
}

/// The attacked model.
fn attacked() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| world(5))
}

fn world(seed: u64) -> World {
    let graph = random_graph("tiny", seed, tiny());
    let program = program_as(&graph, COMMITTED);
    let pins = pins_as(&graph, COMMITTED, &program, &PROMPT);
    let mut decoder = Decoder::new(&graph, pins.clone()).expect("a session");
    decoder.chunk(2).expect("a chunk");
    let chunk = decoder.chunk(3).expect("a chunk");
    World {
        graph,
        program,
        pins,
        chunk,
    }
}

impl World {
    fn words(&self) -> &[Felt] {
        self.pins.words.as_deref().expect("words")
    }

    /// The input with other words of the model.
    fn with(&self, words: &[Felt]) -> Vec<Felt> {
        let (before, rest) = self.chunk.input.split_at(HEADER + 2);
        assert!(rest.starts_with(self.words()));
        [before, words, &rest[self.words().len()..]].concat()
    }

    /// What this model's verifier accepts.
    fn accept(&self) -> Accept {
        let model = AcceptedModel {
            model_root: self.pins.model_root,
            program_hash: self.pins.program_hash,
            policy: self.pins.policy,
            spec_version: SPEC_VERSION,
            statement_version: Weights::Committed.version(),
        };
        Accept::new(model, Domain::local())
    }

    /// What the verifier says of a run's output.
    fn judged(&self, output: &[Felt]) -> Result<(), String> {
        let statement =
            Statement::from_output(output, self.pins.program_hash).expect("a statement");
        let checked = self.accept().check_statement(&statement);
        checked.map_err(|error| error.to_string())
    }
}

fn accepts(program: &Program, input: &[Felt]) -> Vec<Felt> {
    match trace::run(program, input) {
        Ok(trace) => trace.output().to_vec(),
        Err(error) => panic!("must be accepted: {error}"),
    }
}

fn refuses(attack: &str, program: &Program, input: &[Felt]) {
    match trace::run(program, input) {
        Ok(trace) => panic!("{attack}: accepted with output {:?}", trace.output()),
        Err(TraceError::Refused(reason)) => {
            assert_refusal(attack, &reason);
        }
        Err(error) => panic!("{attack}: {error}"),
    }
}

/// Attack: another real model of the same shape, in a session of this one. Its program is the same, so only the root
/// tells them apart. Stopped by: the model root, which the program computes.
#[test]
fn requirement_23_words_of_another_model() {
    let (world, other) = (attacked(), world(6));
    assert_eq!(world.program.words(), other.program.words());
    let honest = accepts(&world.program, &world.chunk.input);
    assert_eq!(honest, world.chunk.statement.to_output());
    assert_eq!(world.judged(&honest), Ok(()));
    let mut decoder = Decoder::new(&world.graph, world.pins.clone()).expect("a session");
    let start = decoder.chunk(2).expect("a chunk").input;
    let mut lie = start[..HEADER].to_vec();
    lie.extend(other.words());
    lie.extend(&start[HEADER + world.words().len()..]);
    let output = accepts(&world.program, &lie);
    assert_eq!(output[ROOT], other.pins.model_root.0);
    let refused = world.judged(&output).expect_err("another model");
    assert!(
        refused.starts_with("statement.model_root: is "),
        "{refused}"
    );
}

/// Attack: other words, each of them one that a model may have. Stopped by: the model root.
#[test]
fn requirement_07_each_word_is_in_the_root() {
    let world = attacked();
    let honest = accepts(&world.program, &world.chunk.input);
    let words = world.words();
    let mut lies: Vec<(String, Vec<Felt>)> = vec![];
    for i in 0..words.len() {
        // The lowest byte of the first row, one more or one less.
        let mut lie = words.to_vec();
        let byte = words[i].to_bytes_le()[0];
        lie[i] = match byte {
            0xff => words[i] - Felt::ONE,
            _ => words[i] + Felt::ONE,
        };
        lies.push((format!("a weight of felt {i}"), lie));
    }
    for (i, j) in [(0, 1), (3, 4), (0, words.len() - 1), (8, 9)] {
        let mut lie = words.to_vec();
        lie.swap(i, j);
        lies.push((format!("felts {i} and {j} swapped"), lie));
    }
    for (name, lie) in lies {
        if lie == words {
            continue;
        }
        // A lie may be refused by the program, or it states another root.
        let output = match trace::run(&world.program, &world.with(&lie)) {
            Ok(trace) => trace.output().to_vec(),
            Err(TraceError::Refused(reason)) => {
                assert_refusal(&name, &reason);
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        assert_ne!(output[ROOT], honest[ROOT], "{name}");
        let refused = world.judged(&output).expect_err(&name);
        assert!(
            refused.starts_with("statement.model_root: is "),
            "{name}: {refused}"
        );
    }
}

/// Attack: more or fewer words, or their end passed off as the tokens that follow. Stopped by: how many there are is
/// in the program, and what is left of the input, or missing.
#[test]
fn requirement_22_as_many_words_as_there_are() {
    let world = attacked();
    let words = world.words();
    let (program, last) = (&world.program, words.len() - 1);
    refuses(
        "the last word dropped",
        program,
        &world.with(&words[..last]),
    );
    refuses("the first word dropped", program, &world.with(&words[1..]));
    refuses("no words", program, &world.with(&[]));
    let longer = |extra: Felt| [words, &[extra]].concat();
    refuses(
        "a word appended",
        program,
        &world.with(&longer(words[last])),
    );
    refuses("a zero appended", program, &world.with(&longer(Felt::ZERO)));
    let twice = [words, words].concat();
    refuses("all words twice", program, &world.with(&twice));
}

/// Attack: a statement that says the weights were in the program, or the other way round. Stopped by: the program
/// outputs the version.
#[test]
fn requirement_25_the_version_says_where_the_weights_are() {
    let world = attacked();
    let output = accepts(&world.program, &world.chunk.input);
    let mut relabelled = world.chunk.statement.clone();
    relabelled.version = Weights::InProgram.version();
    assert_eq!(relabelled.check_form(), Ok(()), "a version that is read");
    let hash = world.pins.program_hash.0;
    let error = relabelled.compare(&output, hash).expect_err("relabelled");
    assert!(error.to_string().starts_with(OUTPUT_FIELDS[0]), "{error}");
    let error = world.accept().check_statement(&relabelled);
    let error = error.expect_err("relabelled").to_string();
    assert_eq!(
        error,
        "statement.version: is 1 (weights in the program), the model manifest has statement_version 2 \
         (weights committed)"
    );
}

/// The program with the honest root as a constant: the lie that the root stops is then a statement about this model.
#[test]
fn requirement_24_the_root_of_what_is_read_is_needed() {
    let world = attacked();
    let mut package = lower(&world.graph, Felt::from(MODEL_ROOT), COMMITTED).expect("lowers");
    let lib = package.files.get_mut("src/lib.cairo").expect("a library");
    let computed = format!("let model_root = committed_root({MODEL_ROOT:#x}, words);");
    assert!(lib.contains(&computed), "the package computes the root");
    let constant = format!("let model_root = {:#x};", world.pins.model_root.0);
    let import = "use decode_kernels::roots::committed_root;\n";
    *lib = lib.replace(&computed, &constant).replace(import, "");
    let open = compile(&package.name, &package.files, &package.calls).expect("compiles");
    // Honest chunks are accepted either way.
    let honest = world.chunk.statement.to_output();
    assert_eq!(accepts(&open, &world.chunk.input), honest);
    let words = world.words();
    let mut accepted = 0;
    for i in 0..words.len() {
        let mut lie = words.to_vec();
        lie[i] = words[(i + 1) % words.len()];
        let Ok(trace) = trace::run(&open, &world.with(&lie)) else {
            continue;
        };
        if trace.output() != honest {
            assert_eq!(world.judged(trace.output()), Ok(()), "felt {i}");
            let closed = accepts(&world.program, &world.with(&lie));
            assert!(world.judged(&closed).is_err(), "felt {i}");
            accepted += 1;
        }
    }
    assert!(accepted > 0, "no lie changes what the open program states");
}
