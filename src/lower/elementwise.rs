//! `add` and `mul`.

use super::cost::{Step, call_kernel};
use super::imports::Imports;
use super::requantize::{finish, finish_cost};
use super::{LowerError, Lowering};
use crate::casm::Param;
use crate::cost::Cost;
use crate::ir::{Node, ValueId};
use crate::spec::requantize::Requant;

pub(super) fn add(
    lowering: &Lowering<'_>,
    a: ValueId,
    b: ValueId,
    imports: &mut Imports,
) -> String {
    let add = imports.item("elementwise", "add");
    format!("{add}({}, {})", lowering.var(a), lowering.var(b))
}

pub(super) fn add_cost(lowering: &Lowering<'_>, a: ValueId, cost: &mut Cost) {
    let params = [Param::Span(lowering.len(a)); 2];
    call_kernel(cost, 1, "elementwise::append_sums", &params);
    cost.unit("add", 1);
}

pub(super) fn mul(
    lowering: &Lowering<'_>,
    node: &Node,
    a: ValueId,
    b: ValueId,
    to: Requant,
    imports: &mut Imports,
) -> Result<String, LowerError> {
    let mul = imports.item("elementwise", "mul");
    finish(
        &format!("{mul}({}, {})", lowering.var(a), lowering.var(b)),
        &node.label,
        magnitude(lowering, [a, b]),
        to,
        imports,
    )
}

/// What a product can reach.
fn magnitude(lowering: &Lowering<'_>, factors: [ValueId; 2]) -> i128 {
    let [a, b] = factors.map(|x| lowering.node(x).range.magnitude() as i128);
    a * b
}

pub(super) fn mul_cost(
    lowering: &Lowering<'_>,
    node: &Node,
    [a, b]: [ValueId; 2],
    to: Requant,
    step: Step<'_>,
    cost: &mut Cost,
) -> Result<(), LowerError> {
    let len = lowering.len(a);
    let params = [Param::Span(len); 2];
    call_kernel(cost, 1, "elementwise::append_products", &params);
    cost.unit("mul", 1);
    let exact = step.values.map(|values| {
        let pairs = values.get(a).iter().zip(values.get(b));
        pairs.map(|(a, b)| a * b).collect()
    });
    finish_cost(
        &node.label,
        magnitude(lowering, [a, b]),
        to,
        len,
        exact,
        cost,
    )
}
