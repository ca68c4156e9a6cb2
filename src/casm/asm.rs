//! An assembler for kernels: cells by name, instructions by what they compute.
//!
//! A kernel is straight-line code and loops (`loops`). Every value gets the next cell of the stack. Before the first
//! loop a cell has a fixed distance to `fp`; inside a loop it is counted from the loop's start, where the
//! loop's state is on top of the stack. A call (`calls`) is as a loop's start: what it returns is on top of the stack.

use cairo_lang_casm::hints::Hint;
use cairo_lang_casm::instructions::{
    AddApInstruction, AssertEqInstruction, Instruction, InstructionBody, JnzInstruction,
    JumpInstruction,
};
use cairo_lang_casm::operand::{
    BinOpOperand, CellRef, DerefOrImmediate, Operation, Register, ResOperand,
};
use num_bigint::BigInt;

use super::meter::{Meter, component};
use crate::air::cairo::Component;
use crate::cost::Rows;

mod builtins;
mod calls;
mod hints;
mod lookups;
mod loops;

use lookups::Claims;

/// A memory cell of the kernel's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// At `[fp + i]`: parameters (negative), and what was made before the first loop.
    Frame(i16),
    /// At `i` from the loop's start.
    Loop(i16),
}

/// The second operand of a sum or a product.
#[derive(Debug, Clone)]
pub enum Operand {
    Cell(Cell),
    Number(BigInt),
}

impl From<Cell> for Operand {
    fn from(cell: Cell) -> Operand {
        Operand::Cell(cell)
    }
}

impl<T: Into<BigInt>> From<T> for Operand {
    fn from(number: T) -> Operand {
        Operand::Number(number.into())
    }
}

/// A loop's state for the next turn.
#[derive(Debug, Clone, Copy)]
pub enum Next {
    /// The value of a cell.
    Same(Cell),
    /// A cell and a number, added.
    Plus(Cell, i16),
}

/// A jump whose target is not known yet.
#[derive(Debug)]
#[must_use]
pub struct Forward {
    instruction: usize,
    top: i16,
    ap: i16,
    claims: Option<Claims>,
}

/// Code under construction.
#[derive(Default)]
pub struct Asm {
    code: Vec<Instruction>,
    /// Cells made since the function's or the loop's start.
    top: i16,
    /// How far `ap` has come of `top`: cells may be reserved ahead of it.
    ap: i16,
    in_loop: bool,
    /// Where claims of lookups go, if tables are not read.
    claims: Option<Claims>,
    /// The instructions that are lookups.
    lookups: Vec<usize>,
    /// How often the loops around have still to run, outermost first. They move when a loop inside ends.
    counters: Vec<Cell>,
    hints: Vec<Hint>,
    /// Counts what a call costs, where that is asked.
    meter: Option<Meter>,
}

impl Asm {
    pub fn new() -> Asm {
        Asm::default()
    }

    /// Also counts a call's rows.
    pub fn metered(meter: Meter) -> Asm {
        Asm {
            meter: Some(meter),
            ..Asm::default()
        }
    }

    /// The instructions. Every jump has its target.
    pub fn code(&self) -> &[Instruction] {
        &self.code
    }

    /// The rows of the call that is asked about.
    pub fn rows(self) -> Rows {
        self.meter.map(Meter::rows).unwrap_or_default()
    }

    fn count(&mut self, component: Component, rows: u64) {
        if let Some(meter) = &mut self.meter {
            meter.count(component, rows);
        }
    }

    /// Notes the value of a new cell, where it is known.
    fn know(&mut self, cell: Cell, value: impl FnOnce(&Meter) -> Option<i64>) {
        if let Some(meter) = &mut self.meter
            && let Some(value) = value(meter)
        {
            meter.know(cell, value);
        }
    }

    fn cell(&self, cell: Cell) -> CellRef {
        match cell {
            Cell::Frame(offset) => CellRef {
                register: Register::FP,
                offset,
            },
            Cell::Loop(offset) => CellRef {
                register: Register::AP,
                offset: offset - self.ap,
            },
        }
    }

