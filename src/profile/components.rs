//! The components of a run's proof: rows in use, rows after padding, cells.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer};
use stwo_cairo_adapter::ProverInput;
use stwo_cairo_adapter::memory::{Memory, MemoryValue, MemoryValueId};
use stwo_cairo_common::builtins::POSEIDON_BUILTIN_MEMORY_CELLS;

use super::ProfileError;
use crate::air::cairo::{self, Kind};
use crate::air::components as tensors;
use crate::compile::PUBLIC_SEGMENTS;
use crate::prove::compose::brought_by;
use crate::prove::input;

/// A component of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnyComponent {
    /// Of the Cairo AIR.
    Cairo(cairo::Component),
    /// Of tensors.
    Tensor(tensors::Component),
}

impl AnyComponent {
    /// The component of the Cairo AIR that it is.
    pub fn cairo(self) -> Option<cairo::Component> {
        match self {
            AnyComponent::Cairo(component) => Some(component),
            AnyComponent::Tensor(_) => None,
        }
    }
}

impl fmt::Display for AnyComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnyComponent::Cairo(component) => component.fmt(f),
            AnyComponent::Tensor(component) => component.fmt(f),
        }
    }
}

impl Serialize for AnyComponent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One component of the proof, of the Cairo AIR or of [either kind](AnyComponent).
#[derive(Debug, Clone, Serialize)]
pub struct Component<C = cairo::Component> {
    /// Which one it is.
    #[serde(skip)]
    pub component: C,
    /// Its name, for documents.
    pub name: String,
    /// Rows in use. Those of `memory_address_to_id` are counted in addresses, 16 to a row of the library.
    pub rows: u64,
    /// Rows after padding to a power of two.
    pub padded: u64,
    /// Trace and interaction columns.
    pub cells_per_row: u64,
    /// Cells that the proof commits to: `padded · cells_per_row`.
    pub cells: u64,
    /// Whether it is a lookup table of fixed size, there whatever a proof proves.
    pub fixed: bool,
}

impl Component {
    /// With so many rows in use and after padding.
    pub(crate) fn new(component: cairo::Component, rows: u64, padded: u64) -> Component {
        let cells_per_row = component.cells_per_row();
        Component {
            component,
            name: component.name().to_string(),
            rows,
            padded,
            cells_per_row,
            cells: padded * cells_per_row,
            fixed: component.is_table(),
        }
    }
}

impl From<Component> for Component<AnyComponent> {
    fn from(of: Component) -> Component<AnyComponent> {
        Component {
            component: AnyComponent::Cairo(of.component),
            name: of.name,
            rows: of.rows,
            padded: of.padded,
            cells_per_row: of.cells_per_row,
            cells: of.cells,
            fixed: of.fixed,
        }
    }
}

/// A builtin that a run uses.
pub(super) struct Builtin {
    pub memory: input::Builtin,
    /// Address after the last instance that the program used; those behind it repeat this one.
    pub used: u32,
}

impl Builtin {
    /// Instances that the program used.
    pub(super) fn instances(&self) -> u64 {
        u64::from((self.used - self.memory.begin) / self.memory.cells)
    }

    /// The instance that an address belongs to, if the program used it.
    pub(super) fn instance(&self, address: u32) -> Option<usize> {
        let offset = address.checked_sub(self.memory.begin)?;
        (address < self.used).then_some((offset / self.memory.cells) as usize)
    }

    /// The addresses of an instance.
    pub(super) fn addresses(&self, instance: usize) -> Range<u32> {
        let begin = self.memory.begin + instance as u32 * self.memory.cells;
        begin..begin + self.memory.cells
    }
}

/// The builtins that a run uses.
///
/// # Errors
/// One whose rows are not counted, or a memory that does not say where they stop.
pub(super) fn builtins(input: &ProverInput) -> Result<Vec<Builtin>, ProfileError> {
    input::builtins(input).map(|b| builtin(input, b)).collect()
}

fn builtin(input: &ProverInput, memory: input::Builtin) -> Result<Builtin, ProfileError> {
    counted(memory.component)?;
    // The program leaves the end of each public segment in its last cells, in the order of the segments.
    let final_ap = input.state_transitions.final_state.ap.0;
    let cell = final_ap - PUBLIC_SEGMENTS.len() as u32 + memory.segment as u32;
    let used = pointer(&input.memory, cell)
        .filter(|stop| (memory.begin..=memory.end).contains(stop))
        .ok_or(ProfileError::Inconsistent("a builtin without an end"))?;
    Ok(Builtin { memory, used })
}

/// Refuses a component that brings others whose rows are not counted.
fn counted(component: cairo::Component) -> Result<(), ProfileError> {
    match component.brings_foreign() {
        true => Err(ProfileError::Foreign(component)),
        false => Ok(()),
    }
}

