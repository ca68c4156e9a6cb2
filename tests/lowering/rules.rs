//! Every rule of the graph verifier refuses a graph that breaks it, and names what is wrong. Here the rules
//! about the whole: 1 to 4 and 7 to 10; those about single operations are in `operations`.

use cairo_decode::ir::{Graph, GraphError, Matrix, MatrixId, Op, ValueId, VerifiedGraph};

use crate::support::{random_graph, sizes};

/// A graph of two layers, which the verifier accepts.
pub fn graph() -> Graph {
    let graph: &Graph = &random_graph("rules", 4, sizes(8, 2, 2, 1, 4, 8, 8));
    accepted(graph.clone());
    graph.clone()
}

fn accepted(graph: Graph) {
    VerifiedGraph::new(graph).expect("a valid graph");
}

/// The error of a valid graph after a change.
pub fn refused(change: impl FnOnce(&mut Graph)) -> GraphError {
    let mut changed = graph();
    change(&mut changed);
    VerifiedGraph::new(changed).expect_err("must be refused")
}

pub fn find(graph: &Graph, label: &str) -> usize {
    graph
        .nodes
        .iter()
        .position(|n| n.label == label)
        .unwrap_or_else(|| panic!("no node {label}"))
}

/// The error after a change of the operation `label`, which must be of one node.
pub fn node(label: &str, change: impl FnOnce(&mut Op)) -> String {
    let error = refused(|g| {
        let at = find(g, label);
        change(&mut g.nodes[at].op);
    });
    match error {
        GraphError::Node { node, problem } => {
            assert_eq!(node, label);
            problem.to_string()
        }
        other => panic!("{label}: refused for another reason: {other}"),
    }
}

/// Rule 1: the name is an identifier.
#[test]
fn names() {
    for name in ["", "1a", "A", "a-b", "_a", "a b", "é", "../a"] {
        assert_eq!(
            refused(|g| g.name = name.to_string()),
            GraphError::Name(name.to_string())
        );
    }
}

/// Rule 1: sizes are positive, bounded, consistent.
#[test]
fn shapes() {
    type Change = fn(&mut cairo_decode::ir::Shape);
    let every = "every size must be between 1 and 2^20";
    let changes: [(Change, &str); 10] = [
        (|s| s.hidden = 0, every),
        (|s| s.layers = 0, every),
        (|s| s.heads = 0, every),
        (|s| s.kv_heads = 0, every),
        (|s| s.head_dim = 0, every),
        (|s| s.vocab = 0, every),
        (|s| s.context = 0, every),
        (|s| s.context = (1 << 20) + 1, every),
        (|s| s.heads = 3, "heads must be a multiple of kv_heads"),
        (|s| s.head_dim = 3, "head_dim must be even"),
    ];
    for (change, problem) in changes {
        let error = refused(|g| {
            g.shape.kv_heads = 2;
            change(&mut g.shape);
        });
        assert_eq!(error, GraphError::Shape(problem));
    }
}

/// Rule 2: tables have their sizes, their entries their ranges (requirement 13).
#[test]
fn requirement_13_tables_of_a_graph() {
    type Change = fn(&mut cairo_decode::ir::Tables);
    let changes: [(Change, &str); 16] = [
        (|t| t.embedding.rows += 1, "embedding"),
        (|t| t.embedding.cols += 1, "embedding"),
        (|t| t.embedding.data.truncate(5), "embedding"),
        (|t| t.rope_cos.truncate(5), "rope_cos"),
        (|t| t.rope_cos[0] = 1 << 14, "rope_cos"),
        (|t| t.rope_sin.push(0), "rope_sin"),
        (|t| t.rope_sin[5] = -(1 << 14), "rope_sin"),
        (|t| t.exp2.truncate(5), "exp2"),
        (|t| t.exp2.push(1 << 14), "exp2"),
        (|t| t.exp2[0] -= 1, "exp2"),
        (|t| t.exp2[127] = (1 << 14) - 1, "exp2"),
        (|t| t.exp2[1] = (1 << 15) + 1, "exp2"),
        (|t| t.sigmoid.truncate(5), "sigmoid"),
        (|t| t.sigmoid.push(0), "sigmoid"),
        (|t| t.sigmoid[0] = -1, "sigmoid"),
        (|t| t.sigmoid[255] = (1 << 15) + 1, "sigmoid"),
    ];
    for (change, name) in changes {
        let error = refused(|g| change(&mut g.tables));
        assert!(
            matches!(error, GraphError::Table { table, .. } if table == name),
            "{name}: {error}"
        );
    }
}

