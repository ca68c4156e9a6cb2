//! Proves traces with Stwo, keeping what every proof needs across proofs.
//!
//! Owns the prover's warm state (twiddles of the lifted domain, the constants and their
//! committed tree), which component takes which part of the prover's input, and the refusal of traces with too many
//! rows. The parameters are the verifier's.

pub(crate) mod compose;
pub(crate) mod input;
pub mod memory;
pub mod tensor;

use std::sync::Arc;

use stwo::core::poly::circle::CanonicCoset;
use stwo::core::vcs_lifted::blake2_merkle::Blake2sM31MerkleHasher;
use stwo::prover::CommitmentTreeProver;
use stwo::prover::backend::Column;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::circle::PolyOps;
use stwo::prover::poly::twiddles::TwiddleTree;
use stwo_cairo_adapter::ProverInput;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTrace;
use thiserror::Error;

use tensor::{Sets, Witness};

use crate::air::cairo::Component;
use crate::air::verify::TensorPart;
use crate::verify::params::{self, MerkleChannel, ParamSet};
use crate::verify::proof::{CairoProof, TensorProof};

/// Why a trace is not proven.
#[derive(Debug, Error)]
pub enum ProveError {
    #[error(
        "the run has {rows} rows of {component}, and a proof has at most {limit}: compile with fewer lanes (--lanes)"
    )]
    TooManyRows {
        component: Component,
        rows: u64,
        limit: u64,
    },
    #[error(
        "the proof needs about {needed} MB of memory, {available} MB are free: compile with fewer lanes (--lanes), or use a machine with more memory"
    )]
    Memory { needed: u64, available: u64 },
    #[error(
        "{what} has {found} bytes, and at most {limit} are read: compile with fewer lanes (--lanes), or with --proofs compact"
    )]
    TooManyBytes {
        what: &'static str,
        found: u64,
        limit: u64,
    },
    #[error("the prover failed: {0}")]
    Prover(String),
}

/// Refuses a proof with tensor components that is declared to need so many bytes, if the machine has fewer for it.
///
/// # Errors
/// [`ProveError::Memory`].
pub fn check_declared_memory(needed: u64) -> Result<(), ProveError> {
    match missing(needed) {
        Some([needed, available]) => Err(ProveError::Memory { needed, available }),
        None => Ok(()),
    }
}

/// Megabytes that are needed and available, where these are too few.
pub fn missing(needed: u64) -> Option<[u64; 2]> {
    let available = memory::available().filter(|available| needed > *available)?;
    Some([needed, available].map(|bytes| bytes / 1_000_000))
}

/// The prover library's own form of a proof: with Merkle paths in full, and queries in the order in which they were drawn.
pub type ExtendedProof = cairo_air::CairoProof<Blake2sM31MerkleHasher>;

/// A proof with tensor components with what a circuit needs beyond its file.
#[derive(Clone)]
pub struct TensorWitness {
    pub proof: ExtendedProof,
    pub tensors: TensorPart,
}

impl TensorWitness {
    /// The proof as its file has it.
    pub fn into_proof(self) -> TensorProof {
        TensorProof {
            proof: CairoProof::from(self.proof),
            tensors: self.tensors,
        }
    }
}

/// A prover that keeps its tables between proofs.
pub struct Prover {
    set: &'static ParamSet,
    twiddles: TwiddleTree<SimdBackend>,
    /// What the library reads while it writes a trace.
    tables: Arc<PreProcessedTrace>,
    /// The columns of Cairo's tables that proofs commit to.
    fixed: PreProcessedTrace,
    /// The constants of tensor components.
    constants: Sets,
    /// Whether the coefficients of committed columns are kept.
    coefficients: bool,
    tree: CommitmentTreeProver<SimdBackend, MerkleChannel>,
}

impl Prover {
    /// Computes twiddles and the tree of constants, for parameters that the verifier accepts.
    pub fn with_constants(set: &'static ParamSet, constants: impl Into<Sets>) -> Prover {
        Prover::of(set, constants.into(), memory::keeps_coefficients)
    }

    /// The same, for proofs that keep no coefficients of columns, as those of large models.
    pub fn without_coefficients(set: &'static ParamSet, constants: impl Into<Sets>) -> Prover {
        Prover::of(set, constants.into(), |_| false)
    }

