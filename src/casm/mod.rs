//! Kernels below the Cairo source level: what is run for every weight and every element.
//!
//! A Cairo function of the kernel library that is listed here has a body of no meaning; [`link`] puts the
//! code of this module in its place. The function keeps its signature, so the compiler makes its calls, and
//! everything around it stays Cairo.
//!
//! Invariants
//! - A kernel's code reads its parameters, the memory that they point to, and hints. Everything that a hint
//!   gives is checked by the code; each kernel says how.
//! - A kernel writes the array that it is given at its end, the builtins' cells from the pointer that it is
//!   given, and its own stack; it returns the pointers behind what it wrote.
//! - `link` refuses a function whose signature is not the kernel's, or that the compiler has changed.

mod argmax;
mod asm;
mod claims;
mod elementwise;
mod linear;
mod meter;
mod objects;
mod requantize;
mod rope;
mod silu;
mod softmax;
mod table;
mod weights;

use std::collections::BTreeMap;

use cairo_lang_casm::hints::Hint;
use cairo_lang_casm::instructions::{Instruction, InstructionBody, JumpInstruction};
use cairo_lang_casm::operand::DerefOrImmediate;
use num_bigint::BigInt;

use crate::air::cairo::Component;
use crate::cost::Rows;
use asm::Asm;
use meter::Meter;

pub use claims::PARAMS as CLAIM_PARAMS;
pub use table::Table;

/// Name of the hint that writes claimed sums, at the start of the kernel `append_claims`: `bias + Σ_j
/// w[j·blocks + b]·x[j]` for every block `b`, behind the array's end. The parameters are the 7 cells below
/// `fp − 2`: `w` and its end, `x` and its end, `bias`, the array and its end.
pub const SUMS: &str = "sums";

/// Name of the hint that writes the index of the first largest element, in the kernel `append_maximum`. The elements
/// are from the cell at `fp − 6` to the one at `fp − 5`.
pub const MAXIMUM: &str = "maximum";

/// Name of the hint that writes what a lookup answers, in kernels whose lookups are claims. It reads the cells of the
/// table's start and of the index.
pub const LOOKUP: &str = "lookup";

/// Where the answers of lookups come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookups {
    /// The table is read.
    Read,
    /// They are claimed: the kernels that look up are handed an array of claims in place of a builtin, before their own.
    Claimed,
}

/// A builtin that a kernel is handed, and hands back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    RangeCheck,
    Bitwise,
    /// Only its place is used, for an array of claims.
    Pedersen,
}

impl Builtin {
    /// The compiler's name of its type.
    pub fn name(self) -> &'static str {
        match self {
            Builtin::RangeCheck => "RangeCheck",
            Builtin::Bitwise => "Bitwise",
            Builtin::Pedersen => "Pedersen",
        }
    }
}

/// What a call's cost depends on of a parameter.
#[derive(Debug, Clone, Copy)]
pub enum Param {
    /// The length of a span.
    Span(usize),
    /// Nothing.
    Felt,
}

/// The kernel at a path of the kernel library.
///
/// # Panics
/// For a path that is not in [`KERNELS`].
#[allow(
    clippy::panic,
    reason = "paths are written in this crate; a test calls all kernels"
)]
pub fn kernel(path: &str) -> &'static Kernel {
    let found = KERNELS.iter().find(|kernel| kernel.path == path);
    found.unwrap_or_else(|| panic!("{path} is no kernel"))
}

/// A function of the kernel library whose code is here.
pub struct Kernel {
    /// Path of the function in the kernel library: file, then name.
    pub path: &'static str,
    /// Its builtin.
    pub builtin: Option<Builtin>,
    /// Cells of its other parameters.
    pub params: usize,
    /// Whether it looks up entries of tables.
    pub looks_up: bool,
    code: fn(&mut Asm),
}

/// Cells of what a kernel returns besides its builtin: the array that it appended to.
pub const RETURNS: usize = 2;

impl Kernel {
    /// The file of the kernel library that the function is in.
    pub fn file(&self) -> &'static str {
        self.path.split("::").next().unwrap_or(self.path)
    }

    /// The builtins that it is handed and hands back, in their order.
    pub fn builtins(&self, lookups: Lookups) -> Vec<Builtin> {
        let claims = self.looks_up && lookups == Lookups::Claimed;
        let claims = claims.then_some(Builtin::Pedersen);
        claims.into_iter().chain(self.builtin).collect()
    }

    /// Rows per component of one call, its return included, its `call` instruction not. `params` are all but the
    /// builtin and the array that it appends to; `cases` the conditional jumps that are taken, for every element;
    /// `hinted` what its named hint writes.
    pub fn rows(&self, params: &[Param], hinted: Option<i64>, cases: &[&'static str]) -> Rows {
        let cells = usize::from(self.builtin.is_some()) + self.params;
        let mut at = -2 - cells as i16 + i16::from(self.builtin.is_some());
        let mut values = BTreeMap::new();
        for param in params {
            match *param {
                Param::Span(length) => {
                    values.insert(at, 0);
                    values.insert(at + 1, length as i64);
                    at += 2;
                }
                Param::Felt => at += 1,
            }
        }
        assert_eq!(at, -2 - RETURNS as i16, "parameters of {}", self.path);
        let mut asm = Asm::metered(Meter::new(values, hinted, cases));
        (self.code)(&mut asm);
        let mut rows = asm.rows();
        // The jump from the Cairo function to the kernel.
        rows.add(Component::JumpOpcodeRelImm, 1);
        rows
    }

    const fn new(
        path: &'static str,
        builtin: Option<Builtin>,
        params: usize,
        code: fn(&mut Asm),
    ) -> Kernel {
        Kernel {
            path,
            builtin,
            params,
            looks_up: false,
            code,
        }
    }

    const fn looking_up(self) -> Kernel {
        Kernel {
            looks_up: true,
            ..self
        }
    }
}

