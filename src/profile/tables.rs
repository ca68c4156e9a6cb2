//! The lookup tables of a proof.

use cairo_air::components::{
    poseidon_round_keys, range_check_3_3_3_3_3, range_check_3_6_6_3, range_check_4_3,
    range_check_4_4, range_check_4_4_4_4, range_check_6, range_check_7_2_5, range_check_8,
    range_check_9_9, range_check_11, range_check_12, range_check_18, range_check_20,
    verify_bitwise_xor_4, verify_bitwise_xor_7, verify_bitwise_xor_8, verify_bitwise_xor_9,
};

/// The lookup tables: name, rows, cells per row. Their size is fixed, and a proof has them whatever it proves; only
/// that of Poseidon's round keys comes and goes with `poseidon`.
pub(super) fn all(poseidon: bool) -> Vec<(&'static str, u64, u64)> {
    macro_rules! tables {
        ($($module:ident),* $(,)?) => {
            vec![$({
                let trees = $module::Claim {}.log_sizes();
                let columns: Vec<u32> = trees.iter().flatten().copied().collect();
                let rows = 1 << columns.first().copied().expect("a table has a column");
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
