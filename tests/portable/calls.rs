//! Calls of single functions of the library: what they are given, and what they give.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cairo_decode::compile::{Program, compile_plain};
use cairo_decode::integers::{Carried, Description, Matrix, Norm, Operation, Product, Table};
use cairo_decode::trace;
use starknet_types_core::felt::Felt;

/// The program that calls one function.
static KERNELS: LazyLock<Program> = LazyLock::new(|| {
    let source = include_str!("kernels.cairo").to_string();
    let files = BTreeMap::from([("src/lib.cairo".to_string(), source)]);
    compile_plain("kernels", &files).expect("it compiles")
});

/// Functions by their numbers in the program's enum.
#[derive(Clone, Copy)]
pub enum Call {
    Round,
    Embed,
    EmbedPositions,
    Norm,
    HeadNorm,
    Linear,
    Function,
    Rotary,
    Attention,
    Residual,
    Gated,
    Head,
    Permute,
    Token,
    Record,
}

/// Arguments of a call, as they are read.
pub struct Arguments(Vec<Felt>);

impl Arguments {
    pub fn of(call: Call) -> Arguments {
        Arguments(vec![Felt::from(call as u32)])
    }

    pub fn number(mut self, number: impl Into<Felt>) -> Self {
        self.0.push(number.into());
        self
    }

    pub fn numbers(mut self, numbers: &[i64]) -> Self {
        self.0.push(Felt::from(numbers.len()));
        self.0
            .extend(numbers.iter().map(|&number| Felt::from(number)));
        self
    }

    pub fn vectors(self, vectors: &[Vec<i64>]) -> Self {
        let first = self.number(vectors.len() as u64);
        vectors.iter().fold(first, |to, vector| to.numbers(vector))
    }

    /// In arrays of three rows, so that a matrix has several.
    pub fn matrix(self, of: &Matrix) -> Self {
        let rows = 3;
        let parts = of.rows.chunks(rows).map(|rows| {
            let numbers = rows.concat();
            numbers.into_iter().map(i64::from).collect()
        });
        let parts: Vec<Vec<i64>> = parts.collect();
        let head = self.number(of.inputs as u64).number(rows as u64);
        head.vectors(&parts)
    }

    pub fn product(self, of: &Product) -> Self {
        let bias: Vec<i64> = of.bias.iter().map(|&bias| bias.into()).collect();
        self.matrix(&of.weights).numbers(&bias).number(of.shift)
    }

    pub fn table(self, of: &Table) -> Self {
        let rows = of.values.iter().map(|&value| vec![value]).collect();
        let values = Matrix { inputs: 1, rows };
        let length = of.values.len() as u64;
        self.number(of.first).matrix(&values).number(length)
    }

    pub fn norm(self, of: &Norm) -> Self {
        let centred = u64::from(of.centred);
        self.number(centred)
            .number(of.grain)
            .number(of.floor)
            .number(of.shift)
    }

    /// What the function gives; nothing if the program refuses.
    pub fn run(self) -> Option<Vec<Felt>> {
        let trace = trace::run(&KERNELS, &self.0, None).ok()?;
        let (length, felts) = trace.output().split_first().expect("a list");
        assert_eq!(*length, Felt::from(felts.len()));
        Some(felts.to_vec())
    }
}

/// The call of an operation whose inputs have these values.
pub fn call(
    of: &Description,
    number: usize,
    values: &[Vec<i64>],
    carried: &Carried,
    [token, position]: [u32; 2],
) -> Arguments {
    let value = |input: &usize| &values[*input][..];
    match &of.operations[number] {
        Operation::Embed => {
            let call = match of.embedding.positions {
                None => Call::Embed,
                Some(_) => Call::EmbedPositions,
            };
            let arguments = Arguments::of(call)
                .number(token)
                .matrix(&of.embedding.tokens)
                .number(of.embedding.shift);
            match &of.embedding.positions {
                None => arguments,
                Some(positions) => arguments.number(position).matrix(positions),
            }
        }
        Operation::Norm { input, norm } => {
            Arguments::of(Call::Norm).numbers(value(input)).norm(norm)
        }
        Operation::HeadNorm { input, norm, heads } => Arguments::of(Call::HeadNorm)
            .numbers(value(input))
            .norm(norm)
            .number(*heads as u64),
        Operation::Linear { input, of, bits } => Arguments::of(Call::Linear)
            .numbers(value(input))
            .product(of)
            .number(*bits),
        Operation::Function {
            input,
            of: product,
            table,
        } => Arguments::of(Call::Function)
            .numbers(value(input))
            .product(product)
            .table(&of.tables[*table]),
        Operation::Rotary {
            input,
            of: product,
            half,
        } => {
            let [cos, sin] = [&of.angles.cos, &of.angles.sin].map(|rows| Matrix {
                inputs: *half,
                rows: rows.clone(),
            });
            Arguments::of(Call::Rotary)
                .numbers(value(input))
                .product(product)
                .number(*half as u64)
                .number(position)
                .matrix(&cos)
                .matrix(&sin)
        }
        Operation::Attention {
            queries, of: heads, ..
        } => Arguments::of(Call::Attention)
            .numbers(value(queries))
            .vectors(&carried.keys[number])
            .vectors(&carried.values[number])
            .number(heads.heads as u64)
            .number(heads.kv_heads as u64)
            .number(heads.head_dim as u64)
            .number(heads.score_shift)
            .table(&of.tables[heads.weights])
            .number(heads.mix_shift)
            .number(heads.mix_bits),
        Operation::Residual {
            stream,
            input,
            of,
            bits,
        } => Arguments::of(Call::Residual)
            .numbers(value(stream))
            .numbers(value(input))
            .product(of)
            .number(*bits),
        Operation::Gated { input, of: gated } => Arguments::of(Call::Gated)
            .numbers(value(input))
            .product(&gated.gate)
            .product(&gated.up)
            .table(&of.tables[gated.table])
            .number(gated.shift)
            .number(gated.bits),
        Operation::Head { input } => Arguments::of(Call::Head)
            .numbers(value(input))
            .matrix(of.output()),
    }
}
