//! From metadata to the `tokenizer.json` that says the same.
//!
//! Two kinds of tokenizers are in GGUF files of these families: pairs of bytes that are merged in the order of a list ("gpt2"), where the way in which
//! text is split first has a name only, and pieces with scores ("llama"), of which the merges follow.

use super::config::{missing, text, wrong};
use super::error::Problem;
use super::{Gguf, refused};
use crate::model::{ChatTemplate, ModelError};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What precedes merging in tokenizers of bytes: a name, and how it splits.
struct Splitter {
    names: &'static [&'static str],
    /// Digits are split one by one before anything else.
    digits: bool,
    /// An expression in the place of GPT-2's.
    pattern: Option<&'static str>,
    /// Text is composed (NFC) first.
    composed: bool,
    /// A token of the vocabulary is taken whole, and a text begins with the first token unless a key says otherwise.
    whole: bool,
}

/// Most bytes of a token that is made of others: all ways to cut it are looked at.
const LONGEST_PIECE: usize = 1 << 10;
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const SPLITTERS: [Splitter; 4] = [
    Splitter {
        names: &["gpt-2", "default"],
        digits: false,
        pattern: None,
        composed: false,
        whole: false,
    },
    Splitter {
        names: &["smollm", "starcoder", "refact", "command-r", "codeshell"],
        digits: true,
        pattern: None,
        composed: false,
        whole: false,
    },
    Splitter {
        names: &["llama-bpe", "llama3", "llama-v3", "smaug-bpe"],
        digits: false,
        pattern: Some(LLAMA3),
        composed: false,
        whole: true,
    },
    Splitter {
        names: &["qwen2", "deepseek-r1-qwen"],
        digits: false,
        pattern: Some(QWEN2),
        composed: true,
        whole: false,
    },
];

/// Types of tokens that are never split, and those of them that are no text.
const CONTROL: u64 = 3;
const USER: u64 = 4;

impl Gguf {
    /// The `tokenizer.json` that says what the metadata says.
    pub(in crate::model) fn tokenizer(&self) -> Result<Vec<u8>, ModelError> {
        const KEY: &str = "tokenizer.ggml.model";
        let container = &self.container;
        let found = text(container, KEY)?.ok_or_else(|| missing(container, KEY))?;
        let mut tokenizer = match found {
            "gpt2" => self.of_bytes()?,
            "llama" => self.of_pieces()?,
            _ => {
                let problem = Problem::TokenizerModel {
                    found: found.to_owned(),
                    known: "\"gpt2\" and \"llama\"".to_owned(),
                };
                return Err(refused(&container.path, problem));
            }
        };
        tokenizer["version"] = "1.0".into();
        tokenizer["truncation"] = Value::Null;
        tokenizer["padding"] = Value::Null;
        Ok(tokenizer.to_string().into_bytes())
    }

    /// The chat template, with the special tokens that it may name.
    pub(in crate::model) fn chat(&self) -> Result<Option<ChatTemplate>, ModelError> {
        const NAMES: [(&str, &str); 4] = [
            ("bos_token", "tokenizer.ggml.bos_token_id"),
            ("eos_token", "tokenizer.ggml.eos_token_id"),
            ("unk_token", "tokenizer.ggml.unknown_token_id"),
            ("pad_token", "tokenizer.ggml.padding_token_id"),
        ];
        let Some(source) = text(&self.container, "tokenizer.chat_template")? else {
            return Ok(None);
        };
        let texts = self.tokens()?;
        let mut tokens = vec![];
        for (name, key) in NAMES {
            let id = self.id(key, texts.len())?;
            tokens.extend(id.map(|id| (name, texts[id].to_owned())));
        }
        let path = &self.container.path;
        Ok(Some(ChatTemplate::new(source.to_owned(), tokens, path)))
    }

