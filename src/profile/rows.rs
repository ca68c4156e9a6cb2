//! Rows of every component, given to owners.
//!
//! An opcode row belongs to its step. Rows that several steps share belong to the first of them: an instance of a
//! builtin, an address and a value of memory to the first step that touches them. What is there before the first step
//! belongs to `protocol.program`: the program's words, their values, the instructions among them.

use std::collections::{BTreeMap, HashSet};

use stwo::core::fields::m31::M31;
use stwo_cairo_adapter::ProverInput;
use stwo_cairo_adapter::decode::Instruction;
use stwo_cairo_adapter::memory::{Memory, MemoryValueId};
use stwo_cairo_common::builtins::POSEIDON_BUILTIN_MEMORY_CELLS;
use stwo_cairo_common::prover_types::cpu::CasmState;

use super::ProfileError;
use super::calls::Calls;
use super::components::{AnyComponent, Builtin, builtins, permutation, pointer};
use super::owners::{Owner, Owners, PROTOCOL};
use crate::air::cairo::Component;
use crate::prove::input;
use crate::trace::Registers;

/// Nobody yet.
const NOBODY: Owner = Owner::MAX;

/// Rows by component and owner.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<AnyComponent, Vec<u64>>);

impl Rows {
    /// Rows of a component that an owner has.
    pub(super) fn of(&self, component: AnyComponent, owner: Owner) -> u64 {
        let rows = self.0.get(&component);
        rows.and_then(|rows| rows.get(owner as usize).copied())
            .unwrap_or(0)
    }

    /// Gives an owner rows of a component of the Cairo AIR.
    fn add(&mut self, component: Component, owner: Owner, rows: u64) {
        self.give(AnyComponent::Cairo(component), owner, rows);
    }

    /// Gives an owner rows of a component.
    pub(super) fn give(&mut self, component: AnyComponent, owner: Owner, rows: u64) {
        let counts = self.0.entry(component).or_default();
        if counts.len() <= owner as usize {
            counts.resize(owner as usize + 1, 0);
        }
        counts[owner as usize] += rows;
    }
}

/// Gives every row in use to an owner. Of a run with calls these are out of the prover's input.
///
/// # Errors
/// A prover input that is not of these steps, or uses a builtin whose rows are not counted.
pub(super) fn rows(
    input: &ProverInput,
    registers: &[Registers],
    owners: &mut Owners,
    calls: &Calls,
) -> Result<Rows, ProfileError> {
    let other = ProfileError::Inconsistent("a step without a row");
    let transitions = &input.state_transitions;
    let (Some(first), Some((_, steps))) = (registers.first(), registers.split_last()) else {
        return Err(other);
    };
    let start = transitions.initial_state;
    let (program, stack) = (start.pc.0 - first.pc as u32, start.ap.0 - first.ap as u32);
    let opcodes = input::opcodes(&transitions.casm_states_by_opcode);
    let mut touched = Touched::new(&input.memory, builtins(input)?);
    let [words, rest] =
        ["program", "unread"].map(|part| owners.named(&format!("{PROTOCOL}.{part}")));
    for address in program..start.ap.0 - 2 {
        touched.touch(address, words);
    }
    // Next row of each opcode component; and by instruction, what it is and where its last row was.
    let mut next = [0; 20];
    let mut known: Vec<Option<(Instruction, usize)>> = vec![];
    // The last step only stays where it is, and has no row.
    for (step, &owner) in steps.iter().zip(&owners.of_step) {
        let state = CasmState {
            pc: M31(program + step.pc as u32),
            ap: M31(stack + step.ap as u32),
            fp: M31(stack + step.fp as u32),
        };
        if let Some((component, cells)) = calls.at(step.pc) {
            let component = AnyComponent::Tensor(component);
            touched.rows.give(component, owner, 1);
            cells.for_each(|cell| touched.touch(state.fp.0 - cell, owner));
            continue;
        }
        if known.len() <= step.pc {
            known.resize(step.pc + 1, None);
        }
        let (instruction, component) = match &mut known[step.pc] {
            Some((instruction, component)) => (&*instruction, component),
            unknown => {
                touched.rows.add(Component::VerifyInstruction, words, 1);
                let word = input.memory.get(state.pc.0).as_small();
                let (instruction, component) = unknown.insert((Instruction::decode(word), 0));
                (&*instruction, component)
            }
        };
        let here = |component: usize| opcodes[component].1.get(next[component]) == Some(&state);
        if !here(*component) {
            *component = (0..opcodes.len()).find(|&c| here(c)).ok_or(other.clone())?;
        }
        next[*component] += 1;
        touched.rows.add(opcodes[*component].0, owner, 1);
        for address in operands(instruction, state, &input.memory) {
            touched.touch(address, owner);
        }
    }
    Ok(touched.finish(rest))
}

