//! What a person should know about a model directory that was accepted.

use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};

/// Something in a model directory that was left out of account, or that had more than one reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// A key of `config.json` or `generation_config.json` that is in no list here.
    UnknownKey { path: PathBuf, key: String },
    /// Keys that an object of the file has more than once.
    RepeatedKeys { path: PathBuf, keys: Vec<String> },
    /// `auto_map` names code, which is not run.
    CustomCode { path: PathBuf },
    /// A key is absent, and Hugging Face's default was taken.
    Default {
        path: PathBuf,
        key: &'static str,
        value: u64,
    },
    /// Yarn's factor is not the ratio of both numbers of positions.
    YarnFactor {
        path: PathBuf,
        key: String,
        factor: f64,
        positions: usize,
        original: usize,
    },
    /// Biases that are zero are stored, and the model has none there.
    ZeroBiases { dir: PathBuf, tensors: Vec<String> },
    /// `generation_config.json` and `config.json` end a text at different tokens.
    EosOverruled {
        path: PathBuf,
        ids: Vec<u32>,
        config_ids: Vec<u32>,
    },
    /// `generation_config.json` is there and names no end, `config.json` does.
    EosOfConfig { path: PathBuf, ids: Vec<u32> },
    /// The chosen end is not among those that the files name.
    EosNotNamed { chosen: u32, ids: Vec<u32> },
    /// Ends that the files name and at which a session does not end.
    EosLeftOut {
        left_out: Vec<u32>,
        /// Whether a session ends at another token.
        some_end: bool,
    },
    /// More positions are compiled than the model was trained for.
    ContextBeyond {
        path: PathBuf,
        context: usize,
        trained: usize,
    },
    /// The chat template cannot be used.
    ChatTemplate { reason: String },
    /// Tokens that the tokenizer can give and the model does not have: their texts and ids.
    TokensOutside {
        path: PathBuf,
        tokens: Vec<(String, u32)>,
        vocab_size: usize,
    },
    /// A setting of `generation_config.json` that changes greedy decoding, and is not followed.
    Generation {
        path: PathBuf,
        key: String,
        value: Value,
    },
    /// Tokens that `tokenizer.json` lacks were added to it.
    TokensAdded { path: PathBuf, tokens: Vec<String> },
    /// The first or last token of a text was added to `tokenizer.json`, which adds none.
    TemplateAdded { path: PathBuf, template: String },
    /// `add_bos_token` or `add_eos_token` says otherwise than `tokenizer.json`, and Hugging Face does not read it.
    FlagIgnored {
        path: PathBuf,
        key: &'static str,
        value: bool,
    },
    /// `add_prefix_space` says otherwise than `tokenizer.json`, where no part of it has that flag.
    PrefixSpaceIgnored {
        path: PathBuf,
        value: bool,
        found: bool,
    },
    /// No file says whether a text starts with the first token, and versions of Hugging Face's library differ.
    BosUnsaid { path: PathBuf },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::UnknownKey { path, key } => write!(
                f,
                "{}: `{key}` is not known here and was left out of account",
                path.display()
            ),
            Warning::RepeatedKeys { path, keys } => write!(
                f,
                "{}: more than once in the same object: {}; the last one counts, as for Hugging Face",
                path.display(),
                some_of(keys)
            ),
            Warning::CustomCode { path } => write!(
                f,
                "{}: `auto_map` names custom code, which is not run: the model is read as its `model_type` says, as \
                 Hugging Face does without trust_remote_code",
                path.display()
            ),
            Warning::Default { path, key, value } => write!(
                f,
                "{}: `{key}` is absent, which Hugging Face reads as {value}",
                path.display()
            ),
            Warning::YarnFactor {
                path,
                key,
                factor,
                positions,
                original,
            } => write!(
                f,
                "{}: `{key}` is {factor}, and `max_position_embeddings` = {positions} is not so many times the original \
                 {original}: versions of Hugging Face's library stretch positions by one or the other, here it is {factor}",
                path.display()
            ),
            Warning::ZeroBiases { dir, tensors } => write!(
                f,
                "{}: the model has no biases there; left out {}, zero throughout",
                dir.display(),
                some_of(tensors)
            ),
            Warning::EosOverruled { .. }
            | Warning::EosOfConfig { .. }
            | Warning::EosNotNamed { .. }
            | Warning::EosLeftOut { .. } => self.about_the_end(f),
            Warning::ContextBeyond {
                path,
                context,
                trained,
            } => write!(
                f,
                "--context: {context} is more than `max_position_embeddings` = {trained} of {}: the model was not trained \
                 for what comes after {trained} tokens",
                path.display()
            ),
            Warning::ChatTemplate { reason } => write!(f, "{reason}; --chat will be refused"),
            Warning::TokensOutside {
                path,
                tokens,
                vocab_size,
            } => outside(f, path, tokens, *vocab_size),
            Warning::Generation { path, key, value } => write!(
                f,
                "{}: `{key}` = {value} changes greedy decoding and is not followed: each token here is the likeliest one",
                path.display()
            ),
            Warning::TokensAdded { path, tokens } => write!(
                f,
                "{}: tokenizer.json lacks the tokens {}; the build's tokenizer.json has them",
                path.display(),
                some_of(tokens)
            ),
            Warning::TemplateAdded { path, template } => write!(
                f,
                "{}: a text becomes {template}, as transformers 4 does, where tokenizer.json adds nothing; the build's \
                 tokenizer.json has this",
                path.display()
            ),
            Warning::FlagIgnored { path, key, value } => write!(
                f,
                "{}: `{key}` is {value}, which Hugging Face does not read for this `tokenizer_class`: tokenizer.json is \
                 followed, which says otherwise",
                path.display()
            ),
            Warning::PrefixSpaceIgnored { path, value, found } => write!(
                f,
                "{}: `add_prefix_space` is {value}, but tokenizer.json puts {} before a text: tokenizer.json is followed, as \
                 Hugging Face does where it reads that file",
                path.display(),
                if *found { "a space" } else { "no space" }
            ),
            Warning::BosUnsaid { path } => write!(
                f,
                "{}: without `add_bos_token`, transformers 4 starts a text with the first token and transformers 5 \
                 does not: tokenizer.json is followed, which adds none",
                path.display()
            ),
        }
    }
}