    /// Bytes, merged in the order of a list.
    fn of_bytes(&self) -> Result<Value, ModelError> {
        const KEY: &str = "tokenizer.ggml.pre";
        let container = &self.container;
        let named = text(container, KEY)?.unwrap_or("default");
        let splitter = SPLITTERS.iter().find(|one| one.names.contains(&named));
        let splitter = splitter.ok_or_else(|| {
            let names: Vec<_> = SPLITTERS
                .iter()
                .flat_map(|one| one.names)
                .copied()
                .collect();
            let problem = Problem::Splitter {
                found: named.to_owned(),
                known: names.join(", "),
            };
            refused(&container.path, problem)
        })?;
        let merges = self.list("tokenizer.ggml.merges", "texts", Value::as_str)?;
        let pair = |merge: &&str| {
            let broken = || Problem::Merge {
                merge: (*merge).to_owned(),
            };
            let pair = merge.split_once(' ');
            let (left, right) = pair.ok_or_else(|| refused(&container.path, broken()))?;
            Ok(json!([left, right]))
        };
        let merges = merges
            .iter()
            .map(pair)
            .collect::<Result<Vec<_>, ModelError>>()?;
        let mut parts = vec![];
        if splitter.digits {
            parts.push(json!({ "type": "Digits", "individual_digits": true }));
        }
        if let Some(pattern) = splitter.pattern {
            parts.push(json!({
                "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false,
            }));
        }
        let space = self
            .flag("tokenizer.ggml.add_space_prefix")?
            .unwrap_or(false);
        parts.push(json!({
            "type": "ByteLevel", "add_prefix_space": space, "trim_offsets": true,
            "use_regex": splitter.pattern.is_none(),
        }));
        Ok(json!({
            "added_tokens": self.added()?,
            "normalizer": splitter.composed.then(|| json!({ "type": "NFC" })),
            "pre_tokenizer": { "type": "Sequence", "pretokenizers": parts },
            "post_processor": self.around(splitter.whole)?,
            "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
            "model": {
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": splitter.whole, "vocab": self.vocabulary()?, "merges": merges,
            },
        }))
    }

