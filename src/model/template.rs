//! What a tokenizer puts around a text.

use super::ModelError;
use serde_json::{Value, json};
use std::path::Path;
use tokenizers::{Encoding, PostProcessorWrapper, Token, Tokenizer};

pub(super) const BEFORE: &str = "before";
pub(super) const AFTER: &str = "after";

/// What a tokenizer puts before and after a text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Around {
    pub(super) before: Vec<u32>,
    pub(super) after: Vec<u32>,
}

/// Runs the post-processor on one token that no vocabulary has, to see what it puts around it.
pub(super) fn around(tokenizer: &Tokenizer, path: &Path) -> Result<Around, ModelError> {
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
pub(super) fn post_processor(
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
        let pieces: Vec<Value> = special(BEFORE)
            .chain([text])
            .chain(special(AFTER))
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

/// Refuses a template that names tokens or texts it does not have; the library would panic at the first text.
pub(super) fn check(tokenizer: &Tokenizer, path: &Path) -> Result<(), ModelError> {
    let Some(processor) = tokenizer.get_post_processor() else {
        return Ok(());
    };
    let fields = serde_json::to_value(processor).map_err(|error| failed(path, &error))?;
    check_fields(&fields).map_err(|reason| failed(path, &reason))
}

fn check_fields(fields: &Value) -> Result<(), String> {
    let list = |key: &str| fields.get(key).and_then(Value::as_array);
    for processor in list("processors").into_iter().flatten() {
        check_fields(processor)?;
    }
    for piece in list("single").into_iter().flatten() {
        if let Some(token) = piece.pointer("/SpecialToken/id").and_then(Value::as_str)
            && fields["special_tokens"].get(token).is_none()
        {
            return Err(format!("its template has no ids for the token {token:?}"));
        }
        if piece.pointer("/Sequence/id").is_some_and(|id| id != "A") {
            return Err("its template for one text asks for a second one".to_owned());
        }
    }
    Ok(())
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> ModelError {
    ModelError::Tokenizer {
        path: path.into(),
        reason: reason.to_string(),
    }
}
