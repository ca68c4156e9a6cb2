//! Rules 7 to 10 of the graph verifier: what stands where, and who reads it.

use std::collections::BTreeMap;

use super::GraphError;
use crate::ir::{Graph, Node, Op};

/// Rule 7.
pub(super) fn check_caches(graph: &Graph) -> Result<(), GraphError> {
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
            _ => {}
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
pub(super) fn check_output(graph: &Graph) -> Result<(), GraphError> {
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

/// Rule 9.
pub(super) fn check_after_appends(graph: &Graph) -> Result<(), GraphError> {
    let appends = |node: &&Node| matches!(node.op, Op::KvAppend { .. });
    let behind = graph.nodes.iter().rev().take_while(|node| !appends(node));
    for node in behind {
        if let Op::Embed { .. } | Op::Rope { .. } = node.op {
            return Err(GraphError::AfterAppends {
                node: node.label.clone(),
            });
        }
    }
    Ok(())
}

/// Rule 10.
pub(super) fn check_readers(graph: &Graph) -> Result<(), GraphError> {
    let mut readers = BTreeMap::new();
    for node in &graph.nodes {
        if let Op::Softmax { scores: x, .. } | Op::Mix { weights: x, .. } = node.op
            && let Some(first) = readers.insert(x, &node.label)
        {
            return Err(GraphError::SecondReader {
                node: node.label.clone(),
                first: first.clone(),
            });
        }
    }
    Ok(())
}
