//! Refuses what makes a tokenizer depend on chance, by file and key.

use super::ModelError;
use std::collections::HashMap;
use std::path::Path;
use tokenizers::{ModelWrapper, Tokenizer};

/// Refuses a tokenizer whose tokens, or whose text for the same tokens, may differ from one run to the next.
pub(super) fn check(tokenizer: &Tokenizer, path: &Path) -> Result<(), ModelError> {
    if let ModelWrapper::BPE(model) = tokenizer.get_model()
        && let Some(dropout) = model.dropout.filter(|dropout| *dropout != 0.0)
    {
        return Err(ModelError::Dropout {
            path: path.into(),
            dropout,
        });
    }
    // The library keeps one of the two names, and which one is chance.
    let mut names: HashMap<u32, String> = HashMap::new();
    for (name, id) in tokenizer.get_vocab(false) {
        if let Some(other) = names.insert(id, name.clone()) {
            let mut tokens = [name, other];
            tokens.sort();
            return Err(ModelError::SharedId {
                path: path.into(),
                id,
                tokens,
            });
        }
    }
    Ok(())
}
