//! Declared costs of the claims of a chunk: the hash that binds them, the check of each matrix.

use super::around::span_hash;
use super::cost::{Chunk, call_kernel};
use super::linear::Product;
use super::{LowerError, Lowering, WeightLayout};
use crate::casm::Param;
use crate::cost::Cost;

pub(super) fn cost(lowering: &Lowering<'_>, chunk: &Chunk<'_>) -> Result<Cost, LowerError> {
    let mut cost = Cost::default();
    let schedule = &lowering.schedule;
    let decided = chunk.all().filter(|step| step.decides).count();
    let mut lists = vec![];
    for (nodes, steps) in [(&schedule.carry, chunk.steps), (&schedule.decide, decided)] {
        let products = lowering.products(nodes.iter().copied())?;
        let claimed: Vec<Product<'_>> = products.into_iter().filter(|p| p.claimed).collect();
        lists.push((claimed, steps));
    }
    if lists.iter().all(|(claimed, _)| claimed.is_empty()) {
        return Ok(cost);
    }
    cost.unit("claims", 1);
    // Prompt, steps and two frontiers; the root of words that are read; both hashes.
    let root = usize::from(lowering.options.weights == WeightLayout::Committed);
    span_hash(&mut cost, 12 + root);
    for (claimed, steps) in lists {
        let blocks = |p: &Product<'_>| p.lanes.blocks(p.matrix);
        let sums: usize = claimed.iter().map(blocks).sum();
        span_hash(&mut cost, sums * steps);
        if steps == 0 {
            cost.unit("claims.none", usize::from(!claimed.is_empty()));
            continue;
        }
        for product in &claimed {
            check_cost(&mut cost, product, lowering.options.weights, steps)?;
        }
    }
    Ok(cost)
}

/// Adds the check of the claims of `steps` steps about one product.
pub(super) fn check_cost(
    cost: &mut Cost,
    product: &Product<'_>,
    weights: WeightLayout,
    steps: usize,
) -> Result<(), LowerError> {
    let cols = product.matrix.cols;
    for blocks in product.part_blocks(weights)? {
        cost.unit("claims.matrix", 1);
        cost.unit("claims.block", blocks);
        let params = [Param::Span(blocks * cols), Param::Span(blocks), Param::Felt];
        call_kernel(cost, 1, "linear::products", &params);
        cost.unit("claims.claim", steps);
        for len in [cols, blocks] {
            let params = [Param::Span(len), Param::Span(len), Param::Felt];
            call_kernel(cost, steps, "linear::products", &params);
        }
    }
    Ok(())
}
