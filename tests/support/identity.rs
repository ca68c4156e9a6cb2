//! What a manifest says of a model that a test compiles.

use cairo_decode::decode::Identity;
use cairo_decode::model::Model;

/// The identity of a loaded model, with this name and end-of-sequence token.
pub fn identity(name: &str, model: &Model, eos: Option<u32>) -> Identity {
    Identity {
        name: name.to_string(),
        source: "a test".to_string(),
        eos,
        parameters: model.config.parameters(),
        config: model.config_digest,
        tokenizer: model.tokenizer_digest,
    }
}
