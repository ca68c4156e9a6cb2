//! Builds whose proofs are of the program's own steps: weights are constants of the program, or words that it reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use starknet_types_core::felt::Felt;

use super::files::{self, Part};
use super::names::Names;
use super::pipeline::{CairoPackage, Compiled, Kind};
use super::{BuildRequest, BundleError, MANIFEST_FILE, Stage, size};
use crate::chunk::{ChunkError, Decoder, SessionPins};
use crate::compile::{self, Program};
use crate::decode::Cost;
use crate::engine::Engine;
use crate::ir::{Graph, VerifiedGraph};
use crate::lower::{LowerError, LowerOptions, WeightLayout, check_context, committed_words, lower};
use crate::model::{Config, Model, Text};
use crate::quantize::float::Floats;
use crate::quantize::{self, Cause, Documents, Follower, Quantized, Scaled, quantize_on};
use crate::receipt::{Manifest, ModelManifest, read_bounded};
use crate::scales::sites::Loss;
use crate::spec::{SPEC_VERSION, roots};
use crate::verify::statement::{Domain, ModelRoot, Policy, ProgramHash, SessionId, Weights};

/// The kind of such builds.
pub(super) struct Steps;

impl Kind for Steps {
    type Integers = Quantized;
    type Plan = ();
    type Manifest = Manifest;

    fn check_size(&self, request: &BuildRequest, config: &Config) -> Result<(), BundleError> {
        size::check_size(config, request.weights)
    }

    fn check_context(&self, config: &Config, context: usize) -> Result<(), BundleError> {
        Ok(check_context(context, config.head_dim)?)
    }

    fn quantise(
        &self,
        request: &BuildRequest,
        model: &Model,
        _context: usize,
        calibration: &Documents,
    ) -> Result<Quantized, BundleError> {
        let quantized = quantize_on(model, calibration, &request.options);
        quantized.map_err(|source| BundleError::Quantize {
            dir: request.model.clone(),
            source,
        })
    }

    /// What a program costs is known once it is generated.
    fn plan(
        &self,
        _: &BuildRequest,
        _: &Self::Integers,
    ) -> Result<((), Option<Cost>), BundleError> {
        Ok(((), None))
    }

    fn floats<'a>(
        &self,
        request: &BuildRequest,
        model: &'a Model,
    ) -> Result<Box<dyn Follower + 'a>, BundleError> {
        let floats = Floats::new(model).map_err(|source| BundleError::Quantize {
            dir: request.model.clone(),
            source,
        })?;
        Ok(Box::new(floats))
    }

    fn follower<'a>(&self, integers: &'a Quantized) -> Box<dyn Follower + 'a> {
        Box::new(Scaled::new(Engine::new(&integers.graph), integers))
    }

    fn losses(&self, _: &Quantized, _: &[u32]) -> Vec<Loss> {
        vec![]
    }

    fn cause(&self, model: &Model, integers: &Quantized) -> Option<Cause> {
        Cause::find(model, integers)
    }

    fn compile(
        &self,
        request: &BuildRequest,
        model: &Model,
        (quantized, ()): (Quantized, ()),
        names: Names,
        stage: &mut dyn FnMut(Stage),
    ) -> Result<Compiled<Manifest>, BundleError> {
        stage(Stage::Lower);
        let (config, tokenizer) = (&model.config_digest, &model.tokenizer_digest);
        let (weights, roots) = match request.weights {
            WeightLayout::Pairs | WeightLayout::Ready => {
                let roots = Roots::in_program(quantized.model_root);
                (Weights::InProgram, roots)
            }
            WeightLayout::Committed => {
                let roots = Roots::committed(&quantized.graph, config, tokenizer)?;
                let felts = roots.words.as_ref().map_or(0, |words| words.len());
                size::check_felts(&model.config, felts as u64)?;
                (Weights::Committed, roots)
            }
        };
        let package = lower(&quantized.graph, roots.constant, options(request.weights))?;
        stage(Stage::Compile);
        let program = compile::compile(&package.name, &package.files, &package.calls)?;
        let words = program.words().len();
        size::check_words(&model.config, words as u64)?;
        let identity = (ModelRoot(roots.model), weights);
        let kernels = compile::kernel_sources();
        Ok(Compiled {
            manifest: manifest(model, &quantized.graph, &program, identity, names),
            integers: (Part::Graph, files::encode_graph(&quantized.graph)?),
            program: program.to_json()?,
            words,
            packages: [
                CairoPackage {
                    name: package.name,
                    files: package.files,
                },
                CairoPackage::library("kernels", compile::KERNELS_MANIFEST, kernels),
            ],
        })
    }
}

