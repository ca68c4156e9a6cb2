//! Wraps a session's folder: leaf after leaf, then fold after fold, resumable. What is made is read and verified in
//! [`documents`](super::documents).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use circuits::blake::HashValue;
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use super::circuit::{self, Proof};
use super::documents::{beside, spans};
use super::fold::{self, Fold, Kind, Node};
use super::leaf::Leaf;
use super::shape::AGGREGATE;
use super::span::Span;
use super::verify::{CircuitProof, verify_circuit, verify_packed};
use super::{WrapError, calldata, digest_felt, witness};
use crate::receipt::{
    FileError, SessionWriter, TensorManifest, Wrapped, WriteDocument, read_bounded, witness_name,
    write_atomic,
};
use crate::verify::statement::{CircuitRoot, ProofFelt, v3};

pub use super::documents::{Covered, WrappedSession, open, verify};

/// Folder for the proofs of an unfinished wrap, inside the session's.
const NODES: &str = "wrapping";

/// A proof on the way to a wrapped one: that of a chunk, or that of several chunks in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Leaf { chunk: usize },
    Fold { first: usize, chunks: usize },
}

impl Step {
    /// What the proof is of.
    pub fn name(self) -> &'static str {
        match self {
            Step::Leaf { .. } => "leaf",
            Step::Fold { .. } => "fold",
        }
    }

    /// The first chunk that it covers, and how many it covers.
    pub fn covers(self) -> (usize, usize) {
        match self {
            Step::Leaf { chunk } => (chunk, 1),
            Step::Fold { first, chunks } => (first, chunks),
        }
    }

    fn file(self) -> String {
        let (first, chunks) = self.covers();
        format!("{}-{first:04}-{chunks:04}", self.name())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Step::Leaf { chunk } => write!(f, "leaf of chunk {chunk}"),
            Step::Fold { first, chunks: 1 } => write!(f, "fold of chunk {first}"),
            Step::Fold { first, chunks } => {
                write!(f, "fold of chunks {first} to {}", first + chunks - 1)
            }
        }
    }
}

/// What happens while a session is wrapped, for progress displays.
#[derive(Debug, Clone)]
pub enum Event {
    /// So many proofs are to be made in all.
    Started {
        proofs: usize,
    },
    /// The circuit of the leaves, or the fold circuit, is being built.
    Circuit {
        of: &'static str,
    },
    Proving(Step),
    /// A proof is made, or was by an earlier run.
    Made {
        step: Step,
        time: Duration,
        resumed: bool,
    },
}

