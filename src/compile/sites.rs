//! What the generated code does around the calls that it makes: the instructions of each labelled line.

use std::collections::{BTreeMap, BTreeSet};

use cairo_vm::Felt252;
use stwo_cairo_adapter::decode::Instruction;

use super::Program;
use crate::air::cairo::Component;
use crate::cost::Rows;

/// An instruction, as far as it says where the program goes next.
struct Place {
    /// Cells of the stack that it writes.
    cells: u64,
    next: Next,
}

/// Where the program goes after an instruction; calls return. What it goes through is the instruction's component.
#[derive(Clone, Copy)]
enum Next {
    Nowhere(Component),
    To(Component, usize),
    /// If not zero, and if zero: of a jump, the way that is taken says the component.
    Either(usize, usize),
}

impl Program {
    /// The rows that each labelled line of the generated package costs by itself, whenever its function runs: to pass
    /// arguments, to keep results. What it calls is not in it.
    ///
    /// The generated functions are straight-line code. Where they branch, the shorter ways are those of a check that
    /// fails, so the way that a run takes is the longest.
    pub fn sites(&self) -> BTreeMap<String, Rows> {
        let words = self.words();
        let labelled = |pc: usize| self.call(pc).is_some();
        let entries = entries(&words);
        let first = (0..words.len()).filter(|&pc| labelled(pc));
        let functions: BTreeSet<usize> = first
            .filter_map(|pc| entries.range(..=pc).next_back().copied())
            .collect();
        let mut sites: BTreeMap<String, Rows> = BTreeMap::new();
        for entry in functions {
            let end = entries.range(entry + 1..).next().copied();
            for (pc, component, cells) in longest(&words, entry, end.unwrap_or(words.len())) {
                if let Some(label) = self.call(pc) {
                    let rows = sites.entry(label.to_string()).or_default();
                    rows.add(component, 1);
                    rows.add(Component::MemoryAddressToId, cells);
                    // A constant's address comes from a call of what is before it, a return.
                    if component == Component::CallOpcodeRelImm && returns_at_once(&words, pc) {
                        rows.add(Component::RetOpcode, 1);
                    }
                }
            }
        }
        sites
    }
}

/// Where functions begin: what is called.
fn entries(words: &[Felt252]) -> BTreeSet<usize> {
    let mut entries = BTreeSet::new();
    let mut pc = 0;
    while let Some((instruction, size)) = decode(words, pc) {
        if instruction.opcode_call && instruction.op_1_imm {
            entries.extend(target(words, pc));
        }
        pc += size;
    }
    entries
}

/// The instructions of the longest way through a function: offset, component, cells that it writes.
fn longest(words: &[Felt252], entry: usize, end: usize) -> Vec<(usize, Component, u64)> {
    let mut places = BTreeMap::new();
    let mut pc = entry;
    while pc < end {
        let Some((place, size)) = place(words, pc) else {
            break;
        };
        places.insert(pc, place);
        pc += size;
    }
    // Ways lead forward: one back to where a check failed has no end.
    let mut length: BTreeMap<usize, u64> = BTreeMap::new();
    let from = |length: &BTreeMap<usize, u64>, pc: usize| length.get(&pc).copied().unwrap_or(0);
    for (&pc, place) in places.iter().rev() {
        let rest = match place.next {
            Next::Nowhere(_) => 0,
            Next::To(_, next) => from(&length, next),
            Next::Either(a, b) => from(&length, a).max(from(&length, b)),
        };
        length.insert(pc, 1 + rest);
    }
    let mut way = vec![];
    let mut at = Some(entry);
    while let Some(pc) = at {
        let Some(place) = places.get(&pc) else { break };
        let (component, next) = match place.next {
            Next::Nowhere(component) => (component, None),
            Next::To(component, next) => (component, Some(next)),
            Next::Either(a, b) if from(&length, a) > from(&length, b) => {
                (Component::JnzOpcodeTaken, Some(a))
            }
            Next::Either(_, b) => (Component::JnzOpcodeNonTaken, Some(b)),
        };
        way.push((pc, component, place.cells));
        at = next.filter(|&next| next > pc);
    }
    way
}

fn place(words: &[Felt252], pc: usize) -> Option<(Place, usize)> {
    let (i, size) = decode(words, pc)?;
    let behind = pc + size;
    let straight = |component| Next::To(component, behind);
    let (cells, next) = match () {
        () if i.opcode_ret => (0, Next::Nowhere(Component::RetOpcode)),
        () if i.opcode_call && i.op_1_imm => (2, straight(Component::CallOpcodeRelImm)),
        () if i.opcode_call => (2, straight(Component::CallOpcodeAbs)),
        () if i.pc_update_jnz => (0, Next::Either(target(words, pc)?, behind)),
        () if i.pc_update_jump_rel && i.op_1_imm => {
            (0, Next::To(Component::JumpOpcodeRelImm, target(words, pc)?))
        }
        () if i.ap_update_add => (0, straight(Component::AddApOpcode)),
        () if i.res_add => (1, straight(Component::AddOpcode)),
        () if i.res_mul => (1, straight(Component::MulOpcode)),
        () if i.op_1_imm => (1, straight(Component::AssertEqOpcodeImm)),
        () if i.op_1_base_ap || i.op_1_base_fp => (1, straight(Component::AssertEqOpcode)),
        () => (1, straight(Component::AssertEqOpcodeDoubleDeref)),
    };
    Some((Place { cells, next }, size))
}

/// The instruction at an offset, and its words.
fn decode(words: &[Felt252], pc: usize) -> Option<(Instruction, usize)> {
    let word = u64::try_from(*words.get(pc)?).ok()?;
    let instruction = Instruction::decode(word.into());
    let size = 1 + usize::from(instruction.op_1_imm);
    Some((instruction, size))
}

/// Whether what is called at an offset only returns.
fn returns_at_once(words: &[Felt252], pc: usize) -> bool {
    let called = target(words, pc).and_then(|pc| decode(words, pc));
    called.is_some_and(|(instruction, _)| instruction.opcode_ret)
}

/// Where the immediate jump or call at an offset leads.
fn target(words: &[Felt252], pc: usize) -> Option<usize> {
    let distance = *words.get(pc + 1)?;
    match usize::try_from(distance) {
        Ok(distance) => pc.checked_add(distance),
        Err(_) => pc.checked_sub(usize::try_from(-distance).ok()?),
    }
}
