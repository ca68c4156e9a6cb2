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
    poseidon_full_round_chain, poseidon_round_keys, qm_31_add_mul_opcode, range_check_3_3_3_3_3,
    range_check_3_6_6_3, range_check_4_3, range_check_4_4, range_check_4_4_4_4, range_check_6,
    range_check_7_2_5, range_check_8, range_check_9_9, range_check_11, range_check_12,
    range_check_18, range_check_20, range_check_252_width_27, range_check_builtin,
    range_check96_builtin, ret_opcode, verify_bitwise_xor_4, verify_bitwise_xor_7,
    verify_bitwise_xor_8, verify_bitwise_xor_9, verify_instruction,
};

/// Addresses that one row of `memory_address_to_id` holds. Everywhere in `profile` an address counts as a row of
/// that component, so that rows can be given to operations; it then has as many rows as a multiple of this.
pub(super) const ADDRESSES_PER_ROW: u64 = memory_address_to_id::MEMORY_ADDRESS_TO_ID_SPLIT as u64;

/// Cells of a row of a component whose size follows from the run; `None` for one that no program of ours uses.
pub(super) fn per_row(name: &str) -> Option<u64> {
    // In a claim of one row (`log_size` 0), cells are columns.
    macro_rules! columns {
        ($($module:ident { $($field:ident: $value:expr),* }),* $(,)?) => {
            match name {
                $(stringify!($module) => {
                    let trees = $module::Claim { $($field: $value),* }.log_sizes();
                    trees.iter().flatten().count() as u64
                })*
                _ => return None,
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
    match name {
        "memory_address_to_id" => Some(columns / ADDRESSES_PER_ROW),
        _ => Some(columns),
    }
}

/// The lookup tables: name, rows, cells per row. Their size is fixed, and a proof has them whatever it proves; only
/// that of Poseidon's round keys comes and goes with `poseidon`.
pub(super) fn tables(poseidon: bool) -> Vec<(&'static str, u64, u64)> {
    macro_rules! tables {
        ($($module:ident),* $(,)?) => {
            vec![$({
                let trees = $module::Claim {}.log_sizes();
                let columns: Vec<u32> = trees.iter().flatten().copied().collect();
                let rows = 1 << columns.first().copied().unwrap_or_default();
                (stringify!($module), rows, columns.len() as u64)
            }),*]
        };
    }
    let mut found = tables!(
        range_check_6,
        range_check_8,
        range_check_11,
        range_check_12,
        range_check_18,
        range_check_20,
        range_check_4_3,
        range_check_4_4,
        range_check_9_9,
        range_check_7_2_5,
        range_check_3_6_6_3,
        range_check_4_4_4_4,
        range_check_3_3_3_3_3,
        verify_bitwise_xor_4,
        verify_bitwise_xor_7,
        verify_bitwise_xor_8,
        verify_bitwise_xor_9,
    );
    if poseidon {
        found.extend(tables!(poseidon_round_keys));
    }
    found
}
