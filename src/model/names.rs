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

/// The name under which the forward pass knows a stored tensor. A model that was saved without its head has names
/// without the leading `model.`.
pub(super) fn known<T>(stored: &str, expected: &BTreeMap<String, T>) -> Option<String> {
    let full = format!("model.{stored}");
    if expected.contains_key(stored) {
        Some(stored.to_owned())
    } else {
        expected.contains_key(&full).then_some(full)
    }
}

/// The prefix without which `stored` would be known, and the name it would have then.
pub(super) fn prefixed<T>(
    stored: &str,
    expected: &BTreeMap<String, T>,
) -> Option<(String, String)> {
    let mut dots = stored.match_indices('.').map(|(at, _)| at + 1);
    dots.find_map(|at| {
        let (prefix, rest) = stored.split_at(at);
        Some((prefix.to_owned(), known(rest, expected)?))
    })
}

/// The weight that a bias would belong to.
pub(super) fn weight_of_bias(stored: &str) -> Option<String> {
    Some(format!("{}.weight", stored.strip_suffix(".bias")?))
}

/// True for tensors that old exporters write and the forward pass does not need.
pub(super) fn is_ignored(name: &str) -> bool {
    name == "rotary_emb.inv_freq" || name.ends_with(".rotary_emb.inv_freq")
}

/// True for a tensor that a file may leave out.
pub(super) fn is_optional(name: &str, config: &Config) -> bool {
    config.tie_word_embeddings && name == LM_HEAD
}
