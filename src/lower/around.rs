//! Declared costs of what a chunk does around the operations: constants, angles, packed rows, roots, carried keys and
//! values, claims.

use std::collections::BTreeMap;

use super::cost::{Chunk, call_kernel};
use super::{
    ANGLES, CONSTANTS, LowerError, Lowering, WeightLayout, claims, kv_append, rope, weights,
};
use crate::casm::Param;
use crate::cost::{Cost, permutations};
use crate::ir::Op;

/// Costs by part, named as in a profile.
pub(super) fn declare(
    lowering: &Lowering<'_>,
    chunk: &Chunk<'_>,
) -> Result<BTreeMap<&'static str, Cost>, LowerError> {
    Ok(BTreeMap::from([
        (CONSTANTS, constants(lowering)?),
        (ANGLES, angles(lowering, chunk)),
        ("bytes", bytes(lowering, chunk)),
        ("roots", roots(lowering, chunk)),
        ("kv", carried(lowering, chunk)),
        ("claims", claims::cost(lowering, chunk)?),
    ]))
}

fn constants(lowering: &Lowering<'_>) -> Result<Cost, LowerError> {
    let mut cost = Cost {
        sites: 1,
        ..Cost::default()
    };
    // Of 128 and 256 entries, counted also where a graph reads only one of them, or none.
    cost.unit("tables", 1);
    let layout = lowering.options.weights;
    if !layout.is_separated() {
        return Ok(cost);
    }
    let committed = layout == WeightLayout::Committed;
    for parts in weights::parts(lowering)? {
        let (kernel, masks, unit) = match (committed, parts.lanes.committed()) {
            (false, _) => ("weights::append_words", 1, "separate"),
            (true, 3) => ("weights::append_three", 3, "separate_committed"),
            (true, _) => ("weights::append_two", 2, "separate_committed"),
        };
        for felts in parts.felts {
            let mut params = vec![Param::Span(felts)];
            params.extend(vec![Param::Felt; masks + 1]);
            call_kernel(&mut cost, 1, kernel, &params);
            cost.unit(unit, 1);
        }
    }
    if committed {
        cost.unit("committed", 1);
        let felts = weights::committed_count(lowering)?;
        span_hash(&mut cost, felts);
        cost.kernels.add_all(&permutations(1), 1);
    }
    Ok(cost)
}

fn angles(lowering: &Lowering<'_>, chunk: &Chunk<'_>) -> Cost {
    let carry = &lowering.schedule.carry;
    if !carry.iter().any(|node| matches!(node.op, Op::Rope { .. })) {
        return Cost::default();
    }
    let mut cost = Cost {
        sites: chunk.steps as u64,
        ..Cost::default()
    };
    let words = rope::words(lowering.graph.shape.head_dim / 2);
    cost.unit("angles", chunk.steps);
    cost.unit("angles.word", chunk.steps * words);
    cost
}

/// Packing of each step's row, unpacking of each carried one.
fn bytes(lowering: &Lowering<'_>, chunk: &Chunk<'_>) -> Cost {
    let mut cost = Cost::default();
    let shape = &lowering.graph.shape;
    let (values, words) = (2 * shape.layers * shape.kv_dim(), shape.kv_words());
    let unfilled = 2 * words - values / 15;
    cost.unit("pack", chunk.steps);
    cost.unit("pack.word", chunk.steps * words);
    cost.unit("pack.value", chunk.steps * values);
    cost.unit("pack.unfilled", chunk.steps * unfilled);
    cost.unit("unpack", chunk.position);
    cost.unit("unpack.layer", chunk.position * shape.layers);
    let params = [Param::Span(words)];
    call_kernel(&mut cost, chunk.position, "bytes::unpack_int8", &params);
    cost
}

fn roots(lowering: &Lowering<'_>, chunk: &Chunk<'_>) -> Cost {
    let mut cost = Cost::default();
    let words = lowering.graph.shape.kv_words();
    let decided = chunk.all().filter(|step| step.decides).count();
    let first = usize::from(chunk.position == 0);
    let links = chunk.position + chunk.steps;
    // The compiler makes the three places where tokens are folded differently.
    cost.unit("fold_first", first);
    cost.unit("fold_token", chunk.steps);
    cost.unit("fold_emitted", decided);
    cost.unit("fold_kv", links);
    hash(&mut cost, ["hash.pair", "hash.odd"], 1 + words, links);
    let tokens = first + chunk.steps + decided;
    cost.kernels.add_all(&permutations(tokens as u64), 1);
    cost
}

/// `poseidon_hash_span` of `len` felts, `times` times.
fn hash(cost: &mut Cost, [pair, odd]: [&'static str; 2], len: usize, times: usize) {
    cost.unit(pair, times * (len / 2));
    cost.unit(odd, times * (len % 2));
    let each = permutations(len as u64 / 2 + 1);
    cost.kernels.add_all(&each, times as u64);
}

/// The same for one span of words or claims, whose loop the compiler makes differently.
pub(super) fn span_hash(cost: &mut Cost, len: usize) {
    hash(cost, ["span.pair", "span.odd"], len, 1);
}

fn carried(lowering: &Lowering<'_>, chunk: &Chunk<'_>) -> Cost {
    let mut cost = Cost::default();
    let shape = &lowering.graph.shape;
    cost.unit("cache", shape.layers);
    cost.unit("cache.head", shape.layers * shape.kv_heads);
    cost.unit("take", chunk.position * (1 + 2 * shape.layers));
    for position in 0..chunk.position {
        for _ in 0..shape.layers {
            kv_append::carried_cost(lowering, position, &mut cost);
        }
    }
    cost
}
