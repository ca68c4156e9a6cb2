//! Wraps a session's folder: leaf after leaf, then fold after fold, resumable. What is made is read and verified in
//! [`documents`](super::documents).

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use super::circuit::{self, Proof};
use super::documents::{beside, spans};
use super::fold::{self, Circuit, Fold, Kind, Node};
use super::leaf::Leaf;
use super::shape::{AGGREGATE, LARGE_LEAF, Shape};
use super::span::Span;
use super::verify::{CircuitProof, verify_circuit, verify_packed};
use super::{WrapError, calldata, digest_felt, witness};
use crate::receipt::{
    FileError, Manifest, SessionWriter, Wrapped, WriteDocument, read_bounded, witness_name,
    wrapped_name, write_atomic,
};
use crate::verify::statement::{CircuitRoot, ProofFelt};

pub use super::documents::{Covered, WrappedSession, open, verify};

/// Folder for the proofs of an unfinished wrap, inside the session's.
const NODES: &str = "wrapping";

/// A proof on the way to a wrapped one: which circuit it is of, and which chunks it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub kind: Kind,
    /// The first chunk.
    pub first: usize,
    pub chunks: usize,
}

impl Step {
    fn leaf(chunk: usize) -> Step {
        Step {
            kind: Kind::Leaf,
            first: chunk,
            chunks: 1,
        }
    }

    /// What the proof is of.
    pub fn name(self) -> &'static str {
        match self.kind {
            Kind::Leaf => "leaf",
            Kind::Pair => "pair",
            Kind::Fold => "fold",
        }
    }

    fn file(self) -> String {
        format!("{}-{:04}-{:04}", self.name(), self.first, self.chunks)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.first + self.chunks - 1;
        match self.chunks {
            1 => write!(f, "{} of chunk {last}", self.name()),
            _ => write!(f, "{} of chunks {} to {last}", self.name(), self.first),
        }
    }
}

