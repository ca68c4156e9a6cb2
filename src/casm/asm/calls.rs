//! Calls, and the end of a function.

use cairo_lang_casm::instructions::{
    CallInstruction, Instruction, InstructionBody, RetInstruction,
};
use cairo_lang_casm::operand::DerefOrImmediate;

use super::{Asm, Cell};

impl Asm {
    /// Calls the function `before` words before this code's start, with arguments. Returns the last `N` cells that it
    /// leaves on the stack; of older cells only those of the frame can be used afterwards.
    pub fn call<const N: usize>(&mut self, before: usize, arguments: &[Cell]) -> [Cell; N] {
        self.settle();
        for &argument in arguments {
            self.copy(argument);
        }
        let distance = before as i32 + self.distance(0, self.code.len());
        let body = InstructionBody::Call(CallInstruction {
            target: DerefOrImmediate::from(-distance),
            relative: true,
        });
        self.code.push(Instruction::new(body, false));
        self.in_loop = true;
        (self.top, self.ap) = (0, 0);
        std::array::from_fn(|i| Cell::Loop(i as i16 - N as i16))
    }

    /// The address of the word behind a `ret` that is `before` words before this code's start.
    pub fn behind_ret(&mut self, before: usize) -> Cell {
        // A call leaves where it goes on.
        let [back] = self.call(before, &[]);
        let distance = before as i32 + self.distance(0, self.code.len());
        self.add(back, 1 - distance)
    }

    /// Returns what is on top of the stack.
    pub fn ret_top(&mut self) {
        self.emit(InstructionBody::Ret(RetInstruction {}));
    }

    /// Returns values, with which the function ends.
    pub fn ret(&mut self, values: &[Cell]) {
        self.settle();
        self.level();
        for &value in values {
            self.copy(value);
        }
        self.ret_top();
    }
}