/// The address that a cell holds, if it holds one.
pub(super) fn pointer(memory: &Memory, address: u32) -> Option<u32> {
    let id = memory.address_to_id.get(address as usize)?;
    match id.decode() {
        MemoryValueId::Empty => None,
        _ => match memory.get(address) {
            MemoryValue::Small(value) => u32::try_from(value).ok(),
            MemoryValue::F252(_) => None,
        },
    }
}

/// What tells one permutation of Poseidon from another: the ids of its inputs and outputs.
pub(super) fn permutation(memory: &Memory, instance: u32) -> [u32; POSEIDON_BUILTIN_MEMORY_CELLS] {
    std::array::from_fn(|i| memory.get_raw_id(instance + i as u32))
}

/// All components that a run's proof will have: those that grow with the run, most cells first, then the tables.
///
/// # Errors
/// A component whose rows are not counted.
pub fn components(input: &ProverInput) -> Result<Vec<Component>, ProfileError> {
    let mut found = vec![];
    for (component, states) in input::opcodes(&input.state_transitions.casm_states_by_opcode) {
        if !states.is_empty() {
            counted(component)?;
            let rows = states.len() as u64;
            found.push(Component::new(component, rows, component.padded(rows, 0)));
        }
    }
    let builtins = builtins(input)?;
    for b in &builtins {
        let memory = &b.memory;
        found.push(Component::new(
            memory.component,
            b.instances(),
            memory.instances(),
        ));
    }
    let mut poseidon = builtins.iter();
    if let Some(b) = poseidon.find(|b| b.memory.component == cairo::Component::PoseidonBuiltin) {
        found.extend(permutations(&input.memory, b));
    }
    found.extend(memory(input, &builtins));
    found.sort_by(|a, b| b.cells.cmp(&a.cells).then(a.component.cmp(&b.component)));
    let tables = tables(&found);
    found.extend(tables);
    Ok(found)
}

/// The components of Poseidon's permutations: of instances with equal inputs there is one.
fn permutations(memory: &Memory, poseidon: &Builtin) -> impl Iterator<Item = Component> {
    let instances = 0..poseidon.instances() as usize;
    let instances = instances.map(|i| permutation(memory, poseidon.addresses(i).start));
    let different: HashSet<_> = instances.collect();
    let count = different.len() as u64;
    let all = cairo::Component::ALL.iter();
    all.filter_map(move |component| {
        let rows = component.rows_per_permutation()? * count;
        Some(Component::new(
            *component,
            rows,
            component.padded(rows, count),
        ))
    })
}

/// The components of memory and of the program's instructions.
fn memory(input: &ProverInput, builtins: &[Builtin]) -> [Component; 4] {
    let memory = &input.memory;
    // Address 0 is not used; a builtin's padding is padding here too.
    let addresses = memory.address_to_id.len() as u64 - 1;
    let unused: u64 = builtins
        .iter()
        .map(|b| u64::from(b.memory.end - b.used))
        .sum();
    let all = |component: cairo::Component, rows: usize| {
        let rows = rows as u64;
        Component::new(component, rows, component.padded(rows, 0))
    };
    let component = cairo::Component::MemoryAddressToId;
    [
        Component::new(
            component,
            addresses - unused,
            component.padded(addresses, 0),
        ),
        all(cairo::Component::MemoryIdToBig, memory.f252_values.len()),
        all(cairo::Component::MemoryIdToSmall, memory.small_values.len()),
        all(cairo::Component::VerifyInstruction, input.pc_count),
    ]
}

/// The same without the fixed tables that nothing reads: proofs with tensor components leave them out.
pub(super) fn without_unread(mut all: Vec<Component>) -> Vec<Component> {
    let brought = brought_by(all.iter().map(|c| c.component));
    let is_read = |c: &Component| !c.fixed || brought.contains(c.component.name());
    all.retain(is_read);
    all
}

/// The lookup tables of a proof with these components, those of every proof first.
fn tables(found: &[Component]) -> Vec<Component> {
    let has = |component| found.iter().any(|c| c.component == component);
    let all = cairo::Component::ALL.iter();
    let tables = all.filter_map(|&component| match component.kind() {
        Kind::Table { log_rows, with } if with.is_none_or(has) => Some((
            with,
            Component::new(component, 1 << log_rows, 1 << log_rows),
        )),
        _ => None,
    });
    let (always, some): (Vec<_>, Vec<_>) = tables.partition(|(with, _)| with.is_none());
    let tables = always.into_iter().chain(some);
    tables.map(|(_, table)| table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The registry's places are those of the segments that a program has.
    #[test]
    fn builtins_have_their_places() {
        for component in cairo::Component::ALL {
            if let Kind::Builtin { segment, .. } = component.kind() {
                let builtin = PUBLIC_SEGMENTS[segment].to_str_with_suffix();
                let name = component.name();
                assert!(name == builtin || name == format!("{builtin}_narrow_windows"));
            }
        }
    }
}
