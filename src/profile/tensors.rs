//! The profile of a chunk whose proof has tensor components.

use super::calls::Calls;
use super::components::{AnyComponent, Component, components, without_unread};
use super::owners::{Owners, PROTOCOL, owners};
use super::rows::{Rows, rows};
use super::{Measured, Node, Profile, ProfileError, assemble};

use crate::air::components as tensor;
use crate::decode::{Decoded, Decoder};
use crate::tensor::rows::{Counts, owned};
use crate::tensor::{carried_blocks, constants};

/// The section of operations outside all layers.
const MODEL: &str = "model";

/// Runs a decoded chunk's program and measures it with its tensor components.
///
/// # Errors
/// A program that refuses its input or does not say what its code computes, or layouts that are not the plan's.
pub fn profile_chunk(decoder: &Decoder, decoded: &Decoded) -> Result<Profile, ProfileError> {
    let program = &decoder.program;
    let trace = program.run(&decoded.chunk.input)?;
    let registers: Vec<_> = trace.registers().collect();
    if registers.len() != trace.steps() {
        return Err(ProfileError::Inconsistent("steps outside the program"));
    }
    let mut input = trace.into_prover_input()?;
    let calls = Calls::of(program);
    input.pc_count -= calls.take(&mut input);
    let nodes = nodes(decoder);
    let labels = nodes.iter().map(|node| node.label.clone());
    let mut owners = owners(program.program(), labels, &registers)?;
    let mut rows = rows(&input, &registers, &mut owners, &calls)?;
    give(decoder, decoded, &mut owners, &mut rows);
    let mut all = without_unread(components(&input)?);
    let tables = all.iter().position(|c| c.fixed).unwrap_or(all.len());
    let tables = all.split_off(tables);
    let own = placed(decoder, decoded, &rows, owners.names.len())?;
    let (fixed, grown): (Vec<_>, Vec<_>) = own.into_iter().partition(|c| c.fixed);
    let mut all: Vec<Component<AnyComponent>> = all.into_iter().map(Component::from).collect();
    all.extend(grown);
    all.sort_by(|a, b| b.cells.cmp(&a.cells).then(a.component.cmp(&b.component)));
    all.extend(fixed);
    all.extend(tables.into_iter().map(Component::from));
    assemble(
        &nodes,
        Measured {
            owners,
            rows,
            components: all,
        },
    )
}

/// The plan's operations, in its order.
fn nodes(decoder: &Decoder) -> Vec<Node> {
    let calls = decoder.schedule.calls();
    let node = |call: &&crate::program::Call| Node {
        label: call.label(),
        operation: call.name.name.clone(),
        section: match call.name.layer {
            Some(layer) => format!("layer_{layer}"),
            None => MODEL.to_string(),
        },
    };
    calls.iter().map(node).collect()
}

/// Gives the rows of tensor components to owners: to operations, which are the first owners, and to parts of the protocol.
fn give(decoder: &Decoder, decoded: &Decoded, owners: &mut Owners, rows: &mut Rows) {
    let owned = owned(&decoder.plan, &decoded.values);
    let mut give = |owner: u32, counts: &Counts| {
        for (&component, &count) in counts {
            rows.give(AnyComponent::Tensor(component), owner, count);
        }
    };
    for (operation, counts) in (0..).zip(&owned.operations) {
        give(operation, counts);
    }
    for (part, counts) in &owned.around {
        give(owners.named(&format!("{PROTOCOL}.{part}")), counts);
    }
}

/// Whether a tensor component is a table, with rows for what may be looked up, whatever is.
fn is_table(component: tensor::Component) -> bool {
    use tensor::Component;
    matches!(
        component,
        Component::Range
            | Component::Table
            | Component::AngleTable
            | Component::PositionTable { .. }
            | Component::EmbeddingTable { .. }
    )
}

/// The tensor components of the chunk's layout.
fn placed(
    decoder: &Decoder,
    decoded: &Decoded,
    rows: &Rows,
    owners: usize,
) -> Result<Vec<Component<AnyComponent>>, ProfileError> {
    let layouts = decoder.manifest.tensors.layouts();
    let [blocks, _] = carried_blocks(decoder.plan.lanes, decoded.values.chunk.position);
    let sizes = constants::sizes(&decoder.plan, layouts, blocks);
    let other = ProfileError::Inconsistent("a layout that is not its plan's");
    let layout = layouts.at(&sizes).map_err(|_| other.clone())?;
    let mut all = vec![];
    for (placed, columns) in layout.components.iter().zip(layout.columns()) {
        let component = AnyComponent::Tensor(placed.component);
        let fixed = is_table(placed.component);
        let padded = 1 << placed.log_rows;
        let used = match fixed {
            true => padded,
            false => (0..owners)
                .map(|owner| rows.of(component, owner as u32))
                .sum(),
        };
        if used > padded {
            return Err(other);
        }
        let cells_per_row = (columns.trace + columns.interaction) as u64;
        all.push(Component {
            component,
            name: component.to_string(),
            rows: used,
            padded,
            cells_per_row,
            cells: padded * cells_per_row,
            fixed,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::cairo;

    /// A proof with tensor components leaves out what the library's own proofs always have.
    #[test]
    fn a_table_that_nothing_reads_is_left_out() {
        let of = |component| Component::new(component, 16, 16);
        let table = cairo::Component::RangeCheck20;
        let has = |all: Vec<Component>| all.iter().any(|c| c.component == table);
        let add = of(cairo::Component::AddOpcode);
        assert!(!has(without_unread(vec![add.clone(), of(table)])));
        let mul = of(cairo::Component::MulOpcode);
        assert!(has(without_unread(vec![add, mul, of(table)])));
    }
}
