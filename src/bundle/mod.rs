//! The build folder: everything that `compile` makes of a model directory.
//!
//! | file | content |
//! |---|---|
//! | `model.json` | the manifest: all that a verifier needs |
//! | `graph.bin` | the quantised step graph, for the engine |
//! | `program.json` | the compiled program |
//! | `config.json`, `tokenizer.json` | copied from the model directory |
//! | `fidelity.json` | how well the integers follow the floats |
//! | `cairo/` | the generated package and the kernel library, for people |
//!
//! Invariants
//! - A folder appears whole or not at all; an earlier build is replaced in one step.
//! - What is read back is checked against the manifest: program hash, model root, vocabulary.

mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use starknet_types_core::felt::Felt;
use thiserror::Error;

use crate::chunk::{ChunkError, Decoder, SessionPins};
use crate::compile::{self, CompileError, Program, ProgramError};
use crate::engine::Engine;
use crate::ir::{Graph, GraphError, VerifiedGraph};
use crate::lower::{LowerError, LowerOptions, Package, WeightLayout, committed_words, lower};
use crate::model::{Model, ModelError, Text};
use crate::quantize::{
    self, FidelityReport, QuantOptions, QuantizeError, Quantized, fidelity, quantize,
};
use crate::receipt::{Document, DocumentError, FileError, Manifest};
use crate::spec::{SPEC_VERSION, roots};
use crate::verify::statement::{Domain, ModelRoot, Policy, ProgramHash, SessionId, Weights};

/// Name of the manifest in a build folder.
pub const MANIFEST_FILE: &str = "model.json";

/// Why a model directory is not built, or a build folder not read.
#[derive(Debug, Error)]
pub enum BundleError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("{}: {source}", dir.display())]
    Quantize { dir: PathBuf, source: QuantizeError },
    #[error(transparent)]
    Lower(#[from] LowerError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        path: PathBuf,
        action: &'static str,
        source: std::io::Error,
    },
    #[error("{file}: cannot be written: {problem}")]
    Encode { file: &'static str, problem: String },
    #[error("{}: exists and is not a build of cairo-decode; choose another -o or remove it", path.display())]
    NotABuild { path: PathBuf },
    #[error("{}: not a step graph of this version: {problem}", path.display())]
    Graph { path: PathBuf, problem: String },
    #[error("{}: {source}", path.display())]
    Invalid { path: PathBuf, source: GraphError },
    #[error("{}: {field} is {found}, but {MANIFEST_FILE} says {expected}; compile the model again", dir.display())]
    Mismatch {
        dir: PathBuf,
        field: &'static str,
        found: String,
        expected: String,
    },
}

/// What to build and from which text.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// Hugging Face model directory.
    pub model: PathBuf,
    /// Text that the scales are calibrated on; documents separated by blank lines.
    pub calibration: PathBuf,
    /// Text that the fidelity report is measured on.
    pub heldout: PathBuf,
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
    pub fidelity: FidelityReport,
    /// Words of the program.
    pub words: usize,
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
    stage(Stage::Import);
    let model = Model::load(&request.model)?;
    let calibration = files::read_text(&request.calibration)?;
    let heldout = files::read_text(&request.heldout)?;
    stage(Stage::Quantize);
    let in_file = |path: &Path| {
        let dir = path.to_path_buf();
        move |source| BundleError::Quantize { dir, source }
    };
    let quantized =
        quantize(&model, &calibration, &request.options).map_err(in_file(&request.calibration))?;
    stage(Stage::Fidelity);
    let mut engine = Engine::new(&quantized.graph);
    let report =
        fidelity(&model, &quantized, &mut engine, &heldout).map_err(in_file(&request.heldout))?;
    stage(Stage::Lower);
    let (config, tokenizer) = (&model.config_digest, &model.tokenizer_digest);
    let (weights, roots) = match request.weights {
        WeightLayout::Pairs | WeightLayout::Ready => {
            let roots = Roots::in_program(quantized.model_root);
            (Weights::InProgram, roots)
        }
        WeightLayout::Committed => {
            let roots = Roots::committed(&quantized.graph, config, tokenizer)?;
            (Weights::Committed, roots)
        }
    };
    let package = lower(&quantized.graph, roots.constant, options(request.weights))?;
    stage(Stage::Compile);
    let program = compile::compile(&package.name, &package.files, &package.calls)?;
    stage(Stage::Write);
    let identity = (ModelRoot(roots.model), weights);
    let manifest = manifest(&model, &quantized.graph, &program, identity, request);
    write(request, &manifest, &quantized, &program, &package, &report)?;
    Ok(BuildReport {
        manifest,
        fidelity: report,
        words: program.words().len(),
    })
}

fn manifest(
    model: &Model,
    graph: &Graph,
    program: &Program,
    (model_root, weights): (ModelRoot, Weights),
    request: &BuildRequest,
) -> Manifest {
    let shape = &graph.shape;
    Manifest {
        name: graph.name.clone(),
        model_root,
        program_hash: ProgramHash(program.hash()),
        spec_version: SPEC_VERSION,
        statement_version: weights.version(),
        policy: Policy::greedy(model.config.eos_token_id),
        vocab_size: shape.vocab as u32,
        context_length: shape.context as u32,
        kv_words_per_position: shape.kv_words() as u32,
        parameters: model.config.parameters(),
        source: source(&request.model),
    }
}

/// The name of the model's directory, for people: in one line, so without control characters.
fn source(dir: &Path) -> String {
    let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    let name = dir.file_name().or(whole.file_name());
    let name = name.unwrap_or(whole.as_os_str()).to_string_lossy();
    let shown = |c: char| match c.is_control() {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    };
    name.chars().map(shown).collect()
}

fn write(
    request: &BuildRequest,
    manifest: &Manifest,
    quantized: &Quantized,
    program: &Program,
    package: &Package,
    report: &FidelityReport,
) -> Result<(), BundleError> {
    let folder = files::NewFolder::create(&request.out)?;
    for (path, text) in &package.files {
        folder.write(&format!("cairo/{}/{path}", package.name), text.as_bytes())?;
    }
    folder.write(
        "cairo/kernels/Scarb.toml",
        compile::KERNELS_MANIFEST.as_bytes(),
    )?;
    for (path, text) in compile::kernel_sources() {
        folder.write(&format!("cairo/kernels/src/{path}"), text.as_bytes())?;
    }
    folder.write("graph.bin", &files::encode_graph(&quantized.graph)?)?;
    folder.write("program.json", &program.to_json()?)?;
    let fidelity = serde_json::to_vec_pretty(report);
    folder.write(
        "fidelity.json",
        &fidelity.map_err(files::encode("fidelity.json"))?,
    )?;
    for name in ["config.json", "tokenizer.json"] {
        folder.copy(&request.model.join(name), name)?;
    }
    manifest.write(&folder.path(MANIFEST_FILE))?;
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
    /// A file that is missing or malformed, or parts that do not belong together.
    pub fn open(dir: &Path) -> Result<Bundle, BundleError> {
        let manifest = Manifest::read(&dir.join(MANIFEST_FILE))?;
        let program = Program::read(&dir.join("program.json"))?;
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
        let path = dir.join("graph.bin");
        let graph: Graph = files::decode_graph(&path)?;
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
