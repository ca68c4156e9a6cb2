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
    #[error("{path}: a link to {target}, which is not there: download the model again")]
    DanglingLink { path: PathBuf, target: PathBuf },
    #[error("{path}: not a regular file")]
    NotAFile { path: PathBuf },
    #[error(
        "{path}: a git-lfs pointer, not the file itself: run `git lfs pull` in the model's directory"
    )]
    LfsPointer { path: PathBuf },
    #[error(
        "{path}: starts with a byte order mark ({encoding}), which JSON does not allow: save it as UTF-8 without one"
    )]
    ByteOrderMark {
        path: PathBuf,
        encoding: &'static str,
    },
    #[error("{path}: not valid JSON: {source}")]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path}: expected a JSON object at the top")]
    NotAnObject { path: PathBuf },

    #[error(
        "{path}: a file, expected a Hugging Face model directory (with config.json, model.safetensors and tokenizer.json) or a file whose name ends in .gguf"
    )]
    NotAFolder { path: PathBuf },
    #[error("{path}: no such directory; models are read from disk, nothing is downloaded")]
    NoDirectory { path: PathBuf },
    #[error(
        "{dir}: a cache of the hub, which holds the model in a folder for each version: give {snapshot}"
    )]
    HubCache { dir: PathBuf, snapshot: PathBuf },
    #[error("{dir}: the model is there as {file} only: give that file in the place of the folder")]
    OnlyGguf { dir: PathBuf, file: PathBuf },
    #[error(
        "{dir}: holds an adapter (adapter_config.json), not a model: merge it into its base model and save that"
    )]
    OnlyAdapter { dir: PathBuf },
    #[error(
        "{dir}: has {file}, so the model is in its maker's own format: convert it to a Hugging Face directory, for example with `python -m transformers.models.llama.convert_llama_weights_to_hf` (for Mistral: `transformers.models.mistral.convert_mistral_weights_to_hf`)"
    )]
    OriginalFormat { dir: PathBuf, file: PathBuf },

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
        "{path}: `{key}` is not known here, and may change how positions are rotated: remove it if it changes nothing"
    )]
    UnknownKey { path: PathBuf, key: String },
    #[error(
        "{path}: `model_type` = {found:?} is not supported: the supported ones are {supported}"
    )]
    Family {
        path: PathBuf,
        found: String,
        supported: String,
    },
    #[error(
        "{path}: `model_type` = {found:?} is custom code (`auto_map`), which is never run: the supported ones are {supported}"
    )]
    CustomCode {
        path: PathBuf,
        found: String,
        supported: String,
    },
    #[error("{path}: `architectures` = {found} does not go with `model_type`: expected {expected}")]
    Architecture {
        path: PathBuf,
        found: String,
        expected: String,
    },
    #[error("{path}: `{key}` = {value} contradicts {other} = {expected}")]
    ThetaContradiction {
        path: PathBuf,
        key: String,
        value: f64,
        other: String,
        expected: f64,
    },
    #[error(
        "{path}: `{key}` = {value}, but this family has one setting for all layers: Hugging Face ignores this one and rotates with {other} = {expected}; state the value that holds as `rope_parameters.rope_theta`"
    )]
    NestedTheta {
        path: PathBuf,
        key: String,
        value: f64,
        other: String,
        expected: f64,
    },
    #[error(
        "{path}: {window} is less than the context of {context} tokens, and attention sees every position here: compile with --context {limit} or less"
    )]
    WindowBinds {
        path: PathBuf,
        window: String,
        limit: usize,
        context: usize,
    },
    #[error(
        "--context: {context} is more than the {limit} positions of {path}, and each has a vector that the model learned: compile with --context {limit} or less"
    )]
    LearnedPositions {
        path: PathBuf,
        context: usize,
        limit: usize,
    },
    #[error(
        "{path}: `{key}` names {ids:?}, and a session here ends at one token: choose it with --eos ID (the others are then tokens like any other, after which text goes on), or --eos none"
    )]
    SeveralEos {
        path: PathBuf,
        key: &'static str,
        ids: Vec<u32>,
    },
    #[error("--eos: {id} is no token of the model, which has {vocab_size}, 0 to {max}", max = vocab_size - 1)]
    EosOutOfVocabulary { id: u32, vocab_size: usize },
    #[error(
        "{path}: `num_attention_heads` = {heads} is not a multiple of `num_key_value_heads` = {kv_heads}"
    )]
    HeadGroups {
        path: PathBuf,
        heads: usize,
        kv_heads: usize,
    },
    #[error(
        "{path}: `{width}` = {hidden} is not a multiple of `{heads_key}` = {heads}, and no `head_dim` is given"
    )]
    HeadSplit {
        path: PathBuf,
        width: &'static str,
        hidden: usize,
        heads_key: &'static str,
        heads: usize,
    },
    #[error(
        "{path}: `{key}` and `{other}` stretch positions in different ways: remove the one that does not hold"
    )]
    ScalingContradiction {
        path: PathBuf,
        key: &'static str,
        other: &'static str,
    },
    #[error("{path}: `head_dim` = {head_dim} is odd, rotary embedding needs pairs")]
    OddHeadDim { path: PathBuf, head_dim: usize },
    #[error("{path}: the sizes describe {parameters} parameters, more than {limit}")]
    TooManyParameters {
        path: PathBuf,
        parameters: u64,
        limit: u64,
    },

    #[error("{path}: {problem}")]
    Gguf {
        path: PathBuf,
        problem: super::gguf::Problem,
    },
    #[error("{dir}: neither `model.safetensors` nor `model.safetensors.index.json` is there")]
    NoWeights { dir: PathBuf },
    #[error(
        "{dir}: the weights are there as {file}, which can run code when it is read: save the model with safetensors (`save_pretrained` of a recent transformers does)"
    )]
    Pickled { dir: PathBuf, file: PathBuf },
    #[error(
        "{dir}: has {file}, but neither `model.safetensors` nor `model.safetensors.index.json`, which says what is in which file"
    )]
    NoIndex { dir: PathBuf, file: PathBuf },
    #[error(
        "{path}: {bytes} bytes are not what its header describes ({reason}): the file is cut off or damaged, fetch it again"
    )]
    CutOff {
        path: PathBuf,
        bytes: usize,
        reason: String,
    },
    #[error("{path}: not a safetensors file (it begins with {begins}): download it again")]
    NotSafetensors { path: PathBuf, begins: String },
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
    #[error(
        "{path}: tensor `{tensor}` would be `{expected}` without its prefix `{prefix}`: save the model without the prefix"
    )]
    TensorPrefix {
        path: PathBuf,
        tensor: String,
        expected: String,
        prefix: String,
    },
    #[error("{path}: tensor `{tensor}` is stored twice, with `model.` before its name and without")]
    StoredTwice { path: PathBuf, tensor: String },
    #[error(
        "{path}: tensor `{tensor}` is a bias that is not zero, and a model with this configuration has none there"
    )]
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
    #[error("{dir}: embeddings are tied, but `lm_head.weight` differs from `{embedding}`")]
    TiedHeadDiffers { dir: PathBuf, embedding: String },

    #[error("{path}: not a usable tokenizer: {reason}")]
    Tokenizer { path: PathBuf, reason: String },
    #[error(
        "{path}: the tokenizers library failed on it: {reason}: a setting in it is one that the library does not take; save the tokenizer again, or take the model's original file"
    )]
    TokenizerPanic { path: PathBuf, reason: String },
    #[error(
        "{path}: `model.dropout` is {dropout}, which makes the tokens of a text a matter of chance: set it to null, as for any use but training"
    )]
    Dropout { path: PathBuf, dropout: f32 },
    #[error(
        "{path}: `model.vocab` gives the id {id} to both {:?} and {:?}, and which of them the id stands for is a matter of chance: give each token an id of its own", tokens[0], tokens[1]
    )]
    SharedId {
        path: PathBuf,
        id: u32,
        tokens: [String; 2],
    },
    #[error(
        "{dir}: has {file} but no tokenizer.json: convert it (`AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)` of transformers writes tokenizer.json)"
    )]
    OtherTokenizer { dir: PathBuf, file: &'static str },
    #[error(
        "{path}: `{key}` says that {content:?} is token {declared}, but tokenizer.json makes it token {found} (its token {declared} is {taken}), as Hugging Face does: make the two agree"
    )]
    TokenId {
        path: PathBuf,
        key: String,
        content: String,
        declared: u32,
        found: u32,
        taken: String,
    },
    #[error(
        "{path}: `{key}` is {value}, but the post-processor of tokenizer.json puts {found} {place} a text: versions of Hugging Face's library follow one or the other, make the two agree"
    )]
    PostProcessor {
        path: PathBuf,
        key: &'static str,
        value: bool,
        found: String,
        place: &'static str,
    },
    #[error("{path}: `{key}` is true, but no `{token}` says which token that is")]
    NoSpecialToken {
        path: PathBuf,
        key: &'static str,
        token: &'static str,
    },
    #[error(
        "{path}: `{token}` is {content:?}, which the vocabulary of tokenizer.json does not have"
    )]
    UnknownSpecialToken {
        path: PathBuf,
        token: &'static str,
        content: String,
    },
    #[error(
        "{path}: `add_prefix_space` is {value}, but the pre-tokenizer of tokenizer.json says {found}: make the two agree"
    )]
    PrefixSpace {
        path: PathBuf,
        value: bool,
        found: bool,
    },
    #[error("{path}: its chat template cannot be used: {reason}")]
    ChatTemplate { path: PathBuf, reason: String },
    #[error("{path}: cannot encode the text: it has {bytes} bytes, at most {limit} are taken")]
    TextTooLong {
        path: PathBuf,
        bytes: usize,
        limit: usize,
    },
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
