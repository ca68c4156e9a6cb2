//! Wraps a session's folder: leaf after leaf, pair after pair, resumable. What is made is read and verified in
//! [`documents`](super::documents).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use super::aggregate::{self, Aggregate};
use super::circuit::{self, Proof};
use super::documents::{beside, outputs};
use super::leaf::{self, Leaf};
use super::shape::{AGGREGATE, LEAF, Shape};
use super::verify::{CircuitProof, verify_circuit, verify_packed};
use super::{WrapError, calldata, digest_felt, tree, witness};
use crate::receipt::{
    FileError, MAX_WRAPPED_CHUNKS, Manifest, SessionWriter, Wrapped, WriteDocument, read_bounded,
    witness_name, write_atomic,
};
use crate::verify::statement::{CircuitRoot, ProofFelt};

pub use super::documents::{WrappedSession, open, verify};

/// Folder for the nodes of an unfinished tree, inside the session's.
const NODES: &str = "wrapping";

/// What happens while a session is wrapped, for progress displays.
#[derive(Debug, Clone)]
pub enum Event {
    /// The trees have this many nodes in all.
    Started { nodes: usize },
    /// A level's circuit is being built; level 0 are the leaves.
    Circuit { level: usize },
    /// A node is being proven; nodes are numbered by the first chunk that they cover.
    Proving { level: usize, node: usize },
    /// A node is proven, or was by an earlier run.
    Node {
        level: usize,
        node: usize,
        time: Duration,
        resumed: bool,
    },
}

/// A proven node: the first chunk that it covers, its public value, its proof as bytes.
struct Node {
    first: usize,
    value: [QM31; 2],
    proof: Vec<u8>,
}

/// Wraps the complete session in `dir`, whose program has these words: one proof for every `group` chunks,
/// each in a document of its own.
///
/// A stopped run goes on at the first node that it had not finished.
///
/// # Errors
/// A group of no or more than [`MAX_WRAPPED_CHUNKS`] chunks, a session that does not check, is not complete or
/// was not proven for wrapping, and what the circuits and their prover give.
pub fn wrap(
    dir: &Path,
    manifest: &Manifest,
    words: &[Felt],
    group: usize,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<Wrapped>, WrapError> {
    if group == 0 || group > MAX_WRAPPED_CHUNKS as usize {
        return Err(WrapError::Group { group });
    }
    let writer = SessionWriter::open(dir)?;
    let session = writer.dir().load_session()?;
    if !session.is_complete() {
        return Err(WrapError::Running);
    }
    let (receipts, _) = writer.dir().check_receipts(&session, manifest)?;
    let outputs = outputs(&receipts);
    let store = Store {
        dir: dir.join(NODES),
    };
    let nodes = outputs.chunks(group).map(|g| tree::nodes(g.len())).sum();
    observe(Event::Started { nodes });

    let (leaf_root, leaves) = leaves(dir, words, &outputs, &store, observe)?;
    let mut groups: Vec<Vec<Node>> = vec![];
    for leaf in leaves {
        match groups.last_mut() {
            Some(nodes) if nodes.len() < group => nodes.push(leaf),
            _ => groups.push(vec![leaf]),
        }
    }
    let mut level = 0;
    while level == 0 || groups.iter().any(|nodes| nodes.len() > 1) {
        pair_up(&mut groups, level, leaf_root, &store, observe)?;
        level += 1;
    }

    // The tops, as anyone will verify them.
    let mut documents = vec![];
    for (nodes, outputs) in groups.iter().zip(outputs.chunks(group)) {
        let top = circuit::decode(&nodes[0].proof, &AGGREGATE).ok_or(WrapError::Inner)?;
        let packed = calldata::pack(&top);
        let (root, value) = tree::top(leaf_root, outputs);
        verify_packed(root, value, &packed).map_err(WrapError::SelfCheck)?;
        documents.push(Wrapped {
            session_id: session.session_id,
            program_hash: session.program_hash,
            leaf_root: CircuitRoot(digest_felt(&leaf_root)),
            first_chunk: nodes[0].first as u32,
            chunks: outputs.len() as u32,
            proof: packed.into_iter().map(ProofFelt).collect(),
        });
    }
    for document in &documents {
        document.write(&dir.join(document.name()))?;
    }
    // What an earlier wrap in other groups left, and the inner nodes, are of no further use.
    let names: Vec<String> = documents.iter().map(Wrapped::name).collect();
    for file in beside(writer.dir(), &names)? {
        fs::remove_file(&file).map_err(WrapError::io(&file))?;
    }
    fs::remove_dir_all(&store.dir).map_err(WrapError::io(&store.dir))?;
    Ok(documents)
}

/// Proves a leaf for every output. Returns the circuit's root too.
fn leaves(
    dir: &Path,
    words: &[Felt],
    outputs: &[Vec<Felt>],
    store: &Store,
    observe: &mut dyn FnMut(Event),
) -> Result<([u8; 32], Vec<Node>), WrapError> {
    observe(Event::Circuit { level: 0 });
    let circuit = Leaf::new(words)?;
    let root = circuit.root();
    let mut nodes = vec![];
    for (first, output) in outputs.iter().enumerate() {
        let file = dir.join(witness_name(first));
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
            level: 0,
            first,
            shape: &LEAF,
            root,
            value: leaf::output_of(output),
        };
        nodes.push(store.node(&key, observe, prove)?);
    }
    Ok((root, nodes))
}

