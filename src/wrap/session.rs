//! Wraps a session's folder: leaf after leaf, pair after pair, resumable.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use super::aggregate::Aggregate;
use super::circuit::{self, Proof};
use super::leaf::{self, Leaf};
use super::shape::{AGGREGATE, LEAF, Shape};
use super::verify::verify_packed;
use super::{WrapError, calldata, digest_felt, tree, witness};
use crate::receipt::{
    Document, MAX_WRAPPED_CHUNKS, Manifest, Receipt, Session, SessionDir, WRAPPED_FILE, Wrapped,
    read_bounded, receipt_name, witness_name, write_atomic,
};
use crate::verify::policy::Accept;
use crate::verify::statement::{CircuitRoot, ProofFelt};

/// Folder for the nodes of an unfinished tree, inside the session's.
const NODES: &str = "wrapping";

/// What happens while a session is wrapped, for progress displays.
#[derive(Debug, Clone)]
pub enum Event {
    /// The tree has this many nodes in all.
    Started { nodes: usize },
    /// A level's circuit is being built; level 0 are the leaves.
    Circuit { level: usize },
    /// A node is being proven.
    Proving { level: usize, node: usize },
    /// A node is proven, or was by an earlier run.
    Node {
        level: usize,
        node: usize,
        time: Duration,
        resumed: bool,
    },
}

/// Wraps the complete session in `dir`, whose program has these words, and writes `wrapped.json`.
///
/// A stopped run goes on at the first node that it had not finished.
///
/// # Errors
/// A session that does not check, is not complete, has more than [`MAX_WRAPPED_CHUNKS`] chunks or was not
/// proven for wrapping, and what the circuits and their prover give.
pub fn wrap(
    dir: &Path,
    manifest: &Manifest,
    words: &[Felt],
    observe: &mut dyn FnMut(Event),
) -> Result<Wrapped, WrapError> {
    let folder = SessionDir::open(dir)?;
    let (session, receipts, _) = folder.check(manifest)?;
    if !session.is_complete() {
        return Err(WrapError::Running);
    }
    if receipts.len() > MAX_WRAPPED_CHUNKS as usize {
        return Err(WrapError::TooManyChunks {
            chunks: receipts.len(),
        });
    }
    let outputs: Vec<Vec<Felt>> = receipts
        .iter()
        .map(|r| r.statement.to_output().to_vec())
        .collect();
    let nodes = Nodes {
        dir: dir.join(NODES),
    };
    fs::create_dir_all(&nodes.dir).map_err(WrapError::io(&nodes.dir))?;
    let mut total = receipts.len();
    let mut width = receipts.len();
    while total == receipts.len() || width > 1 {
        width = width.div_ceil(2);
        total += width;
    }
    observe(Event::Started { nodes: total });

    // Leaves.
    observe(Event::Circuit { level: 0 });
    let circuit = Leaf::new(words)?;
    let leaf_root = circuit.root();
    let mut level = 0;
    let mut values: Vec<[QM31; 2]> = outputs.iter().map(|o| leaf::output_of(o)).collect();
    let mut proofs = vec![];
    for (i, value) in values.iter().enumerate() {
        let file = dir.join(witness_name(i));
        proofs.push(nodes.node(level, i, &LEAF, leaf_root, value, observe, || {
            if !file.exists() {
                return Err(WrapError::NoWitness { file: file.clone() });
            }
            let bytes = read_bounded(&file, witness::MAX_WITNESS_BYTES)?;
            let proof = witness::decode(&bytes)
                .ok_or_else(|| WrapError::BadWitness { file: file.clone() })?;
            circuit.prove(&proof)
        })?);
    }
    drop(circuit);

    // Pairs of leaves, then pairs of pairs.
    while level == 0 || proofs.len() > 1 {
        let (inner, root): (&'static Shape, _) = match level {
            0 => (&LEAF, leaf_root),
            _ => (&AGGREGATE, tree::root_at(level, leaf_root)),
        };
        observe(Event::Circuit { level: level + 1 });
        let circuit = Aggregate::new(inner)?;
        let above = tree::root_at(level + 1, leaf_root);
        assert_eq!(
            circuit.root(),
            above,
            "an aggregation circuit has another root"
        );
        let mut next = vec![];
        let mut next_values = vec![];
        for (i, (a, b)) in tree::pairs(proofs.len()).enumerate() {
            let value = super::aggregate::output_of((root, values[a]), (root, values[b]));
            let copy = |j: usize| -> Result<Proof, WrapError> {
                circuit::decode(&proofs[j], inner).ok_or(WrapError::Inner)
            };
            next.push(
                nodes.node(level + 1, i, &AGGREGATE, above, &value, observe, || {
                    circuit.prove((copy(a)?, root), (copy(b)?, root))
                })?,
            );
            next_values.push(value);
        }
        (proofs, values) = (next, next_values);
        level += 1;
    }

    // The top, as anyone will verify it.
    let top = circuit::decode(&proofs[0], &AGGREGATE).ok_or(WrapError::Inner)?;
    let packed = calldata::pack(&top);
    let (root, value) = tree::top(leaf_root, &outputs);
    verify_packed(root, value, &packed).map_err(WrapError::SelfCheck)?;
    let wrapped = Wrapped {
        session_id: session.session_id,
        program_hash: session.program_hash,
        leaf_root: CircuitRoot(digest_felt(&leaf_root)),
        chunks: receipts.len() as u32,
        proof: packed.into_iter().map(ProofFelt).collect(),
    };
    wrapped.write(&dir.join(WRAPPED_FILE))?;
    // The proof is in place; its inner nodes are of no further use.
    fs::remove_dir_all(&nodes.dir).map_err(WrapError::io(&nodes.dir))?;
    Ok(wrapped)
}

