//! Random step graphs of the Llama family's structure, and other things that several tests need.
#![allow(dead_code)]

use cairo_decode::chunk::SessionPins;
use cairo_decode::compile::{Program, compile};
use cairo_decode::ir::{
    Builder, Graph, Matrix, MatrixId, Op, Shape, Tables, ValueId, VerifiedGraph,
};
use cairo_decode::lower::{LowerOptions, WeightLayout, committed_words, lower};
use cairo_decode::spec::requantize::Requant;
use cairo_decode::spec::rmsnorm::RmsNorm;
use cairo_decode::spec::roots::committed_root;
use cairo_decode::spec::rope::ROPE_MAX;
use cairo_decode::verify::statement::{Domain, ModelRoot, Policy, ProgramHash, SessionId};
use starknet_types_core::felt::Felt;

/// The model root that the tests' programs carry; the shape's where they read their words.
pub const MODEL_ROOT: u64 = 1234;

/// Pins of a session of `program`, without an end-of-sequence token.
pub fn pins(program: &Program, prompt: &[u32]) -> SessionPins {
    SessionPins {
        domain: Domain::local(),
        session_id: SessionId(Felt::from(77)),
        model_root: ModelRoot(Felt::from(MODEL_ROOT)),
        program_hash: ProgramHash(program.hash()),
        policy: Policy::greedy(None),
        words: None,
        prompt: prompt.to_vec(),
    }
}

/// The same, of a program made with these choices: if it reads the model's words, they are its graph's.
pub fn pins_as(
    graph: &VerifiedGraph,
    options: LowerOptions,
    program: &Program,
    prompt: &[u32],
) -> SessionPins {
    let pins = pins(program, prompt);
    if options.weights != WeightLayout::Committed {
        return pins;
    }
    let words = committed_words(graph, options).expect("words");
    SessionPins {
        model_root: ModelRoot(committed_root(Felt::from(MODEL_ROOT), &words)),
        words: Some(words.into()),
        ..pins
    }
}

/// The compiled program of a graph.
pub fn program(graph: &VerifiedGraph) -> Program {
    program_as(graph, LowerOptions::default())
}

/// The same, with given choices.
pub fn program_as(graph: &VerifiedGraph, options: LowerOptions) -> Program {
    let package = lower(graph, Felt::from(MODEL_ROOT), options).expect("lowers");
    compile(&package.name, &package.files, &package.calls).expect("compiles")
}

/// A small deterministic generator (xorshift64*), so that tests need no crate for it.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    /// A weight with a bell-shaped distribution in −127..=127.
    pub fn weight(&mut self) -> i8 {
        let sum: i64 = (0..4).map(|_| (self.next() >> 58) as i64 - 32).sum();
        sum.clamp(-127, 127) as i8
    }
}

/// Sizes of a random model.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub shape: Shape,
    pub intermediate: usize,
}

pub fn sizes(
    hidden: usize,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    intermediate: usize,
    vocab: usize,
) -> Sizes {
    let shape = Shape {
        hidden,
        layers,
        heads,
        kv_heads,
        head_dim,
        vocab,
        context: 32,
    };
    Sizes {
        shape,
        intermediate,
    }
}

/// The smallest model that has everything: grouped query heads, both halves of a head, an MLP. A
/// position's keys and values fill one packed word.
pub fn tiny() -> Sizes {
    let mut sizes = sizes(8, 1, 2, 1, 4, 8, 8);
    sizes.shape.context = 8;
    sizes
}

/// The graph with the ranges that its (possibly edited) operations and constants have now.
pub fn rebuild(graph: &Graph) -> VerifiedGraph {
    let mut builder = Builder::new(&graph.name, graph.shape, graph.tables.clone());
    for matrix in &graph.matrices {
        builder.matrix(matrix.clone());
    }
    for node in &graph.nodes {
        push(&mut builder, &node.label, node.op);
    }
    builder.finish().expect("a valid graph")
}

fn matrix(
    random: &mut Random,
    builder: &mut Builder,
    name: &str,
    rows: usize,
    cols: usize,
) -> MatrixId {
    let data = (0..rows * cols).map(|_| random.weight()).collect();
    builder.matrix(Matrix {
        name: name.to_string(),
        rows,
        cols,
        data,
    })
}

/// A random embedding, and the tables that every model has.
pub fn tables(random: &mut Random, shape: &Shape) -> Tables {
    let data = (0..shape.vocab * shape.hidden)
        .map(|_| random.weight())
        .collect();
    let embedding = Matrix {
        name: "embedding".to_string(),
        rows: shape.vocab,
        cols: shape.hidden,
        data,
    };
    let half = shape.head_dim / 2;
    let angle = |p: usize, i: usize| p as f64 / 10000f64.powf(i as f64 / half as f64);
    let entries = |f: fn(f64) -> f64| {
        let entry = |(p, i)| ((f(angle(p, i)) * 16384.0).round() as i64).clamp(-ROPE_MAX, ROPE_MAX);
        (0..shape.context)
            .flat_map(|p| (0..half).map(move |i| (p, i)))
            .map(entry)
            .collect()
    };
    Tables {
        embedding,
        rope_cos: entries(f64::cos),
        rope_sin: entries(f64::sin),
        exp2: (0..128)
            .map(|j| (32768.0 * (-(j as f64) / 128.0).exp2()).round() as i64)
            .collect(),
        sigmoid: (0..256)
            .map(|i| (32768.0 / (1.0 + (-((i - 128) as f64) / 16.0).exp())).round() as i64)
            .collect(),
    }
}

