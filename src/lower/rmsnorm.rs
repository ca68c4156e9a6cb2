//! `rmsnorm`: its constants, and the rounding of the product with the reciprocal root.

use super::cost::call_kernel;
use super::imports::Imports;
use super::{LowerError, Lowering, requantize::Rounding};
use crate::casm::Param;
use crate::cost::Cost;
use crate::ir::{Node, ValueId};
use crate::spec::rmsnorm::RmsNorm;

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    norm: RmsNorm,
    imports: &mut Imports,
) -> Result<String, LowerError> {
    // |x·inv| ≤ numerator / (2^root_shift − 1), see spec::rmsnorm::output_bound.
    let product = norm.numerator as i128 / ((1 << norm.root_shift) - 1) + 1;
    let rounding = Rounding::new(&node.label, product, norm.inv_shift)?;
    Ok(format!(
        "{}({}, {} {{ eps: {:#x}, root_scale: {:#x}, numerator: {:#x}, rounding: {} }})",
        imports.item("rmsnorm", "rmsnorm"),
        lowering.var(x),
        imports.item("rmsnorm", "RmsNorm"),
        norm.eps,
        1u64 << (2 * norm.root_shift),
        norm.numerator,
        rounding.literal(imports),
    ))
}

pub(super) fn cost(lowering: &Lowering<'_>, x: ValueId, cost: &mut Cost) {
    let xs = Param::Span(lowering.len(x));
    call_kernel(cost, 1, "linear::products", &[xs, xs, Param::Felt]);
    let [factor, bias, offset, divisor] = [Param::Felt; 4];
    call_kernel(
        cost,
        1,
        "requantize::append_scaled",
        &[xs, factor, bias, offset, divisor],
    );
    cost.unit("rmsnorm", 1);
}
