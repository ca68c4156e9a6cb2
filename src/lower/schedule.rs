//! The order of a step's operations in the generated program, and its cut into `carry` and `decide`.

use std::collections::BTreeSet;

use crate::ir::{Graph, Node, Op, ValueId};

/// A step's operations in program order.
pub(super) struct Schedule<'a> {
    /// Everything up to the last append, which later steps depend on.
    pub(super) carry: Vec<&'a Node>,
    /// The rest, which only decides the token.
    pub(super) decide: Vec<&'a Node>,
    /// Values that `carry` makes and `decide` reads, in order.
    pub(super) carried: BTreeSet<ValueId>,
    /// Labels of the operations whose value no other one reads; the token is not among them.
    unread: BTreeSet<&'a str>,
}

impl<'a> Schedule<'a> {
    pub(super) fn new(graph: &'a Graph) -> Schedule<'a> {
        let append = |n: &Node| matches!(n.op, Op::KvAppend { .. });
        let cut = graph.nodes.iter().rposition(append).unwrap_or(0) + 1;
        let (carry, decide) = graph.nodes.split_at(cut);
        Schedule {
            carry: order(0, carry),
            decide: order(cut, decide),
            carried: live_values(decide, cut),
            unread: unread(&graph.nodes),
        }
    }

    /// Whether no operation reads a node's value.
    pub(super) fn unread(&self, node: &Node) -> bool {
        self.unread.contains(node.label.as_str())
    }

    /// All operations, in program order.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Node> {
        self.carry.iter().chain(&self.decide).copied()
    }
}

/// The nodes in order, except that a linear layer waits for its first reader: a value that is read at
/// once costs the program no words to keep. `first` is the first node's id.
fn order(first: usize, nodes: &[Node]) -> Vec<&Node> {
    let mut order = Vec::new();
    let mut waiting: Vec<(usize, &Node)> = Vec::new();
    for (id, node) in (first..).zip(nodes) {
        let read = node.op.operands();
        let due = |(id, _): &(usize, &Node)| read.iter().any(|r| r.0 as usize == *id);
        order.extend(
            waiting
                .extract_if(.., |linear| due(linear))
                .map(|(_, linear)| linear),
        );
        if matches!(node.op, Op::Linear { .. }) {
            waiting.push((id, node));
        } else {
            order.push(node);
        }
    }
    order.extend(waiting.into_iter().map(|(_, linear)| linear));
    order
}

/// Labels of the nodes whose value no node reads; the last node's is the step's result.
fn unread(nodes: &[Node]) -> BTreeSet<&str> {
    let read: BTreeSet<ValueId> = nodes.iter().flat_map(|n| n.op.operands()).collect();
    let before_last = nodes.len().saturating_sub(1);
    (0u32..)
        .zip(&nodes[..before_last])
        .filter(|(id, _)| !read.contains(&ValueId(*id)))
        .map(|(_, node)| node.label.as_str())
        .collect()
}

/// Values made before node `cut` that the nodes after it read, in order.
fn live_values(after: &[Node], cut: usize) -> BTreeSet<ValueId> {
    after
        .iter()
        .flat_map(|n| n.op.operands())
        .filter(|id| (id.0 as usize) < cut)
        .collect()
}
