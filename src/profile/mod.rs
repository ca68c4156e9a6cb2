//! Where the proof work of a chunk goes, measured on its trace, without proving.
//!
//! VM steps per operation come from the program counter: the compiler's own map from code to functions
//! says which kernel a step belongs to. Rows per component come from the prover's adapter, cells from
//! the columns that the library's components declare.

use std::collections::BTreeMap;

use cairo_air::components::{
    add_ap_opcode, add_opcode, add_opcode_small, assert_eq_opcode, assert_eq_opcode_double_deref,
    assert_eq_opcode_imm, call_opcode_abs, call_opcode_rel_imm, generic_opcode,
    jnz_opcode_non_taken, jnz_opcode_taken, jump_opcode_abs, jump_opcode_double_deref,
    jump_opcode_rel, jump_opcode_rel_imm, mul_opcode, mul_opcode_small, ret_opcode,
};
use cairo_vm::Felt252;
use serde::Serialize;
use stwo_cairo_adapter::ProverInput;

use crate::compile::Program;
use crate::trace::{self, TraceError};

/// One component of the proof.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// The library's name.
    pub name: String,
    /// Rows in use.
    pub rows: usize,
    /// Rows after padding to a power of two.
    pub padded: usize,
    /// Trace and interaction cells, padding included; `None` where the library has several components.
    pub cells: Option<usize>,
}

/// The work of one chunk.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// VM steps.
    pub steps: usize,
    /// VM steps per operation (kernel file), and `chunk` for the protocol around them.
    pub operations: BTreeMap<String, usize>,
    /// Components, most rows first.
    pub components: Vec<Component>,
}

/// Runs a chunk's program and counts.
///
/// # Errors
/// A program that refuses its input.
pub fn profile(program: &Program, input: &[Felt252]) -> Result<Profile, TraceError> {
    let trace = trace::run(program, input)?;
    let steps = trace.steps();
    let mut operations = BTreeMap::new();
    for offset in trace.program_offsets() {
        *operations
            .entry(program.operation(offset).to_string())
            .or_insert(0) += 1;
    }
    Ok(Profile {
        steps,
        operations,
        components: components(&trace.into_prover_input()?),
    })
}

/// Rows and cells of a trace's components, most rows first.
pub fn components(input: &ProverInput) -> Vec<Component> {
    let resources = trace::resources(input);
    let tables = &resources.memory_tables_sizes;
    let mut rows: Vec<(String, usize)> = resources.opcodes_instance_counter.into_iter().collect();
    rows.extend(resources.builtin_instance_counter);
    rows.push((
        "memory_address_to_id".to_string(),
        tables.memory_address_to_id,
    ));
    rows.push(("memory_id_to_big".to_string(), tables.memory_id_to_big));
    rows.push(("memory_id_to_small".to_string(), tables.memory_id_to_small));
    rows.push((
        "verify_instruction".to_string(),
        resources.verify_instruction,
    ));
    rows.retain(|(_, rows)| *rows > 0);
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    rows.into_iter().map(component).collect()
}

fn component((name, rows): (String, usize)) -> Component {
    // The SIMD prover's smallest component has 16 rows.
    let padded = rows.next_power_of_two().max(16);
    let cells = cells(&name, padded.trailing_zeros());
    Component {
        name,
        rows,
        padded,
        cells,
    }
}

/// Cells of a component of `2^log_size` rows.
fn cells(name: &str, log_size: u32) -> Option<usize> {
    macro_rules! count {
        ($($component:ident),* $(,)?) => {
            match name {
                $(stringify!($component) => {
                    let trees = $component::Claim { log_size }.log_sizes();
                    Some(trees.iter().flatten().map(|&log| 1usize << log).sum())
                })*
                _ => None,
            }
        };
    }
    count!(
        add_ap_opcode,
        add_opcode,
        add_opcode_small,
        assert_eq_opcode,
        assert_eq_opcode_double_deref,
        assert_eq_opcode_imm,
        call_opcode_abs,
        call_opcode_rel_imm,
        generic_opcode,
        jnz_opcode_non_taken,
        jnz_opcode_taken,
        jump_opcode_abs,
        jump_opcode_double_deref,
        jump_opcode_rel,
        jump_opcode_rel_imm,
        mul_opcode,
        mul_opcode_small,
        ret_opcode,
    )
}
