//! Completes a tokenizer with what the files beside `tokenizer.json` say, so that it encodes as Hugging Face's does.
//!
//! The result is a `tokenizer.json` of its own where that file lacks something, and the file's bytes where it does not.

use super::tokens::{Declared, Settings};
use super::{ModelError, Warning};
use serde_json::{Value, json};
use std::path::Path;
use tokenizers::{AddedToken, Encoding, PostProcessorWrapper, Token, Tokenizer};

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
    check_prefix_space(tokenizer, settings)?;
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

/// A flag of `tokenizer_config.json` against the same flag of the pre-tokenizer.
fn check_prefix_space(tokenizer: &Tokenizer, settings: &Settings) -> Result<(), ModelError> {
    let pre_tokenizer = tokenizer.get_pre_tokenizer().map(serde_json::to_value);
    let found = match &pre_tokenizer {
        Some(Ok(fields)) => fields.get("add_prefix_space").and_then(Value::as_bool),
        _ => None,
    };
    match (settings.add_prefix_space, found) {
        (Some(value), Some(found)) if value != found => Err(ModelError::PrefixSpace {
            path: settings.path.clone(),
            value,
            found,
        }),
        _ => Ok(()),
    }
}

/// What a tokenizer puts before and after a text.
#[derive(Debug, Default, PartialEq)]
struct Around {
    before: Vec<u32>,
    after: Vec<u32>,
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
    let llama = match &settings.class {
        None => true,
        Some(class) => ["LlamaTokenizer", "LlamaTokenizerFast"].contains(&class.as_str()),
    };
    let mut template = Vec::new();
    for (key, flag, name, found, place) in [
        (
            "add_bos_token",
            settings.add_bos,
            "bos_token",
            &around.before,
            "before",
        ),
        (
            "add_eos_token",
            settings.add_eos,
            "eos_token",
            &around.after,
            "after",
        ),
    ] {
        let Some(value) = flag else { continue };
        if !llama {
            if value == found.is_empty() {
                let path = settings.path.clone();
                warnings.push(Warning::FlagIgnored { path, key, value });
            }
            continue;
        }
        let wanted = match value {
            false => None,
            true => Some(special_token(tokenizer, settings, key, name)?),
        };
        match &wanted {
            Some((_, id)) if *found == [*id] => {}
            None if found.is_empty() => {}
            Some(wanted) if around == Around::default() => template.push((place, wanted.clone())),
            _ => {
                return Err(ModelError::PostProcessor {
                    path: settings.path.clone(),
                    key,
                    value,
                    found: names(tokenizer, found),
                    place,
                });
            }
        }
    }
    if llama && settings.class.is_some() && settings.add_bos.is_none() && around.before.is_empty() {
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
    let parts: Vec<_> = shown("before")
        .chain(["TEXT"])
        .chain(shown("after"))
        .collect();
    warnings.push(Warning::TemplateAdded {
        path: settings.path.clone(),
        template: parts.join(" ").escape_debug().to_string(),
    });
    Ok(true)
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

/// Runs the post-processor on one token that no vocabulary has, to see what it puts around it.
fn around(tokenizer: &Tokenizer, path: &Path) -> Result<Around, ModelError> {
    const PROBE: u32 = u32::MAX;
    let probe = Token::new(PROBE, "x".to_owned(), (0, 1));
    let ids = tokenizer
        .post_process(Encoding::from_tokens(vec![probe], 0), None, true)
        .map_err(|error| failed(path, &*error))?
        .get_ids()
        .to_vec();
    let mut parts = ids.split(|id| *id == PROBE).map(<[u32]>::to_vec);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(before), Some(after), None) => Ok(Around { before, after }),
        _ => {
            let reason = "its post-processor does not keep a text as it is";
            Err(failed(path, &reason))
        }
    }
}

/// A post-processor that puts the tokens around a text.
fn post_processor(
    tokens: &[(&str, (String, u32))],
    path: &Path,
) -> Result<PostProcessorWrapper, ModelError> {
    let pieces = |sequence: &str, type_id: u32| {
        let special = |place| {
            let tokens = tokens.iter().filter(move |(at, _)| *at == place);
            tokens.map(move |(_, (content, _))| {
                json!({ "SpecialToken": { "id": content, "type_id": type_id } })
            })
        };
        let text = json!({ "Sequence": { "id": sequence, "type_id": type_id } });
        let pieces: Vec<Value> = special("before")
            .chain([text])
            .chain(special("after"))
            .collect();
        pieces
    };
    let special: serde_json::Map<String, Value> = tokens
        .iter()
        .map(|(_, (content, id))| {
            let token = json!({ "id": content, "ids": [id], "tokens": [content] });
            (content.clone(), token)
        })
        .collect();
    let pair: Vec<Value> = pieces("A", 0).into_iter().chain(pieces("B", 1)).collect();
    let template = json!({
        "type": "TemplateProcessing", "single": pieces("A", 0), "pair": pair, "special_tokens": special,
    });
    serde_json::from_value(template).map_err(|error| failed(path, &error))
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

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> ModelError {
    ModelError::Tokenizer {
        path: path.into(),
        reason: reason.to_string(),
    }
}
