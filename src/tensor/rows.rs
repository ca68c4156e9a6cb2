//! Whose the rows of a chunk's tensor components are.
//!
//! The rows of operations are those of their [witness](super::operation::Work::witness). A row of the memory belongs to the operation that
//! writes it, a row of views to the first operation that uses one of its views. Rows that no operation has belong to a part of the
//! protocol. Rows of calls and reads belong to steps of the program, which are not known here, and tables to nobody.

use std::collections::BTreeMap;

use super::operation::Part;
use super::plan::{Plan, Tensor};
use super::values::Values;
use crate::air::components::Component;

/// What the rows of carried keys and values, which no operation writes, are part of.
const CARRIED: &str = "carried";

/// What the rows of tokens that the program hands over are part of.
const TOKENS: &str = "tokens";

/// Rows by component.
pub type Counts = BTreeMap<Component, u64>;

/// Rows in use, by owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Of each operation, in the order of the plan.
    pub operations: Vec<Counts>,
    /// Of parts of the protocol.
    pub around: BTreeMap<&'static str, Counts>,
}

/// The rows of a chunk with these values.
pub fn owned(plan: &Plan, values: &Values) -> Owned {
    let mut owned = Owned::default();
    for operation in &plan.operations {
        let mut counts = Counts::new();
        for Part { component, rows } in operation.work().witness(plan, values) {
            *counts.entry(component).or_default() += rows.len() as u64;
        }
        let written = operation.writes();
        let addresses = written.iter().flat_map(Tensor::addresses);
        let own = addresses.filter(|address| *address < plan.addresses);
        *counts.entry(Component::Tensor).or_default() += own.count() as u64;
        owned.operations.push(counts);
    }
    views(plan, &mut owned);
    let written = |address: u32| {
        let mut written = plan.operations.iter().flat_map(|of| of.writes());
        written.any(|tensor| tensor.addresses().contains(&address))
    };
    let tokens = [plan.tokens.given, plan.tokens.listed];
    let given = tokens.into_iter().filter(|&address| !written(address));
    let tokens = owned.around.entry(TOKENS).or_default();
    *tokens.entry(Component::Tensor).or_default() += given.count() as u64;
    carried(plan, values, &mut owned);
    owned
}

/// The rows of views of a chunk's own tensors.
fn views(plan: &Plan, owned: &mut Owned) {
    let mut left = plan.views();
    for (operation, counts) in plan.operations.iter().zip(&mut owned.operations) {
        let used = operation.work().views();
        let first = used.iter().filter(|view| left.remove(view)).count() as u64;
        if first > 0 {
            *counts.entry(Component::Lanes).or_default() += first;
        }
    }
    let tokens = owned.around.entry(TOKENS).or_default();
    if !left.is_empty() {
        *tokens.entry(Component::Lanes).or_default() += left.len() as u64;
    }
}

/// The rows of carried blocks and of their views.
fn carried(plan: &Plan, values: &Values, owned: &mut Owned) {
    let [blocks, _] = super::carried_blocks(plan.lanes, values.chunk.position);
    let rows = plan.grown(blocks);
    let of = |component: Component| rows.get(&component).copied().unwrap_or(0) as u64;
    let counts = owned.around.entry(CARRIED).or_default();
    counts.insert(
        Component::Tensor,
        of(Component::Tensor) - u64::from(plan.addresses),
    );
    if let Some(views) = plan.carried_views() {
        counts.insert(views, of(views));
    }
}
