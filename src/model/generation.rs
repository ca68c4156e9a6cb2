//! Which token ends a text: `generation_config.json`, `config.json`, and the choice of whoever compiles.

use super::config::token_ids;
use super::files::{CONFIG_LIMIT, read_if_there};
use super::json::Object;
use super::{Config, ModelError, Warning, keys};
use std::path::Path;

const KEY: &str = "eos_token_id";

/// The end of a text, as chosen with `--eos`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eos {
    /// This token ends a text.
    Token(u32),
    /// No token ends a text.
    None,
}

/// The token that ends a session, if any.
///
/// As Hugging Face's `generate` does, `generation_config.json` is preferred to `config.json`. A session ends at one
/// token, so of several one must be chosen.
pub(super) fn eos(
    dir: &Path,
    config: &Config,
    chosen: Option<Eos>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<u32>, ModelError> {
    let mut path = dir.join("config.json");
    let mut ids = config.eos_token_ids.clone();
    let generation = dir.join("generation_config.json");
    if let Some(bytes) = read_if_there(&generation, CONFIG_LIMIT)? {
        let object = Object::parse(&bytes, &generation)?;
        warnings.extend(object.repeated());
        warnings.extend(keys::deviations(&object, keys::GENERATION));
        match token_ids(&object, KEY, config.vocab_size)? {
            Some(own) => {
                if !same(&own, &ids) && !ids.is_empty() {
                    warnings.push(Warning::EosOverruled {
                        path: generation.clone(),
                        ids: own.clone(),
                        config_ids: ids,
                    });
                }
                (ids, path) = (own, generation);
            }
            None if !ids.is_empty() => warnings.push(Warning::EosOfConfig {
                path: generation,
                ids: ids.clone(),
            }),
            None => {}
        }
    }
    self::chosen(config, (ids, &path), chosen, warnings)
}

/// The token that ends a session, of those that the file at `path` names.
pub(super) fn chosen(
    config: &Config,
    (mut ids, path): (Vec<u32>, &Path),
    chosen: Option<Eos>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<u32>, ModelError> {
    let end = match (chosen, ids.as_slice()) {
        (None, []) | (Some(Eos::None), _) => None,
        (None, [only]) => Some(*only),
        (None, _) => {
            return Err(ModelError::SeveralEos {
                path: path.into(),
                key: KEY,
                ids,
            });
        }
        (Some(Eos::Token(id)), _) => Some(within(id, config.vocab_size)?),
    };
    if let Some(chosen) = end
        && !ids.contains(&chosen)
    {
        let ids = ids.clone();
        warnings.push(Warning::EosNotNamed { chosen, ids });
    }
    ids.retain(|id| Some(*id) != end);
    if !ids.is_empty() {
        let some_end = end.is_some();
        warnings.push(Warning::EosLeftOut {
            left_out: ids,
            some_end,
        });
    }
    Ok(end)
}

fn within(id: u32, vocab_size: usize) -> Result<u32, ModelError> {
    match (id as usize) < vocab_size {
        true => Ok(id),
        false => Err(ModelError::EosOutOfVocabulary { id, vocab_size }),
    }
}

fn same(a: &[u32], b: &[u32]) -> bool {
    a.len() == b.len() && a.iter().all(|id| b.contains(id))
}
