//! Proves traces with Stwo, keeping what every proof needs across proofs.
//!
//! Owns the prover's warm state (twiddles of the lifted domain, the preprocessed trace and its
//! committed tree) and the row limit. The parameters are the verifier's.

mod compose;
pub mod memory;
pub mod tensor;

use std::sync::Arc;

use stwo::core::fields::m31::BaseField;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::vcs_lifted::blake2_merkle::Blake2sM31MerkleHasher;
use stwo::prover::CommitmentTreeProver;
use stwo::prover::backend::Column;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::circle::PolyOps;
use stwo::prover::poly::twiddles::TwiddleTree;
use stwo_cairo_adapter::{ExecutionResources, ProverInput};
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTrace;
use stwo_cairo_prover::witness::preprocessed_trace::gen_trace;
use thiserror::Error;

use tensor::{Constants, Witness};

use crate::air::verify::TensorPart;
use crate::verify::params::{self, LOG_TABLE_ROWS, MerkleChannel, ParamSet};
use crate::verify::proof::{self, CairoProof};

/// Why a trace is not proven.
#[derive(Debug, Error)]
pub enum ProveError {
    #[error(
        "the chunk is too long to prove at once: {rows} rows of {component}, at most {limit} fit; use a smaller --chunk"
    )]
    TooManyRows {
        component: String,
        rows: u64,
        limit: u64,
    },
    #[error(
        "the chunk is too long to prove at once: it needs about {needed} MB of memory, {available} MB are free; use a smaller --chunk, or a machine with more memory"
    )]
    TooMuchMemory { needed: u64, available: u64 },
    #[error(
        "the chunk is too long to prove at once: {what} has {found} bytes, at most {limit} are read; use a smaller --chunk"
    )]
    TooManyBytes {
        what: &'static str,
        found: u64,
        limit: u64,
    },
    #[error("the prover failed: {0}")]
    Prover(String),
}

impl ProveError {
    /// Whether a chunk of fewer steps could be proven.
    pub fn too_long(&self) -> bool {
        match self {
            ProveError::TooManyRows { .. }
            | ProveError::TooMuchMemory { .. }
            | ProveError::TooManyBytes { .. } => true,
            ProveError::Prover(_) => false,
        }
    }

    /// What is wrong, without what its text says to do about it: where the length of a chunk is given.
    pub fn without_advice(&self) -> String {
        let text = self.to_string();
        match text.split_once("; ") {
            Some((problem, _)) if self.too_long() => problem.to_string(),
            _ => text,
        }
    }
}

/// Refuses a trace of so many cells if the machine's memory would not do for its proof with these parameters.
///
/// # Errors
/// [`ProveError::TooMuchMemory`].
pub fn check_memory(set: &ParamSet, cells: u64) -> Result<(), ProveError> {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    let needed = memory::needed(set, cells);
    match memory::available() {
        Some(available) if needed > available => Err(ProveError::TooMuchMemory {
            needed: megabytes(needed),
            available: megabytes(available),
        }),
        _ => Ok(()),
    }
}

/// A proof file, and the prover's notes for wrapping it.
pub struct Proven {
    /// The proof file's bytes.
    pub proof: Vec<u8>,
    /// The same proof with what a circuit needs beyond it (Merkle paths in full, queries in the order
    /// they were drawn).
    pub extended: ExtendedProof,
}

/// The prover library's own form of a proof.
pub type ExtendedProof = cairo_air::CairoProof<Blake2sM31MerkleHasher>;

/// A proof with tensor components, as a verifier takes it.
pub struct TensorProven {
    pub proof: CairoProof,
    pub tensors: TensorPart,
}

/// A prover that keeps its tables between proofs.
pub struct Prover {
    set: &'static ParamSet,
    twiddles: TwiddleTree<SimdBackend>,
    tables: Arc<PreProcessedTrace>,
    /// The constants of tensor components, in proofs that have some.
    constants: Option<Constants>,
    tree: CommitmentTreeProver<SimdBackend, MerkleChannel>,
}

impl Prover {
    /// Computes twiddles and the preprocessed tree for parameters that the verifier accepts.
    pub fn new(set: &'static ParamSet) -> Prover {
        Prover::of(set, None)
    }

    /// The same for proofs with tensor components.
    pub fn with_constants(set: &'static ParamSet, constants: Constants) -> Prover {
        Prover::of(set, Some(constants))
    }

    fn of(set: &'static ParamSet, constants: Option<Constants>) -> Prover {
        let config = params::pcs_config(&set.params);
        let domain = CanonicCoset::new(set.max_log_rows + set.params.log_blowup)
            .circle_domain()
            .half_coset;
        let twiddles = SimdBackend::precompute_twiddles(domain);
        let tables = Arc::new(params::variant(set.params.preprocessed).to_preprocessed_trace());
        let columns = match &constants {
            None => gen_trace(tables.clone()),
            Some(constants) => constants.columns(&tables),
        };
        let polynomials = SimdBackend::interpolate_columns(columns, &twiddles);
        let tree = CommitmentTreeProver::new(
            polynomials,
            set.params.log_blowup,
            &twiddles,
            true,
            config.lifting_log_size,
            &BaseColumnPool::new(),
        );
        Prover {
            set,
            twiddles,
            tables,
            constants,
            tree,
        }
    }

