//! Random graphs of any structure that the graph verifier allows: any subset of the operations, in any order.

use cairo_decode::ir::{Builder, Len, Matrix, MatrixId, Op, Shape, Tables, ValueId, VerifiedGraph};
use cairo_decode::spec::requantize::Requant;
use cairo_decode::spec::rmsnorm::RmsNorm;

use crate::support::{Random, push, tables};

/// A graph under construction, with what is there to be read.
struct Draft {
    random: Random,
    builder: Builder,
    shape: Shape,
    embedding: Matrix,
    /// Vectors.
    pool: Vec<ValueId>,
    /// Scores without a softmax, and softmax weights without a mix.
    scores: Vec<ValueId>,
    weights: Vec<ValueId>,
    nodes: usize,
    matrices: usize,
    /// Whether all layers have appended.
    appended: bool,
}

/// A graph that follows from its seed.
pub fn any_graph(seed: u64) -> VerifiedGraph {
    let mut random = Random::new(seed.wrapping_mul(0x5851_F42D_4C95_7F2D) + 1);
    let kv_heads = 1 + random.below(3);
    let shape = Shape {
        hidden: 1 + random.below(17),
        layers: 1 + random.below(3),
        heads: kv_heads * (1 + random.below(3)),
        kv_heads,
        head_dim: [2, 2, 4, 6, 10][random.below(5)],
        vocab: 1 + random.below(33),
        context: 8,
    };
    let tables: Tables = tables(&mut random, &shape);
    let mut draft = Draft {
        random,
        shape,
        embedding: tables.embedding.clone(),
        builder: Builder::new("any", shape, tables),
        pool: vec![],
        scores: vec![],
        weights: vec![],
        nodes: 0,
        matrices: 0,
        appended: false,
    };
    draft.embed();
    for layer in 0..shape.layers {
        draft.vectors(4);
        draft.append(layer);
        draft.appended = layer + 1 == shape.layers;
        draft.attention(layer);
    }
    draft.vectors(5);
    draft.choose()
}

impl Draft {
    fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    fn push(&mut self, op: Op) -> ValueId {
        self.nodes += 1;
        push(&mut self.builder, &format!("x{}", self.nodes), op)
    }

    fn any(&mut self) -> ValueId {
        let at = self.random.below(self.pool.len());
        self.pool[at]
    }

    fn len(&self, id: ValueId) -> usize {
        match self.builder.node(id).len {
            Len::Fixed(len) => len,
            Len::PerPosition => panic!("no vector"),
        }
    }

    fn magnitude(&self, id: ValueId) -> i64 {
        self.builder.node(id).range.magnitude()
    }

    fn bits(&self, id: ValueId) -> u32 {
        64 - self.magnitude(id).leading_zeros()
    }

    fn embed(&mut self) {
        let shift = [0, 4, 11, 40][self.random.below(4)];
        let x = self.push(Op::Embed { shift });
        self.pool.push(x);
    }

    /// Constants of a rounding of values of so many bits, to at most `most` bits.
    fn requant(&mut self, bits: u32, most: u32) -> Requant {
        let shift = self.random.below((bits + 2).min(61) as usize) as u32;
        let mut bound = || match self.random.below(4) {
            0 => (1i64 << most) - 1,
            1 => (1 << (most / 2)) - 1,
            2 => self.random.below(1 << most.min(20)) as i64,
            _ => i64::from(most > 1),
        };
        let (lo, hi) = (-bound(), bound());
        Requant { shift, lo, hi }
    }

    /// A value of at most so many bits: `x`, rounded if it is wider.
    fn narrow(&mut self, x: ValueId, bits: u32) -> ValueId {
        if self.bits(x) <= bits {
            return x;
        }
        let shift = (self.bits(x) - bits).min(60);
        let hi = (1 << bits) - 1;
        let to = Requant { shift, lo: -hi, hi };
        self.push(Op::Requantize { x, to })
    }

    /// A product with a matrix of `rows` rows: random, or the embedding if `tied` and it fits.
    fn linear(&mut self, x: ValueId, rows: usize, tied: bool) -> ValueId {
        let x = self.narrow(x, 40);
        let cols = self.len(x);
        let mut data: Vec<i8> = (0..rows * cols).map(|_| self.random.weight()).collect();
        if tied && (rows, cols) == (self.shape.vocab, self.shape.hidden) {
            data.clone_from(&self.embedding.data);
        }
        self.matrices += 1;
        let matrix: MatrixId = self.builder.matrix(Matrix {
            name: format!("m{}", self.matrices),
            rows,
            cols,
            data,
        });
        self.push(Op::Linear { x, matrix })
    }

    /// A vector of a length: one that is there, or a product.
    fn of_len(&mut self, len: usize) -> ValueId {
        let pool = self.pool.iter().copied();
        let there: Vec<ValueId> = pool.filter(|&id| self.len(id) == len).collect();
        if !there.is_empty() && self.chance(40) {
            return there[self.random.below(there.len())];
        }
        let x = self.any();
        self.linear(x, len, false)
    }

