//! The graph verifier: the only maker of a [`VerifiedGraph`].
//!
//! Checked rules, in this order:
//! 1. the name is an identifier; sizes are positive and consistent (heads, kv_heads, head_dim even);
//! 2. tables have their sizes and their entries their ranges;
//! 3. matrices have `rows · cols` entries and unique names, and each is read by one linear layer;
//! 4. every operand is an earlier node; labels are unique identifiers;
//! 5. every operation's operands have the lengths it needs, its constants lie in their ranges;
//! 6. every node's length and range are what its rule proves;
//! 7. the layers append to their caches once each, in order, with int8 rows,
//!    before their scores and mix, which come before the next layer's append;
//! 8. the last node, and only it, is an argmax over the vocabulary.

use std::collections::BTreeSet;
use std::ops::Deref;

use thiserror::Error;

use super::{Graph, Len, Node, Op, Range, ValueId, range};
use crate::spec::requantize::Requant;
use crate::spec::{rope::ROPE_MAX, silu::SIGMOID_ENTRIES, softmax::FRAC_BITS};

/// A graph that the verifier accepted. Only such a graph can be run or lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedGraph(Graph);

impl Deref for VerifiedGraph {
    type Target = Graph;

    fn deref(&self) -> &Graph {
        &self.0
    }
}

/// A rule of the graph verifier that does not hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum GraphError {
    #[error("graph name {0:?}: expected a lower-case letter, then letters, digits or '_'")]
    Name(String),
    #[error("shape: {0}")]
    Shape(&'static str),
    #[error("table {table}: {problem}")]
    Table {
        table: &'static str,
        problem: &'static str,
    },
    #[error("matrix {name:?}: {problem}")]
    Matrix { name: String, problem: &'static str },
    #[error("node {node:?}: operand %{operand} is not an earlier node")]
    Operand { node: String, operand: u32 },
    #[error("node {node:?}: label is empty, repeated, or has a character outside [a-z0-9_.]")]
    Label { node: String },
    #[error("node {node:?}: {problem}")]
    Node { node: String, problem: &'static str },
    #[error("node {node:?}: its range is empty or reaches 2^62")]
    RangeTooLarge { node: String },
    #[error("node {node:?}: claims {claimed}, its rule proves {proven}")]
    Claim {
        node: String,
        claimed: String,
        proven: String,
    },
    #[error("layer {layer}: {problem}")]
    Cache { layer: usize, problem: &'static str },
    #[error("the last node, and only it, must be an argmax over the vocabulary")]
    Output,
}

impl VerifiedGraph {
    /// Checks every rule of the module's list.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn new(graph: Graph) -> Result<VerifiedGraph, GraphError> {
        check_shape(&graph)?;
        check_tables(&graph)?;
        check_matrices(&graph)?;
        let mut labels = BTreeSet::new();
        for (i, node) in graph.nodes.iter().enumerate() {
            check_label(&mut labels, &node.label)?;
            check_operands(&graph, i, &node.label, &node.op)?;
            check_constants(&graph, node)?;
            check_claim(&graph, node)?;
        }
        check_caches(&graph)?;
        check_output(&graph)?;
        Ok(VerifiedGraph(graph))
    }
}

fn check_shape(graph: &Graph) -> Result<(), GraphError> {
    let mut chars = graph.name.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_lowercase());
    if !starts || !chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return Err(GraphError::Name(graph.name.clone()));
    }
    let s = &graph.shape;
    let sizes = [
        s.hidden, s.layers, s.heads, s.kv_heads, s.head_dim, s.vocab, s.context,
    ];
    if sizes.iter().any(|&n| n == 0 || n > 1 << 20) {
        return Err(GraphError::Shape("every size must be between 1 and 2^20"));
    }
    if !s.heads.is_multiple_of(s.kv_heads) {
        return Err(GraphError::Shape("heads must be a multiple of kv_heads"));
    }
    if !s.head_dim.is_multiple_of(2) {
        return Err(GraphError::Shape("head_dim must be even"));
    }
    Ok(())
}

