//! GPT-2: layer norms, learned positions, biases everywhere, one matrix for queries, keys and values, a function in the place of a gate.

use super::sizes::{self, MAX_HEADS, MAX_LAYERS, MAX_POSITIONS, MAX_VOCAB, MAX_WIDTH};
use super::{Facts, Family};
use crate::model::forward::{Affine, Dense, Forward, Function, Operation, Source};
use crate::model::gguf::Form;
use crate::model::json::Object;
use crate::model::keys::Meaning::{self, Harmless, Only, Read};
use crate::model::{ModelError, Warning};

const KEYS: &[(&str, Meaning)] = &[
    ("n_embd", Read),
    ("n_layer", Read),
    ("n_head", Read),
    ("n_inner", Read),
    ("n_positions", Read),
    ("layer_norm_epsilon", Read),
    ("activation_function", Read),
    ("scale_attn_weights", Read),
    ("scale_attn_by_inverse_layer_idx", Read),
    ("n_ctx", Harmless),
    ("reorder_and_upcast_attn", Harmless),
    ("summary_activation", Harmless),
    ("summary_first_dropout", Harmless),
    ("summary_proj_to_labels", Harmless),
    ("summary_type", Harmless),
    ("summary_use_proj", Harmless),
    ("gradient_checkpointing", Harmless),
    // The class reads them under its own names.
    ("hidden_size", Only(&[], OWN_NAMES)),
    ("num_hidden_layers", Only(&[], OWN_NAMES)),
    ("num_attention_heads", Only(&[], OWN_NAMES)),
    ("max_position_embeddings", Only(&[], OWN_NAMES)),
    ("num_key_value_heads", Only(&[], NO_GROUPS)),
    ("head_dim", Only(&[], NO_GROUPS)),
    ("rope_theta", Only(&[], NO_ROTATION)),
    ("rope_scaling", Only(&[], NO_ROTATION)),
    ("rope_parameters", Only(&[], NO_ROTATION)),
    (
        "position_embedding_type",
        Only(&["\"absolute\""], NO_ROTATION),
    ),
];

const OWN_NAMES: &str = "this family states it as `n_embd`, `n_layer`, `n_head` or `n_positions`";
const NO_GROUPS: &str =
    "every head of this family has keys and values of its own, of `n_embd / n_head` channels";
const NO_ROTATION: &str = "positions are learned in this family";

pub(super) static FAMILY: Family = Family {
    name: "gpt2",
    architectures: &["GPT2LMHeadModel", "GPT2Model"],
    keys: &[KEYS],
    prefix: "transformer.",
    // Masks, which old exporters write.
    ignored: &[".attn.bias", ".attn.masked_bias"],
    gguf: Some(Form {
        architecture: "gpt2",
        family: "gpt2",
        keys: &[
            ("block_count", "n_layer"),
            ("context_length", "n_positions"),
            ("embedding_length", "n_embd"),
            ("feed_forward_length", "n_inner"),
            ("attention.head_count", "n_head"),
            ("attention.layer_norm_epsilon", "layer_norm_epsilon"),
        ],
        tensors: &[
            ("token_embd", "transformer.wte"),
            ("position_embd", "transformer.wpe"),
            ("output_norm", "transformer.ln_f"),
            ("output", "lm_head"),
            ("blk.{}.attn_norm", "transformer.h.{}.ln_1"),
            ("blk.{}.attn_qkv", "transformer.h.{}.attn.c_attn"),
            ("blk.{}.attn_output", "transformer.h.{}.attn.c_proj"),
            ("blk.{}.ffn_norm", "transformer.h.{}.ln_2"),
            ("blk.{}.ffn_up", "transformer.h.{}.mlp.c_fc"),
            ("blk.{}.ffn_down", "transformer.h.{}.mlp.c_proj"),
        ],
        paired: &[],
        turned: &[
            "blk.{}.attn_qkv",
            "blk.{}.attn_output",
            "blk.{}.ffn_up",
            "blk.{}.ffn_down",
        ],
    }),
    read,
};

/// What a configuration of GPT-2 says.
fn read(object: &Object, _: &mut Vec<Warning>) -> Result<Facts, ModelError> {
    let heads = object.size("n_head", MAX_HEADS)?;
    let layers = object.size("n_layer", MAX_LAYERS)?;
    let hidden_size = object.size("n_embd", MAX_WIDTH)?;
    let vocab_size = object.size("vocab_size", MAX_VOCAB)?;
    let positions = object.size("n_positions", MAX_POSITIONS)?;
    let inner = object.optional_size("n_inner", MAX_WIDTH)?;
    let head_dim = sizes::head_dim(object, ("n_embd", hidden_size), ("n_head", heads))?;
    let flag = |key, default| Ok(object.flag(key)?.unwrap_or(default));
    let tied = flag("tie_word_embeddings", true)?;
    let epsilon = object.float("layer_norm_epsilon", 0.0, 1.0)?;
    let block = Block {
        hidden_size,
        inner: inner.unwrap_or(4 * hidden_size),
        heads,
        head_dim,
        eps: epsilon.unwrap_or(1e-5),
        function: sizes::function(object, "activation_function", Function::GeluTanh)?,
        scaled: flag("scale_attn_weights", true)?,
        scaled_by_layer: flag("scale_attn_by_inverse_layer_idx", false)?,
    };
    Ok(Facts {
        hidden_size,
        layers,
        heads,
        kv_heads: heads,
        head_dim,
        vocab_size,
        positions,
        tied,
        default_eos: Some(50_256),
        window: None,
        forward: block.forward(layers, vocab_size, positions, tied),
    })
}

