//! Columns of the proof's components, as the library's claims declare them.
//!
//! Trace and interaction columns count; fixed columns are committed to once and for all, and do not.

use cairo_air::components::{
    add_ap_opcode, add_opcode, add_opcode_small, assert_eq_opcode, assert_eq_opcode_double_deref,
    assert_eq_opcode_imm, bitwise_builtin, call_opcode_abs, call_opcode_rel_imm, cube_252,
    generic_opcode, jnz_opcode_non_taken, jnz_opcode_taken, jump_opcode_abs,
    jump_opcode_double_deref, jump_opcode_rel, jump_opcode_rel_imm, memory_address_to_id,
    memory_id_to_big, memory_id_to_small, mul_opcode, mul_opcode_small,
    poseidon_3_partial_rounds_chain, poseidon_aggregator, poseidon_builtin,
    poseidon_full_round_chain, qm_31_add_mul_opcode, range_check_252_width_27, range_check_builtin,
    range_check96_builtin, ret_opcode, verify_instruction,
};
use thiserror::Error;

/// Addresses that one row of `memory_address_to_id` holds. An address counts as a row of that component, so that rows
/// can be given to operations; it then has as many rows as a multiple of this.
pub const ADDRESSES_PER_ROW: u64 = memory_address_to_id::MEMORY_ADDRESS_TO_ID_SPLIT as u64;

/// A component that no program of ours uses.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("the cells of {0} are not known")]
pub struct UnknownComponent(pub String);

/// Cells of a row of a component whose size follows from the run.
///
/// # Errors
/// [`UnknownComponent`].
pub fn cells_per_row(name: &str) -> Result<u64, UnknownComponent> {
    // In a claim of one row (`log_size` 0), cells are columns.
    macro_rules! columns {
        ($($module:ident { $($field:ident: $value:expr),* }),* $(,)?) => {
            match name {
                $(stringify!($module) => {
                    let trees = $module::Claim { $($field: $value),* }.log_sizes();
                    trees.iter().flatten().count() as u64
                })*
                _ => return Err(UnknownComponent(name.to_string())),
            }
        };
    }
    let columns = columns!(
        add_ap_opcode { log_size: 0 },
        add_opcode { log_size: 0 },
        add_opcode_small { log_size: 0 },
        assert_eq_opcode { log_size: 0 },
        assert_eq_opcode_double_deref { log_size: 0 },
        assert_eq_opcode_imm { log_size: 0 },
        call_opcode_abs { log_size: 0 },
        call_opcode_rel_imm { log_size: 0 },
        generic_opcode { log_size: 0 },
        jnz_opcode_non_taken { log_size: 0 },
        jnz_opcode_taken { log_size: 0 },
        jump_opcode_abs { log_size: 0 },
        jump_opcode_double_deref { log_size: 0 },
        jump_opcode_rel { log_size: 0 },
        jump_opcode_rel_imm { log_size: 0 },
        mul_opcode { log_size: 0 },
        mul_opcode_small { log_size: 0 },
        qm_31_add_mul_opcode { log_size: 0 },
        ret_opcode { log_size: 0 },
        verify_instruction { log_size: 0 },
        bitwise_builtin {
            log_size: 0,
            bitwise_builtin_segment_start: 0
        },
        poseidon_builtin {
            log_size: 0,
            poseidon_builtin_segment_start: 0
        },
        range_check_builtin {
            log_size: 0,
            range_check_builtin_segment_start: 0
        },
        range_check96_builtin {
            log_size: 0,
            range_check96_builtin_segment_start: 0
        },
        poseidon_aggregator { log_size: 0 },
        poseidon_full_round_chain { log_size: 0 },
        poseidon_3_partial_rounds_chain { log_size: 0 },
        cube_252 { log_size: 0 },
        range_check_252_width_27 { log_size: 0 },
        memory_address_to_id { log_size: 0 },
        memory_id_to_big {
            big_log_sizes: vec![0]
        },
        memory_id_to_small { log_size: 0 },
    );
    Ok(match name {
        "memory_address_to_id" => columns / ADDRESSES_PER_ROW,
        _ => columns,
    })
}