fn check_tables(graph: &Graph) -> Result<(), GraphError> {
    let (shape, tables) = (&graph.shape, &graph.tables);
    let err = |table, problem| Err(GraphError::Table { table, problem });
    if (tables.embedding.rows, tables.embedding.cols) != (shape.vocab, shape.hidden)
        || tables.embedding.data.len() != shape.vocab * shape.hidden
    {
        return err("embedding", "expected vocab × hidden entries");
    }
    let pairs = shape.context * shape.head_dim / 2;
    for (name, table) in [
        ("rope_cos", &tables.rope_cos),
        ("rope_sin", &tables.rope_sin),
    ] {
        if table.len() != pairs {
            return err(name, "expected context × head_dim/2 entries");
        }
        if table.iter().any(|x| x.abs() > ROPE_MAX) {
            return err(name, "an entry is larger than 2^14 - 1");
        }
    }
    if tables.exp2.len() != 1 << FRAC_BITS {
        return err("exp2", "expected 128 entries");
    }
    if tables.exp2[0] != 1 << 15
        || tables
            .exp2
            .iter()
            .any(|&x| !(1 << 14..=1 << 15).contains(&x))
    {
        return err(
            "exp2",
            "expected 2^15 first and every entry between 2^14 and 2^15",
        );
    }
    if tables.sigmoid.len() != SIGMOID_ENTRIES {
        return err("sigmoid", "expected 256 entries");
    }
    if tables.sigmoid.iter().any(|x| !(0..=1 << 15).contains(x)) {
        return err("sigmoid", "expected entries between 0 and 2^15");
    }
    Ok(())
}

fn check_matrices(graph: &Graph) -> Result<(), GraphError> {
    let mut names = BTreeSet::new();
    for m in &graph.matrices {
        let err = |problem| {
            Err(GraphError::Matrix {
                name: m.name.clone(),
                problem,
            })
        };
        if m.rows == 0 || m.cols == 0 || m.rows.checked_mul(m.cols) != Some(m.data.len()) {
            return err("expected rows × cols entries");
        }
        if !names.insert(&m.name) {
            return err("the name is repeated");
        }
    }
    for (i, m) in graph.matrices.iter().enumerate() {
        let reads = |n: &&Node| matches!(n.op, Op::Linear { matrix, .. } if matrix.0 as usize == i);
        if graph.nodes.iter().filter(reads).count() != 1 {
            return Err(GraphError::Matrix {
                name: m.name.clone(),
                problem: "expected exactly one linear layer that reads it",
            });
        }
    }
    Ok(())
}

fn check_label<'a>(labels: &mut BTreeSet<&'a str>, label: &'a str) -> Result<(), GraphError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    if label.is_empty() || !label.chars().all(plain) || !labels.insert(label) {
        return Err(GraphError::Label {
            node: label.to_string(),
        });
    }
    Ok(())
}

/// Rule 4 for a node at index `i`.
pub(super) fn check_operands(
    graph: &Graph,
    i: usize,
    label: &str,
    op: &Op,
) -> Result<(), GraphError> {
    for ValueId(operand) in op.operands() {
        if operand as usize >= i.min(graph.nodes.len()) {
            return Err(GraphError::Operand {
                node: label.to_string(),
                operand,
            });
        }
    }
    Ok(())
}

fn check_requant(to: Requant, max_shift: u32) -> Option<&'static str> {
    if to.shift > max_shift {
        return Some("the shift is too large");
    }
    (Range::new(to.lo, to.hi).is_none() || to.lo > 0 || to.hi < 0)
        .then_some("the clamp range must contain 0")
}

