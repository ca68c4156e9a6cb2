//! `silu`: the table index is a saturated rounding, counted from 0.

use super::cost::{Step, call_by_case};
use super::imports::Imports;
use super::requantize::{Rounding, outside};
use super::{LowerError, Lowering};
use crate::casm::Param;
use crate::cost::Cost;
use crate::ir::{Node, ValueId};
use crate::spec::requantize::Requant;
use crate::spec::silu::SIGMOID_ENTRIES;

/// The variable that holds the unpacked table.
pub(super) const SIGMOID: &str = "sigmoid";

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    index_shift: u32,
    imports: &mut Imports,
) -> Result<String, LowerError> {
    // At least 2^(index_shift + 7), so that the offset is at least 128 and −128 is representable.
    let magnitude = (lowering.node(x).range.magnitude() as i128).max(1 << (index_shift + 7));
    let index = Rounding::new(&node.label, magnitude, index_shift)?;
    let index = index.saturation_from_zero(-128, 127, imports);
    let silu = imports.item("silu", "silu");
    Ok(format!("{silu}({}, {SIGMOID}, {index})", lowering.var(x)))
}

pub(super) fn cost(
    lowering: &Lowering<'_>,
    x: ValueId,
    index_shift: u32,
    step: Step<'_>,
    cost: &mut Cost,
) {
    let params = |len| {
        let [bias, offset, divisor, lo, hi] = [Param::Felt; 5];
        let table = Param::Span(SIGMOID_ENTRIES);
        vec![Param::Span(len), table, bias, offset, divisor, lo, hi]
    };
    let index = Requant {
        shift: index_shift,
        lo: -128,
        hi: 127,
    };
    let outside = outside(step.values.map_or(&[], |values| values.get(x)), index);
    let len = lowering.len(x);
    call_by_case(cost, "silu::append_silu", params, len, &[], &outside);
    cost.unit("silu", 1);
}