/// What happens while a session is wrapped, for progress displays.
#[derive(Debug, Clone)]
pub enum Event {
    /// The number of proofs that are made in all is known.
    Started {
        proofs: usize,
    },
    /// The circuit of the leaves, of the pairs or of the folds is being built.
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
    manifest: &Manifest,
    words: &[Felt],
    group: Option<usize>,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<Wrapped>, WrapError> {
    if group == Some(0) {
        return Err(WrapError::Group);
    }
    let nodes = dir.join(NODES);
    // What is written there must stay in the session's folder.
    if nodes.is_symlink() {
        let link = io::Error::other("is a symbolic link; remove it");
        return Err(WrapError::io(&nodes)(link));
    }
    let writer = SessionWriter::open(dir)?;
    let session = writer.dir().load_session()?;
    if !session.is_complete() {
        return Err(WrapError::Running);
    }
    let (receipts, _) = writer.dir().check_receipts(&session, &manifest.model)?;
    let spans = spans(&receipts);
    let group = group.unwrap_or(spans.len().max(1));
    // Before anything is proven. A session that is wrapped already may need none.
    let is_wrapped = dir.join(wrapped_name(0)).exists();
    if !is_wrapped {
        check_witnesses(dir, &nodes, spans.len())?;
    }
    observe(Event::Circuit { of: "leaves" });
    let leaf = Leaf::new(&manifest.tensors, words)?;
    if is_wrapped {
        if let Some(documents) = kept(dir, manifest, leaf.root(), group) {
            return Ok(documents);
        }
        check_witnesses(dir, &nodes, spans.len())?;
    }
    let mut wrapping = Wrapping {
        dir,
        nodes,
        spans: &spans,
        leaf_root: leaf.root(),
        leaf_shape: leaf.shape(),
        observe,
    };
    let proofs = wrapping.proofs(group);
    (wrapping.observe)(Event::Started { proofs });
    let leaves = wrapping.leaves(leaf)?;
    let groups: Vec<&[Made]> = leaves.chunks(group).collect();
    let tops = wrapping.folds(&groups)?;
    let mut documents = vec![];
    for top in tops {
        let packed = calldata::pack(&decoded(&top.proof, &AGGREGATE)?);
        let value = wrapping.value(top.step)?;
        // As anyone will verify it.
        verify_packed(fold::ROOT, value, &packed).map_err(WrapError::SelfCheck)?;
        documents.push(Wrapped {
            session_id: session.session_id,
            program_hash: session.program_hash,
            leaf_root: CircuitRoot(digest_felt(&wrapping.leaf_root)),
            first_chunk: top.step.first as u32,
            chunks: top.step.chunks as u32,
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
    let nodes = &wrapping.nodes;
    fs::remove_dir_all(nodes).map_err(WrapError::io(nodes))?;
    Ok(documents)
}

/// Requires what each chunk's leaf is made of, or the leaf of an earlier run.
fn check_witnesses(dir: &Path, nodes: &Path, chunks: usize) -> Result<(), WrapError> {
    let missing = (0..chunks).find_map(|chunk| {
        let file = dir.join(witness_name(chunk));
        let leaf = nodes.join(Step::leaf(chunk).file());
        (!file.exists() && !leaf.exists()).then_some(file)
    });
    missing.map_or(Ok(()), |file| Err(WrapError::NoWitness { file }))
}

/// The wrapped documents that an earlier run has written, if they cover the session in these groups and their proofs hold.
fn kept(
    dir: &Path,
    manifest: &Manifest,
    leaf_root: [u8; 32],
    group: usize,
) -> Option<Vec<Wrapped>> {
    let (session, _, documents) = open(dir, manifest, leaf_root).ok()?;
    let mut numbered = documents.iter().enumerate();
    let in_groups = numbered.all(|(i, of)| of.first_chunk as usize == i * group);
    let accept = manifest.accept(session.domain);
    let holds = in_groups && verify(dir, manifest, &accept, leaf_root).is_ok();
    holds.then_some(documents)
}

fn decoded(bytes: &[u8], shape: &Shape) -> Result<Proof, WrapError> {
    circuit::decode(bytes, shape).ok_or(WrapError::Inner)
}

/// A proof that is there.
struct Made {
    step: Step,
    proof: Vec<u8>,
    /// Whether an earlier run made it.
    resumed: bool,
}

/// A session on its way.
struct Wrapping<'a> {
    dir: &'a Path,
    /// Folder of the finished proofs.
    nodes: PathBuf,
    /// Of each chunk.
    spans: &'a [Span<QM31>],
    leaf_root: [u8; 32],
    leaf_shape: &'static Shape,
    observe: &'a mut dyn FnMut(Event),
}

impl Wrapping<'_> {
    fn span(&self, step: Step) -> Result<Span<QM31>, WrapError> {
        let chunks = step.first..step.first + step.chunks;
        Span::joined(&self.spans[chunks]).ok_or(WrapError::Inner)
    }

    fn value(&self, step: Step) -> Result<[QM31; 2], WrapError> {
        let span = self.span(step)?;
        Ok(fold::public_value(step.kind, &span, self.leaf_root))
    }

    fn shape(&self, kind: Kind) -> &'static Shape {
        match kind {
            Kind::Leaf => self.leaf_shape,
            Kind::Pair | Kind::Fold => &AGGREGATE,
        }
    }

    /// Whether the leaves are of the larger shape, so that pairs of them are folded.
    fn has_pairs(&self) -> bool {
        self.leaf_shape == &LARGE_LEAF
    }

    /// Number of proofs to be made for groups of `group` chunks.
    fn proofs(&self, group: usize) -> usize {
        let groups = self.spans.chunks(group).map(<[_]>::len);
        let proofs = groups.map(|chunks| {
            let (pairs, nodes) = match self.has_pairs() {
                true => (chunks.div_ceil(2), chunks.div_ceil(2)),
                false => (0, chunks),
            };
            chunks + pairs + nodes.max(2) - 1
        });
        proofs.sum()
    }

    /// Proves a leaf for every chunk. The circuit's memory is free afterwards.
    fn leaves(&mut self, circuit: Leaf) -> Result<Vec<Made>, WrapError> {
        let mut made = vec![];
        for chunk in 0..self.spans.len() {
            let file = self.dir.join(witness_name(chunk));
            let step = Step::leaf(chunk);
            made.push(self.node(step, self.leaf_root, || {
                if !file.exists() {
                    return Err(WrapError::NoWitness { file });
                }
                let bytes = read_bounded(&file, witness::MAX_WITNESS_BYTES)?;
                let proof = witness::decode(&bytes).ok_or(WrapError::BadWitness { file })?;
                circuit.prove(&proof)
            })?);
        }
        Ok(made)
    }

    /// Folds the leaves of each group to one proof.
    fn folds(&mut self, groups: &[&[Made]]) -> Result<Vec<Made>, WrapError> {
        let large = self.has_pairs();
        let mut paired: Vec<Vec<Made>> = vec![];
        if large {
            let circuit = self.circuit(Circuit::Pair)?;
            for leaves in groups {
                let pairs = leaves.chunks(2).map(|pair| match pair {
                    [left, right] => self.join(&circuit, left, Some(right)),
                    [left, ..] => self.join(&circuit, left, None),
                    [] => Err(WrapError::Inner),
                });
                paired.push(pairs.collect::<Result<_, _>>()?);
            }
        }
        let circuit = self.circuit(Circuit::Fold)?;
        let mut tops = vec![];
        for (i, leaves) in groups.iter().enumerate() {
            let nodes = if large { &paired[i] } else { *leaves };
            let [first, rest @ ..] = nodes else {
                return Err(WrapError::Inner);
            };
            // Of one node, a fold of it alone; else node after node.
            let mut rest = rest.iter();
            let mut top = self.join(&circuit, first, rest.next())?;
            for next in rest {
                top = self.join(&circuit, &top, Some(next))?;
            }
            tops.push(top);
        }
        Ok(tops)
    }

    fn circuit(&mut self, circuit: Circuit) -> Result<Fold, WrapError> {
        let (of, root) = match circuit {
            Circuit::Pair => ("pairs", fold::PAIR_ROOT),
            Circuit::Fold => ("folds", fold::ROOT),
        };
        (self.observe)(Event::Circuit { of });
        let fold = Fold::new(circuit)?;
        assert_eq!(
            fold.root(),
            root,
            "the circuit of the {of} has another root"
        );
        Ok(fold)
    }

    /// Joins two nodes that follow each other; of one node, makes a fold of it alone.
    fn join(
        &mut self,
        circuit: &Fold,
        left: &Made,
        right: Option<&Made>,
    ) -> Result<Made, WrapError> {
        let step = Step {
            kind: circuit.kind(),
            first: left.step.first,
            chunks: left.step.chunks + right.map_or(0, |right| right.step.chunks),
        };
        let leaf_root = self.leaf_root;
        let resumed = left.resumed || right.is_some_and(|right| right.resumed);
        let nodes = self.nodes.clone();
        let of = |made: &Made| {
            let step = made.step;
            Ok::<_, WrapError>((step.kind, self.span(step)?, self.shape(step.kind)))
        };
        let left = (of(left)?, &left.proof);
        let right = right.map(|made| Ok::<_, WrapError>((of(made)?, &made.proof)));
        let right = right.transpose()?;
        self.node(step, circuit.root(), || {
            let node = |((kind, span, shape), proof): ((_, _, &Shape), &Vec<u8>)| {
                let proof = decoded(proof, shape)?;
                Ok::<_, WrapError>(Node { kind, span, proof })
            };
            let (left, right) = (node(left)?, right.map(node).transpose()?);
            let made = circuit.prove(leaf_root, left, right);
            made.map(|node| node.proof).map_err(|error| match error {
                // What a circuit takes beside a proof is in the file too, and only the circuit looks at it.
                WrapError::Inner if resumed => WrapError::Resumed { nodes },
                error => error,
            })
        })
    }

    /// A proof: from an earlier run if it proves this step's value for its circuit, else made now. What an earlier run left is
    /// verified, as it may be damaged, and everything above it would be proven in vain.
    fn node(
        &mut self,
        step: Step,
        root: [u8; 32],
        prove: impl FnOnce() -> Result<Proof, WrapError>,
    ) -> Result<Made, WrapError> {
        let start = Instant::now();
        let (shape, value) = (self.shape(step.kind), self.value(step)?);
        let is_of = |proof: &Proof| {
            proof.claim.output_values == value
                && proof.stark_proof.proof.commitments.first().map(|r| r.0) == Some(root)
        };
        let holds =
            |proof: Proof| verify_circuit(shape, root, value, CircuitProof::from(proof)).is_ok();
        let file = self.nodes.join(step.file());
        let earlier = match read_bounded(&file, circuit::MAX_NODE_BYTES) {
            Err(FileError::NotFound { .. }) => None,
            read => Some(read?),
        };
        let earlier = earlier.filter(|bytes| {
            let proof = circuit::decode(bytes, shape);
            proof.is_some_and(|proof| is_of(&proof) && holds(proof))
        });
        let resumed = earlier.is_some();
        let proof = match earlier {
            Some(bytes) => bytes,
            None => {
                (self.observe)(Event::Proving(step));
                let proof = prove()?;
                if !is_of(&proof) {
                    return Err(WrapError::OtherOutput { proof: step.file() });
                }
                let bytes = circuit::encode(&proof);
                fs::create_dir_all(&self.nodes).map_err(WrapError::io(&self.nodes))?;
                write_atomic(&file, &bytes)?;
                bytes
            }
        };
        (self.observe)(Event::Made {
            step,
            time: start.elapsed(),
            resumed,
        });
        Ok(Made {
            step,
            proof,
            resumed,
        })
    }
}