/// All kernels.
pub static KERNELS: [Kernel; 21] = {
    use Builtin::{Bitwise, RangeCheck};
    [
        Kernel::new(
            "argmax::append_maximum",
            Some(RangeCheck),
            4,
            argmax::maximum,
        ),
        Kernel::new("bytes::unpack_int8", Some(RangeCheck), 4, |asm| {
            linear::split(asm, 8, 15, 128)
        }),
        Kernel::new(
            "claims::append_claims",
            None,
            claims::PARAMS,
            claims::claims,
        ),
        Kernel::new(
            "elementwise::append_multiples",
            None,
            5,
            elementwise::multiples,
        ),
        Kernel::new(
            "elementwise::append_products",
            None,
            6,
            elementwise::products,
        ),
        Kernel::new("elementwise::append_sums", None, 6, elementwise::sums),
        Kernel::new("linear::products", None, 7, linear::products),
        Kernel::new("linear::split20", Some(RangeCheck), 4, |asm| lanes(asm, 20)),
        Kernel::new("linear::split24", Some(RangeCheck), 4, |asm| lanes(asm, 24)),
        Kernel::new("linear::split30", Some(RangeCheck), 4, |asm| lanes(asm, 30)),
        Kernel::new("linear::split40", Some(RangeCheck), 4, |asm| lanes(asm, 40)),
        Kernel::new("linear::split60", Some(RangeCheck), 4, |asm| lanes(asm, 60)),
        Kernel::new(
            "requantize::append_rounded",
            Some(RangeCheck),
            7,
            requantize::rounded,
        ),
        Kernel::new(
            "requantize::append_saturated",
            Some(RangeCheck),
            9,
            requantize::saturated,
        ),
        Kernel::new(
            "requantize::append_scaled",
            Some(RangeCheck),
            8,
            requantize::scaled,
        ),
        Kernel::new("rope::append_rotated", None, 8, rope::rotated),
        Kernel::new("silu::append_silu", Some(RangeCheck), 11, silu::silu).looking_up(),
        Kernel::new(
            "softmax::append_weights",
            Some(RangeCheck),
            10,
            softmax::weights,
        )
        .looking_up(),
        Kernel::new(
            "weights::append_three",
            Some(Bitwise),
            8,
            weights::three_committed,
        ),
        Kernel::new(
            "weights::append_two",
            Some(Bitwise),
            7,
            weights::two_committed,
        ),
        Kernel::new(
            "weights::append_words",
            Some(Bitwise),
            6,
            weights::separated,
        ),
    ]
};

/// Signed lanes of `bits` bits, which fill 120 bits of a half.
fn lanes(asm: &mut Asm, bits: u32) {
    linear::split(asm, bits, 120 / bits as usize, 1 << (bits - 1))
}

/// The word of `ret`.
const RETURN: u64 = 0x208b_7fff_7fff_7ffe;

/// Code under construction: a program's words and hints.
#[derive(Debug, Default)]
pub struct Code {
    pub words: Vec<BigInt>,
    /// By offset of the instruction that they run before.
    pub hints: Vec<(usize, Vec<Hint>)>,
    /// Offsets of the instructions that are lookups.
    pub lookups: Vec<usize>,
}

impl Code {
    /// Appends a kernel's code, and makes the function at `entry` begin with a jump to it.
    pub fn link(&mut self, kernel: &Kernel, lookups: Lookups, entry: usize) {
        let distance = self.words.len() - entry;
        let jump = Instruction::new(
            InstructionBody::Jump(JumpInstruction {
                target: DerefOrImmediate::from(distance),
                relative: true,
            }),
            false,
        );
        for (i, word) in jump.assemble().encode().into_iter().enumerate() {
            self.words[entry + i] = word;
        }
        // The instruction that was here is gone, and its hint with it.
        self.hints.retain(|(at, _)| *at != entry);
        let mut asm = match kernel.builtins(lookups).first() {
            Some(Builtin::Pedersen) => {
                Asm::claiming(usize::from(kernel.builtin.is_some()) + kernel.params)
            }
            _ => Asm::new(),
        };
        (kernel.code)(&mut asm);
        self.append(&asm);
    }

    /// Makes the function at `entry` one instruction and a return. Its code has two words or more.
    pub fn put(&mut self, instruction: u128, entry: usize) {
        self.words[entry] = BigInt::from(instruction);
        self.words[entry + 1] = BigInt::from(RETURN);
        self.hints.retain(|(at, _)| *at != entry);
    }

    /// Appends code; returns where it begins.
    fn append(&mut self, asm: &Asm) -> usize {
        let start = self.words.len();
        let lookups = asm.lookups().into_iter().map(|at| start + at);
        self.lookups.extend(lookups);
        for instruction in asm.code() {
            if !instruction.hints.is_empty() {
                self.hints
                    .push((self.words.len(), instruction.hints.clone()));
            }
            self.words.extend(instruction.assemble().encode());
        }
        start
    }
}
