//! Calls one function of the library: which one, and with what, is input.

use cairo_decode::attention::{Attention, attention};
use cairo_decode::digest::{pack, unpack};
use cairo_decode::embed::{embed, embed_positions};
use cairo_decode::function::function;
use cairo_decode::gated::gated;
use cairo_decode::head::head;
use cairo_decode::linear::linear;
use cairo_decode::matrix::{Matrix, Table};
use cairo_decode::norm::{Norm, head_norm, norm};
use cairo_decode::poseidon2::permute;
use cairo_decode::product::Product;
use cairo_decode::residual::residual;
use cairo_decode::rotary::rotary;
use cairo_decode::rounding::{ShiftTrait, shift};
use cairo_decode::{record, token_chain};

/// A matrix.
#[derive(Drop, Serde)]
struct Rows {
    inputs: u32,
    rows: u32,
    arrays: Array<Array<i32>>,
}

/// A product.
#[derive(Drop, Serde)]
struct Biased {
    weights: Rows,
    bias: Array<i32>,
    shift: u32,
}

/// A table.
#[derive(Drop, Serde)]
struct Values {
    first: i64,
    values: Rows,
    length: u64,
}

#[derive(Drop, Serde)]
enum Call {
    Round: (felt252, u32),
    Embed: (u32, Rows, u32),
    EmbedPositions: (u32, Rows, u32, u32, Rows),
    Norm: (Array<i64>, bool, u32, i64, u32),
    HeadNorm: (Array<i64>, bool, u32, i64, u32, u32),
    Linear: (Array<i64>, Biased, u32),
    Function: (Array<i64>, Biased, Values),
    Rotary: (Array<i64>, Biased, u32, u32, Rows, Rows),
    Attention: (Array<i64>, Array<Array<i64>>, Array<Array<i64>>, Heads),
    Residual: (Array<i64>, Array<i64>, Biased, u32),
    Gated: (Array<i64>, Biased, Biased, Values, u32, u32),
    Head: (Array<i64>, Rows),
    Permute: Array<felt252>,
    Token: (felt252, felt252),
    Record: (felt252, Array<i64>, u32),
}

#[derive(Drop, Serde)]
struct Heads {
    heads: u32,
    kv_heads: u32,
    head_dim: u32,
    score_shift: u32,
    weights: Values,
    mix_shift: u32,
    mix_bits: u32,
}

#[executable]
fn main(call: Call) -> Array<felt252> {
    match call {
        Call::Round((x, bits)) => array![shift(bits).round(x).into()],
        Call::Embed((token, tokens, shift)) => felts(embed(token, matrix(tokens), shift)),
        Call::EmbedPositions((
            token, tokens, shift, position, positions,
        )) => felts(embed_positions(token, matrix(tokens), shift, position, matrix(positions))),
        Call::Norm((
            x, centred, grain, floor, shift,
        )) => felts(norm(x.span(), Norm { centred, grain, floor, shift })),
        Call::HeadNorm((
            x, centred, grain, floor, shift, heads,
        )) => felts(head_norm(x.span(), Norm { centred, grain, floor, shift }, heads)),
        Call::Linear((x, constants, bits)) => felts(linear(x.span(), product(constants), bits)),
        Call::Function((
            x, constants, values,
        )) => felts(function(x.span(), product(constants), table(values))),
        Call::Rotary((
            x, constants, half, position, cos, sin,
        )) => felts(rotary(x.span(), product(constants), half, position, matrix(cos), matrix(sin))),
        Call::Attention((
            queries, keys, values, constants,
        )) => felts(attention(queries.span(), spans(keys), spans(values), heads(constants))),
        Call::Residual((
            stream, x, constants, bits,
        )) => felts(residual(stream.span(), x.span(), product(constants), bits)),
        Call::Gated((
            x, gate, up, values, shift, bits,
        )) => felts(gated(x.span(), product(gate), product(up), table(values), shift, bits)),
        Call::Head((x, output)) => array![head(x.span(), matrix(output)).into()],
        Call::Permute(state) => {
            let mut state = state.span();
            let state = permute((*state.multi_pop_front::<24>().unwrap()).unbox());
            let mut felts = array![];
            for element in state.span() {
                let element: u128 = (*element).try_into().unwrap();
                felts.append((element % 0x7fffffff).into());
            }
            felts
        },
        Call::Token((root, token)) => array![pack(token_chain::append(unpack(root), token))],
        Call::Record((
            root, values, packed,
        )) => array![pack(record::append(unpack(root), values.span(), packed))],
    }
}

fn felts(numbers: Span<i64>) -> Array<felt252> {
    let mut felts = array![];
    for number in numbers {
        felts.append((*number).into());
    }
    felts
}

fn spans<T, +Drop<T>>(arrays: Array<Array<T>>) -> Span<Span<T>> {
    let mut spans = array![];
    for array in arrays {
        spans.append(array.span());
    }
    spans.span()
}

fn matrix(constants: Rows) -> Matrix {
    Matrix { inputs: constants.inputs, rows: constants.rows, arrays: spans(constants.arrays) }
}

fn product(constants: Biased) -> Product {
    let Biased { weights, bias, shift } = constants;
    Product { weights: matrix(weights), bias: bias.span(), shift }
}

fn table(constants: Values) -> Table {
    Table { first: constants.first, values: matrix(constants.values), length: constants.length }
}

fn heads(constants: Heads) -> Attention {
    Attention {
        heads: constants.heads,
        kv_heads: constants.kv_heads,
        head_dim: constants.head_dim,
        score_shift: constants.score_shift,
        weights: table(constants.weights),
        mix_shift: constants.mix_shift,
        mix_bits: constants.mix_bits,
    }
}
