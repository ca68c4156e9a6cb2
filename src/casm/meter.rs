//! What a call of a kernel costs, counted while its code is written.
//!
//! The assembler tells the meter what it writes. The meter follows the way that a call takes: it knows the lengths
//! of the arrays that the call is given, so it knows how often each loop runs, and it is told which cases the data
//! choose.

use std::collections::BTreeMap;

use cairo_lang_casm::instructions::InstructionBody;
use cairo_lang_casm::operand::{Operation, ResOperand};

use super::asm::{Cell, Operand};
use crate::air::cairo::Component;
use crate::cost::Rows;

/// The opcode component that an instruction has a row in. Jumps are the meter's own: `None`.
pub(super) fn component(body: &InstructionBody) -> Option<Component> {
    match body {
        InstructionBody::AddAp(_) => Some(Component::AddApOpcode),
        InstructionBody::Ret(_) => Some(Component::RetOpcode),
        InstructionBody::AssertEq(assert) => Some(match &assert.b {
            ResOperand::Deref(_) => Component::AssertEqOpcode,
            ResOperand::DoubleDeref(..) => Component::AssertEqOpcodeDoubleDeref,
            ResOperand::Immediate(_) => Component::AssertEqOpcodeImm,
            ResOperand::BinOp(op) => match op.op {
                Operation::Add => Component::AddOpcode,
                Operation::Mul => Component::MulOpcode,
            },
        }),
        _ => None,
    }
}

/// Counts the rows of one call.
pub struct Meter {
    rows: Rows,
    /// How often the code that is being written runs.
    pub(super) times: u64,
    /// The jump whose arrival the call is waiting for; what is written until then does not run.
    waiting: Option<usize>,
    /// Values of frame cells, by offset.
    values: BTreeMap<i16, i64>,
    /// What a hint by name writes.
    pub(super) hinted: Option<i64>,
    /// The conditional jumps that are taken.
    cases: Vec<&'static str>,
}

impl Meter {
    /// A call with some known frame cells and the value of its named hint, whose data choose `cases`.
    pub(super) fn new(
        values: BTreeMap<i16, i64>,
        hinted: Option<i64>,
        cases: &[&'static str],
    ) -> Meter {
        Meter {
            rows: Rows::default(),
            times: 1,
            waiting: None,
            values,
            hinted,
            cases: cases.to_vec(),
        }
    }

    pub(super) fn rows(self) -> Rows {
        self.rows
    }

    pub(super) fn count(&mut self, component: Component, rows: u64) {
        if self.waiting.is_none() {
            self.rows.add(component, rows * self.times);
        }
    }

    pub(super) fn know(&mut self, cell: Cell, value: i64) {
        if let Cell::Frame(offset) = cell {
            self.values.insert(offset, value);
        }
    }

    pub(super) fn value(&self, cell: Cell) -> Option<i64> {
        match cell {
            Cell::Frame(offset) => self.values.get(&offset).copied(),
            Cell::Loop(_) => None,
        }
    }

    pub(super) fn operand(&self, operand: &Operand) -> Option<i64> {
        match operand {
            Operand::Cell(cell) => self.value(*cell),
            Operand::Number(number) => number.try_into().ok(),
        }
    }

    pub(super) fn jump_if(&mut self, case: &str, jump: usize) {
        let taken = self.cases.contains(&case);
        self.count(jnz(taken), 1);
        if taken && self.waiting.is_none() {
            self.waiting = Some(jump);
        }
    }

    pub(super) fn jump(&mut self, jump: usize) {
        self.count(Component::JumpOpcodeRelImm, 1);
        self.waiting.get_or_insert(jump);
    }

    pub(super) fn arrive(&mut self, jump: usize) {
        if self.waiting == Some(jump) {
            self.waiting = None;
        }
    }

    /// A loop that runs as often as a cell says begins; returns how often the code around it runs.
    #[allow(
        clippy::expect_used,
        reason = "kernels are this crate's, and each is measured by a test"
    )]
    pub(super) fn enter(&mut self, count: Cell) -> u64 {
        let turns = self
            .value(count)
            .and_then(|turns| u64::try_from(turns).ok());
        let turns = turns.expect("the lengths of a call's arrays say how often its loops run");
        let outside = self.times;
        // The jump into the loop, or over it; then the one back, after each turn.
        self.count(jnz(turns > 0), 1);
        match turns.checked_sub(1) {
            None => self.count(Component::JumpOpcodeRelImm, 1),
            Some(again) => {
                self.count(jnz(true), again);
                self.count(jnz(false), 1);
            }
        }
        self.times = outside * turns;
        outside
    }
}

fn jnz(taken: bool) -> Component {
    match taken {
        true => Component::JnzOpcodeTaken,
        false => Component::JnzOpcodeNonTaken,
    }
}
