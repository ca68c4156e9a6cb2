//! How documents say a component: its name and parameters, and the bounds within which a parameter makes sense.
//!
//! Definitions are written for components of a plan, and take what they get: a width of millions is a list of millions, a
//! block of 0 outputs is a division by 0. A layout from outside has to be within these bounds before anything is asked of
//! its components.

use super::Component;
use super::cells::CELLS;
use super::lanes::CHANNELS;
use super::roots::MOST_BLOCKS;
use super::{embed, head};
use crate::spec::record::Packing;
use stwo::core::fields::m31::P;

/// Most channels of a tensor that one row holds, and most outputs of a block.
pub const MAX_WIDTH: u64 = 1 << 12;

/// Most operands of a call, the operation's number included: [`cells`](super::cells) has the word of one more than it has
/// cells.
pub const MAX_OPERANDS: u64 = CELLS as u64;

/// Most channels of a part of an embedding: what a tuple holds.
const PART: u64 = head::PART as u64;

/// Largest shift of an embedding.
const EMBED_SHIFT: u64 = embed::MAX_SHIFT as u64;

/// A number that a component's columns depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub value: u64,
    least: u64,
    most: u64,
    /// The value is a multiple of it.
    step: u64,
}

impl Parameter {
    /// Whether a component of this value can be evaluated.
    pub fn is_within(&self) -> bool {
        (self.least..=self.most).contains(&self.value) && self.value.is_multiple_of(self.step)
    }

    /// What is asked of the value.
    pub fn bounds(&self) -> String {
        format!(
            "a multiple of {} from {} to {}",
            self.step, self.least, self.most
        )
    }
}

/// A type of parameters.
trait Number: Copy {
    /// The parameter that a document writes in this way, if there is one.
    fn read(number: u32) -> Option<Self>;

    fn number(self) -> u64;
}

impl Number for u32 {
    fn read(number: u32) -> Option<u32> {
        Some(number)
    }

    fn number(self) -> u64 {
        self.into()
    }
}

impl Number for usize {
    fn read(number: u32) -> Option<usize> {
        Some(number as usize)
    }

    fn number(self) -> u64 {
        self as u64
    }
}

impl Number for Packing {
    fn read(number: u32) -> Option<Packing> {
        [Packing::Two, Packing::Three]
            .into_iter()
            .find(|packing| packing.values() == number as usize)
    }

    fn number(self) -> u64 {
        self.values() as u64
    }
}

impl Number for bool {
    fn read(number: u32) -> Option<bool> {
        match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(self) -> u64 {
        self.into()
    }
}

/// One line for each component: its name in documents, and of each parameter the least value, the most, and what it is a
/// multiple of.
macro_rules! registry {
    ($($variant:ident $name:literal { $($field:ident: $least:expr, $most:expr, $step:expr);* })*) => {
        impl Component {
            /// The component of a name and parameters from outside. The parameters may be any numbers.
            pub fn of_document(name: &str, parameters: &[u32]) -> Option<Component> {
                match name {
                    $($name => match *parameters {
                        [$($field),*] => Some(Component::$variant { $($field: Number::read($field)?),* }),
                        _ => None,
                    },)*
                    _ => None,
                }
            }

            /// Its name in documents: [`Display`](std::fmt::Display)'s, without parameters.
            pub fn document_name(self) -> &'static str {
                match self {
                    $(Component::$variant { .. } => $name,)*
                }
            }

            /// Its parameters, in the order of documents.
            pub fn parameters(self) -> Vec<Parameter> {
                match self {
                    $(Component::$variant { $($field),* } => vec![$(Parameter {
                        name: stringify!($field),
                        value: Number::number($field),
                        least: $least,
                        most: $most,
                        step: $step,
                    }),*],)*
                }
            }
        }

        /// Every component, with the largest parameters that are within their bounds.
        pub fn largest() -> Vec<Component> {
            let all = [$(
                Component::of_document($name, &[$((($most) / ($step) * ($step)) as u32),*])
            ),*];
            all.into_iter().flatten().collect()
        }

        /// Every name of a component in documents, with its number of parameters.
        pub const NAMES: &[(&str, usize)] = &[
            $(($name, <[&str]>::len(&[$(stringify!($field)),*]))),*
        ];
    };
}

