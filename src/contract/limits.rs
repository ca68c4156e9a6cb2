//! The network's limits, which a local chain does not enforce.

use cairo_lang_starknet_classes::allowed_libfuncs::ListSelector;
use cairo_lang_starknet_classes::contract_class::ExtractedSierraProgram;
use thiserror::Error;

/// Most felts of a class's bytecode.
pub const BYTECODE_FELTS: usize = 81_920;
/// Of these, what a class of this project may use: the rest is a reserve of five in a hundred.
pub const BYTECODE_FELTS_OURS: usize = BYTECODE_FELTS / 100 * 95;
/// Most bytes of a declared class.
pub const CLASS_BYTES: usize = 4_089_446;
/// Most felts of a transaction's calldata.
pub const CALLDATA_FELTS: usize = 5_000;
/// Most L2 gas of a transaction's execution.
pub const L2_GAS: u64 = 1_110_000_000;
/// The list of library functions that public networks accept.
const AUDITED: &str = "audited";

/// What is beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LimitError {
    #[error(
        "has {found} felts of bytecode, at most {BYTECODE_FELTS_OURS} are allowed here ({BYTECODE_FELTS} on the network)"
    )]
    Bytecode { found: usize },
    #[error("has {found} bytes, the network takes {CLASS_BYTES}")]
    ClassBytes { found: usize },
    #[error("has {found} felts of calldata, the network takes {CALLDATA_FELTS}")]
    Calldata { found: usize },
    #[error("uses a library function that public networks do not accept: {0}")]
    LibraryFunction(String),
}

/// Checks the size of a class.
///
/// # Errors
/// The first limit that it is beyond.
pub fn check_class(bytecode: usize, bytes: usize) -> Result<(), LimitError> {
    if bytecode > BYTECODE_FELTS_OURS {
        return Err(LimitError::Bytecode { found: bytecode });
    }
    if bytes > CLASS_BYTES {
        return Err(LimitError::ClassBytes { found: bytes });
    }
    Ok(())
}

/// Checks the size of a transaction.
///
/// # Errors
/// [`LimitError::Calldata`].
pub fn check_calldata(felts: usize) -> Result<(), LimitError> {
    match felts {
        n if n > CALLDATA_FELTS => Err(LimitError::Calldata { found: n }),
        _ => Ok(()),
    }
}

/// Checks that a class uses audited library functions only, in versions that its Sierra version has.
///
/// # Errors
/// [`LimitError::LibraryFunction`].
pub fn check_library_functions(program: &ExtractedSierraProgram) -> Result<(), LimitError> {
    program
        .validate_version_compatible(ListSelector::ListName(AUDITED.to_string()))
        .map_err(|e| LimitError::LibraryFunction(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_limits() {
        assert_eq!(check_class(BYTECODE_FELTS_OURS, CLASS_BYTES), Ok(()));
        let found = BYTECODE_FELTS_OURS + 1;
        assert_eq!(check_class(found, 0), Err(LimitError::Bytecode { found }));
        let found = CLASS_BYTES + 1;
        assert_eq!(check_class(0, found), Err(LimitError::ClassBytes { found }));
        assert_eq!(check_calldata(5_000), Ok(()));
        let found = 5_001;
        assert_eq!(check_calldata(found), Err(LimitError::Calldata { found }));
    }
}