/// Rule 3: matrices have `rows · cols` entries and unique names, and one reader each.
#[test]
fn matrices() {
    type Change = fn(&mut Graph);
    let entries = "expected rows × cols entries";
    let once = "expected exactly one linear layer that reads it";
    let changes: [(Change, &str); 8] = [
        (|g| g.matrices[0].data.truncate(5), entries),
        (|g| g.matrices[0].data.push(0), entries),
        (|g| g.matrices[0].rows = 0, entries),
        (|g| g.matrices[0].cols = 0, entries),
        (|g| g.matrices[0].rows = usize::MAX, entries),
        (
            |g| g.matrices[0].name = g.matrices[1].name.clone(),
            "the name is repeated",
        ),
        (
            |g| {
                g.matrices.push(Matrix {
                    name: "unused".to_string(),
                    ..g.matrices[0].clone()
                })
            },
            once,
        ),
        (
            |g| {
                let at = find(g, "layer1.q_proj");
                let Op::Linear { matrix, .. } = &mut g.nodes[at].op else {
                    panic!("not a matrix")
                };
                *matrix = MatrixId(0);
            },
            once,
        ),
    ];
    for (change, expected) in changes {
        match refused(change) {
            GraphError::Matrix { problem, .. } => assert_eq!(problem, expected),
            other => panic!("refused for another reason: {other}"),
        }
    }
}

/// Rule 4: operands are earlier nodes.
#[test]
fn operands() {
    for operand in [2, 3, 1000, u32::MAX] {
        let error = refused(|g| {
            g.nodes[2].op = Op::Linear {
                x: ValueId(operand),
                matrix: MatrixId(0),
            }
        });
        let label = graph().nodes[2].label.clone();
        assert_eq!(
            error,
            GraphError::Operand {
                node: label,
                operand
            }
        );
    }
    let error = refused(|g| {
        let at = find(g, "layer0.mix");
        g.nodes.swap(at, at + 1);
    });
    assert!(
        matches!(error, GraphError::Operand { .. }),
        "two nodes in another order: {error}"
    );
}

/// Rule 4: labels are unique and plain, since they become variables.
#[test]
fn labels() {
    for label in ["", "A", "a b", "a;b", "a\"", "layer0.q_proj"] {
        let error = refused(|g| g.nodes[0].label = label.to_string());
        let found = matches!(&error, GraphError::Label { node } if node == label);
        assert!(found, "{label:?}: {error}");
    }
}

/// Rule 4: an append makes no value.
#[test]
fn an_append_is_no_operand() {
    let append = find(&graph(), "layer0.kv_append") as u32;
    let error = refused(|g| {
        let at = find(g, "layer0.attention_residual");
        let Op::Add { b, .. } = &mut g.nodes[at].op else {
            panic!("not a sum")
        };
        *b = ValueId(append);
    });
    let expected = GraphError::NoValue {
        node: "layer0.attention_residual".to_string(),
        operand: append,
    };
    assert_eq!(error, expected);
}

/// Rule 9: after the last append no operation reads the token or the position.
#[test]
fn after_the_appends() {
    let embed = |g: &mut Graph, label: &str, after: &str| {
        let mut node = g.nodes[0].clone();
        node.label = label.to_string();
        let at = find(g, after) + 1;
        g.nodes.insert(at, node);
        for node in &mut g.nodes[at + 1..] {
            shift(&mut node.op, at as u32);
        }
    };
    let mut between = graph();
    embed(&mut between, "again", "layer0.kv_append");
    accepted(between);
    let error = refused(|g| embed(g, "again", "layer1.kv_append"));
    let node = "again".to_string();
    assert_eq!(error, GraphError::AfterAppends { node });
    // A query that is rotated too late.
    let error = refused(|g| {
        let (q, append) = (find(g, "layer1.q"), find(g, "layer1.kv_append"));
        let node = g.nodes.remove(q);
        for node in &mut g.nodes[q..append] {
            lower(&mut node.op, q as u32);
        }
        g.nodes.insert(append, node);
        let scores = find(g, "layer1.scores");
        let Op::Scores { q, .. } = &mut g.nodes[scores].op else {
            panic!("not scores")
        };
        q.0 = append as u32;
    });
    let node = "layer1.q".to_string();
    assert_eq!(error, GraphError::AfterAppends { node });
}

/// Moves operands from `at` on by one.
fn shift(op: &mut Op, at: u32) {
    for id in operands_mut(op) {
        id.0 += u32::from(id.0 >= at);
    }
}

/// Moves operands behind `at` back by one.
fn lower(op: &mut Op, at: u32) {
    for id in operands_mut(op) {
        id.0 -= u32::from(id.0 > at);
    }
}

fn operands_mut(op: &mut Op) -> Vec<&mut ValueId> {
    match op {
        Op::Embed { .. } => vec![],
        Op::RmsNorm { x, .. }
        | Op::Linear { x, .. }
        | Op::Requantize { x, .. }
        | Op::Rope { x, .. }
        | Op::Silu { x, .. }
        | Op::Argmax { x } => vec![x],
        Op::KvAppend { k, v, .. } => vec![k, v],
        Op::Scores { q, .. } => vec![q],
        Op::Softmax { scores, .. } => vec![scores],
        Op::Mix { weights, .. } => vec![weights],
        Op::Mul { a, b, .. } | Op::Add { a, b } => vec![a, b],
    }
}

