//! A model as both kinds of builds.

use cairo_decode::compile::{Program, compile_plain};
use cairo_decode::decode::{self, Build, Cut, Decoder};
use cairo_decode::integers::Description;
use cairo_decode::model::Model;
use cairo_decode::portable::{PortableDocument, PortableModel, Record, constants, package};
use cairo_decode::quantize::{Options, quantise};
use cairo_decode::verify::statement::{Policy, ProgramHash, SessionId};
use serde_json::Value;
use starknet_types_core::felt::Felt;

use crate::families::random;
use crate::identity::identity;
use crate::model_dir::text;

/// Steps of a chunk.
pub const LANES: usize = 8;

/// Positions of a session.
pub const CONTEXT: usize = 28;

pub const ID: SessionId = SessionId(Felt::THREE);

/// The integers of a random model.
pub fn integers(config: &Value, seed: u64) -> (Model, Description) {
    let model = random(config, seed);
    let options = Options {
        context: Some(CONTEXT),
        ..Options::default()
    };
    let quantised = quantise(&model, &text(12, 1), &options).expect("scales");
    (model, quantised.description)
}

/// A model with tensor components, and as plain Cairo.
pub struct Twins {
    pub decoder: Decoder,
    pub portable: PortableModel,
    pub program: Program,
}

impl Twins {
    /// Of a random model; the token that ends a session is the one that the model emits after so many others behind the prompt, if one is
    /// asked for.
    pub fn new(config: &Value, seed: u64, ends: Option<(&[u32], usize)>) -> Twins {
        let (model, description) = integers(config, seed);
        let eos = ends.map(|(prompt, after)| {
            let count = after as u32 + 1;
            let emitted = decode::generate(&description, None, prompt, count).expect("in range");
            emitted[after]
        });
        let cut = Cut {
            lanes: Some(LANES),
            block: Some(64),
            set: None,
        };
        let identity = identity("twin", &model, eos);
        let build = Build::new(&description, &identity, cut).expect("a build");
        Twins::of(build.decoder, description)
    }

    fn of(decoder: Decoder, description: Description) -> Twins {
        let of = &decoder.manifest;
        let root = of.model.model_root;
        let package = package(&description, root.0, LANES as u32).expect("a package");
        let program = compile_plain(&package.name, &package.files).expect("it compiles");
        let document = PortableDocument {
            name: "twin".to_string(),
            model_root: root,
            parameters_root: of.parameters_root,
            program_hash: ProgramHash(program.hash()),
            spec_version: of.model.spec_version,
            statement_version: of.model.statement_version,
            policy: Policy::greedy(of.model.policy.eos),
            vocab_size: of.model.vocab_size,
            context_length: of.model.context_length,
            steps_per_chunk: LANES as u32,
            parameters: of.model.parameters,
            constants: constants(&description) as u64,
            words: program.words().len() as u64,
            source: "a test".to_string(),
        };
        let record = Record::of(&description).expect("a record");
        println!(
            "{} constants, {} words, record {record:?}",
            document.constants, document.words
        );
        Twins {
            decoder,
            portable: PortableModel {
                document,
                description,
                record,
            },
            program,
        }
    }
}
