//! The library that a package is compiled with, and what takes the place of its functions that have no code.

use super::instructions::Instruction;
use crate::casm::{Kernel, Lookups};

/// The library that a package uses, as the compiler knows it, and what takes the place of its functions that have no code.
#[derive(Clone, Copy)]
pub(super) struct Library<'a> {
    /// Name of its crate.
    pub(super) name: &'static str,
    pub(super) bodies: Bodies<'a>,
}

/// What takes the place of functions without code.
#[derive(Clone, Copy)]
pub(super) enum Bodies<'a> {
    /// Kernels, which look up so.
    Kernels(Lookups),
    /// One instruction each.
    Instructions(&'a [Instruction]),
}

/// What has been found to take the place of functions, and where these begin among the compiled ones.
pub(super) enum Links<'a> {
    Kernels(Lookups, Vec<(&'static Kernel, usize)>),
    Instructions(Vec<(&'a Instruction, usize)>),
}

impl Library<'_> {
    pub(super) const fn kernels(lookups: Lookups) -> Library<'static> {
        Library {
            name: "decode_kernels",
            bodies: Bodies::Kernels(lookups),
        }
    }
}
