//! Builds a graph node by node, inferring lengths and ranges.

use super::{
    Graph, GraphError, Matrix, MatrixId, Node, Op, Shape, Tables, ValueId, VerifiedGraph, range,
};

/// Appends nodes to a graph; [`Builder::finish`] verifies the whole.
pub struct Builder {
    graph: Graph,
}

impl Builder {
    /// An empty graph.
    pub fn new(name: &str, shape: Shape, tables: Tables) -> Builder {
        Builder {
            graph: Graph {
                name: name.to_string(),
                shape,
                tables,
                matrices: vec![],
                nodes: vec![],
            },
        }
    }

    /// Adds a weight matrix.
    pub fn matrix(&mut self, matrix: Matrix) -> MatrixId {
        self.graph.matrices.push(matrix);
        MatrixId(self.graph.matrices.len() as u32 - 1)
    }

    /// Appends an operation.
    ///
    /// # Errors
    /// An operand that does not exist, or a range that is empty or too large.
    pub fn push(&mut self, label: &str, op: Op) -> Result<ValueId, GraphError> {
        super::verify::check_operands(&self.graph, self.graph.nodes.len(), label, &op)?;
        let (len, range) =
            range::infer(&self.graph, &op).ok_or_else(|| GraphError::RangeTooLarge {
                node: label.to_string(),
            })?;
        self.graph.nodes.push(Node {
            label: label.to_string(),
            op,
            len,
            range,
        });
        Ok(ValueId(self.graph.nodes.len() as u32 - 1))
    }

    /// The node that makes a value, with its inferred range.
    pub fn node(&self, id: ValueId) -> &Node {
        self.graph.node(id)
    }

    /// Verifies the graph.
    ///
    /// # Errors
    /// Any rule of the graph verifier.
    pub fn finish(self) -> Result<VerifiedGraph, GraphError> {
        VerifiedGraph::new(self.graph)
    }
}

impl VerifiedGraph {
    /// The same operations, with ranges that hold whatever int8 values the embedding and the matrices have: all of
    /// them are −128, the largest magnitude.
    ///
    /// # Errors
    /// A range that is too large then.
    pub fn for_any_weights(&self) -> Result<VerifiedGraph, GraphError> {
        let any = |matrix: &Matrix| Matrix {
            data: vec![i8::MIN; matrix.data.len()],
            ..matrix.clone()
        };
        let mut tables = self.tables.clone();
        tables.embedding = any(&tables.embedding);
        let mut builder = Builder::new(&self.name, self.shape, tables);
        for matrix in &self.matrices {
            builder.matrix(any(matrix));
        }
        for node in &self.nodes {
            builder.push(&node.label, node.op)?;
        }
        builder.finish()
    }
}
