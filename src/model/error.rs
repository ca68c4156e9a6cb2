//! Everything that can be wrong with a model directory, one variant per check.

use std::path::PathBuf;

/// Why a model directory was refused. Each message names the file and the key, tensor or token at fault.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("{path}: cannot read: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {bytes} bytes, more than the {limit} this kind of file may have")]
    TooLarge {
        path: PathBuf,
        bytes: u64,
        limit: u64,
    },
    #[error("{path}: not valid JSON: {source}")]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path}: expected a JSON object at the top")]
    NotAnObject { path: PathBuf },

    #[error("{path}: key `{key}` is missing")]
    MissingKey { path: PathBuf, key: String },
    #[error("{path}: `{key}` is {value}, expected {expected}")]
    WrongType {
        path: PathBuf,
        key: String,
        value: String,
        expected: &'static str,
    },
    #[error("{path}: `{key}` is {value}, outside {min}..={max}")]
    OutOfBounds {
        path: PathBuf,
        key: String,
        value: String,
        min: String,
        max: String,
    },
    #[error("{path}: `{key}` = {value} is not supported ({why})")]
    Unsupported {
        path: PathBuf,
        key: String,
        value: String,
        why: &'static str,
    },
    #[error(
        "{path}: `num_attention_heads` = {heads} is not a multiple of `num_key_value_heads` = {kv_heads}"
    )]
    HeadGroups {
        path: PathBuf,
        heads: usize,
        kv_heads: usize,
    },
    #[error(
        "{path}: `hidden_size` = {hidden} is not a multiple of `num_attention_heads` = {heads}, and no `head_dim` is given"
    )]
    HeadSplit {
        path: PathBuf,
        hidden: usize,
        heads: usize,
    },
    #[error("{path}: `head_dim` = {head_dim} is odd, rotary embedding needs pairs")]
    OddHeadDim { path: PathBuf, head_dim: usize },
    #[error("{path}: the sizes describe {parameters} parameters, more than {limit}")]
    TooManyParameters {
        path: PathBuf,
        parameters: u64,
        limit: u64,
    },

    #[error("{dir}: neither `model.safetensors` nor `model.safetensors.index.json` is there")]
    NoWeights { dir: PathBuf },
    #[error("{path}: not a valid safetensors file: {reason}")]
    Safetensors { path: PathBuf, reason: String },
    #[error(
        "{path}: `weight_map` names the shard {shard:?}, which is not a plain `*.safetensors` file name"
    )]
    ShardName { path: PathBuf, shard: String },
    #[error(
        "{path}: tensor `{tensor}` is stored here, but the index does not place it in this shard"
    )]
    StrayTensor { path: PathBuf, tensor: String },
    #[error("{path}: tensor `{tensor}` is a bias, and this family has none")]
    BiasTensor { path: PathBuf, tensor: String },
    #[error("{path}: tensor `{tensor}` does not belong to a model with this configuration")]
    UnexpectedTensor { path: PathBuf, tensor: String },
    #[error("{dir}: tensor `{tensor}` is missing")]
    MissingTensor { dir: PathBuf, tensor: String },
    #[error("{path}: tensor `{tensor}` has type {dtype}, expected F32, F16 or BF16")]
    TensorType {
        path: PathBuf,
        tensor: String,
        dtype: String,
    },
    #[error("{path}: tensor `{tensor}` has shape {found:?}, expected {expected:?}")]
    TensorShape {
        path: PathBuf,
        tensor: String,
        found: Vec<usize>,
        expected: Vec<usize>,
    },
    #[error("{path}: tensor `{tensor}` holds {value} at element {index}")]
    NotFinite {
        path: PathBuf,
        tensor: String,
        index: usize,
        value: f32,
    },
    #[error(
        "{dir}: embeddings are tied, but `lm_head.weight` differs from `model.embed_tokens.weight`"
    )]
    TiedHeadDiffers { dir: PathBuf },

    #[error("{path}: not a usable tokenizer: {reason}")]
    Tokenizer { path: PathBuf, reason: String },
    #[error("{path}: cannot encode the text: {reason}")]
    Encode { path: PathBuf, reason: String },
    #[error("{path}: cannot decode the tokens: {reason}")]
    Decode { path: PathBuf, reason: String },
    #[error("{path}: token {token} is outside the model's vocabulary of {vocab_size}")]
    TokenOutOfVocabulary {
        path: PathBuf,
        token: u32,
        vocab_size: usize,
    },
}
