//! Small descriptions that tests change.

use cairo_decode::integers::{
    Angles, Attention, Description, Embedding, Gated, Matrix, Norm, Operation, Product, Table,
};

/// A matrix of these rows.
pub fn matrix(rows: &[&[i32]]) -> Matrix {
    Matrix {
        inputs: rows[0].len(),
        rows: rows.iter().map(|row| row.to_vec()).collect(),
    }
}

/// A product without biases.
pub fn product(rows: &[&[i32]], shift: u32) -> Product {
    Product {
        weights: matrix(rows),
        bias: vec![0; rows.len()],
        shift,
    }
}

/// A table from `first` on.
pub fn table(first: i64, values: impl IntoIterator<Item = i32>) -> Table {
    Table {
        first,
        values: values.into_iter().collect(),
    }
}

/// A description of these operations, with two tokens.
pub fn description(operations: Vec<Operation>) -> Description {
    Description {
        context: 3,
        embedding: Embedding {
            tokens: matrix(&[&[3, -4], &[100, 50]]),
            shift: 0,
            positions: None,
        },
        output: None,
        angles: Angles::default(),
        tables: vec![],
        operations,
    }
}

/// Attention over tokens whose vectors (`rows`) have query, key and value one after the other; it is operation 4.
pub fn attending(of: Attention, rows: &[Vec<i32>], weights: &[i32]) -> Description {
    let sizes = [of.heads, of.kv_heads, of.kv_heads].map(|heads| heads * of.head_dim);
    let inputs = rows[0].len();
    let pick = |first: usize, outputs: usize| {
        let row = |i| (0..inputs).map(|j| i32::from(j == first + i)).collect();
        let weights = Matrix {
            inputs,
            rows: (0..outputs).map(row).collect(),
        };
        let of = Product {
            weights,
            bias: vec![0; outputs],
            shift: 0,
        };
        Operation::Linear {
            input: 0,
            of,
            bits: 15,
        }
    };
    let [queries, keys, values] = sizes;
    let operations = vec![
        Operation::Embed,
        pick(0, queries),
        pick(queries, keys),
        pick(queries + keys, values),
        Operation::Attention {
            queries: 1,
            keys: 2,
            values: 3,
            of,
        },
    ];
    let mut description = description(operations);
    description.embedding.tokens = Matrix {
        inputs,
        rows: rows.to_vec(),
    };
    description.tables = vec![table(0, weights.to_vec())];
    description.context = rows.len();
    description
}

/// Every operation once, over two channels and two tokens.
pub fn everything() -> Description {
    let norm = Norm {
        centred: false,
        grain: 2,
        floor: 1 << 10,
        shift: 15,
    };
    let attention = Attention {
        heads: 1,
        kv_heads: 1,
        head_dim: 2,
        key_bits: 10,
        value_bits: 12,
        score_shift: 3,
        weights: 0,
        mix_shift: 12,
        mix_bits: 14,
    };
    let gated = Gated {
        gate: product(&[&[2, 1], &[-1, 3]], 8),
        up: product(&[&[5, -2], &[1, 1]], 6),
        table: 1,
        shift: 7,
        bits: 16,
    };
    let rotary = |of| Operation::Rotary {
        input: 1,
        of,
        half: 1,
    };
    let operations = vec![
        Operation::Embed,
        Operation::Norm { input: 0, norm },
        rotary(product(&[&[1, 2], &[-3, 1]], 8)),
        rotary(product(&[&[2, -1], &[1, 1]], 8)),
        Operation::Linear {
            input: 1,
            of: product(&[&[1, 3], &[-2, 2]], 6),
            bits: 12,
        },
        Operation::Attention {
            queries: 2,
            keys: 3,
            values: 4,
            of: attention,
        },
        Operation::Residual {
            stream: 0,
            input: 5,
            of: product(&[&[7, -1], &[2, 9]], 2),
            bits: 25,
        },
        Operation::Norm { input: 6, norm },
        Operation::Gated {
            input: 7,
            of: gated,
        },
        Operation::Function {
            input: 8,
            of: product(&[&[1, 1], &[1, -1]], 3),
            table: 1,
        },
        Operation::Residual {
            stream: 6,
            input: 9,
            of: product(&[&[1, 0], &[0, 1]], 0),
            bits: 25,
        },
        Operation::Head { input: 9 },
    ];
    let mut description = description(operations);
    description.angles = Angles {
        cos: vec![vec![1 << 14], vec![0], vec![11585]],
        sin: vec![vec![0], vec![1 << 14], vec![11585]],
    };
    let silu = |z: i32| if z < 0 { z / 8 } else { z };
    description.tables = vec![
        table(0, (0..1000).map(|distance| 32767 >> (distance / 64))),
        table(-1024, (-1024..=1024).map(silu)),
    ];
    description
}