    /// `keeps` says of so many numbers in constant columns whether coefficients are kept.
    fn of(set: &'static ParamSet, constants: Sets, keeps: impl Fn(u64) -> bool) -> Prover {
        let config = params::pcs_config(&set.params);
        let domain = CanonicCoset::new(set.max_log_rows + set.params.log_blowup)
            .circle_domain()
            .half_coset;
        let twiddles = SimdBackend::precompute_twiddles(domain);
        let tables = Arc::new(params::variant(set.params.preprocessed).to_preprocessed_trace());
        let fixed = params::fixed_columns(set);
        let columns = constants.columns(&fixed);
        let coefficients = keeps(columns.iter().map(|c| c.values.len() as u64).sum());
        let polynomials = SimdBackend::interpolate_columns(columns, &twiddles);
        let tree = CommitmentTreeProver::new(
            polynomials,
            set.params.log_blowup,
            &twiddles,
            coefficients,
            config.lifting_log_size,
            &BaseColumnPool::new(),
        );
        Prover {
            set,
            twiddles,
            tables,
            fixed,
            constants,
            coefficients,
            tree,
        }
    }

    fn committed(&self) -> compose::Committed<'_> {
        compose::Committed {
            set: self.set,
            twiddles: &self.twiddles,
            tables: &self.tables,
            fixed: &self.fixed,
            coefficients: self.coefficients,
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
    ) -> Result<TensorProof, ProveError> {
        let proof = self.prove_tensors_in_full(input, witness)?;
        Ok(proof.into_proof())
    }

    /// The same with what a circuit needs beyond the proof.
    ///
    /// # Errors
    /// As [`prove_tensors`](Self::prove_tensors).
    pub fn prove_tensors_in_full(
        &self,
        input: ProverInput,
        witness: &Witness,
    ) -> Result<TensorWitness, ProveError> {
        check_rows(self.set, &input)?;
        let tensors = (&self.constants, witness);
        let (proof, tensors) = compose::prove(&self.committed(), tensors, input)?;
        Ok(TensorWitness { proof, tensors })
    }

    /// The constants of tensor components.
    pub fn constants(&self) -> &Sets {
        &self.constants
    }

    /// The parameters of its proofs.
    pub fn parameters(&self) -> &'static ParamSet {
        self.set
    }

    /// Root of the tree of constants, which the verifier pins.
    pub fn preprocessed_root(&self) -> [u8; 32] {
        self.tree.commitment.root().0
    }
}

/// Refuses a trace with more rows than proofs with the parameters `set` allow. Every opcode, builtin and memory table
/// has a component with one row per use; permutations have several. All instances of Poseidon's builtin count as different.
///
/// # Errors
/// [`ProveError::TooManyRows`] names the component furthest beyond its limit.
pub fn check_rows(set: &ParamSet, input: &ProverInput) -> Result<(), ProveError> {
    let memory = &input.memory;
    let tables = [
        (Component::MemoryAddressToId, memory.address_to_id.len()),
        (Component::MemoryIdToSmall, memory.small_values.len()),
        (Component::MemoryIdToBig, memory.f252_values.len()),
        (Component::VerifyInstruction, input.pc_count),
    ];
    let opcodes = input::opcodes(&input.state_transitions.casm_states_by_opcode);
    let opcodes = opcodes.map(|(component, states)| (component, states.len()));
    let counts = opcodes.into_iter().chain(tables);
    let counts = counts.map(|(component, rows)| (component, rows as u64));
    let builtins = || input::builtins(input).map(|b| (b.component, b.instances()));
    let mut poseidon = builtins().filter(|(c, _)| *c == Component::PoseidonBuiltin);
    let permutations = poseidon.next().map_or(0, |(_, instances)| instances);
    let parts = Component::ALL.iter().filter_map(|component| {
        let rows = component.rows_per_permutation()? * permutations;
        Some((*component, component.padded(rows, permutations)))
    });
    // The one furthest beyond its limit.
    let counts = counts.chain(builtins()).chain(parts);
    let limited = counts.map(|(component, rows)| (component, rows, set.max_rows(component)));
    let beyond = limited.filter(|(_, rows, limit)| rows > limit);
    match beyond.max_by_key(|(_, rows, limit)| rows - limit) {
        Some((component, rows, limit)) => Err(ProveError::TooManyRows {
            component,
            rows,
            limit,
        }),
        None => Ok(()),
    }
}
