//! The library's relations, read from the constraints of all its components.

use stwo::core::fields::m31::M31;
use stwo_constraint_framework::FrameworkEval;
use stwo_constraint_framework::expr::{BaseExpr, ExprEvaluator, ExtExpr};

use super::*;
use cairo_decode::air::components::relations::{
    ADDRESS, CHAIN, EMBEDDING, FLAGS, FUNCTION, LANES, OPCODES, RANGE, TENSOR, VALUE,
};

/// The first element of a tuple that is written as a sum of products with powers of a challenge.
fn first_element(tuple: &ExtExpr) -> Option<M31> {
    match tuple {
        ExtExpr::Add(a, b) | ExtExpr::Sub(a, b) => first_element(a).or_else(|| first_element(b)),
        ExtExpr::Mul(power, element) => {
            let lowest = matches!(&**power, ExtExpr::Param(name) if name.ends_with("_alpha0"));
            match &**element {
                ExtExpr::SecureCol(coordinates) if lowest => match &*coordinates[0] {
                    BaseExpr::Const(value) => Some(*value),
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}

/// The relations that a component's constraints look up.
fn of(component: &str, eval: &impl FrameworkEval) -> BTreeSet<u32> {
    let constraints = eval.evaluate(ExprEvaluator::new());
    let tuples = constraints.ext_intermediates.values();
    let first: Vec<u32> = tuples.filter_map(first_element).map(|m| m.0).collect();
    // None is overlooked.
    assert_eq!(first.len(), constraints.logup.fracs.len(), "{component}");
    first.into_iter().collect()
}

macro_rules! relations {
    ($library:ident: $($component:ident)*) => {
        vec![$((
            stringify!($component),
            of(stringify!($component), &**$library.$component.as_ref().expect("all components")),
        )),*]
    };
}

fn relations() -> Vec<(&'static str, BTreeSet<u32>)> {
    let (library, _) = library();
    let mut all = relations!(library:
        add_opcode add_opcode_small add_ap_opcode assert_eq_opcode assert_eq_opcode_imm
        assert_eq_opcode_double_deref blake_compress_opcode call_opcode_abs call_opcode_rel_imm generic_opcode
        jnz_opcode_non_taken jnz_opcode_taken jump_opcode_abs jump_opcode_double_deref jump_opcode_rel
        jump_opcode_rel_imm mul_opcode mul_opcode_small qm_31_add_mul_opcode ret_opcode verify_instruction
        blake_round blake_g blake_round_sigma triple_xor_32 verify_bitwise_xor_12 add_mod_builtin bitwise_builtin
        mul_mod_builtin pedersen_builtin pedersen_builtin_narrow_windows poseidon_builtin range_check96_builtin
        range_check_builtin ec_op_builtin partial_ec_mul_generic pedersen_aggregator_window_bits_18
        partial_ec_mul_window_bits_18 pedersen_points_table_window_bits_18 pedersen_aggregator_window_bits_9
        partial_ec_mul_window_bits_9 pedersen_points_table_window_bits_9 poseidon_aggregator
        poseidon_3_partial_rounds_chain poseidon_full_round_chain cube_252 poseidon_round_keys
        range_check_252_width_27 memory_address_to_id memory_id_to_small range_check_6 range_check_8 range_check_11
        range_check_12 range_check_18 range_check_20 range_check_4_3 range_check_4_4 range_check_9_9
        range_check_7_2_5 range_check_3_6_6_3 range_check_4_4_4_4 range_check_3_3_3_3_3 verify_bitwise_xor_4
        verify_bitwise_xor_7 verify_bitwise_xor_8 verify_bitwise_xor_9
    );
    let big = &library.memory_id_to_big[0];
    all.push(("memory_id_to_big", of("memory_id_to_big", &**big)));
    all
}

/// Tensor components look up in the same sum as Cairo's: a relation of theirs is none of Cairo's, but for the three that
/// calls share.
#[test]
fn tensor_relations_are_none_of_cairos() {
    let all = relations();
    let names: BTreeSet<&str> = all.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Component::ALL.iter().map(|c| c.name()).collect());
    let cairos: BTreeSet<u32> = all
        .into_iter()
        .flat_map(|(_, relations)| relations)
        .collect();
    let own = [TENSOR, RANGE, LANES, CHAIN, EMBEDDING, FLAGS, FUNCTION].map(|relation| relation.0);
    assert_eq!(BTreeSet::from(own).len(), own.len());
    assert!(own.iter().all(|relation| !cairos.contains(relation)));
    let shared = [ADDRESS, VALUE, OPCODES].map(|relation| relation.0);
    assert!(shared.iter().all(|relation| cairos.contains(relation)));
    // Fewer than 2^6, as the count of a lookup's terms says.
    assert!((40..64).contains(&cairos.len()), "{}", cairos.len());
}