/// Addresses that an instruction reads or writes; instructions without an operand name a cell of their frame in its
/// stead.
fn operands(
    i: &Instruction,
    state: CasmState,
    memory: &Memory,
) -> impl Iterator<Item = u32> + use<> {
    let (pc, ap, fp) = (Some(state.pc.0), Some(state.ap.0), Some(state.fp.0));
    let at = |base: Option<u32>, offset: i16| base?.checked_add_signed(i32::from(offset));
    let dst = at(if i.dst_base_fp { fp } else { ap }, i.offset0);
    let op0 = at(if i.op0_base_fp { fp } else { ap }, i.offset1);
    let base = match () {
        () if i.op_1_imm => pc,
        () if i.op_1_base_fp => fp,
        () if i.op_1_base_ap => ap,
        () => op0.and_then(|op0| pointer(memory, op0)),
    };
    [pc, dst, op0, at(base, i.offset2)].into_iter().flatten()
}

/// Who touched what first.
struct Touched<'a> {
    memory: &'a Memory,
    /// By address, by small value's id, by large value's id.
    cells: Vec<Owner>,
    small: Vec<Owner>,
    big: Vec<Owner>,
    builtins: Vec<Builtin>,
    /// By builtin and instance.
    instances: Vec<Vec<Owner>>,
    permutations: HashSet<[u32; POSEIDON_BUILTIN_MEMORY_CELLS]>,
    rows: Rows,
}

impl<'a> Touched<'a> {
    fn new(memory: &'a Memory, builtins: Vec<Builtin>) -> Touched<'a> {
        let instances = builtins
            .iter()
            .map(|b| vec![NOBODY; b.instances() as usize])
            .collect();
        Touched {
            memory,
            cells: vec![NOBODY; memory.address_to_id.len()],
            small: vec![NOBODY; memory.small_values.len()],
            big: vec![NOBODY; memory.f252_values.len()],
            builtins,
            instances,
            permutations: HashSet::new(),
            rows: Rows::default(),
        }
    }

    fn touch(&mut self, address: u32, owner: Owner) {
        // Address 0 is not used.
        let cell = self.cells.get_mut(address as usize);
        let Some(cell) = cell.filter(|cell| **cell == NOBODY && address != 0) else {
            return;
        };
        *cell = owner;
        self.rows.add(Component::MemoryAddressToId, owner, 1);
        self.value(address, owner);
        let mut builtins = self.builtins.iter().enumerate();
        let held = builtins.find_map(|(builtin, b)| Some((builtin, b.instance(address)?)));
        if let Some((builtin, instance)) = held {
            self.instance(builtin, instance, owner);
        }
    }

    /// The value at an address.
    fn value(&mut self, address: u32, owner: Owner) {
        let (component, cell) = match self.memory.address_to_id[address as usize].decode() {
            MemoryValueId::Small(id) => (Component::MemoryIdToSmall, &mut self.small[id as usize]),
            MemoryValueId::F252(id) => (Component::MemoryIdToBig, &mut self.big[id as usize]),
            MemoryValueId::Empty => return,
        };
        if *cell == NOBODY {
            *cell = owner;
            self.rows.add(component, owner, 1);
        }
    }

    fn instance(&mut self, builtin: usize, instance: usize, owner: Owner) {
        let found = &mut self.instances[builtin][instance];
        if *found != NOBODY {
            return;
        }
        *found = owner;
        let b = &self.builtins[builtin];
        self.rows.add(b.memory.component, owner, 1);
        let cells = b.addresses(instance);
        if b.memory.component == Component::PoseidonBuiltin
            && self
                .permutations
                .insert(permutation(self.memory, cells.start))
        {
            for &component in Component::ALL {
                if let Some(rows) = component.rows_per_permutation() {
                    self.rows.add(component, owner, rows);
                }
            }
        }
        // The instance has all its cells, read or not.
        for cell in cells {
            self.touch(cell, owner);
        }
    }

    /// Gives what no step touched to an owner. A builtin's padding has none.
    fn finish(mut self, owner: Owner) -> Rows {
        for address in 1..self.cells.len() as u32 {
            let padding = |b: &Builtin| (b.used..b.memory.end).contains(&address);
            if self.cells[address as usize] == NOBODY && !self.builtins.iter().any(padding) {
                self.touch(address, owner);
            }
        }
        // Values that no address holds any more.
        let left = |values: &[Owner]| values.iter().filter(|of| **of == NOBODY).count() as u64;
        for (component, values) in [
            (Component::MemoryIdToSmall, &self.small),
            (Component::MemoryIdToBig, &self.big),
        ] {
            match left(values) {
                0 => {}
                rows => self.rows.add(component, owner, rows),
            }
        }
        self.rows
    }
}
