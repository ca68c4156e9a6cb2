//! A small model with everything that a decode step has, and real proofs of its chunks: those of a session, and others that the
//! program accepts in the place of its second chunk.

use std::sync::OnceLock;
use std::time::Instant;

use cairo_decode::decode::{Build, Cut, Decoded, Outline, Session};
use cairo_decode::integers::{Description, Operation};
use cairo_decode::model::Model;
use cairo_decode::program::{self, Compiled, Pins};
use cairo_decode::prove::Prover;
use cairo_decode::prove::tensor::Witness;
use cairo_decode::quantize::{Options, quantise};
use cairo_decode::spec::poseidon2::Digest;
use cairo_decode::spec::token_chain::append;
use cairo_decode::tensor::values::compute_steps;
use cairo_decode::tensor::{self, constants, witness};
use cairo_decode::verify::params::{PLAIN, ParamSet};
use cairo_decode::verify::proof::{TensorProof, encode_tensors};
use cairo_decode::verify::statement::{
    ChosenRoot, Domain, KvRoot, ModelRoot, Policy, ProgramHash, SessionId, TokensRoot,
};
use cairo_decode::verify::statement::{Frontier, Statement, packed, prompt_root};
use cairo_decode::verify::tensors::TensorPins;
use starknet_types_core::felt::Felt;
use stwo_cairo_adapter::ProverInput;

use crate::identity::identity;
use crate::model_dir::{Shape, random_tensors};
use crate::second_model;

pub const PROMPT: [u32; 3] = [3, 17, 6];
pub const OTHER_PROMPT: [u32; 3] = [4, 7, 21];
/// Steps of a chunk: the prompt and one choice in the first one.
pub const STEPS: usize = 3;
pub const LANES: usize = 8;

/// An identifier that only a felt has: the program copies it.
pub fn session_id() -> SessionId {
    SessionId(Felt::TWO.pow(200u128) + Felt::from(12_345))
}

/// A proven chunk.
pub struct Proven {
    pub statement: Statement,
    pub forced: Vec<u32>,
    pub emitted: Vec<u32>,
    pub proof: TensorProof,
    pub bytes: Vec<u8>,
}

/// The model's description.
pub fn description() -> &'static Description {
    static DESCRIPTION: OnceLock<Description> = OnceLock::new();
    DESCRIPTION.get_or_init(|| description_of(16, 24))
}

/// The description of a model of one layer, of this width and this width between.
pub fn description_of(hidden: usize, mlp: usize) -> Description {
    model(hidden, mlp).0
}

/// The model as it is quantised, and as it was loaded.
fn model(hidden: usize, mlp: usize) -> (Description, Model) {
    let shape = Shape {
        hidden,
        mlp,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        head_dim: 8,
        tied: true,
        ..second_model::shape()
    };
    // What the layer adds to the stream is large, so the next token is not simply the one before.
    let mut tensors = random_tensors(&shape, 7);
    for (name, (_, values)) in &mut tensors {
        if name.contains("o_proj") || name.contains("down_proj") {
            values.iter_mut().for_each(|value| *value *= 8.0);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    second_model::write_tensors(folder.path(), &shape, &tensors, 7).expect("written");
    let model = Model::load(folder.path()).expect("a model");
    let text = std::fs::read_to_string(folder.path().join("calibration.txt"));
    let options = Options {
        context: Some(40),
        ..Options::default()
    };
    let quantised = quantise(&model, &text.expect("a text"), &options).expect("scales");
    (quantised.description, model)
}

/// What all chunks of a session of a program share.
pub fn pins_of(program: &Compiled) -> Pins {
    Pins {
        domain: Domain::local(),
        session_id: session_id(),
        model_root: ModelRoot(Felt::from(7)),
        program_hash: ProgramHash(program.hash()),
        policy: Policy::greedy(None),
        prompt: PROMPT.to_vec(),
        prompt_root: prompt_root(&PROMPT),
    }
}

/// A description cut into rows as the build's is.
pub fn outline_of(description: &Description) -> Outline {
    Outline::new(description, cut(LANES, &PLAIN)).expect("an outline")
}

fn cut(lanes: usize, set: &'static ParamSet) -> Cut {
    Cut {
        lanes: Some(lanes),
        block: Some(64),
        set: Some(set),
    }
}

/// A build of a description.
pub fn build_of(description: &Description, lanes: usize, set: &'static ParamSet) -> Build {
    let (_, model) = model(16, 24);
    let identity = identity("toy", &model, None);
    Build::new(description, &identity, cut(lanes, set)).expect("a build")
}

/// The model's build.
pub fn build() -> &'static Build {
    static BUILD: OnceLock<Build> = OnceLock::new();
    BUILD.get_or_init(|| {
        let start = Instant::now();
        let build = build_of(description(), LANES, &PLAIN);
        eprintln!("a build after {:?}", start.elapsed());
        build
    })
}

/// What a verifier knows.
pub fn pins() -> &'static TensorPins {
    &build().manifest.tensors
}

/// A model of the same shape, in which the largest weight of a channel of keys has the other sign.
pub fn other_description() -> Description {
    let mut other = description().clone();
    // Queries, then keys.
    let operations = other.operations.iter_mut();
    let mut rotated = operations.filter_map(|operation| match operation {
        Operation::Rotary { of, .. } => Some(&mut of.weights.rows[0]),
        _ => None,
    });
    let row = rotated.nth(1).expect("keys");
    let largest = row.iter_mut().max_by_key(|weight| weight.abs());
    let weight = largest.expect("a weight");
    assert_ne!(*weight, 0);
    *weight = -*weight;
    other
}