    fn committed(&self) -> compose::Committed<'_> {
        compose::Committed {
            set: self.set,
            twiddles: &self.twiddles,
            tables: &self.tables,
            tree: &self.tree,
        }
    }

    /// Proves a run with the rows of its tensor components.
    ///
    /// # Errors
    /// A component with more rows than the fixed tables allow, or a failure of the prover.
    pub fn prove_tensors(
        &self,
        input: ProverInput,
        witness: &Witness,
    ) -> Result<TensorProven, ProveError> {
        check_rows(self.set, &input)?;
        let tensors = self
            .constants
            .as_ref()
            .map(|constants| (constants, witness));
        let (proof, tensors) = compose::prove(&self.committed(), tensors, input)?;
        Ok(TensorProven {
            proof: CairoProof::from(proof),
            tensors,
        })
    }

    /// The parameters of its proofs.
    pub fn parameters(&self) -> &'static ParamSet {
        self.set
    }

    /// Root of the preprocessed tree, which the verifier pins.
    pub fn preprocessed_root(&self) -> [u8; 32] {
        self.tree.commitment.root().0
    }

    /// Bytes of twiddles and preprocessed tree: what a process would read if they were on disk.
    pub fn table_bytes(&self) -> u64 {
        let twiddles = self.twiddles.twiddles.len() + self.twiddles.itwiddles.len();
        let columns = self.tree.polynomials.iter().map(|polynomial| {
            let coefficients = polynomial.coeffs.as_ref().map_or(0, |c| c.coeffs.len());
            coefficients + polynomial.evals.values.len()
        });
        let hashes = self.tree.commitment.layers.iter().map(|layer| layer.len());
        let words = twiddles + columns.sum::<usize>();
        (words * size_of::<BaseField>() + hashes.sum::<usize>() * size_of::<Blake2sHash>()) as u64
    }

    /// The prover for a chunk of one step that this one has refused with `error`: one that allows more rows, if
    /// rows are what is missing and there is one.
    pub fn larger(&self, error: &ProveError) -> Option<Prover> {
        match error {
            ProveError::TooManyRows { .. } => self.set.larger().map(Prover::new),
            ProveError::TooMuchMemory { .. }
            | ProveError::TooManyBytes { .. }
            | ProveError::Prover(_) => None,
        }
    }

    /// Proves a trace.
    ///
    /// # Errors
    /// A component with more rows than the fixed tables allow, or a failure of the prover.
    pub fn prove(&self, input: ProverInput) -> Result<Proven, ProveError> {
        check_rows(self.set, &input)?;
        let (proof, _) = compose::prove(&self.committed(), None, input)?;
        Ok(Proven {
            proof: proof::encode(&CairoProof::from(proof.clone())),
            extended: proof,
        })
    }
}

/// Rows that a component may have in a proof with the parameters `set`, as [`crate::profile`] counts them: 16
/// addresses share a row of `memory_address_to_id`, and the tables of large values count as one component.
pub fn max_rows(set: &ParamSet, component: &str) -> u64 {
    let table = 1 << LOG_TABLE_ROWS;
    match component {
        "memory_address_to_id" => 16 * table,
        "memory_id_to_big" => set.value_tables as u64 * table,
        "memory_id_to_small" | "poseidon_aggregator" => table,
        _ if component.ends_with("_builtin") => table,
        _ => 1 << set.max_log_rows,
    }
}

/// Rows of the components that compute `permutations` different permutations of Poseidon, padding included.
///
/// What one needs is in [`PERMUTATION`](crate::cost::PERMUTATION). A row of padding is a permutation too, and its
/// rounds have rows: the chains pad by themselves on top.
pub fn permutation_rows(permutations: u64) -> [(&'static str, u64); 5] {
    let [aggregator, full, partial] = [1, 8, 27].map(|each| pad(pad(permutations) * each));
    [
        ("poseidon_aggregator", aggregator),
        ("poseidon_full_round_chain", full),
        ("poseidon_3_partial_rounds_chain", partial),
        ("cube_252", pad(2 * aggregator + 3 * full + 3 * partial)),
        (
            "range_check_252_width_27",
            pad(2 * aggregator + 3 * partial),
        ),
    ]
}

/// Rows after padding to a power of two, at least the SIMD prover's smallest component.
pub fn pad(rows: u64) -> u64 {
    rows.next_power_of_two().max(16)
}

/// Refuses a trace with more rows than proofs with the parameters `set` allow. Every opcode, builtin and memory table
/// has a component with one row per use; permutations have several.
///
/// # Errors
/// [`ProveError::TooManyRows`] names the component furthest beyond its limit.
pub fn check_rows(set: &ParamSet, input: &ProverInput) -> Result<(), ProveError> {
    let resources = ExecutionResources::from_prover_input(input);
    let memory = &resources.memory_tables_sizes;
    let tables = [
        ("memory_address_to_id", memory.memory_address_to_id),
        ("memory_id_to_small", memory.memory_id_to_small),
        ("memory_id_to_big", memory.memory_id_to_big),
        ("verify_instruction", resources.verify_instruction),
    ];
    let builtins = &resources.builtin_instance_counter;
    let permutations = builtins.get("poseidon_builtin").copied().unwrap_or(0) as u64;
    let counts = resources.opcodes_instance_counter.iter().chain(builtins);
    let counts = counts
        .map(|(name, &rows)| (name.as_str(), rows))
        .chain(tables)
        .map(|(name, rows)| (name, rows as u64))
        .chain(permutation_rows(permutations));
    // The one furthest beyond its limit.
    let limited = counts.map(|(name, rows)| (name, rows, max_rows(set, name)));
    let beyond = limited.filter(|(_, rows, limit)| rows > limit);
    match beyond.max_by_key(|(_, rows, limit)| rows - limit) {
        Some((component, rows, limit)) => Err(ProveError::TooManyRows {
            component: component.to_string(),
            rows,
            limit,
        }),
        None => Ok(()),
    }
}