/// Rule 10: scores and softmax weights have one reader.
#[test]
fn one_reader() {
    for reader in ["layer1.softmax", "layer1.mix"] {
        let error = refused(|g| {
            let at = find(g, reader);
            let mut second = g.nodes[at].clone();
            second.label = "second".to_string();
            g.nodes.insert(at + 1, second);
            for node in &mut g.nodes[at + 2..] {
                shift(&mut node.op, at as u32 + 1);
            }
        });
        let expected = GraphError::SecondReader {
            node: "second".to_string(),
            first: reader.to_string(),
        };
        assert_eq!(error, expected);
    }
}

/// Rule 7 (requirement 8): each layer appends once, in order, before its scores and its mix.
#[test]
fn requirement_08_caches() {
    let label = |g: &Graph, label: &str| find(g, label);
    let error = refused(|g| {
        let (a, b) = (label(g, "layer0.kv_append"), label(g, "layer1.kv_append"));
        let (a_op, b_op) = (g.nodes[a].op, g.nodes[b].op);
        let (Op::KvAppend { k, v, .. }, Op::KvAppend { k: k1, v: v1, .. }) = (a_op, b_op) else {
            panic!("not appends")
        };
        g.nodes[a].op = Op::KvAppend { k, v, layer: 1 };
        g.nodes[b].op = Op::KvAppend {
            k: k1,
            v: v1,
            layer: 0,
        };
    });
    assert!(
        matches!(error, GraphError::Cache { layer: 1, .. }),
        "{error}"
    );
    // Appended twice.
    let error = refused(|g| {
        let at = label(g, "layer1.kv_append");
        let Op::KvAppend { layer, .. } = &mut g.nodes[at].op else {
            panic!("not an append")
        };
        *layer = 0;
    });
    assert!(
        matches!(error, GraphError::Cache { layer: 0, .. }),
        "{error}"
    );
    // Scores of a layer before it is appended to: a future layer's keys.
    for reader in ["layer0.scores", "layer0.mix"] {
        let error = refused(|g| {
            let at = label(g, reader);
            match &mut g.nodes[at].op {
                Op::Scores { layer, .. } | Op::Mix { layer, .. } => *layer = 1,
                _ => panic!("not a reader"),
            }
        });
        let expected = "its cache is read before this step's append";
        assert_eq!(
            error,
            GraphError::Cache {
                layer: 1,
                problem: expected
            }
        );
    }
    // Scores of an earlier layer's cache: another layer's keys.
    for reader in ["layer1.scores", "layer1.mix"] {
        let error = refused(|g| {
            let at = label(g, reader);
            match &mut g.nodes[at].op {
                Op::Scores { layer, .. } | Op::Mix { layer, .. } => *layer = 0,
                _ => panic!("not a reader"),
            }
        });
        let problem = "its cache is read after the next layer's append";
        assert_eq!(error, GraphError::Cache { layer: 0, problem });
    }
    // This step's row is missing: scores before the append.
    let error = refused(|g| {
        let at = label(g, "layer1.kv_append");
        assert_eq!(g.nodes[at + 1].label, "layer1.scores");
        let Op::Scores { q, layer } = g.nodes[at + 1].op else {
            panic!("not scores")
        };
        let append = g.nodes[at].clone();
        g.nodes[at] = g.nodes[at + 1].clone();
        g.nodes[at + 1] = append;
        g.nodes[at].op = Op::Scores { q, layer };
        // The softmax reads the scores, which are one node earlier now.
        let softmax = label(g, "layer1.softmax");
        let Op::Softmax { scores, .. } = &mut g.nodes[softmax].op else {
            panic!("not a softmax")
        };
        scores.0 -= 1;
    });
    assert!(
        matches!(error, GraphError::Cache { layer: 1, .. }),
        "{error}"
    );
    // A layer that is never appended to.
    let error = refused(|g| {
        g.shape.layers = 3;
    });
    let expected = "its cache is never appended to";
    assert_eq!(
        error,
        GraphError::Cache {
            layer: 2,
            problem: expected
        }
    );
}

/// Rule 8 (requirement 14): the token is the last node's argmax, and nothing else is.
#[test]
fn requirement_14_the_token_is_the_argmax() {
    assert_eq!(refused(|g| drop(g.nodes.pop())), GraphError::Output);
    assert_eq!(
        refused(|g| {
            let mut twice = g.nodes.last().expect("a node").clone();
            twice.label = "again".to_string();
            g.nodes.push(twice);
        }),
        GraphError::Output
    );
    // The argmax is not the last node.
    let error = refused(|g| {
        let mut last = g.nodes[0].clone();
        last.label = "after".to_string();
        g.nodes.push(last);
    });
    assert_eq!(error, GraphError::Output);
}