/// Rule 5: lengths of operands, ranges of constants.
fn check_constants(graph: &Graph, node: &Node) -> Result<(), GraphError> {
    let shape = &graph.shape;
    let len = |id| graph.node(id).len;
    let fixed = |n| Len::Fixed(n);
    let q_dim = shape.heads * shape.head_dim;
    let problem = match node.op {
        Op::Embed { shift } => (shift > 40).then_some("the shift is larger than 40"),
        Op::RmsNorm { x, norm } => {
            let ok = norm.eps >= 1
                && norm.numerator >= 1
                && (1..=16).contains(&norm.root_shift)
                && (1..=48).contains(&norm.inv_shift)
                && norm.numerator < 1 << 60;
            // The shifted sum of squares must stay below 2^120, the reciprocal's product below 2^62.
            let x_range = graph.node(x).range.magnitude() as i128;
            let n = match len(x) {
                Len::Fixed(n) => n as i128,
                Len::PerPosition => i128::MAX >> 64,
            };
            let sum = x_range.checked_mul(x_range).and_then(|s| s.checked_mul(n));
            let fits = sum
                .and_then(|s| s.checked_add(norm.eps as i128))
                .is_some_and(|s| ok && s <= 1i128 << (120 - 2 * norm.root_shift));
            (!ok || !fits).then_some("the norm's constants or input range are out of bounds")
        }
        Op::Linear { x, matrix } => match graph.matrices.get(matrix.0 as usize) {
            None => Some("the matrix does not exist"),
            Some(m) => {
                (len(x) != fixed(m.cols)).then_some("the input's length is not the matrix's cols")
            }
        },
        Op::Requantize { to, .. } => check_requant(to, 60),
        Op::Rope { x, to } => match len(x) {
            Len::Fixed(n) if n.is_multiple_of(shape.head_dim) => check_requant(to, 60),
            _ => Some("the input is not a whole number of heads"),
        },
        Op::KvAppend { k, v, layer } => {
            let rows = len(k) == fixed(shape.kv_dim()) && len(v) == fixed(shape.kv_dim());
            let int8 = [k, v].iter().all(|&id| {
                let range = graph.node(id).range;
                range.lo() >= i8::MIN as i64 && range.hi() <= i8::MAX as i64
            });
            (!rows || !int8 || layer >= shape.layers)
                .then_some("expected int8 rows of kv_dim and a layer")
        }
        Op::Scores { q, layer } => (len(q) != fixed(q_dim) || layer >= shape.layers)
            .then_some("expected a query of heads × head_dim"),
        Op::Softmax { scores, shift } => {
            let scored = matches!(graph.node(scores).op, Op::Scores { .. });
            (!scored || shift > 40).then_some("expected scores and a shift of at most 40")
        }
        Op::Mix {
            weights,
            layer,
            shift,
        } => {
            let softmax = matches!(graph.node(weights).op, Op::Softmax { .. });
            (!softmax || layer >= shape.layers || shift > 16)
                .then_some("expected softmax weights and a shift of at most 16")
        }
        Op::Silu { index_shift, .. } => {
            (index_shift > 40).then_some("the index shift is larger than 40")
        }
        Op::Mul { a, b, to } => {
            if len(a) != len(b) {
                Some("the lengths differ")
            } else {
                check_requant(to, 60)
            }
        }
        Op::Add { a, b } => (len(a) != len(b)).then_some("the lengths differ"),
        Op::Argmax { x } => (len(x) != fixed(shape.vocab)).then_some("expected vocab logits"),
    };
    match problem {
        Some(problem) => Err(GraphError::Node {
            node: node.label.clone(),
            problem,
        }),
        None => Ok(()),
    }
}

/// Rule 6.
fn check_claim(graph: &Graph, node: &Node) -> Result<(), GraphError> {
    let (len, range) = range::infer(graph, &node.op).ok_or_else(|| GraphError::RangeTooLarge {
        node: node.label.clone(),
    })?;
    if (node.len, node.range) != (len, range) {
        return Err(GraphError::Claim {
            node: node.label.clone(),
            claimed: format!("{:?} {:?}", node.len, node.range),
            proven: format!("{len:?} {range:?}"),
        });
    }
    Ok(())
}

/// Rule 7.
fn check_caches(graph: &Graph) -> Result<(), GraphError> {
    let mut appended = 0;
    for node in &graph.nodes {
        match node.op {
            Op::KvAppend { layer, .. } => {
                if layer != appended {
                    return Err(GraphError::Cache {
                        layer,
                        problem: "its cache is appended to out of order",
                    });
                }
                appended += 1;
            }
            Op::Scores { layer, .. } | Op::Mix { layer, .. } if layer >= appended => {
                return Err(GraphError::Cache {
                    layer,
                    problem: "its cache is read before this step's append",
                });
            }
            Op::Scores { layer, .. } | Op::Mix { layer, .. } if layer + 1 != appended => {
                return Err(GraphError::Cache {
                    layer,
                    problem: "its cache is read after the next layer's append",
                });
            }
            Op::Scores { .. }
            | Op::Mix { .. }
            | Op::Embed { .. }
            | Op::RmsNorm { .. }
            | Op::Linear { .. }
            | Op::Requantize { .. }
            | Op::Rope { .. }
            | Op::Softmax { .. }
            | Op::Silu { .. }
            | Op::Mul { .. }
            | Op::Add { .. }
            | Op::Argmax { .. } => {}
        }
    }
    if appended != graph.shape.layers {
        return Err(GraphError::Cache {
            layer: appended,
            problem: "its cache is never appended to",
        });
    }
    Ok(())
}

/// Rule 8.
fn check_output(graph: &Graph) -> Result<(), GraphError> {
    let count = graph
        .nodes
        .iter()
        .filter(|n| matches!(n.op, Op::Argmax { .. }))
        .count();
    match graph.nodes.last() {
        Some(Node {
            op: Op::Argmax { .. },
            ..
        }) if count == 1 => Ok(()),
        _ => Err(GraphError::Output),
    }
}