    /// Up to `most` operations on vectors.
    fn vectors(&mut self, most: usize) {
        for _ in 0..self.random.below(most + 1) {
            let x = self.any();
            let made = match self.random.below(9) {
                0 | 1 => self.norm(x),
                2 => Some({
                    let rows = 1 + self.random.below(20);
                    self.linear(x, rows, false)
                }),
                3 => Some({
                    let to = self.requant(self.bits(x), 30);
                    self.push(Op::Requantize { x, to })
                }),
                4 => self.silu(x),
                5 | 6 => self.pair(x),
                7 => self.rope(x),
                _ if self.appended => None,
                _ => {
                    self.embed();
                    None
                }
            };
            self.pool.extend(made);
        }
    }

    fn norm(&mut self, x: ValueId) -> Option<ValueId> {
        let norm = RmsNorm {
            eps: 1 + self.random.below(1000) as i64,
            root_shift: 1 + self.random.below(16) as u32,
            numerator: 1 + (self.random.next() >> (5 + self.random.below(40))) as i64,
            inv_shift: 1 + self.random.below(48) as u32,
        };
        let x = self.narrow(x, 40);
        Some(self.push(Op::RmsNorm { x, norm }))
    }

    fn silu(&mut self, x: ValueId) -> Option<ValueId> {
        let x = self.narrow(x, 46);
        let index_shift = self.random.below(self.bits(x) as usize + 1) as u32;
        Some(self.push(Op::Silu {
            x,
            index_shift: index_shift.min(40),
        }))
    }

    /// A sum or a product with a vector of the same length, perhaps itself.
    fn pair(&mut self, a: ValueId) -> Option<ValueId> {
        let len = self.len(a);
        let same: Vec<ValueId> = self
            .pool
            .iter()
            .copied()
            .filter(|&b| self.len(b) == len)
            .collect();
        let b = same[self.random.below(same.len())];
        if self.chance(40) {
            let (a, b) = (self.narrow(a, 60), self.narrow(b, 60));
            return Some(self.push(Op::Add { a, b }));
        }
        let (a, b) = (self.narrow(a, 30), self.narrow(b, 31));
        let to = self.requant(self.bits(a) + self.bits(b), 40);
        Some(self.push(Op::Mul { a, b, to }))
    }

    fn rope(&mut self, x: ValueId) -> Option<ValueId> {
        if self.appended || !self.len(x).is_multiple_of(self.shape.head_dim) {
            return None;
        }
        let x = self.narrow(x, 46);
        let to = self.requant(self.bits(x) + 15, 30);
        Some(self.push(Op::Rope { x, to }))
    }

    /// A row of int8 for a cache.
    fn row(&mut self) -> ValueId {
        let x = self.of_len(self.shape.kv_dim());
        let hi = [127, 127, 15][self.random.below(3)];
        let lo = -hi - i64::from(self.chance(30));
        let x = self.narrow(x, 46);
        let shift = self.bits(x).saturating_sub(7);
        if self.chance(50) {
            let to = Requant {
                shift: shift + 14,
                lo,
                hi,
            };
            return self.push(Op::Rope { x, to });
        }
        let to = Requant { shift, lo, hi };
        self.push(Op::Requantize { x, to })
    }

    fn append(&mut self, layer: usize) {
        let k = self.row();
        let v = if self.chance(20) { k } else { self.row() };
        // A query that is rotated has to be there before the last append.
        if self.chance(60) {
            let x = self.of_len(self.shape.heads * self.shape.head_dim);
            let q = self.rope(x);
            self.pool.extend(q);
        }
        self.push(Op::KvAppend { k, v, layer });
    }

    /// Scores, softmax and mix of a layer, each there or not; what is left over may be read in a later layer.
    fn attention(&mut self, layer: usize) {
        for _ in 0..[0, 1, 1, 1, 2][self.random.below(5)] {
            let x = self.of_len(self.shape.heads * self.shape.head_dim);
            let bits = [8, 14, 40][self.random.below(3)];
            let q = self.narrow(x, bits);
            let scores = self.push(Op::Scores { q, layer });
            self.scores.push(scores);
        }
        while !self.scores.is_empty() && self.chance(85) {
            let scores = self.scores.remove(0);
            let shift = self.random.below(self.bits(scores).min(40) as usize + 1) as u32;
            let weights = self.push(Op::Softmax { scores, shift });
            self.weights.push(weights);
        }
        while !self.weights.is_empty() && self.chance(85) {
            let (weights, shift) = (self.weights.remove(0), self.random.below(17) as u32);
            let mixed = self.push(Op::Mix {
                weights,
                layer,
                shift,
            });
            self.pool.push(mixed);
        }
    }

    fn choose(mut self) -> VerifiedGraph {
        let vocab = self.shape.vocab;
        let logits = match self.chance(30) {
            true => self.of_len(vocab),
            false => {
                let x = *self.pool.last().expect("a vector");
                self.linear(x, vocab, true)
            }
        };
        push(&mut self.builder, "token", Op::Argmax { x: logits });
        self.builder.finish().expect("a valid graph")
    }
}
