//! What can be wrong with a GGUF file, one variant per check.

/// Why a GGUF file was refused.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("not a GGUF file (it does not begin with GGUF): download it again")]
    NotGguf,
    #[error("version {found} of GGUF is not read, 2 and 3 are: convert the model again")]
    Version { found: u32 },
    #[error("it ends within {what}: the file is cut off or damaged, fetch it again")]
    CutOff { what: String },
    #[error("{what} has {found}, more than the {limit} that are read")]
    TooMany {
        what: String,
        found: u64,
        limit: u64,
    },
    #[error("{what}: a text is not UTF-8")]
    NotText { what: String },
    #[error("{what} is there twice: the file is damaged")]
    Twice { what: String },
    #[error(
        "tensor `{tensor}` begins at byte {found} of the data, where the one before it ends at {expected}: the file is damaged, fetch it again"
    )]
    Offset {
        tensor: String,
        found: u64,
        expected: u64,
    },
    #[error(
        "{bytes} bytes behind its last tensor belong to none: the file is damaged, fetch it again"
    )]
    Rest { bytes: u64 },
    #[error("`{key}` would change what the model computes, and is not supported")]
    Changes { key: String },
    #[error("`{key}` has a value of type {found}, which GGUF does not define")]
    ValueType { key: String, found: u32 },
    #[error("`{key}` is missing")]
    Missing { key: String },
    #[error("`{key}` is {value}, expected {expected}")]
    Value {
        key: String,
        value: String,
        expected: &'static str,
    },
    #[error(
        "`general.architecture` = {found:?} is not supported: the supported ones are {supported}"
    )]
    Architecture { found: String, supported: String },
    #[error("tensor `{tensor}` has type {found}, which is not read; those that are: {known}")]
    TensorType {
        tensor: String,
        found: u32,
        known: String,
    },
    #[error(
        "tensor `{tensor}` has {channels} numbers in a row, and its type packs {block} together"
    )]
    Row {
        tensor: String,
        channels: usize,
        block: usize,
    },
    #[error("tensor `rope_freqs.weight` stretches the rotation in a way that is not Llama 3's")]
    Factors,
    #[error("`tokenizer.ggml.model` = {found:?} is not read: {known} are")]
    TokenizerModel { found: String, known: String },
    #[error(
        "`tokenizer.ggml.pre` = {found:?} splits text in a way that is not known here: the known ones are {known}"
    )]
    Splitter { found: String, known: String },
    #[error("`tokenizer.ggml.tokens` has {token:?} twice")]
    RepeatedToken { token: String },
    #[error("`tokenizer.ggml.merges` has {merge:?}, which is no pair")]
    Merge { merge: String },
}

impl Problem {
    /// A value, of which the beginning is shown, is none that its key has.
    pub(super) fn value(key: &str, value: impl ToString, expected: &'static str) -> Problem {
        Problem::Value {
            key: key.to_owned(),
            value: value.to_string().chars().take(80).collect(),
            expected,
        }
    }
}
