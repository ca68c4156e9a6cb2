//! Text form of a graph: one line per node, for golden files, errors and people.

use std::fmt;

use super::{Graph, Len, Node, Op, ValueId};

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = &self.shape;
        writeln!(
            f,
            "graph {} hidden={} layers={} heads={} kv_heads={} head_dim={} vocab={} context={}",
            self.name, s.hidden, s.layers, s.heads, s.kv_heads, s.head_dim, s.vocab, s.context
        )?;
        for (i, node) in self.nodes.iter().enumerate() {
            writeln!(
                f,
                "{}",
                NodeText {
                    graph: self,
                    id: ValueId(i as u32),
                    node
                }
            )?;
        }
        Ok(())
    }
}

struct NodeText<'a> {
    graph: &'a Graph,
    id: ValueId,
    node: &'a Node,
}

impl fmt::Display for NodeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Node {
            label,
            op,
            len,
            range,
        } = self.node;
        write!(f, "  {} = {} ", self.id, op.name())?;
        match *op {
            Op::Embed { shift } => write!(f, "token <<{shift}")?,
            Op::RmsNorm { x, norm } => write!(
                f,
                "{x} eps={} root_shift={} numerator={} inv_shift={}",
                norm.eps, norm.root_shift, norm.numerator, norm.inv_shift
            )?,
            Op::Linear { x, matrix } => {
                let m = self.graph.matrix(matrix);
                write!(f, "{x} @{}[{}x{}]", m.name, m.rows, m.cols)?
            }
            Op::Requantize { x, to } | Op::Rope { x, to } => write!(f, "{x} {to}")?,
            Op::KvAppend { k, v, layer } => write!(f, "k={k} v={v} layer={layer}")?,
            Op::Scores { q, layer } => write!(f, "{q} layer={layer}")?,
            Op::Softmax { scores, shift } => write!(f, "{scores} >>{shift}")?,
            Op::Mix {
                weights,
                layer,
                shift,
            } => write!(f, "{weights} layer={layer} <<{shift}")?,
            Op::Silu { x, index_shift } => write!(f, "{x} index>>{index_shift}")?,
            Op::Mul { a, b, to } => write!(f, "{a} {b} {to}")?,
            Op::Add { a, b } => write!(f, "{a} {b}")?,
            Op::Argmax { x } => write!(f, "{x}")?,
        }
        let len = match len {
            Len::Fixed(n) => n.to_string(),
            Len::PerPosition => "heads*positions".to_string(),
        };
        write!(f, " : [{len}] {}..{}  // {label}", range.lo(), range.hi())
    }
}
