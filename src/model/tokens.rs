//! What the files beside `tokenizer.json` say about tokens: `tokenizer_config.json`, `special_tokens_map.json` and
//! `added_tokens.json`, read as Hugging Face's library reads them.
//!
//! Deliberately absent: chat templates (`chat`), and what changes only how text is shown.

use super::files::{TOKENS_LIMIT, read_if_there};
use super::json::Object;
use super::{ModelError, Warning};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokenizers::AddedToken;

/// Keys that name a special token, in the order in which they are added.
const SPECIAL: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];
/// Keys that list further special tokens.
const MORE_SPECIAL: [&str; 2] = ["additional_special_tokens", "extra_special_tokens"];

/// A token with the id that a file says it has.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) token: AddedToken,
    pub(super) path: PathBuf,
    pub(super) key: String,
}

/// The settings of all three files together.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// `tokenizer_config.json`, for messages.
    pub(super) path: PathBuf,
    /// True if that file is there.
    pub(super) there: bool,
    pub(super) class: Option<String>,
    /// Code that is not run.
    pub(super) custom_code: bool,
    pub(super) add_bos: Option<bool>,
    pub(super) add_eos: Option<bool>,
    pub(super) add_prefix_space: Option<bool>,
    /// Tokens with their ids.
    pub(super) declared: BTreeMap<u32, Declared>,
    /// Tokens with a name.
    pub(super) named: BTreeMap<&'static str, AddedToken>,
    /// Special tokens without one.
    pub(super) more: Vec<AddedToken>,
    /// True if a file has the key `pad_token`, be it null.
    pad_stated: bool,
    /// Keys that the files repeat.
    pub(super) repeated: Vec<Warning>,
}

impl Settings {
    /// Reads the files that are there.
    pub(super) fn read(dir: &Path) -> Result<Self, ModelError> {
        let path = dir.join("tokenizer_config.json");
        let mut settings = Self {
            path: path.clone(),
            ..Self::default()
        };
        let mut decoder = false;
        if let Some(bytes) = read_if_there(&path, TOKENS_LIMIT)? {
            let object = Object::parse(&bytes, &path)?;
            settings.repeated.extend(object.repeated());
            decoder = settings.read_config(&object)?;
        }
        if decoder {
            return Ok(settings);
        }
        // Directories of older versions of the library: two more files instead of `added_tokens_decoder`.
        let map = dir.join("special_tokens_map.json");
        if let Some(bytes) = read_if_there(&map, TOKENS_LIMIT)? {
            let object = Object::parse(&bytes, &map)?;
            settings.repeated.extend(object.repeated());
            settings.read_names(&object)?;
        }
        let added = dir.join("added_tokens.json");
        if let Some(bytes) = read_if_there(&added, TOKENS_LIMIT)? {
            let object = Object::parse(&bytes, &added)?;
            settings.repeated.extend(object.repeated());
            settings.read_added(&object)?;
        }
        Ok(settings)
    }

    /// The special tokens in the order in which Hugging Face's library adds them.
    pub(super) fn special(&self) -> impl Iterator<Item = &AddedToken> {
        let named = SPECIAL.iter().filter_map(|key| self.named.get(key));
        named.chain(&self.more)
    }

    /// The token that the padding of `tokenizer.json` names is the padding token, where no file says which one is.
    pub(super) fn name_pad(&mut self, pad: Option<String>) {
        if let Some(pad) = pad.filter(|_| !self.pad_stated) {
            self.named.insert("pad_token", AddedToken::from(pad, true));
        }
    }

    /// `tokenizer_config.json`; true if it lists the added tokens.
    fn read_config(&mut self, object: &Object) -> Result<bool, ModelError> {
        self.there = true;
        self.class = object.text("tokenizer_class")?.map(str::to_owned);
        self.custom_code = object.get("auto_map").is_some();
        self.add_bos = object.flag("add_bos_token")?;
        self.add_eos = object.flag("add_eos_token")?;
        self.add_prefix_space = object.flag("add_prefix_space")?;
        if object.flag("split_special_tokens")? == Some(true) {
            let why = "special tokens in a text are read as special tokens";
            return Err(object.unsupported("split_special_tokens", &true.into(), why));
        }
        self.read_names(object)?;
        let Some(decoder) = object.object("added_tokens_decoder")? else {
            return Ok(false);
        };
        for (id, value) in decoder.entries() {
            let parsed = id.parse::<u32>().ok();
            let id = parsed.ok_or_else(|| decoder.wrong_type(id, value, "under a token id"))?;
            let token = token(&decoder, &id.to_string(), value, false)?;
            self.declare(&decoder, id, id.to_string(), token);
        }
        Ok(true)
    }

    /// The special tokens that a file names.
    fn read_names(&mut self, object: &Object) -> Result<(), ModelError> {
        self.pad_stated |= object.has("pad_token");
        for key in SPECIAL {
            if let Some(value) = object.get(key) {
                self.named.insert(key, token(object, key, value, true)?);
            }
        }
        for key in MORE_SPECIAL {
            let values: Vec<&Value> = match object.get(key) {
                None => continue,
                Some(Value::Array(values)) => values.iter().collect(),
                Some(Value::Object(values)) => values.values().collect(),
                Some(other) => return Err(object.wrong_type(key, other, "a list of tokens")),
            };
            for value in values {
                let token = token(object, key, value, true)?;
                if !self.more.iter().any(|have| have.content == token.content) {
                    self.more.push(token);
                }
            }
        }
        Ok(())
    }

    /// `added_tokens.json`: ids by token.
    fn read_added(&mut self, object: &Object) -> Result<(), ModelError> {
        for (content, value) in object.entries() {
            let id = object.integer(content, value, 0, u32::MAX as usize)? as u32;
            let special = self.special().any(|token| token.content == *content);
            let token = AddedToken::from(content.clone(), special);
            self.declare(object, id, content.clone(), token);
        }
        Ok(())
    }

    fn declare(&mut self, object: &Object, id: u32, key: String, token: AddedToken) {
        let declared = Declared {
            token,
            path: object.path().into(),
            key: object.name(&key),
        };
        self.declared.insert(id, declared);
    }
}

/// A token, given as its text or as an object with its text and flags.
fn token(
    object: &Object,
    key: &str,
    value: &Value,
    special: bool,
) -> Result<AddedToken, ModelError> {
    let wrong = || object.wrong_type(key, value, "a token");
    let fields = match value {
        Value::String(content) => return Ok(AddedToken::from(content.clone(), special)),
        Value::Object(fields) => fields,
        _ => return Err(wrong()),
    };
    let content = fields.get("content").and_then(Value::as_str);
    let flag = |name: &str| match fields.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(wrong()),
    };
    let special = special || flag("special")?.unwrap_or(false);
    let token = AddedToken::from(content.ok_or_else(wrong)?, special);
    let normalized = flag("normalized")?.unwrap_or(token.normalized);
    Ok(token
        .single_word(flag("single_word")?.unwrap_or(false))
        .lstrip(flag("lstrip")?.unwrap_or(false))
        .rstrip(flag("rstrip")?.unwrap_or(false))
        .normalized(normalized))
}