    fn operand(&self, operand: Operand) -> DerefOrImmediate {
        match operand {
            Operand::Cell(cell) => DerefOrImmediate::Deref(self.cell(cell)),
            Operand::Number(number) => DerefOrImmediate::from(number),
        }
    }

    /// Adds an instruction; `ap` follows by one cell if it is behind.
    fn emit(&mut self, body: InstructionBody) {
        let inc_ap = self.ap < self.top;
        self.ap += i16::from(inc_ap);
        if let Some(component) = component(&body) {
            self.count(component, 1);
        }
        self.code.push(Instruction {
            body,
            inc_ap,
            hints: std::mem::take(&mut self.hints),
        });
    }

    fn assert_eq(&mut self, a: CellRef, b: ResOperand) {
        self.emit(InstructionBody::AssertEq(AssertEqInstruction { a, b }));
    }

    /// Reserves the next cell. A hint, or an instruction that has it as its result, gives it a value.
    pub fn reserve(&mut self) -> Cell {
        self.count(Component::MemoryAddressToId, 1);
        self.leave()
    }

    /// Leaves the next cell without a value, or to a hint and [`Asm::jump_if`].
    pub fn leave(&mut self) -> Cell {
        let at = self.top;
        self.top += 1;
        match self.in_loop {
            true => Cell::Loop(at),
            false => Cell::Frame(at),
        }
    }

    fn bin_op(&self, op: Operation, a: Cell, b: impl Into<Operand>) -> ResOperand {
        ResOperand::BinOp(BinOpOperand {
            op,
            a: self.cell(a),
            b: self.operand(b.into()),
        })
    }

    /// Asserts `sum = a + b`.
    pub fn assert_sum(&mut self, sum: Cell, a: Cell, b: impl Into<Operand>) {
        let b = self.bin_op(Operation::Add, a, b);
        self.assert_eq(self.cell(sum), b);
    }

    /// Asserts `product = a · b`.
    pub fn assert_product(&mut self, product: Cell, a: Cell, b: impl Into<Operand>) {
        let b = self.bin_op(Operation::Mul, a, b);
        self.assert_eq(self.cell(product), b);
    }

    /// `a + b`.
    pub fn add(&mut self, a: Cell, b: impl Into<Operand>) -> Cell {
        let sum = self.reserve();
        let b = b.into();
        self.know(sum, |meter| Some(meter.value(a)? + meter.operand(&b)?));
        self.assert_sum(sum, a, b);
        sum
    }

    /// `a · b`.
    pub fn mul(&mut self, a: Cell, b: impl Into<Operand>) -> Cell {
        let product = self.reserve();
        self.assert_product(product, a, b);
        product
    }

    /// `a − b`, as the cell that added to `b` gives `a`.
    pub fn sub(&mut self, a: Cell, b: impl Into<Operand>) -> Cell {
        let difference = self.reserve();
        let b = b.into();
        self.know(difference, |meter| {
            Some(meter.value(a)? - meter.operand(&b)?)
        });
        self.assert_sum(a, difference, b);
        difference
    }

    /// A copy.
    pub fn copy(&mut self, a: Cell) -> Cell {
        let copy = self.reserve();
        let a = ResOperand::Deref(self.cell(a));
        self.assert_eq(self.cell(copy), a);
        copy
    }

    /// Asserts that a cell is a constant.
    pub fn assert_number(&mut self, cell: Cell, number: impl Into<BigInt>) {
        self.assert_eq(self.cell(cell), ResOperand::from(number.into()));
    }

    /// A constant.
    pub fn number(&mut self, number: impl Into<BigInt>) -> Cell {
        let cell = self.reserve();
        self.assert_number(cell, number);
        cell
    }

    /// The cell at `pointer + offset`.
    pub fn load(&mut self, pointer: Cell, offset: i16) -> Cell {
        let cell = self.reserve();
        self.assert_at(cell, pointer, offset);
        cell
    }

    /// Writes `value` to the cell at `pointer + offset`.
    pub fn store(&mut self, value: Cell, pointer: Cell, offset: i16) {
        self.count(Component::MemoryAddressToId, 1);
        self.assert_at(value, pointer, offset);
    }

