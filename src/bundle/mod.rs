//! The build folder: everything that `compile` makes of a model directory.
//!
//! | file | content |
//! |---|---|
//! | `model.json` | the manifest: all that a verifier needs |
//! | `graph.bin` | the quantised step graph, for the engine; in a build whose proofs have tensor components `integers.bin`, the integer model |
//! | `program.json` | the compiled program |
//! | `config.json` | copied from the model directory |
//! | `tokenizer.json` | copied too, completed with the tokens that other files of the directory add |
//! | `fidelity.json` | how well the integers follow the floats |
//! | `cairo/` | the generated package and the kernel library, for people |
//!
//! Invariants
//! - A folder appears whole or not at all; an earlier build is replaced in one step, and only if its folder holds
//!   nothing but what a build has.
//! - What is read back is checked against the manifest: program hash, model root, vocabulary.

mod error;
mod files;
mod names;
mod opened;
mod quantized;
mod size;
mod tensors;
mod texts;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use starknet_types_core::felt::Felt;

pub use error::BundleError;
use files::Part;
pub use files::build_around;
use names::Names;
pub use opened::{TensorBundle, TensorModel};
pub use quantized::Fidelity;
use quantized::quantized;
pub use tensors::{TensorReport, build_tensors};
pub use texts::{Origin, TextUse};

use crate::chunk::{ChunkError, Decoder, SessionPins};
use crate::compile::{self, Program};
use crate::ir::{Graph, VerifiedGraph};
use crate::lower::{LowerError, LowerOptions, Package, WeightLayout, committed_words, lower};
use crate::model::{Choices, Config, Eos, Model, Text, Warning};
use crate::quantize::{self, QuantOptions, QuantizeError, Quantized};
use crate::receipt::{Document, Manifest, ModelManifest, read_bounded};
use crate::spec::{SPEC_VERSION, roots};
use crate::verify::statement::{Domain, ModelRoot, Policy, ProgramHash, SessionId, Weights};

/// Name of the manifest in a build folder.
pub const MANIFEST_FILE: &str = "model.json";

/// What to build and from which text.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// Hugging Face model directory.
    pub model: PathBuf,
    /// What people call the model; by default the directory's name.
    pub name: Option<String>,
    /// Text that the scales are calibrated on, documents separated by blank lines; by default `calibration.txt` of the
    /// directory, or else a text that comes with the program.
    pub calibration: Option<PathBuf>,
    /// Text that the fidelity report is measured on; by default `heldout.txt`, in the same way.
    pub heldout: Option<PathBuf>,
    /// Whether a model is built that does not follow the float model.
    pub accept_fidelity: bool,
    /// The token that ends a session; `None` takes the one that the model's files name.
    pub eos: Option<Eos>,
    /// Folder to make.
    pub out: PathBuf,
    /// Quantisation.
    pub options: QuantOptions,
    /// How the program comes to its weights; the results are the same.
    pub weights: WeightLayout,
}

/// Stages of a build, for progress displays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Import,
    Quantize,
    Fidelity,
    Lower,
    Compile,
    Write,
}

/// What a build is, in numbers.
#[derive(Debug, Clone)]
pub struct BuildReport {
    pub manifest: Manifest,
    pub fidelity: Fidelity,
    /// Words of the program.
    pub words: usize,
    /// What of the model directory was left out of account, or had more than one reading.
    pub warnings: Vec<Warning>,
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

/// Builds a model directory: import, quantise, measure, lower, compile, write.
///
/// # Errors
/// The first stage that fails; nothing is written then.
pub fn build(
    request: &BuildRequest,
    stage: &mut dyn FnMut(Stage),
) -> Result<BuildReport, BundleError> {
    // Refused now rather than after the work; `publish` looks again.
    files::destination(&request.out)?;
    stage(Stage::Import);
    let choices = Choices {
        eos: request.eos,
        context: request.options.context,
    };
    check_no_build(&request.model)?;
    // Most models are too large, and their configuration shows it before anything else is there.
    size::check_size(&Config::load(&request.model)?, request.weights)?;
    let names = names::names(request.name.as_deref(), &request.model)?;
    check_options(&request.options)?;
    let model = Model::load_with(&request.model, choices)?;
    let (quantized, report) = quantized(&model, request, stage)?;
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
    size::check_words(&model.config, program.words().len() as u64)?;
    stage(Stage::Write);
    let identity = (ModelRoot(roots.model), weights);
    let manifest = manifest(&model, &quantized.graph, &program, identity, names);
    write(
        request, &model, &manifest, &quantized, &program, &package, &report,
    )?;
    Ok(BuildReport {
        manifest,
        fidelity: report,
        words: program.words().len(),
        warnings: model.warnings,
    })
}

/// A build folder is no model directory, though it has a configuration and a tokenizer.
fn check_no_build(dir: &Path) -> Result<(), BundleError> {
    let is_there = |file: &str| dir.join(file).is_file();
    match is_there(MANIFEST_FILE) && is_there(Part::Program.name()) {
        true => Err(BundleError::IsABuild { dir: dir.into() }),
        false => Ok(()),
    }
}

/// Options of quantisation; a context is an option of the command line.
fn check_options(options: &QuantOptions) -> Result<(), BundleError> {
    options.check().map_err(|source| match source {
        QuantizeError::Option {
            option: "context",
            value,
            min,
            max,
        } => BundleError::Context { value, min, max },
        source => BundleError::Option(source),
    })
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

fn write(
    request: &BuildRequest,
    model: &Model,
    manifest: &Manifest,
    quantized: &Quantized,
    program: &Program,
    package: &Package,
    report: &Fidelity,
) -> Result<(), BundleError> {
    let folder = files::NewFolder::create(&request.out)?;
    for (path, text) in &package.files {
        folder.write_cairo(&package.name, path, text)?;
    }
    folder.write_cairo("kernels", "Scarb.toml", compile::KERNELS_MANIFEST)?;
    for (path, text) in compile::kernel_sources() {
        folder.write_cairo("kernels", &format!("src/{path}"), text)?;
    }
    folder.write(Part::Graph, &files::encode_graph(&quantized.graph)?)?;
    folder.write(Part::Program, &program.to_json()?)?;
    let fidelity = serde_json::to_vec_pretty(report).map_err(files::encode("fidelity.json"))?;
    folder.write(Part::Fidelity, &fidelity)?;
    folder.write(Part::Config, &model.config_file)?;
    folder.write(Part::Tokenizer, &model.tokenizer_file)?;
    manifest.write(&folder.path(Part::Manifest))?;
    folder.publish()
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
