//! How many rows the open components of the Cairo AIR have in a run of the program.

use cairo_decode::tensor::values::compute;

use crate::shape::Model;

/// Rows of an address in `memory_address_to_id` are shared by so many.
const ADDRESSES_OF_ROW: usize = 16;

/// Of each component its rows in a chunk of all lanes behind so many positions, most first.
pub fn open_rows(model: &Model, carried: usize) -> Vec<(String, usize)> {
    let given = model.chunk(carried as u32, true);
    let values = compute(&model.plan, &given).expect("no stream");
    let input = model.input(&values);
    let trace = model.program.run(&input.input).expect("an honest input");
    let input = trace.into_prover_input().expect("a trace");
    let memory = &input.memory;
    let mut all = input.state_transitions.casm_states_by_opcode.counts();
    all.extend([
        ("verify_instruction".to_string(), input.pc_count),
        (
            "memory_address_to_id".to_string(),
            memory.address_to_id.len().div_ceil(ADDRESSES_OF_ROW),
        ),
        ("large values".to_string(), memory.f252_values.len()),
        ("small values".to_string(), memory.small_values.len()),
    ]);
    all.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    all
}
