//! The rules of the graph verifier about single operations: rules 5 and 6.

use cairo_decode::ir::{Builder, GraphError, Len, MatrixId, Node, Op, Range, ValueId};
use cairo_decode::spec::requantize::Requant;
use cairo_decode::spec::rmsnorm::RmsNorm;

use crate::rules::{find, graph, node, refused};

/// Rule 5: the constants of a norm, and a sum of squares that fits.
#[test]
fn norms() {
    type Change = fn(&mut RmsNorm);
    let changes: [Change; 7] = [
        |norm| norm.eps = 0,
        |norm| norm.numerator = 0,
        |norm| norm.numerator = 1 << 60,
        |norm| norm.root_shift = 0,
        |norm| norm.root_shift = 17,
        |norm| norm.inv_shift = 0,
        |norm| norm.inv_shift = 49,
    ];
    for change in changes {
        let problem = node("final.norm", |op| {
            let Op::RmsNorm { norm, .. } = op else {
                panic!("not a norm")
            };
            change(norm);
        });
        assert_eq!(problem, NORM);
    }
    // The sum of squares, shifted for the root, has to stay below 2^120.
    let base = graph();
    let norm = RmsNorm {
        eps: 1,
        root_shift: 16,
        numerator: 1 << 50,
        inv_shift: 20,
    };
    for (shift, fits) in [(30, true), (40, false)] {
        let mut builder = Builder::new("wide", base.shape, base.tables.clone());
        let x = builder
            .push("embed", Op::Embed { shift })
            .expect("an embedding");
        builder
            .push("norm", Op::RmsNorm { x, norm })
            .expect("a norm");
        let error = builder.finish().expect_err("the graph is not complete");
        let too_wide = GraphError::Node {
            node: "norm".to_string(),
            problem: NORM,
        };
        assert_eq!(error == too_wide, !fits, "{error}");
    }
}

const NORM: &str = "the norm's constants or input range are out of bounds";

/// Rule 5: roundings have a shift that fits and a range around 0.
#[test]
fn roundings() {
    type Change = fn(&mut Requant);
    let (shift, clamp) = ("the shift is too large", "the clamp range must contain 0");
    let changes: [(Change, &str); 6] = [
        (|to| to.shift = 61, shift),
        (|to| to.shift = u32::MAX, shift),
        (|to| (to.lo, to.hi) = (1, 2), clamp),
        (|to| (to.lo, to.hi) = (-2, -1), clamp),
        (|to| (to.lo, to.hi) = (1, 0), clamp),
        (|to| (to.lo, to.hi) = (i64::MIN, i64::MAX), clamp),
    ];
    for label in ["layer1.v", "layer1.k", "layer1.gated"] {
        for (change, expected) in changes {
            let problem = node(label, |op| match op {
                Op::Requantize { to, .. } | Op::Rope { to, .. } | Op::Mul { to, .. } => change(to),
                _ => panic!("{label} does not round"),
            });
            assert_eq!(problem, expected, "{label}");
        }
    }
}