/// Pairs the nodes of `level` in every group that is not one node yet; leaves are paired in any case.
fn pair_up(
    groups: &mut [Vec<Node>],
    level: usize,
    leaf_root: [u8; 32],
    store: &Store,
    observe: &mut dyn FnMut(Event),
) -> Result<(), WrapError> {
    let inner = if level == 0 { &LEAF } else { &AGGREGATE };
    let (root, above) = (
        tree::root_at(level, leaf_root),
        tree::root_at(level + 1, leaf_root),
    );
    observe(Event::Circuit { level: level + 1 });
    let circuit = Aggregate::new(inner)?;
    assert_eq!(
        circuit.root(),
        above,
        "an aggregation circuit has another root"
    );
    for nodes in groups {
        if level > 0 && nodes.len() == 1 {
            continue;
        }
        let mut next = vec![];
        for (a, b) in tree::pairs(nodes.len()) {
            let (a, b) = (&nodes[a], &nodes[b]);
            let copy = |node: &Node| -> Result<Proof, WrapError> {
                circuit::decode(&node.proof, inner).ok_or(WrapError::Inner)
            };
            let key = Key {
                level: level + 1,
                first: a.first,
                shape: &AGGREGATE,
                root: above,
                value: aggregate::output_of((root, a.value), (root, b.value)),
            };
            let prove = || circuit.prove((copy(a)?, root), (copy(b)?, root));
            next.push(store.node(&key, observe, prove)?);
        }
        *nodes = next;
    }
    Ok(())
}

/// Which proof a node is.
struct Key<'a> {
    level: usize,
    /// The first chunk that it covers.
    first: usize,
    shape: &'a Shape,
    root: [u8; 32],
    value: [QM31; 2],
}

impl Key<'_> {
    /// Whether a proof says that it is this node's.
    fn is_of(&self, proof: &Proof) -> bool {
        proof.claim.output_values == self.value
            && proof.stark_proof.proof.commitments.first().map(|r| r.0) == Some(self.root)
    }

    /// Whether a proof verifies as this node's.
    fn is_proven_by(&self, proof: Proof) -> bool {
        let bare = CircuitProof {
            interaction_pow_nonce: proof.interaction_pow_nonce,
            claimed_sums: proof.interaction_claim.claimed_sums,
            stark: proof.stark_proof.proof,
        };
        verify_circuit(self.shape, self.root, self.value, bare).is_ok()
    }
}

/// The finished nodes of the trees on disk.
struct Store {
    dir: PathBuf,
}

impl Store {
    /// A node: from an earlier run if it proves this value for this circuit, else proven now. What an earlier run left is
    /// verified, as it may be damaged, and everything above it would be proven in vain.
    fn node(
        &self,
        key: &Key<'_>,
        observe: &mut dyn FnMut(Event),
        prove: impl FnOnce() -> Result<Proof, WrapError>,
    ) -> Result<Node, WrapError> {
        let start = Instant::now();
        let (level, node) = (key.level, key.first);
        let file = self.dir.join(format!("level-{level}-{node:04}"));
        let earlier = match read_bounded(&file, circuit::MAX_NODE_BYTES) {
            Err(FileError::NotFound { .. }) => None,
            read => Some(read?),
        };
        let earlier = earlier.filter(|bytes| {
            let proof = circuit::decode(bytes, key.shape);
            proof.is_some_and(|proof| key.is_of(&proof) && key.is_proven_by(proof))
        });
        let resumed = earlier.is_some();
        let proof = match earlier {
            Some(bytes) => bytes,
            None => {
                observe(Event::Proving { level, node });
                let proof = prove()?;
                if !key.is_of(&proof) {
                    return Err(WrapError::OtherOutput { level, node });
                }
                let bytes = circuit::encode(&proof);
                fs::create_dir_all(&self.dir).map_err(WrapError::io(&self.dir))?;
                write_atomic(&file, &bytes)?;
                bytes
            }
        };
        observe(Event::Node {
            level,
            node,
            time: start.elapsed(),
            resumed,
        });
        Ok(Node {
            first: key.first,
            value: key.value,
            proof,
        })
    }
}