    /// Pieces with scores: a piece of two others is a merge of them, the better its score, the earlier.
    fn of_pieces(&self) -> Result<Value, ModelError> {
        let tokens = self.tokens()?;
        let scores = self.list("tokenizer.ggml.scores", "numbers", Value::as_f64)?;
        self.for_each_token("tokenizer.ggml.scores", scores.len(), tokens.len())?;
        if let Some(long) = tokens.iter().find(|token| token.len() > LONGEST_PIECE) {
            let (found, limit) = (long.len() as u64, LONGEST_PIECE as u64);
            let what = "a token of `tokenizer.ggml.tokens`, in bytes,".to_owned();
            let problem = Problem::TooMany { what, found, limit };
            return Err(refused(&self.container.path, problem));
        }
        let ids: HashMap<&str, usize> = tokens.iter().copied().zip(0..).collect();
        let mut merges: Vec<(f64, &str, &str)> = vec![];
        for (token, &score) in tokens.iter().zip(&scores) {
            let splits = token.char_indices().skip(1);
            let splits = splits.map(|(at, _)| token.split_at(at));
            let mut own: Vec<_> = splits
                .filter_map(|(left, right)| Some((ids.get(left)?, ids.get(right)?, left, right)))
                .collect();
            own.sort();
            merges.extend(own.iter().map(|(_, _, left, right)| (score, *left, *right)));
        }
        let lengths = |of: &(f64, &str, &str)| (of.1.chars().count(), of.2.chars().count());
        merges.sort_by(|a, b| b.0.total_cmp(&a.0).then(lengths(b).cmp(&lengths(a))));
        let merges: Vec<_> = merges
            .iter()
            .map(|(_, left, right)| json!([left, right]))
            .collect();
        let space = self
            .flag("tokenizer.ggml.add_space_prefix")?
            .unwrap_or(true);
        let replace = |from: &str, to: &str| json!({ "type": "Replace", "pattern": { "String": from }, "content": to });
        let mut normalizers = vec![replace(" ", "\u{2581}")];
        let mut decoders = vec![
            replace("\u{2581}", " "),
            json!({ "type": "ByteFallback" }),
            json!({ "type": "Fuse" }),
        ];
        if space {
            normalizers.insert(0, json!({ "type": "Prepend", "prepend": "\u{2581}" }));
            decoders.push(json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 }));
        }
        let unknown = self.id("tokenizer.ggml.unknown_token_id", tokens.len())?;
        Ok(json!({
            "added_tokens": self.added()?,
            "normalizer": { "type": "Sequence", "normalizers": normalizers },
            "pre_tokenizer": null,
            "post_processor": self.around(true)?,
            "decoder": { "type": "Sequence", "decoders": decoders },
            "model": {
                "type": "BPE", "dropout": null, "unk_token": tokens[unknown.unwrap_or(0)],
                "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": true,
                "byte_fallback": true, "ignore_merges": false, "vocab": self.vocabulary()?, "merges": merges,
            },
        }))
    }

    fn tokens(&self) -> Result<Vec<&str>, ModelError> {
        let tokens = self.list("tokenizer.ggml.tokens", "texts", Value::as_str)?;
        match tokens.is_empty() {
            false => Ok(tokens),
            true => Err(missing(&self.container, "tokenizer.ggml.tokens")),
        }
    }

    /// Ids by token.
    fn vocabulary(&self) -> Result<Value, ModelError> {
        let mut ids = serde_json::Map::new();
        for (id, token) in self.tokens()?.into_iter().enumerate() {
            if ids.insert(token.to_owned(), id.into()).is_some() {
                let token = token.to_owned();
                return Err(refused(
                    &self.container.path,
                    Problem::RepeatedToken { token },
                ));
            }
        }
        Ok(Value::Object(ids))
    }

    /// Requires that a list has an entry for each token.
    fn for_each_token(&self, key: &str, found: usize, tokens: usize) -> Result<(), ModelError> {
        let expected = "an entry for each token of `tokenizer.ggml.tokens`";
        let problem = || Problem::value(key, format!("a list of {found}"), expected);
        let fits = found == tokens;
        fits.then_some(())
            .ok_or_else(|| refused(&self.container.path, problem()))
    }

    /// Tokens that are found in a text before it is split.
    fn added(&self) -> Result<Vec<Value>, ModelError> {
        const KEY: &str = "tokenizer.ggml.token_type";
        let kinds = match self.container.metadata.contains_key(KEY) {
            true => self.list(KEY, "numbers", Value::as_u64)?,
            false => vec![],
        };
        let tokens = self.tokens()?;
        if self.container.metadata.contains_key(KEY) {
            self.for_each_token(KEY, kinds.len(), tokens.len())?;
        }
        let added = tokens.iter().zip(&kinds).enumerate();
        let added = added.filter(|(_, (_, kind))| [CONTROL, USER].contains(kind));
        Ok(added
            .map(|(id, (content, &kind))| {
                json!({
                    "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": kind == CONTROL,
                })
            })
            .collect())
    }

    /// What is put around a text, if anything; `default` is whether it begins with the first token where no key says it.
    fn around(&self, default: bool) -> Result<Value, ModelError> {
        let tokens = self.tokens()?;
        let first = self
            .flag("tokenizer.ggml.add_bos_token")?
            .unwrap_or(default);
        let last = self.flag("tokenizer.ggml.add_eos_token")?.unwrap_or(false);
        let place = |used: bool, key: &str| match used {
            true => self.id(key, tokens.len()),
            false => Ok(None),
        };
        let first = place(first, "tokenizer.ggml.bos_token_id")?;
        let last = place(last, "tokenizer.ggml.eos_token_id")?;
        if first.or(last).is_none() {
            return Ok(Value::Null);
        }
        let special = |id: usize| json!({ "SpecialToken": { "id": tokens[id], "type_id": 0 } });
        let text = |name: &str| json!({ "Sequence": { "id": name, "type_id": 0 } });
        let single = first.map(special).into_iter().chain([text("A")]);
        let single: Vec<_> = single.chain(last.map(special)).collect();
        let used = [first, last].into_iter().flatten();
        let named = used.map(|id| {
            let token = tokens[id];
            let entry = json!({ "id": token, "ids": [id], "tokens": [token] });
            (token.to_owned(), entry)
        });
        Ok(json!({
            "type": "TemplateProcessing", "single": single, "pair": [text("A"), text("B")],
            "special_tokens": named.collect::<serde_json::Map<_, _>>(),
        }))
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, ModelError> {
        match self.container.metadata.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(wrong(&self.container, key, other, "true or false")),
        }
    }

    /// A token's number.
    fn id(&self, key: &str, tokens: usize) -> Result<Option<usize>, ModelError> {
        let Some(value) = self.container.metadata.get(key) else {
            return Ok(None);
        };
        let id = value.as_u64().and_then(|id| usize::try_from(id).ok());
        match id.filter(|&id| id < tokens) {
            Some(id) => Ok(Some(id)),
            None => Err(wrong(&self.container, key, value, "the number of a token")),
        }
    }

    fn list<'a, T>(
        &'a self,
        key: &str,
        of: &'static str,
        entry: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Vec<T>, ModelError> {
        let value = self.container.metadata.get(key);
        let value = value.ok_or_else(|| missing(&self.container, key))?;
        let entries = value
            .as_array()
            .and_then(|list| list.iter().map(entry).collect());
        entries.ok_or_else(|| wrong(&self.container, key, value, of))
    }
}
