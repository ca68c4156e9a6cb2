//! The leaf's own equalities by name: what its gates require that no function of the circuit library asks for.
//!
//! Owns: each rule's gates, and the list of all rules of a circuit. `tests/leaf` has a lie for each of them that all the others let pass.
//!
//! Absent on purpose: what the library's functions require (paths, folding, works, the claim's other checks, the sum of lookups).

use circuits::EXTENSION_DEGREE;
use circuits::context::{Context, Var};
use circuits::extract_bits::extract_bits;
use circuits::ivalue::IValue;
use circuits::ops::{eq, inv};
use circuits::simd::Simd;
use circuits::wrappers::M31Wrapper;

/// What is required of wires.
#[derive(Clone, Debug)]
pub enum Requirement {
    /// They are equal.
    Equal(Var, Var),
    /// Each number of the base field, of four to a wire, has at most so many bits.
    Below(Simd, u32),
    /// It is not zero.
    Nonzero(Var),
}

/// A requirement, and what for.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: &'static str,
    pub requirement: Requirement,
}

/// The rules of a circuit, each imposed.
#[derive(Clone, Debug, Default)]
pub struct Rules(pub Vec<Rule>);

impl Rules {
    fn add(&mut self, name: &'static str, requirement: Requirement) {
        self.0.push(Rule { name, requirement });
    }

    /// Two wires are equal.
    pub fn equal(
        &mut self,
        context: &mut Context<impl IValue>,
        name: &'static str,
        left: Var,
        right: Var,
    ) {
        eq(context, left, right);
        self.add(name, Requirement::Equal(left, right));
    }

    /// Each number has at most so many bits.
    pub fn below(
        &mut self,
        context: &mut Context<impl IValue>,
        name: &'static str,
        numbers: &Simd,
        bits: u32,
    ) {
        extract_bits(context, numbers, bits);
        self.add(name, Requirement::Below(numbers.clone(), bits));
    }

    /// A wire is not zero.
    pub fn nonzero(&mut self, context: &mut Context<impl IValue>, name: &'static str, number: Var) {
        inv(context, number);
        self.add(name, Requirement::Nonzero(number));
    }

    /// What fills the last packed number behind the values is zero, as in the native transcript. The library leaves it to the prover.
    pub fn filled_with_zeros(
        &mut self,
        context: &mut Context<impl IValue>,
        name: &'static str,
        values: &Simd,
    ) {
        let (packed, rest) = (values.get_packed(), values.len() % EXTENSION_DEGREE);
        if let Some(&last) = packed.last().filter(|_| rest > 0) {
            let own = Simd::unpack(context, &Simd::from_packed(vec![last], rest));
            let own: Vec<_> = own.into_iter().map(M31Wrapper::new_unsafe).collect();
            let own = Simd::pack(context, &own);
            self.equal(context, name, last, own.get_packed()[0]);
        }
    }
}