/// A session of the build.
pub fn session<'a>(build: &'a Build, prompt: &[u32]) -> Session<'a> {
    Session::new(build, Domain::local(), session_id(), prompt.to_vec()).expect("a prompt")
}

/// A chunk's run, and the rows of its components by this prover's constants.
pub fn traced(build: &Build, prover: &Prover, decoded: &Decoded) -> (ProverInput, Witness) {
    let (values, chunk) = (&decoded.values, &decoded.chunk);
    let trace = build.program.run(&chunk.input).expect("it runs");
    assert_eq!(trace.output(), chunk.statement.to_output());
    let mut input = trace.into_prover_input().expect("a trace");
    let sets = prover.constants();
    let constants = constants::of_chunk(&build.plan, sets, &values.chunk).expect("its sizes");
    let witness = witness::witness(&build.plan, &constants, values, &mut input).expect("rows");
    (input, witness)
}

/// A chunk's proof by a prover.
pub fn prove_by(build: &Build, prover: &Prover, decoded: &Decoded) -> Proven {
    let start = Instant::now();
    let (input, witness) = traced(build, prover, decoded);
    let proof = prover.prove_tensors(input, &witness).expect("proves");
    let bytes = encode_tensors(&proof);
    eprintln!("{} bytes after {:?}", bytes.len(), start.elapsed());
    Proven {
        statement: decoded.statement().clone(),
        forced: decoded.forced.clone(),
        emitted: decoded.emitted.clone(),
        proof,
        bytes,
    }
}

/// The proof of a build's own prover.
pub fn prove(build: &Build, decoded: &Decoded) -> Proven {
    prove_by(build, &build.prover, decoded)
}

/// A session's first two chunks, decoded.
pub fn decoded(prompt: &[u32]) -> [Decoded; 2] {
    let mut session = session(build(), prompt);
    [0, 1].map(|_| {
        let decoded = session.decode(STEPS).expect("a chunk");
        session.advance(&decoded);
        decoded
    })
}

pub struct Proofs {
    /// Two chunks of one session.
    pub session: [Proven; 2],
    /// Chunks that the program accepts in the place of the session's second one: of another session, behind other keys and values,
    /// behind other tokens, behind other choices.
    pub other_session: Proven,
    pub other_rows: Proven,
    pub other_tokens: Proven,
    pub other_choices: Proven,
}

/// The proofs of all tests of this binary, made once.
pub fn proofs() -> &'static Proofs {
    static PROOFS: OnceLock<Proofs> = OnceLock::new();
    PROOFS.get_or_init(|| {
        let build = build();
        let [first, second] = decoded(&PROMPT);
        let forged = |change: &dyn Fn(&mut Forged)| {
            let mut forged = Forged::of(&second);
            change(&mut forged);
            prove(build, &forged.decode())
        };
        let [_, elsewhere] = decoded(&OTHER_PROMPT);
        let one_more = |digest: &mut Digest| *digest = append(digest, 5);
        Proofs {
            session: [prove(build, &first), prove(build, &second)],
            other_session: prove(build, &Forged::of(&elsewhere).decode()),
            other_rows: forged(&|forged| {
                // The first number that a value has, one more or less.
                let number = &mut forged.input.carried[0][0];
                *number += if *number > 0 { -1 } else { 1 };
            }),
            other_tokens: forged(&|forged| one_more(&mut forged.input.chains[0])),
            other_choices: forged(&|forged| one_more(&mut forged.input.chains[1])),
        }
    })
}

/// The session's second chunk behind a frontier that a liar has made up.
pub struct Forged {
    pub input: tensor::Chunk,
    frontier: Frontier,
}

impl Forged {
    /// What a chunk came from.
    pub fn of(decoded: &Decoded) -> Forged {
        Forged {
            input: decoded.values.chunk.clone(),
            frontier: decoded.statement().frontier_in,
        }
    }

    /// The chunk, with the roots that its rows have.
    pub fn decode(mut self) -> Decoded {
        let build = build();
        let values = compute_steps(&build.plan, &self.input, STEPS, None).expect("no stream");
        let roots = build.schedule.roots.as_ref().expect("roots");
        let root = |view: u32| {
            let row = |i: usize| values.rows[view as usize + i][0] as u32;
            packed(&std::array::from_fn(row))
        };
        self.frontier.kv_root = KvRoot(root(roots.before.kv));
        self.frontier.tokens_root = TokensRoot(root(roots.before.tokens));
        self.frontier.chosen_root = ChosenRoot(root(roots.before.chosen));
        // The prompt is the session's: it is over, so its root is only stated.
        let pins = session(build, &PROMPT).pins().clone();
        let steps = STEPS as u32;
        let chunk = program::chunk(&build.schedule, &pins, self.frontier, steps, &values.rows);
        let chosen = &values.rows[build.plan.tokens.chosen as usize][..STEPS];
        Decoded {
            chunk: chunk.expect("a chunk"),
            forced: vec![],
            emitted: chosen.iter().map(|&token| token as u32).collect(),
            values,
        }
    }
}