/// Rule 5: every operation's operands have their lengths, its constants their ranges.
#[test]
fn operations() {
    // Scores have no fixed length; the embedding is a plain vector.
    let scores = ValueId(find(&graph(), "layer0.scores") as u32);
    let plain = ValueId(0);
    let q_proj = graph().nodes[find(&graph(), "layer1.q_proj")].op;
    let Op::Linear { matrix, .. } = q_proj else {
        panic!("not a matrix")
    };
    let to = Requant {
        shift: 1,
        lo: -1,
        hi: 1,
    };
    let wide = ValueId(find(&graph(), "layer0.v_proj") as u32);
    let append = graph().nodes[find(&graph(), "layer1.kv_append")].op;
    let Op::KvAppend { k, v, layer } = append else {
        panic!("not an append")
    };
    let gate = graph().nodes[find(&graph(), "layer1.silu")].op;
    let Op::Silu { x: gate, .. } = gate else {
        panic!("not a silu")
    };
    let softmax = ValueId(find(&graph(), "layer1.softmax") as u32);
    let query = ValueId(find(&graph(), "layer1.q") as u32);

    let rows = "expected int8 rows of kv_dim and a layer";
    let attend = "expected a query of heads × head_dim";
    let weigh = "expected scores and a shift of at most 40";
    let mix = "expected softmax weights and a shift of at most 16";
    let cols = "the input's length is not the matrix's cols";
    let cases: [(&str, Op, &str); 21] = [
        (
            "embed",
            Op::Embed { shift: 41 },
            "the shift is larger than 40",
        ),
        (
            "layer1.up",
            Op::Linear {
                x: plain,
                matrix: MatrixId(1000),
            },
            "the matrix does not exist",
        ),
        ("layer1.q_proj", Op::Linear { x: scores, matrix }, cols),
        ("layer1.q_proj", Op::Linear { x: wide, matrix }, cols),
        (
            "layer1.k",
            Op::Rope { x: scores, to },
            "the input is not a whole number of heads",
        ),
        (
            "layer1.kv_append",
            Op::KvAppend {
                k,
                v,
                layer: layer + 1,
            },
            rows,
        ),
        (
            "layer1.kv_append",
            Op::KvAppend { k: plain, v, layer },
            rows,
        ),
        (
            "layer1.kv_append",
            Op::KvAppend { k, v: plain, layer },
            rows,
        ),
        ("layer1.kv_append", Op::KvAppend { k, v: wide, layer }, rows),
        ("layer1.kv_append", Op::KvAppend { k: wide, v, layer }, rows),
        ("layer1.scores", Op::Scores { q: scores, layer }, attend),
        ("layer1.scores", Op::Scores { q: wide, layer }, attend),
        (
            "layer1.scores",
            Op::Scores {
                q: query,
                layer: layer + 1,
            },
            attend,
        ),
        (
            "layer1.softmax",
            Op::Softmax {
                scores: plain,
                shift: 1,
            },
            weigh,
        ),
        ("layer1.softmax", Op::Softmax { scores, shift: 41 }, weigh),
        (
            "layer1.mix",
            Op::Mix {
                weights: plain,
                layer,
                shift: 1,
            },
            mix,
        ),
        (
            "layer1.mix",
            Op::Mix {
                weights: softmax,
                layer: layer + 1,
                shift: 1,
            },
            mix,
        ),
        (
            "layer1.mix",
            Op::Mix {
                weights: softmax,
                layer,
                shift: 17,
            },
            mix,
        ),
        (
            "layer1.silu",
            Op::Silu {
                x: gate,
                index_shift: 41,
            },
            "the index shift is larger than 40",
        ),
        (
            "layer1.gated",
            Op::Mul {
                a: scores,
                b: plain,
                to,
            },
            "the lengths differ",
        ),
        (
            "layer1.mlp_residual",
            Op::Add {
                a: scores,
                b: plain,
            },
            "the lengths differ",
        ),
    ];
    for (label, wrong, expected) in cases {
        assert_eq!(
            node(label, |op| *op = wrong),
            expected,
            "{label}: {wrong:?}"
        );
    }
    assert_eq!(
        node("final.token", |op| *op = Op::Argmax { x: scores }),
        "expected vocab logits"
    );
}

/// Rule 5: what has a number per head and position is no vector.
#[test]
fn scores_are_no_vector() {
    let (s, e) = ["layer1.scores", "layer1.softmax"]
        .map(|label| ValueId(find(&graph(), label) as u32))
        .into();
    let norm = RmsNorm {
        eps: 1,
        root_shift: 1,
        numerator: 1,
        inv_shift: 1,
    };
    let to = Requant {
        shift: 1,
        lo: -1,
        hi: 1,
    };
    let cases = [
        ("layer1.mlp_norm", Op::RmsNorm { x: s, norm }),
        ("layer1.attention_out", Op::Requantize { x: e, to }),
        (
            "layer1.silu",
            Op::Silu {
                x: e,
                index_shift: 1,
            },
        ),
        ("layer1.gated", Op::Mul { a: s, b: s, to }),
        ("layer1.attention_residual", Op::Add { a: s, b: e }),
    ];
    for (label, wrong) in cases {
        let problem = node(label, |op| *op = wrong);
        assert!(
            problem.starts_with("expected a vector"),
            "{label}: {problem}"
        );
    }
}

