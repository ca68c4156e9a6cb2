//! Typed felts: one newtype per meaning, one text form per value.
//!
//! Owns: the canonical text of a felt (`0x`, lower-case digits, no leading zero, below the
//! prime) and of a chain id (a Cairo short string).
//!
//! Invariants: reading then writing gives the same text, so two texts never mean one value.
//!
//! Absent on purpose: conversions between the types — a KV root is never a token root.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use starknet_types_core::felt::Felt;
use thiserror::Error;

/// Why a text is not a felt in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HexError {
    #[error("must start with `0x`")]
    Prefix,
    #[error("has no digits after `0x`")]
    Empty,
    #[error("must consist of the digits 0-9 and a-f (lower case) after `0x`")]
    Digit,
    #[error("has leading zeros; write the shortest form")]
    LeadingZero,
    #[error("is not below the field's prime")]
    TooLarge,
}

/// The canonical text of a felt, for example `0x0` or `0x1f`.
pub fn felt_to_hex(felt: &Felt) -> String {
    format!("{felt:#x}")
}

/// Reads a felt in canonical form.
///
/// # Errors
/// [`HexError`] for every other text, including other spellings of the same number.
pub fn parse_felt(text: &str) -> Result<Felt, HexError> {
    let digits = text.strip_prefix("0x").ok_or(HexError::Prefix)?;
    if digits.is_empty() {
        return Err(HexError::Empty);
    }
    if !digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Err(HexError::Digit);
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(HexError::LeadingZero);
    }
    if digits.len() > 64 {
        return Err(HexError::TooLarge);
    }
    let felt = Felt::from_hex(text).map_err(|_| HexError::TooLarge)?;
    // The library may reduce modulo the prime; a reduced number prints differently.
    if felt_to_hex(&felt) != text {
        return Err(HexError::TooLarge);
    }
    Ok(felt)
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

macro_rules! felt_type {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Felt);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&felt_to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = HexError;
            fn from_str(text: &str) -> Result<Self, HexError> {
                parse_felt(text).map($name)
            }
        }

        text_serde!($name);
    )*};
}

felt_type! {
    /// Hash of a program's words, as the verifier computes it from a proof.
    ProgramHash;
    /// Hash over quantised parameters, config and tokenizer.
    ModelRoot;
    /// Identifies one session; chosen by whoever starts it.
    SessionId;
    /// Address of a verifier contract; zero for `local`.
    ContractAddress;
    /// A KV chain, see `spec::roots`.
    KvRoot;
    /// A token chain, see `spec::roots`.
    TokensRoot;
    /// A chain of listed choices, see [`Frontier`](super::Frontier).
    ChosenRoot;
    /// Root of a circuit's fixed columns, its identity: a digest of eight words of 31 bits, in one felt
    /// with the first word lowest.
    CircuitRoot;
    /// Piece of a wrapped proof, see `wrap::calldata`.
    ProofFelt;
}

/// Why something is not a chain id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChainIdError {
    #[error("must be 1 to 31 visible ASCII characters")]
    Text,
    #[error("{0} is no short string of 1 to 31 visible ASCII characters")]
    Felt(String),
}

/// A chain id: a Cairo short string of 1 to 31 visible ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(Felt);

impl ChainId {
    /// The id that stands for "no chain".
    pub fn local() -> Self {
        ChainId(Felt::from_bytes_be_slice(b"local"))
    }

    /// The felt of the short string.
    pub fn felt(&self) -> Felt {
        self.0
    }

    /// Reads the short string in a felt.
    ///
    /// # Errors
    /// [`ChainIdError::Felt`] if the felt is no such string.
    pub fn from_felt(felt: Felt) -> Result<Self, ChainIdError> {
        let bytes = felt.to_bytes_be();
        let start = bytes
            .iter()
            .position(|&byte| byte != 0)
            .unwrap_or(bytes.len());
        if !is_short_string(&bytes[start..]) {
            return Err(ChainIdError::Felt(felt_to_hex(&felt)));
        }
        Ok(ChainId(felt))
    }
}

fn is_short_string(bytes: &[u8]) -> bool {
    (1..=31).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

impl FromStr for ChainId {
    type Err = ChainIdError;
    fn from_str(text: &str) -> Result<Self, ChainIdError> {
        if !is_short_string(text.as_bytes()) {
            return Err(ChainIdError::Text);
        }
        Ok(ChainId(Felt::from_bytes_be_slice(text.as_bytes())))
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.to_bytes_be();
        bytes
            .iter()
            .filter(|&&byte| byte != 0)
            .try_for_each(|&byte| write!(f, "{}", byte as char))
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainId({self})")
    }
}

text_serde!(ChainId);