fn manifest(
    model: &Model,
    graph: &Graph,
    program: &Program,
    (model_root, weights): (ModelRoot, Weights),
    names: Names,
) -> Manifest {
    let shape = &graph.shape;
    Manifest {
        name: names.name,
        model_root,
        program_hash: ProgramHash(program.hash()),
        spec_version: SPEC_VERSION,
        statement_version: weights.version(),
        policy: Policy::greedy(model.eos),
        vocab_size: shape.vocab as u32,
        context_length: shape.context as u32,
        kv_words_per_position: shape.kv_words() as u32,
        parameters: model.config.parameters(),
        source: names.source,
    }
}

/// A build folder, read and checked.
pub struct Bundle {
    pub manifest: Manifest,
    pub graph: VerifiedGraph,
    pub program: Program,
    pub text: Text,
    pub dir: PathBuf,
    /// What the program reads of the model; none if it holds it.
    pub words: Option<Arc<[Felt]>>,
}

/// How a program names a model.
struct Roots {
    /// What it has as a constant.
    constant: Felt,
    /// What it outputs.
    model: Felt,
    /// The words that it reads.
    words: Option<Arc<[Felt]>>,
}

impl Roots {
    fn in_program(root: Felt) -> Roots {
        Roots {
            constant: root,
            model: root,
            words: None,
        }
    }

    fn committed(
        graph: &VerifiedGraph,
        config: &[u8; 32],
        tokenizer: &[u8; 32],
    ) -> Result<Roots, LowerError> {
        let constant = quantize::shape_root(&*graph.for_any_weights()?, config, tokenizer);
        let words = committed_words(graph, options(WeightLayout::Committed))?;
        Ok(Roots {
            constant,
            model: roots::committed_root(constant, &words),
            words: Some(words.into()),
        })
    }
}

fn options(weights: WeightLayout) -> LowerOptions {
    LowerOptions {
        weights,
        ..LowerOptions::default()
    }
}

impl Bundle {
    /// A decoder of a session that nobody keeps: for measuring. Without `eos` no token ends it.
    ///
    /// # Errors
    /// A prompt that is empty, too long, or not of this vocabulary.
    pub fn trial(&self, prompt: Vec<u32>, eos: bool) -> Result<Decoder<'_>, ChunkError> {
        let mut policy = self.manifest.policy;
        policy.eos = policy.eos.filter(|_| eos);
        let pins = SessionPins {
            domain: Domain::local(),
            session_id: SessionId(0u32.into()),
            model_root: self.manifest.model_root,
            program_hash: self.manifest.program_hash,
            policy,
            words: self.words.clone(),
            prompt,
        };
        Decoder::new(&self.graph, pins)
    }

    /// Reads a build folder and checks its parts against the manifest.
    ///
    /// # Errors
    /// A file that is missing or malformed, a build of the other kind, or parts that do not belong together.
    pub fn open(dir: &Path) -> Result<Bundle, BundleError> {
        let manifest = match ModelManifest::read(&dir.join(MANIFEST_FILE))? {
            ModelManifest::Cairo(manifest) => manifest,
            ModelManifest::Tensors(_) => return Err(BundleError::HasTensors { dir: dir.into() }),
        };
        let path = dir.join(Part::Program.name());
        let program = Program::from_json(&read_bounded(&path, size::MAX_PROGRAM_BYTES)?, &path)?;
        let mismatch = |field, found: String, expected: String| BundleError::Mismatch {
            dir: dir.to_path_buf(),
            field,
            found,
            expected,
        };
        let hash = ProgramHash(program.hash());
        if hash != manifest.program_hash {
            let (found, expected) = (hash.to_string(), manifest.program_hash.to_string());
            return Err(mismatch("the hash of program.json", found, expected));
        }
        let path = dir.join(Part::Graph.name());
        let graph: Graph = files::decode_graph(&path, size::graph_limit(&manifest))?;
        let graph = VerifiedGraph::new(graph).map_err(|source| BundleError::Invalid {
            path: path.clone(),
            source,
        })?;
        let text = Text::load(dir)?;
        let weights = manifest.weights().ok_or_else(|| {
            let expected = manifest.statement_version.to_string();
            mismatch(
                "the statement version that this program reads",
                "1 or 2".to_string(),
                expected,
            )
        })?;
        let (config, tokenizer) = (&text.config_digest, &text.tokenizer_digest);
        let Roots { model, words, .. } = match weights {
            Weights::InProgram => {
                Roots::in_program(quantize::model_root(&graph, config, tokenizer))
            }
            Weights::Committed => Roots::committed(&graph, config, tokenizer)?,
        };
        if ModelRoot(model) != manifest.model_root {
            let (found, expected) = (
                ModelRoot(model).to_string(),
                manifest.model_root.to_string(),
            );
            return Err(mismatch(
                "the root of graph.bin, config.json and tokenizer.json",
                found,
                expected,
            ));
        }
        Ok(Bundle {
            manifest,
            graph,
            program,
            text,
            dir: dir.to_path_buf(),
            words,
        })
    }
}