/// The sizes and constants of a layer.
struct Block {
    hidden_size: usize,
    inner: usize,
    heads: usize,
    head_dim: usize,
    eps: f64,
    function: Function,
    /// Whether scores are divided by `√head_dim`, and by the layer's number from 1.
    scaled: bool,
    scaled_by_layer: bool,
}

impl Block {
    /// The whole model.
    fn forward(&self, layers: usize, vocab: usize, positions: usize, tied: bool) -> Forward {
        let hidden = self.hidden_size;
        let mut forward = Forward {
            tokens: Source::matrix("transformer.wte.weight", vocab, hidden),
            positions: Some(Source::matrix("transformer.wpe.weight", positions, hidden)),
            ..Forward::default()
        };
        let mut stream = forward.push("embed", None, Operation::Embed);
        for layer in 0..layers {
            stream = self.attention(&mut forward, layer, stream);
            stream = self.mlp(&mut forward, layer, stream);
        }
        let normed = forward.push("final_norm", None, self.norm(stream));
        let norm = self.affine("transformer.ln_f");
        let head = Source::matrix("lm_head.weight", vocab, hidden);
        forward.finish(normed, &norm, (!tied).then_some(head));
        forward
    }

    fn norm(&self, input: usize) -> Operation<Dense> {
        Operation::Norm {
            input,
            centred: true,
            groups: 1,
            eps: self.eps,
        }
    }

    fn affine(&self, name: &str) -> Affine {
        Affine {
            gain: Source::vector(format!("{name}.weight"), self.hidden_size),
            bias: Some(Source::vector(format!("{name}.bias"), self.hidden_size)),
        }
    }

    /// `stream + O attention(Q, K, V)`.
    fn attention(&self, forward: &mut Forward, layer: usize, stream: usize) -> usize {
        let name = |part: &str| format!("transformer.h.{layer}.{part}");
        let (at, hidden) = (Some(layer), self.hidden_size);
        let input = forward.push("attention_norm", at, self.norm(stream));
        let norm = self.affine(&name("ln_1"));
        // One matrix has queries, keys and values.
        let part = |number: usize| {
            let outputs = number * hidden..(number + 1) * hidden;
            let weight = Source::transposed(name("attn.c_attn.weight"), hidden, 3 * hidden);
            let bias = Source::vector(name("attn.c_attn.bias"), 3 * hidden);
            Dense::of(weight.part(outputs.clone()))
                .bias(Some(bias.part(outputs)))
                .behind(&norm)
        };
        let mut factor = 1.0;
        if !self.scaled {
            factor *= (self.head_dim as f64).sqrt();
        }
        if self.scaled_by_layer {
            factor /= (layer + 1) as f64;
        }
        let mut linear = |site, of| forward.push(site, at, Operation::Linear { input, of });
        let queries = linear("queries", part(0).times(factor));
        let keys = linear("keys", part(1));
        let values = linear("values", part(2));
        let attention = Operation::Attention {
            queries,
            keys,
            values,
            heads: self.heads,
            kv_heads: self.heads,
            head_dim: self.head_dim,
        };
        let input = forward.push("attention", at, attention);
        let of = dense(&name("attn.c_proj"), [hidden, hidden]);
        let residual = Operation::Residual { stream, input, of };
        forward.push("attention_output", at, residual)
    }

    /// `stream + D function(U x)`.
    fn mlp(&self, forward: &mut Forward, layer: usize, stream: usize) -> usize {
        let name = |part: &str| format!("transformer.h.{layer}.{part}");
        let at = Some(layer);
        let input = forward.push("mlp_norm", at, self.norm(stream));
        let norm = self.affine(&name("ln_2"));
        let inner = Operation::Function {
            input,
            of: dense(&name("mlp.c_fc"), [self.hidden_size, self.inner]).behind(&norm),
            function: self.function,
        };
        let input = forward.push("mlp_inner", at, inner);
        let of = dense(&name("mlp.c_proj"), [self.inner, self.hidden_size]);
        forward.push("mlp_output", at, Operation::Residual { stream, input, of })
    }
}

/// `part.weight` of [inputs, outputs], and `part.bias`.
fn dense(part: &str, [inputs, outputs]: [usize; 2]) -> Dense {
    let weight = Source::transposed(format!("{part}.weight"), inputs, outputs);
    Dense::of(weight).bias(Some(Source::vector(format!("{part}.bias"), outputs)))
}
