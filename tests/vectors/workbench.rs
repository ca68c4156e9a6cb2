//! Builds graphs in which an operation reads what a case gives it.

use std::collections::BTreeMap;

use cairo_decode::ir::{Builder, Matrix, Op, Shape, Tables, ValueId, VerifiedGraph};
use cairo_decode::spec::requantize::Requant;

use crate::support::{Random, push, tables};

/// A graph under construction. Token `t` of its embedding is 1 in column `t` and 0 elsewhere, so that the columns of
/// a matrix are what its product is for each token.
pub struct Workbench {
    pub builder: Builder,
    shape: Shape,
    embeds: BTreeMap<u32, ValueId>,
}

/// The sizes of a graph with as many layers, heads of `head_dim`, and tokens.
pub fn shape(tokens: usize, layers: usize, [heads, kv_heads, head_dim]: [usize; 3]) -> Shape {
    Shape {
        hidden: tokens,
        layers,
        heads,
        kv_heads,
        head_dim,
        vocab: tokens,
        context: tokens,
    }
}

impl Workbench {
    pub fn new(name: &str, shape: Shape) -> Workbench {
        Workbench::with(name, shape, |_| {})
    }

    /// With tables that `change` may alter.
    pub fn with(name: &str, shape: Shape, change: impl FnOnce(&mut Tables)) -> Workbench {
        let mut tables = tables(&mut Random::new(1), &shape);
        let columns = (0..shape.vocab).flat_map(|t| (0..shape.hidden).map(move |c| t == c));
        tables.embedding.data = columns.map(i8::from).collect();
        change(&mut tables);
        Workbench {
            builder: Builder::new(name, shape, tables),
            shape,
            embeds: BTreeMap::new(),
        }
    }

    pub fn push(&mut self, label: &str, op: Op) -> ValueId {
        push(&mut self.builder, label, op)
    }

    /// The product of a value with a matrix.
    pub fn linear(&mut self, label: &str, x: ValueId, cols: usize, data: Vec<i8>) -> ValueId {
        let matrix = self.builder.matrix(Matrix {
            name: label.to_string(),
            rows: data.len() / cols,
            cols,
            data,
        });
        self.push(label, Op::Linear { x, matrix })
    }

    fn embed(&mut self, shift: u32) -> ValueId {
        if let Some(&id) = self.embeds.get(&shift) {
            return id;
        }
        let id = self.push(&format!("token{shift}"), Op::Embed { shift });
        self.embeds.insert(shift, id);
        id
    }

    /// A vector that is `of_tokens[t]` for token `t`, and nothing else is in its range but what lies between these
    /// numbers and 0. It is a sum over digits to the base 256: products with the shifted embedding.
    pub fn vector(&mut self, label: &str, of_tokens: &[Vec<i64>]) -> ValueId {
        let (len, columns) = (of_tokens[0].len(), self.shape.hidden);
        let all = || of_tokens.iter().flatten().copied();
        let mut rest = of_tokens.to_vec();
        let mut sum: Option<ValueId> = None;
        let mut digit = 0;
        while digit == 0 || rest.iter().flatten().any(|&x| x != 0) {
            let mut data = vec![0i8; len * columns];
            for (token, xs) in rest.iter_mut().enumerate() {
                for (i, x) in xs.iter_mut().enumerate() {
                    let low = *x as i8;
                    data[i * columns + token] = low;
                    *x = (*x - i64::from(low)) >> 8;
                }
            }
            let shift = 8 * digit;
            let name = format!("{label}.digit{digit}");
            let token = self.embed(shift.min(40));
            let mut x = self.linear(&name, token, columns, data);
            for twice in 40..shift {
                x = self.push(&format!("{name}.{twice}"), Op::Add { a: x, b: x });
            }
            sum = Some(match sum {
                None => x,
                Some(sum) => self.push(&format!("{name}.sum"), Op::Add { a: sum, b: x }),
            });
            digit += 1;
        }
        let to = Requant {
            shift: 0,
            lo: all().min().unwrap_or(0).min(0),
            hi: all().max().unwrap_or(0).max(0),
        };
        let x = sum.expect("a digit");
        self.push(label, Op::Requantize { x, to })
    }

    /// The same vector for every token.
    pub fn constant(&mut self, label: &str, x: &[i64]) -> ValueId {
        self.vector(label, &vec![x.to_vec(); self.shape.hidden])
    }

    /// Appends rows to a layer's cache: of each token its key and its value.
    pub fn append(&mut self, layer: usize, keys: &[Vec<i64>], values: &[Vec<i64>]) {
        let k = self.vector(&format!("k{layer}.row"), keys);
        let v = self.vector(&format!("v{layer}.row"), values);
        self.push(&format!("append{layer}"), Op::KvAppend { k, v, layer });
    }

    /// The graph, which chooses token 0.
    pub fn finish(mut self) -> VerifiedGraph {
        let tokens = self.shape.vocab;
        let logits = self.constant("logits", &vec![0; tokens]);
        self.choose(logits)
    }

    /// The graph, which chooses by these logits.
    pub fn choose(mut self, logits: ValueId) -> VerifiedGraph {
        self.push("token", Op::Argmax { x: logits });
        self.builder.finish().expect("a valid graph")
    }
}