impl Warning {
    fn about_the_end(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::EosOverruled {
                path,
                ids,
                config_ids,
            } => write!(
                f,
                "{}: `eos_token_id` is {ids:?} and overrules the {config_ids:?} of config.json, as Hugging Face's \
                 generate does",
                path.display()
            ),
            Warning::EosOfConfig { path, ids } => write!(
                f,
                "{}: names no `eos_token_id`, so the {ids:?} of config.json was taken",
                path.display()
            ),
            Warning::EosNotNamed { chosen, ids } => write!(
                f,
                "--eos: the model's files name {ids:?} as the end of a text, and not {chosen}"
            ),
            Warning::EosLeftOut {
                left_out,
                some_end: true,
            } => write!(
                f,
                "the model's files end a text at {left_out:?} too: a session does not end there, text goes on after"
            ),
            Warning::EosLeftOut {
                left_out,
                some_end: false,
            } => write!(
                f,
                "the model's files end a text at {left_out:?}; this build's sessions do not end there"
            ),
            _ => Ok(()),
        }
    }
}

/// Names the first of the tokens that the model does not have.
fn outside(
    f: &mut fmt::Formatter<'_>,
    path: &Path,
    tokens: &[(String, u32)],
    vocab_size: usize,
) -> fmt::Result {
    let Some((text, id)) = tokens.first() else {
        return Ok(());
    };
    let text = text.escape_debug();
    write!(f, "{}: `{text}` is token {id}", path.display())?;
    if tokens.len() > 1 {
        write!(f, ", and {} more are tokens", tokens.len() - 1)?;
    }
    write!(
        f,
        " outside the model's vocabulary of {vocab_size} (0 to {}): a prompt that contains one is refused",
        vocab_size - 1
    )
}

/// The first of `names`, and how many more there are.
fn some_of(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        [only] => format!("`{}`", only.escape_debug()),
        [first, rest @ ..] => format!("`{}` and {} more", first.escape_debug(), rest.len()),
    }
}
