//! The components of a run's proof: rows in use, rows after padding, cells.

use std::collections::HashSet;

use serde::Serialize;
use stwo_cairo_adapter::ProverInput;
use stwo_cairo_adapter::builtins::MemorySegmentAddresses;
use stwo_cairo_adapter::memory::{Memory, MemoryValue, MemoryValueId};
use stwo_cairo_adapter::opcodes::CasmStatesByOpcode;
use stwo_cairo_common::builtins::{
    BITWISE_BUILTIN_MEMORY_CELLS, POSEIDON_BUILTIN_MEMORY_CELLS,
    RANGE_CHECK_96_BUILTIN_MEMORY_CELLS, RANGE_CHECK_BUILTIN_MEMORY_CELLS,
};
use stwo_cairo_common::prover_types::cpu::CasmState;

use super::{ProfileError, tables};
use crate::compile::PUBLIC_SEGMENTS;
use crate::cost::{ADDRESSES_PER_ROW, PERMUTATION, UnknownComponent, cells_per_row};
use crate::prove::{pad, permutation_rows};
use crate::verify::params::LOG_TABLE_ROWS;

/// One component of the proof.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// The library's name.
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

/// The instances of a builtin in memory.
pub(super) struct Builtin {
    pub name: &'static str,
    /// First address.
    pub begin: u32,
    /// Address after the last instance that the program used.
    pub used: u32,
    /// Address after the last instance; those after `used` repeat the last one.
    pub end: u32,
    /// Memory cells of an instance.
    pub size: u32,
}

impl Builtin {
    pub(super) fn instances(&self) -> u64 {
        u64::from((self.used - self.begin) / self.size)
    }
}

/// The builtins that a run uses.
///
/// # Errors
/// One that the profile does not know, or a memory that does not say where they stop.
pub(super) fn builtins(input: &ProverInput) -> Result<Vec<Builtin>, ProfileError> {
    let segments = &input.builtin_segments;
    let unknown = [
        ("add_mod_builtin", segments.add_mod_builtin),
        ("mul_mod_builtin", segments.mul_mod_builtin),
        ("pedersen_builtin", segments.pedersen_builtin),
        ("ec_op_builtin", segments.ec_op_builtin),
    ];
    if let Some((name, _)) = unknown.into_iter().find(|(_, segment)| segment.is_some()) {
        return Err(UnknownComponent(name.to_string()).into());
    }
    let known = [
        (
            "range_check_builtin",
            segments.range_check_builtin,
            RANGE_CHECK_BUILTIN_MEMORY_CELLS,
        ),
        (
            "bitwise_builtin",
            segments.bitwise_builtin,
            BITWISE_BUILTIN_MEMORY_CELLS,
        ),
        (
            "poseidon_builtin",
            segments.poseidon_builtin,
            POSEIDON_BUILTIN_MEMORY_CELLS,
        ),
        (
            "range_check96_builtin",
            segments.range_check96_builtin,
            RANGE_CHECK_96_BUILTIN_MEMORY_CELLS,
        ),
    ];
    let present = known
        .into_iter()
        .filter_map(|(name, segment, size)| segment.map(|segment| (name, segment, size)));
    present
        .map(|(name, segment, size)| builtin(input, name, segment, size))
        .collect()
}

