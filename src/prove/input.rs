//! Which component takes which part of a prover input. The adapter has a field for each opcode and builtin.

use stwo_cairo_adapter::ProverInput;
use stwo_cairo_adapter::opcodes::CasmStatesByOpcode;
use stwo_cairo_common::prover_types::cpu::CasmState;

use crate::air::cairo::{Component, Kind};

/// The opcode components and the states of their rows, in the order in which the VM went through them.
pub(crate) fn opcodes(states: &CasmStatesByOpcode) -> [(Component, &[CasmState]); 20] {
    [
        (Component::GenericOpcode, &states.generic_opcode),
        (Component::AddApOpcode, &states.add_ap_opcode),
        (Component::AddOpcode, &states.add_opcode),
        (Component::AddOpcodeSmall, &states.add_opcode_small),
        (Component::AssertEqOpcode, &states.assert_eq_opcode),
        (
            Component::AssertEqOpcodeDoubleDeref,
            &states.assert_eq_opcode_double_deref,
        ),
        (Component::AssertEqOpcodeImm, &states.assert_eq_opcode_imm),
        (Component::CallOpcodeAbs, &states.call_opcode_abs),
        (Component::CallOpcodeRelImm, &states.call_opcode_rel_imm),
        (Component::JnzOpcodeNonTaken, &states.jnz_opcode_non_taken),
        (Component::JnzOpcodeTaken, &states.jnz_opcode_taken),
        (Component::JumpOpcodeRelImm, &states.jump_opcode_rel_imm),
        (Component::JumpOpcodeRel, &states.jump_opcode_rel),
        (
            Component::JumpOpcodeDoubleDeref,
            &states.jump_opcode_double_deref,
        ),
        (Component::JumpOpcodeAbs, &states.jump_opcode_abs),
        (Component::MulOpcodeSmall, &states.mul_opcode_small),
        (Component::MulOpcode, &states.mul_opcode),
        (Component::RetOpcode, &states.ret_opcode),
        (
            Component::BlakeCompressOpcode,
            &states.blake_compress_opcode,
        ),
        (Component::Qm31AddMulOpcode, &states.qm_31_add_mul_opcode),
    ]
}

/// The memory of a builtin's instances, those included that only fill it.
pub(crate) struct Builtin {
    pub(crate) component: Component,
    /// First address.
    pub(crate) begin: u32,
    /// Address after the last instance.
    pub(crate) end: u32,
    /// Memory cells of an instance.
    pub(crate) cells: u32,
    /// Its place among the public segments.
    pub(crate) segment: usize,
}

impl Builtin {
    /// Instances in its memory.
    pub(crate) fn instances(&self) -> u64 {
        u64::from((self.end - self.begin) / self.cells)
    }
}

/// The builtins that a run has memory of.
pub(crate) fn builtins(input: &ProverInput) -> impl Iterator<Item = Builtin> {
    let segments = &input.builtin_segments;
    let all = [
        (Component::AddModBuiltin, segments.add_mod_builtin),
        (Component::BitwiseBuiltin, segments.bitwise_builtin),
        (Component::MulModBuiltin, segments.mul_mod_builtin),
        (Component::PedersenBuiltin, segments.pedersen_builtin),
        (Component::PoseidonBuiltin, segments.poseidon_builtin),
        (
            Component::RangeCheck96Builtin,
            segments.range_check96_builtin,
        ),
        (Component::RangeCheckBuiltin, segments.range_check_builtin),
        (Component::EcOpBuiltin, segments.ec_op_builtin),
    ];
    all.into_iter()
        .filter_map(|(component, memory)| match (component.kind(), memory) {
            (Kind::Builtin { cells, segment }, Some(memory)) => Some(Builtin {
                component,
                begin: memory.begin_addr as u32,
                end: memory.stop_ptr as u32,
                cells,
                segment,
            }),
            _ => None,
        })
}
