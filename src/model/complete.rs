//! Completes a tokenizer with what the files beside `tokenizer.json` say, so that it encodes as Hugging Face's does.
//!
//! The result is a `tokenizer.json` of its own where that file lacks something, and the file's bytes where it does not.

use super::template::{AFTER, Around, BEFORE, around, post_processor};
use super::tokens::{Declared, Settings};
use super::{ModelError, Warning};
use serde_json::Value;
use std::path::Path;
use tokenizers::{AddedToken, Tokenizer};

/// Completes `tokenizer`; true if it changed.
pub(super) fn complete(
    tokenizer: &mut Tokenizer,
    settings: &Settings,
    path: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<bool, ModelError> {
    if settings.custom_code {
        let path = settings.path.clone();
        warnings.push(Warning::CustomCode { path });
    }
    check_prefix_space(tokenizer, settings, warnings)?;
    let added = add_tokens(tokenizer, settings);
    for (id, declared) in &settings.declared {
        check_id(tokenizer, *id, declared)?;
    }
    let template = add_template(tokenizer, settings, path, warnings)?;
    if !added.is_empty() {
        warnings.push(Warning::TokensAdded {
            path: settings.path.clone(),
            tokens: added.clone(),
        });
    }
    Ok(template || !added.is_empty())
}

/// Adds the tokens that the tokenizer lacks or has with other flags, in order of their ids, then the special tokens
/// that nothing lists; gives their texts.
fn add_tokens(tokenizer: &mut Tokenizer, settings: &Settings) -> Vec<String> {
    let have = tokenizer.get_added_tokens_decoder();
    let is_special = |token: &AddedToken| settings.special().any(|s| s.content == token.content);
    let mut missing: Vec<AddedToken> = settings
        .declared
        .values()
        .map(|declared| &declared.token)
        .filter(|token| !have.values().any(|have| have == *token))
        .map(|token| token.clone().special(token.special || is_special(token)))
        .collect();
    for token in settings.special() {
        let same = |other: &AddedToken| other.content == token.content;
        if !have.values().any(same) && !missing.iter().any(same) {
            missing.push(token.clone());
        }
    }
    tokenizer.add_tokens(&missing);
    missing.into_iter().map(|token| token.content).collect()
}

/// The library gives ids itself; they must be the ones that the file says.
fn check_id(tokenizer: &Tokenizer, id: u32, declared: &Declared) -> Result<(), ModelError> {
    let content = &declared.token.content;
    let found = tokenizer.token_to_id(content);
    match found {
        Some(found) if found != id => Err(ModelError::TokenId {
            path: declared.path.clone(),
            key: declared.key.clone(),
            content: content.clone(),
            declared: id,
            found,
            taken: match tokenizer.id_to_token(id) {
                Some(taken) => format!("{taken:?}"),
                None => "none".to_owned(),
            },
        }),
        _ => Ok(()),
    }
}

/// `add_prefix_space` of `tokenizer_config.json` against what `tokenizer.json` does.
///
/// Hugging Face's library gives the flag to a pre-tokenizer that has it, and to nothing else of `tokenizer.json`.
fn check_prefix_space(
    tokenizer: &Tokenizer,
    settings: &Settings,
    warnings: &mut Vec<Warning>,
) -> Result<(), ModelError> {
    let Some(value) = settings.add_prefix_space else {
        return Ok(());
    };
    let path = settings.path.clone();
    let fields = |part: Option<serde_json::Result<Value>>| part.and_then(Result::ok);
    let pre_tokenizer = fields(tokenizer.get_pre_tokenizer().map(serde_json::to_value));
    let normalizer = fields(tokenizer.get_normalizer().map(serde_json::to_value));
    let flag = |part: &Value| part.get("add_prefix_space").and_then(Value::as_bool);
    match pre_tokenizer.as_ref().and_then(flag) {
        Some(found) if found != value => {
            return Err(ModelError::PrefixSpace { path, value, found });
        }
        Some(_) => return Ok(()),
        None => {}
    }
    let found = [pre_tokenizer, normalizer].iter().flatten().any(puts_space);
    if found != value {
        warnings.push(Warning::PrefixSpaceIgnored { path, value, found });
    }
    Ok(())
}

/// Whether a normalizer or a pre-tokenizer puts a space, or the character that stands for one, before a text.
fn puts_space(part: &Value) -> bool {
    let parts = ["normalizers", "pretokenizers"].map(|key| part.get(key).and_then(Value::as_array));
    let own = match part.get("type").and_then(Value::as_str) {
        Some("Prepend") => [" ", "\u{2581}"]
            .iter()
            .any(|space| part["prepend"] == *space),
        Some("Metaspace") => part["prepend_scheme"] != "never",
        _ => part["add_prefix_space"] == true,
    };
    own || parts.into_iter().flatten().flatten().any(puts_space)
}

/// Follows `add_bos_token` and `add_eos_token`; true if the tokenizer changed.
///
/// transformers 4 follows these flags for the classes of Llama and for directories that name no class; for other classes,
/// and where they are absent, `tokenizer.json` is followed. transformers 5 follows `tokenizer.json` always. Where the
/// file adds nothing and a flag asks for it, the flag is followed; where the two contradict, that is refused.
fn add_template(
    tokenizer: &mut Tokenizer,
    settings: &Settings,
    path: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<bool, ModelError> {
    let around = around(tokenizer, path)?;
    let mut template = Vec::new();
    for (flag, value) in flags(settings) {
        if !of_llama(settings) {
            if value == flag.found(&around).is_empty() {
                warnings.push(Warning::FlagIgnored {
                    path: settings.path.clone(),
                    key: flag.key,
                    value,
                });
            }
        } else if let Some(token) = wanted(tokenizer, settings, &around, flag, value)? {
            template.push((flag.place, token));
        }
    }
    if settings.class.is_some()
        && of_llama(settings)
        && settings.add_bos.is_none()
        && around.before.is_empty()
    {
        let path = settings.path.clone();
        warnings.push(Warning::BosUnsaid { path });
    }
    if template.is_empty() {
        return Ok(false);
    }
    tokenizer.with_post_processor(Some(post_processor(&template, path)?));
    let shown = |place| {
        let tokens = template.iter().filter(move |(at, _)| *at == place);
        tokens.map(|(_, (content, _))| content.as_str())
    };
    let parts: Vec<_> = shown(BEFORE).chain(["TEXT"]).chain(shown(AFTER)).collect();
    warnings.push(Warning::TemplateAdded {
        path: settings.path.clone(),
        template: parts.join(" ").escape_debug().to_string(),
    });
    Ok(true)
}

/// A flag that asks for a token around a text.
#[derive(Clone, Copy)]
struct Flag {
    key: &'static str,
    token: &'static str,
    place: &'static str,
}

impl Flag {
    fn found(self, around: &Around) -> &[u32] {
        match self.place {
            BEFORE => &around.before,
            _ => &around.after,
        }
    }
}

/// The flags that are stated.
fn flags(settings: &Settings) -> impl Iterator<Item = (Flag, bool)> {
    let flag = |key, token, place| Flag { key, token, place };
    let bos = flag("add_bos_token", "bos_token", BEFORE);
    let eos = flag("add_eos_token", "eos_token", AFTER);
    let stated = [(bos, settings.add_bos), (eos, settings.add_eos)];
    stated
        .into_iter()
        .filter_map(|(flag, value)| Some((flag, value?)))
}

/// True if transformers 4 takes the class that follows the flags.
fn of_llama(settings: &Settings) -> bool {
    match &settings.class {
        None => true,
        Some(class) => ["LlamaTokenizer", "LlamaTokenizerFast"].contains(&class.as_str()),
    }
}

/// The token that a flag asks for and the tokenizer does not add, which must add nothing then.
fn wanted(
    tokenizer: &Tokenizer,
    settings: &Settings,
    around: &Around,
    flag: Flag,
    value: bool,
) -> Result<Option<(String, u32)>, ModelError> {
    let found = flag.found(around);
    let wanted = match value {
        false => None,
        true => Some(special_token(tokenizer, settings, flag.key, flag.token)?),
    };
    match wanted {
        Some((_, id)) if *found == [id] => Ok(None),
        None if found.is_empty() => Ok(None),
        Some(wanted) if *around == Around::default() => Ok(Some(wanted)),
        _ => Err(ModelError::PostProcessor {
            path: settings.path.clone(),
            key: flag.key,
            value,
            found: names(tokenizer, found),
            place: flag.place,
        }),
    }
}

/// The token that `name` names, with its id.
fn special_token(
    tokenizer: &Tokenizer,
    settings: &Settings,
    key: &'static str,
    name: &'static str,
) -> Result<(String, u32), ModelError> {
    let path = settings.path.clone();
    let Some(token) = settings.named.get(name) else {
        let token = name;
        return Err(ModelError::NoSpecialToken { path, key, token });
    };
    let content = token.content.clone();
    match tokenizer.token_to_id(&content) {
        Some(id) => Ok((content, id)),
        None => Err(ModelError::UnknownSpecialToken {
            path,
            token: name,
            content,
        }),
    }
}

fn names(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    let name = |id: &u32| match tokenizer.id_to_token(*id) {
        Some(token) => format!("{token:?}"),
        None => format!("token {id}"),
    };
    match ids {
        [] => "nothing".to_owned(),
        _ => ids.iter().map(name).collect::<Vec<_>>().join(" "),
    }
}