    /// Asserts that the cell at `pointer + offset` is `value`.
    fn assert_at(&mut self, value: Cell, pointer: Cell, offset: i16) {
        let pointer = ResOperand::DoubleDeref(self.cell(pointer), offset);
        self.assert_eq(self.cell(value), pointer);
    }

    /// Lets `ap` reach every reserved cell.
    fn settle(&mut self) {
        let behind = self.top - self.ap;
        if behind > 0 {
            self.count(Component::AddApOpcode, 1);
            self.ap = self.top;
            self.code.push(Instruction {
                body: InstructionBody::AddAp(AddApInstruction {
                    operand: ResOperand::from(behind),
                }),
                inc_ap: false,
                hints: std::mem::take(&mut self.hints),
            });
        }
    }

    /// Goes back to a loop's start unless the last cell is 0. The meter has counted it.
    fn jump_back(&mut self, start: usize) {
        let distance = self.distance(start, self.code.len());
        let condition = self.cell(Cell::Loop(-1));
        self.emit(InstructionBody::Jnz(JnzInstruction {
            jump_offset: DerefOrImmediate::from(-distance),
            condition,
        }));
    }

    /// Words of the instructions from one to another.
    fn distance(&self, from: usize, to: usize) -> i32 {
        let size = |i: &Instruction| i.body.op_size() as i32;
        self.code[from..to].iter().map(size).sum()
    }

    /// Jumps forward if `condition` is not 0, which is the case `case`.
    pub fn jump_if(&mut self, case: &'static str, condition: Cell) -> Forward {
        let jump = self.jump_unless_zero(condition);
        // A flag that is not looked at is not touched.
        self.count(Component::MemoryAddressToId, 1);
        if let Some(meter) = &mut self.meter {
            meter.jump_if(case, jump.instruction);
        }
        jump
    }

    fn jump_unless_zero(&mut self, condition: Cell) -> Forward {
        let condition = self.cell(condition);
        let instruction = self.code.len();
        self.emit(InstructionBody::Jnz(JnzInstruction {
            jump_offset: DerefOrImmediate::from(0),
            condition,
        }));
        Forward {
            instruction,
            top: self.top,
            ap: self.ap,
            claims: self.claims,
        }
    }

    /// Jumps forward.
    pub fn jump(&mut self) -> Forward {
        self.settle();
        let jump = self.jump_always();
        if let Some(meter) = &mut self.meter {
            meter.jump(jump.instruction);
        }
        jump
    }

    fn jump_always(&mut self) -> Forward {
        let instruction = self.code.len();
        self.emit(InstructionBody::Jump(JumpInstruction {
            target: DerefOrImmediate::from(0),
            relative: true,
        }));
        Forward {
            instruction,
            top: self.top,
            ap: self.ap,
            claims: self.claims,
        }
    }

    /// Where a jump arrives, which the code above does not reach: the stack is as it was at the jump.
    pub fn arrive_only(&mut self, from: Forward) {
        if let Some(meter) = &mut self.meter {
            meter.arrive(from.instruction);
        }
        (self.top, self.ap, self.claims) = (from.top, from.ap, from.claims);
        self.patch(from.instruction);
    }

    /// Where a jump and the code above arrive, with the same number of cells on the stack.
    pub fn arrive(&mut self, from: Forward) {
        self.settle();
        assert_eq!(
            (self.top, self.ap, self.claims),
            (from.top, from.ap, from.claims),
            "both ways have the same stack"
        );
        if let Some(meter) = &mut self.meter {
            meter.arrive(from.instruction);
        }
        self.patch(from.instruction);
    }

    /// Gives a jump its distance to the next instruction.
    #[allow(clippy::unreachable, reason = "only jumps are given to it")]
    fn patch(&mut self, instruction: usize) {
        let distance = DerefOrImmediate::from(self.distance(instruction, self.code.len()));
        match &mut self.code[instruction].body {
            InstructionBody::Jnz(jump) => jump.jump_offset = distance,
            InstructionBody::Jump(jump) => jump.target = distance,
            other => unreachable!("{other} is no jump"),
        }
    }
}
