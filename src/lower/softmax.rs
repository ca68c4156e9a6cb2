//! `softmax`: the rounding of the exponent.

use super::cost::{Step, call_by_case, maximum};
use super::imports::Imports;
use super::{LowerError, Lowering};
use crate::casm::Param;
use crate::cost::Cost;
use crate::ir::{Node, ValueId};
use crate::spec::softmax::{EXP2_ENTRIES, vanishes};

/// The variable that holds the unpacked table.
pub(super) const EXP2: &str = "exp2";

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    scores: ValueId,
    shift: u32,
    imports: &mut Imports,
) -> Result<String, LowerError> {
    let magnitude = lowering.node(scores).range.magnitude() as i128;
    if magnitude >= 1 << 100 {
        return Err(LowerError::TooWide {
            node: node.label.clone(),
            magnitude,
            shift,
        });
    }
    let half = if shift == 0 { 0 } else { 1u128 << (shift - 1) };
    let var = lowering.var(scores);
    let divisor = 1u128 << shift;
    let softmax = imports.item("softmax", "softmax");
    Ok(format!("{softmax}({var}, {EXP2}, {half:#x}, {divisor:#x})"))
}

pub(super) fn cost(
    lowering: &Lowering<'_>,
    scores: ValueId,
    shift: u32,
    step: Step<'_>,
    cost: &mut Cost,
) {
    let positions = step.positions();
    for head in 0..lowering.graph.shape.heads {
        let own = head * positions..(head + 1) * positions;
        let own = step
            .values
            .map_or(&[][..], |values| &values.get(scores)[own]);
        // The first of the largest.
        let index = (0..own.len()).rev().max_by_key(|&i| own[i]).unwrap_or(0);
        maximum(cost, positions, index);
        let largest = own.get(index).copied().unwrap_or(0);
        let far = own
            .iter()
            .filter(|&&s| vanishes(largest - s, shift))
            .count();
        let params = |len| {
            let (table, powers) = (Param::Span(EXP2_ENTRIES), Param::Span(16));
            vec![Param::Span(len), Param::Felt, table, powers, Param::Felt]
        };
        let path = "softmax::append_weights";
        call_by_case(cost, path, params, positions, &["near"], &[(&[], far)]);
    }
    cost.unit("softmax", 1);
    cost.unit("softmax.head", lowering.graph.shape.heads);
}