/// A random graph with the structure of a Llama decode step: `seed` gives the weights, and nothing else. Keys, values
/// and the MLP's activations saturate, queries and what is added to the residual stream do not. Graphs of other
/// structures: `shapes`.
pub fn random_graph(name: &str, seed: u64, sizes: Sizes) -> VerifiedGraph {
    let Sizes {
        shape,
        intermediate,
    } = sizes;
    let mut random = Random::new(seed);
    let tables = tables(&mut random, &shape);
    let mut b = Builder::new(name, shape, tables);
    let norm = norm_constants(shape.hidden);
    let mut h = push(&mut b, "embed", Op::Embed { shift: 4 });
    for layer in 0..shape.layers {
        let label = |s: &str| format!("layer{layer}.{s}");
        let q_dim = shape.heads * shape.head_dim;
        let x = push(&mut b, &label("attention_norm"), Op::RmsNorm { x: h, norm });
        let mut linear = |b: &mut Builder, s: &str, x: ValueId, rows: usize, cols: usize| {
            let matrix = matrix(&mut random, b, &label(s), rows, cols);
            push(b, &label(s), Op::Linear { x, matrix })
        };
        let q = linear(&mut b, "q_proj", x, q_dim, shape.hidden);
        let k = linear(&mut b, "k_proj", x, shape.kv_dim(), shape.hidden);
        let v = linear(&mut b, "v_proj", x, shape.kv_dim(), shape.hidden);
        let wide = Requant {
            shift: 14 + 7,
            lo: -(1 << 20),
            hi: 1 << 20,
        };
        let q = push(&mut b, &label("q"), Op::Rope { x: q, to: wide });
        let int8 = |shift| Requant {
            shift,
            lo: -127,
            hi: 127,
        };
        let k = push(
            &mut b,
            &label("k"),
            Op::Rope {
                x: k,
                to: int8(14 + 7),
            },
        );
        let v = push(&mut b, &label("v"), Op::Requantize { x: v, to: int8(7) });
        push(&mut b, &label("kv_append"), Op::KvAppend { k, v, layer });
        let s = push(&mut b, &label("scores"), Op::Scores { q, layer });
        let e = push(
            &mut b,
            &label("softmax"),
            Op::Softmax {
                scores: s,
                shift: 3,
            },
        );
        let o = push(
            &mut b,
            &label("mix"),
            Op::Mix {
                weights: e,
                layer,
                shift: 2,
            },
        );
        let o = linear(&mut b, "o_proj", o, shape.hidden, q_dim);
        let to = Requant {
            shift: 8,
            lo: -(1 << 30),
            hi: 1 << 30,
        };
        let o = push(&mut b, &label("attention_out"), Op::Requantize { x: o, to });
        h = push(&mut b, &label("attention_residual"), Op::Add { a: h, b: o });
        let x = push(&mut b, &label("mlp_norm"), Op::RmsNorm { x: h, norm });
        let gate = linear(&mut b, "gate_proj", x, intermediate, shape.hidden);
        let up = linear(&mut b, "up_proj", x, intermediate, shape.hidden);
        let to = Requant {
            shift: 3,
            lo: -2047,
            hi: 2047,
        };
        let gate = push(&mut b, &label("gate"), Op::Requantize { x: gate, to });
        let up = push(&mut b, &label("up"), Op::Requantize { x: up, to });
        let silu = push(
            &mut b,
            &label("silu"),
            Op::Silu {
                x: gate,
                index_shift: 4,
            },
        );
        let to = Requant {
            shift: 15 + 9,
            lo: -255,
            hi: 255,
        };
        let x = push(&mut b, &label("gated"), Op::Mul { a: silu, b: up, to });
        let down = linear(&mut b, "down_proj", x, shape.hidden, intermediate);
        let to = Requant {
            shift: 6,
            lo: -(1 << 30),
            hi: 1 << 30,
        };
        let down = push(&mut b, &label("mlp_out"), Op::Requantize { x: down, to });
        h = push(&mut b, &label("mlp_residual"), Op::Add { a: h, b: down });
    }
    let x = push(&mut b, "final.norm", Op::RmsNorm { x: h, norm });
    let head = matrix(
        &mut random,
        &mut b,
        "final.lm_head",
        shape.vocab,
        shape.hidden,
    );
    let logits = push(&mut b, "final.lm_head", Op::Linear { x, matrix: head });
    push(&mut b, "final.token", Op::Argmax { x: logits });
    b.finish().expect("a valid graph")
}

pub fn push(builder: &mut Builder, label: &str, op: Op) -> ValueId {
    builder.push(label, op).expect("a valid operation")
}

/// Constants of a norm of `hidden` elements whose result has 6 fractional bits.
pub fn norm_constants(hidden: usize) -> RmsNorm {
    let (root_shift, inv_shift, frac) = (8, 26, 6);
    let numerator =
        ((hidden as f64).sqrt() * 2f64.powi(frac + root_shift as i32 + inv_shift as i32)) as i64;
    RmsNorm {
        eps: 7,
        root_shift,
        numerator,
        inv_shift,
    }
}