/// Wraps the complete session in `dir`, whose program has these words: one proof for every `group` chunks, or for all of them, each in a
/// document of its own.
///
/// A stopped run goes on at the first proof that it had not finished.
///
/// # Errors
/// A group of no chunks, a session that does not check, is not complete or was not proven for wrapping, and what the circuits and their
/// prover give.
pub fn wrap(
    dir: &Path,
    manifest: &TensorManifest,
    words: &[Felt],
    group: Option<usize>,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<Wrapped>, WrapError> {
    if group == Some(0) {
        return Err(WrapError::Group);
    }
    let writer = SessionWriter::open(dir)?;
    let session = writer.dir().load_session()?;
    if !session.is_complete() {
        return Err(WrapError::Running);
    }
    let (receipts, _) = writer
        .dir()
        .check_receipts::<v3::Statement>(&session, &manifest.model)?;
    let spans = spans(&receipts);
    let group = group.unwrap_or(spans.len().max(1));
    let folds = spans.chunks(group).map(|group| group.len().max(2) - 1);
    observe(Event::Started {
        proofs: spans.len() + folds.sum::<usize>(),
    });
    let store = Store {
        dir: dir.join(NODES),
    };
    let (leaf_root, leaves) = leaves(dir, manifest, words, &spans, &store, observe)?;
    observe(Event::Circuit { of: "folds" });
    let fold = Fold::new()?;
    assert_eq!(fold.root(), fold::ROOT, "the fold circuit has another root");
    let mut documents = vec![];
    for (i, (group_spans, group_leaves)) in
        spans.chunks(group).zip(leaves.chunks(group)).enumerate()
    {
        let folding = Folding {
            fold: &fold,
            leaf_root,
            first: i * group,
            store: &store,
        };
        let top = folding.all(group_spans, group_leaves, observe)?;
        let packed = calldata::pack(&decoded(&top)?);
        let span = joined(group_spans).ok_or(WrapError::Inner)?;
        // As anyone will verify it.
        verify_packed(fold::ROOT, value(Kind::Fold, &span, leaf_root), &packed)
            .map_err(WrapError::SelfCheck)?;
        documents.push(Wrapped {
            session_id: session.session_id,
            program_hash: session.program_hash,
            leaf_root: CircuitRoot(digest_felt(&leaf_root)),
            first_chunk: folding.first as u32,
            chunks: group_spans.len() as u32,
            proof: packed.into_iter().map(ProofFelt).collect(),
        });
    }
    for document in &documents {
        document.write(&dir.join(document.name()))?;
    }
    // What an earlier wrap in other groups left, and the proofs on the way, are of no further use.
    let names: Vec<String> = documents.iter().map(Wrapped::name).collect();
    for file in beside(writer.dir(), &names)? {
        fs::remove_file(&file).map_err(WrapError::io(&file))?;
    }
    fs::remove_dir_all(&store.dir).map_err(WrapError::io(&store.dir))?;
    Ok(documents)
}

/// What spans in a row say together; `None` of none.
pub(super) fn joined(spans: &[Span<QM31>]) -> Option<Span<QM31>> {
    let (first, last) = (spans.first()?, spans.last()?);
    Some(Span {
        last: last.last,
        ..*first
    })
}

/// The public value of a node that says this, over leaves with this root.
pub(super) fn value(kind: Kind, span: &Span<QM31>, leaf_root: [u8; 32]) -> [QM31; 2] {
    let root = |root: [u8; 32]| HashValue::from(Blake2sHash(root));
    let HashValue(low, high) = match kind {
        Kind::Leaf => span.leaf_value(),
        Kind::Fold => span.fold_value(root(fold::ROOT), root(leaf_root)),
    };
    [low, high]
}

fn decoded(bytes: &[u8]) -> Result<Proof, WrapError> {
    circuit::decode(bytes, &AGGREGATE).ok_or(WrapError::Inner)
}

/// Proves a leaf for every chunk. Returns the circuit's root too.
fn leaves(
    dir: &Path,
    manifest: &TensorManifest,
    words: &[Felt],
    spans: &[Span<QM31>],
    store: &Store,
    observe: &mut dyn FnMut(Event),
) -> Result<([u8; 32], Vec<Vec<u8>>), WrapError> {
    observe(Event::Circuit { of: "leaves" });
    let circuit = Leaf::new(&manifest.tensors, words)?;
    let root = circuit.root();
    let mut proofs = vec![];
    for (chunk, span) in spans.iter().enumerate() {
        let file = dir.join(witness_name(chunk));
        let prove = || {
            if !file.exists() {
                return Err(WrapError::NoWitness { file: file.clone() });
            }
            let bytes = read_bounded(&file, witness::MAX_WITNESS_BYTES)?;
            let proof = witness::decode(&bytes)
                .ok_or_else(|| WrapError::BadWitness { file: file.clone() })?;
            circuit.prove(&proof)
        };
        let key = Key {
            step: Step::Leaf { chunk },
            root,
            value: value(Kind::Leaf, span, root),
        };
        proofs.push(store.proof(&key, observe, prove)?);
    }
    Ok((root, proofs))
}

/// The folds of chunks in a row.
struct Folding<'a> {
    fold: &'a Fold,
    leaf_root: [u8; 32],
    /// The first chunk.
    first: usize,
    store: &'a Store,
}