/// Rule 6 (requirement 12): a node claims exactly the range and length that its rule proves.
#[test]
fn requirement_12_claimed_ranges() {
    let claim = |label: &str, change: &dyn Fn(&mut Node)| {
        let error = refused(|g| {
            let at = find(g, label);
            change(&mut g.nodes[at]);
        });
        assert!(
            matches!(&error, GraphError::Claim { node, .. } if node == label),
            "{label}: {error}"
        );
    };
    for Node {
        label, range, len, ..
    } in &graph().nodes
    {
        if *len == Len::Fixed(0) {
            continue;
        }
        claim(label, &|n| {
            n.range = Range::new(range.lo(), range.hi() - 1).expect("a range")
        });
        claim(label, &|n| n.len = Len::Fixed(9));
    }
    claim("layer0.q_proj", &|n| {
        n.range = Range::new(-1, 1).expect("a range")
    });
    claim("layer0.v", &|n| {
        n.range = Range::new(n.range.lo(), n.range.hi() + 1).expect("a range")
    });
    // A constant that widens a range which other nodes were proven from.
    claim("layer0.attention_norm", &|n| {
        let Op::RmsNorm { norm, .. } = &mut n.op else {
            panic!("not a norm")
        };
        norm.inv_shift -= 1;
    });
}

/// Rule 6: a range that reaches 2^62 is refused, by the builder and by the verifier.
#[test]
fn ranges() {
    let base = graph();
    let mut builder = Builder::new("wide", base.shape, base.tables.clone());
    let mut x = builder
        .push("embed", Op::Embed { shift: 40 })
        .expect("an embedding");
    let mut range = builder.node(x).range;
    let mut nodes = vec![builder.node(x).clone()];
    let error =
        (0..30).find_map(
            |i| match builder.push(&format!("double{i}"), Op::Add { a: x, b: x }) {
                Ok(next) => {
                    range = builder.node(next).range;
                    nodes.push(builder.node(next).clone());
                    x = next;
                    None
                }
                Err(error) => Some(error),
            },
        );
    let label = format!("double{}", nodes.len() - 1);
    let expected = || GraphError::RangeTooLarge {
        node: label.clone(),
    };
    assert_eq!(error, Some(expected()));
    assert!(
        range.magnitude() >= 1 << 60,
        "the last that fitted was large"
    );
    // A graph that claims the last range that fitted.
    let last = nodes[nodes.len() - 1].clone();
    nodes.push(Node {
        label: label.clone(),
        op: Op::Add { a: x, b: x },
        ..last
    });
    let error = refused(|g| (g.nodes, g.matrices) = (nodes, vec![]));
    assert_eq!(error, expected());
}

/// Rule 6: a sum of products that no lane of the program holds.
#[test]
fn sums_of_products() {
    let mut base = graph();
    base.shape.layers = 1;
    let mut builder = Builder::new("wide", base.shape, base.tables.clone());
    let mut matrix = |name: &str| {
        let found = base.matrices.iter().find(|m| m.name == name);
        builder.matrix(found.expect("a matrix").clone())
    };
    let (k_proj, head) = (matrix("layer0.k_proj"), matrix("final.lm_head"));
    let mut push = |label: &str, op| builder.push(label, op).expect("a node");
    // The embedding, at the largest scale and doubled, feeds the last matrix directly.
    let x = push("embed", Op::Embed { shift: 40 });
    let to = Requant {
        shift: 40,
        lo: -127,
        hi: 127,
    };
    let small = push("small", Op::Requantize { x, to });
    let k = push(
        "k_proj",
        Op::Linear {
            x: small,
            matrix: k_proj,
        },
    );
    let k = push("k", Op::Requantize { x: k, to });
    push("kv_append", Op::KvAppend { k, v: k, layer: 0 });
    let doubled = (0..5).fold(x, |x, i| {
        push(&format!("double{i}"), Op::Add { a: x, b: x })
    });
    let logits = push(
        "lm_head",
        Op::Linear {
            x: doubled,
            matrix: head,
        },
    );
    push("token", Op::Argmax { x: logits });
    match builder.finish().expect_err("must be refused") {
        GraphError::SumTooLarge { node, bound } => {
            assert_eq!(node, "lm_head");
            assert!(bound >= 1 << 59);
        }
        other => panic!("refused for another reason: {other}"),
    }
}
