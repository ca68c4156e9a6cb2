//! Bounds of sizes, and reading what several families state alike.

use crate::model::ModelError;
use crate::model::forward::Function;
use crate::model::json::Object;
use serde_json::Value;

pub(super) const MAX_WIDTH: usize = 1 << 16;
pub(super) const MAX_LAYERS: usize = 1 << 10;
pub(super) const MAX_HEADS: usize = 1 << 10;
pub(super) const MAX_HEAD_DIM: usize = 1 << 10;
pub(super) const MAX_VOCAB: usize = 1 << 20;
pub(super) const MAX_POSITIONS: usize = 1 << 20;

/// Functions by the names that configurations give them.
const FUNCTIONS: [(&str, Function); 6] = [
    ("silu", Function::Silu),
    ("swish", Function::Silu),
    ("gelu_new", Function::GeluTanh),
    ("gelu_pytorch_tanh", Function::GeluTanh),
    ("gelu_fast", Function::GeluTanh),
    ("relu", Function::Relu),
];

/// The function under `key`.
pub(super) fn function(
    object: &Object,
    key: &'static str,
    default: Function,
) -> Result<Function, ModelError> {
    let Some(name) = object.text(key)? else {
        return Ok(default);
    };
    let named = FUNCTIONS.iter().find(|(known, _)| *known == name);
    named.map(|(_, function)| *function).ok_or_else(|| {
        let why = "the functions here are silu, gelu_new (gelu_pytorch_tanh, gelu_fast) and relu";
        object.unsupported(key, &Value::from(name), why)
    })
}

/// `head_dim`, or the width divided among the heads; keys by their names in the family.
pub(super) fn head_dim(
    object: &Object,
    (width, hidden): (&'static str, usize),
    (heads_key, heads): (&'static str, usize),
) -> Result<usize, ModelError> {
    match object.optional_size("head_dim", MAX_HEAD_DIM)? {
        Some(head_dim) => Ok(head_dim),
        None if hidden.is_multiple_of(heads) => Ok(hidden / heads),
        None => Err(ModelError::HeadSplit {
            path: object.path().into(),
            width,
            hidden,
            heads_key,
            heads,
        }),
    }
}
