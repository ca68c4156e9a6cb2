//! Hints: what the prover is free to choose. Each runs before the next instruction and proves nothing.

use cairo_lang_casm::hints::{CoreHint, ExternalHint, StarknetHint};
use cairo_lang_casm::operand::ResOperand;
use cairo_lang_utils::bigint::BigIntAsHex;
use num_bigint::{BigInt, Sign};

use super::{Asm, Cell, Operand};

impl Asm {
    /// A hint that runs before the next instruction: `quotient = floor(value / by)` and the remainder.
    /// It proves nothing.
    pub fn hint_div_rem(
        &mut self,
        value: Cell,
        by: impl Into<Operand>,
        quotient: Cell,
        remainder: Cell,
    ) {
        let by = by.into();
        self.know(quotient, |m| m.value(value)?.checked_div(m.operand(&by)?));
        self.know(remainder, |m| m.value(value)?.checked_rem(m.operand(&by)?));
        let hint = CoreHint::DivMod {
            lhs: ResOperand::Deref(self.cell(value)),
            rhs: self.operand(by).into(),
            quotient: self.cell(quotient),
            remainder: self.cell(remainder),
        };
        self.hints.push(hint.into());
    }

    /// A hint that runs before the next instruction: `flag = 1` if `a < b`, else 0. It proves nothing.
    pub fn hint_less(&mut self, a: Cell, b: Cell, flag: Cell) {
        let hint = CoreHint::TestLessThan {
            lhs: ResOperand::Deref(self.cell(a)),
            rhs: ResOperand::Deref(self.cell(b)),
            dst: self.cell(flag),
        };
        self.hints.push(hint.into());
    }

    /// A hint that [`crate::trace`] knows by name, which runs before the next instruction and may write
    /// `cell`. It proves nothing.
    pub fn hint_named(&mut self, name: &str, cell: Cell) {
        self.know(cell, |meter| meter.hinted);
        self.hint_reading(name, [cell; 2], cell);
    }

    /// The same, of a hint that reads two cells.
    pub(super) fn hint_reading(&mut self, name: &str, [a, b]: [Cell; 2], cell: Cell) {
        let cell = self.cell(cell);
        let hint = StarknetHint::Cheatcode {
            selector: BigIntAsHex::from(BigInt::from_bytes_be(Sign::Plus, name.as_bytes())),
            input_start: ResOperand::Deref(self.cell(a)),
            input_end: ResOperand::Deref(self.cell(b)),
            output_start: cell,
            output_end: cell,
        };
        self.hints.push(hint.into());
    }

    /// The start of a new array, from a hint. That it is new proves nothing.
    pub fn array(&mut self) -> Cell {
        let start = self.reserve();
        let dst = self.cell(start);
        self.hints.push(CoreHint::AllocSegment { dst }.into());
        start
    }

    /// Start and end of the program's input, from a hint. They prove nothing.
    pub fn input(&mut self) -> [Cell; 2] {
        let input = [self.reserve(), self.reserve()];
        let hint = ExternalHint::WriteRunParam {
            index: ResOperand::from(0),
            dst: self.cell(input[0]),
        };
        self.hints.push(hint.into());
        input
    }
}