registry! {
    Tensor    "tensor"     {}
    Range     "range"      {}
    Lanes     "lanes"      {}
    Call      "call"       { operands: 1, MAX_OPERANDS, 1 }
    Cells     "cells"      {}
    Embed     "embed"      { part: 8, PART, CHANNELS as u64; shift: 0, EMBED_SHIFT, 1 }
    EmbedPositions "embed_positions" { part: 8, PART, CHANNELS as u64; shift: 0, EMBED_SHIFT, 1 }
    Product   "product"    { block: 2, MAX_WIDTH, 2 }
    Round     "round"      {}
    Table     "table"      {}
    Function  "function"   { start: 0, u64::from(P) - 1, 1 }
    Residual  "residual"   { start: 0, u64::from(P) - 1, 1 }
    Gated     "gated"      { start: 0, u64::from(P) - 1, 1 }
    Rotary    "rotary"     { start: 0, u64::from(P) - 1, 1; half: 1, MAX_WIDTH, 1 }
    Positions "positions"  {}
    AngleTable "angle_table" {}
    PositionTable "position_table" { part: 8, PART, CHANNELS as u64 }
    Angles    "angles"     {}
    HeadInput "head_input" {}
    EmbeddingTable "embedding_table" { part: 8, PART, CHANNELS as u64 }
    Head      "head"       { width: 8, MAX_WIDTH, CHANNELS as u64; tied: 0, 1, 1 }
    Answer    "answer"     {}
    Norm      "norm"       { centred: 0, 1, 1 }
    NormRoot  "norm_root"  { centred: 0, 1, 1 }
    Compress  "compress"   {}
    Record    "record"     { packing: 2, 3, 1 }
    Roots     "roots"      { blocks: 1, MOST_BLOCKS as u64, 1 }
    Tokens    "tokens"     {}
    CarriedLanes "carried_lanes" { base: 0, u64::from(P) - 1, 1 }
    Masks     "masks"      {}
    Softmax   "softmax"    { head_dim: 1, MAX_WIDTH, 1 }
    Qk        "qk"         { head_dim: 1, MAX_WIDTH, 1 }
    Attend    "attend"     { head_dim: 1, MAX_WIDTH, 1; far: 0, 1, 1 }
    Mixed     "mixed"      {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Documents name each component differently, and read back what they write; a parameter outside its bounds is told.
    #[test]
    fn components_in_documents() {
        // The first parameter is any number, or says yes or no, or is a packing; 1 is within the bounds of every second one.
        let parameters = |count: usize, value: u32| -> Vec<u32> {
            let all = std::iter::once(value).chain(std::iter::repeat(value.min(1)));
            all.take(count).collect()
        };
        for &(name, count) in NAMES {
            let of = |value| Component::of_document(name, &parameters(count, value));
            let value = [8, 1, 2].into_iter().find(|&value| of(value).is_some());
            let value = value.expect(name);
            let component = of(value).expect(name);
            assert_eq!(component.document_name(), name);
            assert_eq!(component.parameters().len(), count);
            assert!(component.parameters().iter().all(Parameter::is_within));
            assert!(component.to_string().starts_with(name), "{component}");
            for other in [count + 1, count.wrapping_sub(1)] {
                let other = parameters(other.min(9), value);
                let found = Component::of_document(name, &other).is_some();
                assert_eq!(found, other.len() == count, "{name}");
            }
        }
        let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), NAMES.len());
        assert_eq!(Component::of_document("tensors", &[]), None);
        for (name, value, within) in [
            ("product", 0, false),
            ("product", 3, false),
            ("product", 4096, true),
            ("position_table", 4, false),
            ("position_table", 12, false),
            ("call", 10, true),
            ("call", 11, false),
            ("gated", P, false),
        ] {
            let component = Component::of_document(name, &[value]).expect(name);
            let is_within = component.parameters().iter().all(Parameter::is_within);
            assert_eq!(is_within, within, "{name} {value}");
        }
    }
}