fn builtin(
    input: &ProverInput,
    name: &'static str,
    segment: MemorySegmentAddresses,
    size: usize,
) -> Result<Builtin, ProfileError> {
    // The program leaves the end of each public segment in its last cells, in the order of the segments.
    let final_ap = input.state_transitions.final_state.ap.0;
    let place = PUBLIC_SEGMENTS
        .iter()
        .position(|segment| segment.to_str_with_suffix() == name)
        .ok_or(ProfileError::Inconsistent("a builtin without a segment"))?;
    let cell = final_ap - PUBLIC_SEGMENTS.len() as u32 + place as u32;
    let used = pointer(&input.memory, cell)
        .filter(|&stop| (segment.begin_addr..=segment.stop_ptr).contains(&(stop as usize)))
        .ok_or(ProfileError::Inconsistent("a builtin without an end"))?;
    Ok(Builtin {
        name,
        begin: segment.begin_addr as u32,
        used,
        end: segment.stop_ptr as u32,
        size: size as u32,
    })
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

/// The opcode components and the states of their rows, in the order in which the VM went through them.
pub(super) fn opcodes(states: &CasmStatesByOpcode) -> [(&'static str, &[CasmState]); 20] {
    macro_rules! list {
        ($($name:ident),* $(,)?) => { [$((stringify!($name), states.$name.as_slice())),*] };
    }
    list!(
        generic_opcode,
        add_ap_opcode,
        add_opcode,
        add_opcode_small,
        assert_eq_opcode,
        assert_eq_opcode_double_deref,
        assert_eq_opcode_imm,
        call_opcode_abs,
        call_opcode_rel_imm,
        jnz_opcode_non_taken,
        jnz_opcode_taken,
        jump_opcode_rel_imm,
        jump_opcode_rel,
        jump_opcode_double_deref,
        jump_opcode_abs,
        mul_opcode_small,
        mul_opcode,
        ret_opcode,
        blake_compress_opcode,
        qm_31_add_mul_opcode,
    )
}

/// All components that a run's proof will have: those that grow with the run, most cells first, then the tables.
///
/// # Errors
/// A component that the profile does not know.
pub fn components(input: &ProverInput) -> Result<Vec<Component>, ProfileError> {
    let memory = &input.memory;
    let mut found = vec![];
    let mut push = |name: &str, rows: u64, padded: u64| -> Result<(), ProfileError> {
        let cells_per_row = cells_per_row(name)?;
        found.push(Component {
            name: name.to_string(),
            rows,
            padded,
            cells_per_row,
            cells: padded * cells_per_row,
            fixed: false,
        });
        Ok(())
    };
    let opcodes = opcodes(&input.state_transitions.casm_states_by_opcode);
    for (name, states) in opcodes.iter().filter(|(_, states)| !states.is_empty()) {
        push(name, states.len() as u64, pad(states.len() as u64))?;
    }
    let builtins = builtins(input)?;
    for b in &builtins {
        push(b.name, b.instances(), u64::from((b.end - b.begin) / b.size))?;
    }
    let poseidon = builtins.iter().find(|b| b.name == "poseidon_builtin");
    if let Some(b) = poseidon {
        let instances = (b.begin..b.used).step_by(b.size as usize);
        let different: HashSet<_> = instances.map(|i| permutation(memory, i)).collect();
        let rows = different.len() as u64;
        for ((name, each), (_, padded)) in PERMUTATION.into_iter().zip(permutation_rows(rows)) {
            push(name, rows * each, padded)?;
        }
    }
    // Address 0 is not used; a builtin's padding is padding here too.
    let addresses = memory.address_to_id.len() as u64 - 1;
    let unused: u64 = builtins.iter().map(|b| u64::from(b.end - b.used)).sum();
    let slots = pad(addresses.div_ceil(ADDRESSES_PER_ROW)) * ADDRESSES_PER_ROW;
    push("memory_address_to_id", addresses - unused, slots)?;
    let values = memory.f252_values.len() as u64;
    push("memory_id_to_big", values, pad_values(values))?;
    for (name, rows) in [
        ("memory_id_to_small", memory.small_values.len() as u64),
        ("verify_instruction", input.pc_count as u64),
    ] {
        push(name, rows, pad(rows))?;
    }
    found.sort_by(|a, b| b.cells.cmp(&a.cells).then_with(|| a.name.cmp(&b.name)));
    let tables = tables::all(poseidon.is_some());
    found.extend(
        tables
            .into_iter()
            .map(|(name, rows, cells_per_row)| Component {
                name: name.to_string(),
                rows,
                padded: rows,
                cells_per_row,
                cells: rows * cells_per_row,
                fixed: true,
            }),
    );
    Ok(found)
}

/// Rows of the tables of large values, padding included: full ones, and the rest.
fn pad_values(values: u64) -> u64 {
    let table = 1 << LOG_TABLE_ROWS;
    match values % table {
        0 if values > 0 => values,
        rest => values - rest + pad(rest),
    }
}

/// The rows that a component of `rows` rows in use has after padding, of a chunk with so many `permutations`.
pub(crate) fn padded(component: &str, rows: u64, permutations: u64) -> u64 {
    let hash = permutation_rows(permutations);
    let hash = hash.iter().find(|(name, _)| *name == component);
    match component {
        "memory_id_to_big" => pad_values(rows),
        _ => hash.map_or_else(|| pad(rows), |&(_, padded)| padded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_values_fill_tables() {
        for (values, rows) in [(0, 16), (1, 16), (17, 32), (1 << 20, 1 << 20)] {
            assert_eq!(pad_values(values), rows);
        }
        assert_eq!(pad_values((1 << 20) + 1), (1 << 20) + 16);
        assert_eq!(pad_values((2 << 20) + 300_000), (2 << 20) + (1 << 19));
    }
}