/// A wrapped session, read and checked as documents: the receipts form a session of the model, and
/// `wrapped.json` is about all of them. Says nothing about the proof.
///
/// # Errors
/// What is missing, or the first field that differs.
pub fn open(
    dir: &Path,
    manifest: &Manifest,
) -> Result<(Session, Vec<Receipt>, Wrapped), WrapError> {
    let (session, receipts, _) = SessionDir::open(dir)?.check(manifest)?;
    let file = dir.join(WRAPPED_FILE);
    if !file.exists() {
        return Err(WrapError::NotWrapped { file });
    }
    let wrapped = Wrapped::read(&file)?;
    let (id, chunks) = (session.session_id, receipts.len());
    let rows = [
        ("session_id", wrapped.session_id.to_string(), id.to_string()),
        (
            "program_hash",
            wrapped.program_hash.to_string(),
            session.program_hash.to_string(),
        ),
        ("chunks", wrapped.chunks.to_string(), chunks.to_string()),
    ];
    for (field, found, expected) in rows {
        if found != expected {
            return Err(WrapError::Differs {
                file,
                field,
                found,
                expected,
            });
        }
    }
    Ok((session, receipts, wrapped))
}

/// Verifies a wrapped session: the documents as in [`open`], every statement against what is accepted, and
/// the one proof for all statements, by the circuit `leaf_root`. The chunks' own proofs are not looked at.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(
    dir: &Path,
    manifest: &Manifest,
    accept: &Accept,
    leaf_root: [u8; 32],
) -> Result<(Session, Vec<Receipt>), WrapError> {
    let (session, receipts, wrapped) = open(dir, manifest)?;
    let file = dir.join(WRAPPED_FILE);
    let pinned = CircuitRoot(digest_felt(&leaf_root));
    if wrapped.leaf_root != pinned {
        return Err(WrapError::Differs {
            file,
            field: "leaf_root",
            found: wrapped.leaf_root.to_string(),
            expected: pinned.to_string(),
        });
    }
    let mut outputs = vec![];
    for (i, receipt) in receipts.iter().enumerate() {
        let statement = &receipt.statement;
        accept
            .check_statement(statement)
            .map_err(|source| WrapError::Statement {
                file: dir.join(receipt_name(i)),
                reason: source.to_string(),
            })?;
        outputs.push(statement.to_output().to_vec());
    }
    let felts: Vec<Felt> = wrapped.proof.iter().map(|felt| felt.0).collect();
    let (root, value) = tree::top(leaf_root, &outputs);
    verify_packed(root, value, &felts).map_err(|source| WrapError::Proof { file, source })?;
    Ok((session, receipts))
}

/// The finished nodes of a tree on disk.
struct Nodes {
    dir: PathBuf,
}

impl Nodes {
    /// A node's proof as bytes: from an earlier run if it is of the same circuit and value, else made now.
    #[allow(clippy::too_many_arguments)]
    fn node(
        &self,
        level: usize,
        node: usize,
        shape: &Shape,
        root: [u8; 32],
        value: &[QM31; 2],
        observe: &mut dyn FnMut(Event),
        prove: impl FnOnce() -> Result<Proof, WrapError>,
    ) -> Result<Vec<u8>, WrapError> {
        let start = Instant::now();
        let file = self.dir.join(format!("level-{level}-{node:04}"));
        let usable = |proof: &Proof| {
            proof.claim.output_values == value
                && proof.stark_proof.proof.commitments.first().map(|r| r.0) == Some(root)
        };
        if let Ok(bytes) = fs::read(&file)
            && circuit::decode(&bytes, shape).is_some_and(|proof| usable(&proof))
        {
            let time = start.elapsed();
            observe(Event::Node {
                level,
                node,
                time,
                resumed: true,
            });
            return Ok(bytes);
        }
        observe(Event::Proving { level, node });
        let proof = prove()?;
        if !usable(&proof) {
            return Err(WrapError::OtherOutput { level, node });
        }
        let bytes = circuit::encode(&proof);
        write_atomic(&file, &bytes)?;
        let time = start.elapsed();
        observe(Event::Node {
            level,
            node,
            time,
            resumed: false,
        });
        Ok(bytes)
    }
}
