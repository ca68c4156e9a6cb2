//! Functions whose code is not Cairo: `src/casm` replaces it after compilation.
//!
//! What is written as their body only gives them a signature and the builtins that their code uses: each
//! calls itself, so that the compiler expects nothing of how far it moves the stack.

/// Makes the caller a function with the range check builtin.
#[inline(always)]
pub fn range_check(x: felt252) -> bool {
    let x: Option<u128> = x.try_into();
    x.is_some()
}

/// Makes the caller a function with the bitwise builtin.
#[inline(always)]
pub fn bitwise(x: u128) -> bool {
    x & 0xff != 0
}

/// Makes the caller a function with two builtins, for programs that claim what they look up: `src/compile/objects.rs`
/// puts it in the place of `range_check`. In the place of Pedersen they have the array of those claims.
#[inline(always)]
pub fn range_check_and_lookup(x: felt252) -> bool {
    range_check(core::pedersen::pedersen(x, x))
}
