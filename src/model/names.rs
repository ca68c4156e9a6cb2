//! The names and shapes of the tensors that a configuration calls for.

use super::Config;
use std::collections::BTreeMap;

pub(super) const EMBED: &str = "model.embed_tokens.weight";
pub(super) const FINAL_NORM: &str = "model.norm.weight";
pub(super) const LM_HEAD: &str = "lm_head.weight";

/// Name of a tensor of layer `layer`; `part` is for example `mlp.up_proj`.
pub(super) fn layer(layer: usize, part: &str) -> String {
    format!("model.layers.{layer}.{part}.weight")
}

/// Every tensor of the model with its shape, linear layers as [outputs, inputs].
///
/// `lm_head.weight` is listed for tied models too: a file may repeat the table, see [`is_optional`].
pub(super) fn expected(config: &Config) -> BTreeMap<String, Vec<usize>> {
    let (hidden, mlp) = (config.hidden_size, config.intermediate_size);
    let (query, kv) = (config.query_size(), config.kv_size());
    let mut shapes = BTreeMap::from([
        (EMBED.to_owned(), vec![config.vocab_size, hidden]),
        (LM_HEAD.to_owned(), vec![config.vocab_size, hidden]),
        (FINAL_NORM.to_owned(), vec![hidden]),
    ]);
    for index in 0..config.num_hidden_layers {
        for (part, shape) in [
            ("input_layernorm", vec![hidden]),
            ("self_attn.q_proj", vec![query, hidden]),
            ("self_attn.k_proj", vec![kv, hidden]),
            ("self_attn.v_proj", vec![kv, hidden]),
            ("self_attn.o_proj", vec![hidden, query]),
            ("post_attention_layernorm", vec![hidden]),
            ("mlp.gate_proj", vec![mlp, hidden]),
            ("mlp.up_proj", vec![mlp, hidden]),
            ("mlp.down_proj", vec![hidden, mlp]),
        ] {
            shapes.insert(layer(index, part), shape);
        }
    }
    shapes
}

/// True for tensors that old exporters write and the forward pass does not need.
pub(super) fn is_ignored(name: &str) -> bool {
    name.ends_with(".rotary_emb.inv_freq")
}

/// True for a tensor that a file may leave out.
pub(super) fn is_optional(name: &str, config: &Config) -> bool {
    config.tie_word_embeddings && name == LM_HEAD
}