impl Folding<'_> {
    /// Folds leaf after leaf. Returns the proof of all of them; of one leaf, a fold of that leaf alone.
    fn all(
        &self,
        spans: &[Span<QM31>],
        leaves: &[Vec<u8>],
        observe: &mut dyn FnMut(Event),
    ) -> Result<Vec<u8>, WrapError> {
        let node = |kind, span: &Span<QM31>, proof: &[u8]| {
            Ok::<_, WrapError>(Node {
                kind,
                span: *span,
                proof: decoded(proof)?,
            })
        };
        let one = |chunk: usize| node(Kind::Leaf, &spans[chunk], &leaves[chunk]);
        let mut top: Option<Vec<u8>> = None;
        for chunks in 2.min(leaves.len())..=leaves.len() {
            let span = joined(&spans[..chunks]).ok_or(WrapError::Inner)?;
            let key = Key {
                step: Step::Fold {
                    first: self.first,
                    chunks,
                },
                root: fold::ROOT,
                value: value(Kind::Fold, &span, self.leaf_root),
            };
            let before = top.take();
            let prove = || {
                let left = match &before {
                    Some(proof) => {
                        let span = joined(&spans[..chunks - 1]).ok_or(WrapError::Inner)?;
                        node(Kind::Fold, &span, proof)?
                    }
                    None => one(0)?,
                };
                let right = (chunks > 1).then(|| one(chunks - 1)).transpose()?;
                Ok(self.fold.prove(self.leaf_root, left, right)?.proof)
            };
            top = Some(self.store.proof(&key, observe, prove)?);
        }
        top.ok_or(WrapError::Inner)
    }
}

/// Which proof is to be made.
struct Key {
    step: Step,
    root: [u8; 32],
    value: [QM31; 2],
}

impl Key {
    /// Whether a proof says that it is this one.
    fn is_of(&self, proof: &Proof) -> bool {
        proof.claim.output_values == self.value
            && proof.stark_proof.proof.commitments.first().map(|r| r.0) == Some(self.root)
    }

    /// Whether a proof verifies as this one.
    fn is_proven_by(&self, proof: Proof) -> bool {
        verify_circuit(&AGGREGATE, self.root, self.value, CircuitProof::from(proof)).is_ok()
    }
}

/// The finished proofs on disk.
struct Store {
    dir: PathBuf,
}

impl Store {
    /// A proof: from an earlier run if it proves this value for this circuit, else made now. What an earlier run left is
    /// verified, as it may be damaged, and everything above it would be proven in vain.
    fn proof(
        &self,
        key: &Key,
        observe: &mut dyn FnMut(Event),
        prove: impl FnOnce() -> Result<Proof, WrapError>,
    ) -> Result<Vec<u8>, WrapError> {
        let start = Instant::now();
        let step = key.step;
        let file = self.dir.join(step.file());
        let earlier = match read_bounded(&file, circuit::MAX_NODE_BYTES) {
            Err(FileError::NotFound { .. }) => None,
            read => Some(read?),
        };
        let earlier = earlier.filter(|bytes| {
            let proof = circuit::decode(bytes, &AGGREGATE);
            proof.is_some_and(|proof| key.is_of(&proof) && key.is_proven_by(proof))
        });
        let resumed = earlier.is_some();
        let bytes = match earlier {
            Some(bytes) => bytes,
            None => {
                observe(Event::Proving(step));
                let proof = prove()?;
                if !key.is_of(&proof) {
                    return Err(WrapError::OtherOutput { proof: step.file() });
                }
                let bytes = circuit::encode(&proof);
                fs::create_dir_all(&self.dir).map_err(WrapError::io(&self.dir))?;
                write_atomic(&file, &bytes)?;
                bytes
            }
        };
        observe(Event::Made {
            step,
            time: start.elapsed(),
            resumed,
        });
        Ok(bytes)
    }
}
