//! The block that Llama and its relatives have: attention and a gated product, each behind an RMS norm, positions by rotation.
//!
//! A family of this block is a [`Variant`]: what its class takes where a key is absent, which matrices have biases, and what it does to queries and keys.

use super::Facts;
use super::sizes::{self, MAX_HEADS, MAX_LAYERS, MAX_POSITIONS, MAX_VOCAB, MAX_WIDTH};
use super::window::Rule;
use crate::model::forward::{Affine, Dense, Forward, Function, Operation, Source};
use crate::model::gguf::Form;
use crate::model::json::Object;
use crate::model::keys::Meaning::{self, Read};
use crate::model::rope::{self, Rotation};
use crate::model::{ModelError, Warning};

/// The keys that all families of this block read; a family has those of its own in a table before it.
pub(super) const KEYS: &[(&str, Meaning)] = &[
    ("hidden_size", Read),
    ("intermediate_size", Read),
    ("num_hidden_layers", Read),
    ("num_attention_heads", Read),
    ("num_key_value_heads", Read),
    ("head_dim", Read),
    ("max_position_embeddings", Read),
    ("rms_norm_eps", Read),
    ("rope_theta", Read),
    ("rope_scaling", Read),
    ("rope_parameters", Read),
    ("sliding_window", Read),
    ("use_sliding_window", Read),
    ("max_window_layers", Read),
    ("layer_types", Read),
    ("hidden_act", Read),
];

/// Keys of GGUF's metadata for this block.
const GGUF_KEYS: &[(&str, &str)] = &[
    ("block_count", "num_hidden_layers"),
    ("context_length", "max_position_embeddings"),
    ("embedding_length", "hidden_size"),
    ("feed_forward_length", "intermediate_size"),
    ("attention.head_count", "num_attention_heads"),
    ("attention.head_count_kv", "num_key_value_heads"),
    ("attention.key_length", "head_dim"),
    ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
    ("attention.sliding_window", "sliding_window"),
    ("rope.freq_base", "rope_theta"),
    ("expert_count", "num_local_experts"),
];

/// Names of GGUF's tensors for this block.
const GGUF_TENSORS: &[(&str, &str)] = &[
    ("token_embd", "model.embed_tokens"),
    ("output_norm", "model.norm"),
    ("output", "lm_head"),
    ("blk.{}.attn_norm", "model.layers.{}.input_layernorm"),
    ("blk.{}.attn_q", "model.layers.{}.self_attn.q_proj"),
    ("blk.{}.attn_k", "model.layers.{}.self_attn.k_proj"),
    ("blk.{}.attn_v", "model.layers.{}.self_attn.v_proj"),
    ("blk.{}.attn_output", "model.layers.{}.self_attn.o_proj"),
    ("blk.{}.attn_q_norm", "model.layers.{}.self_attn.q_norm"),
    ("blk.{}.attn_k_norm", "model.layers.{}.self_attn.k_norm"),
    (
        "blk.{}.ffn_norm",
        "model.layers.{}.post_attention_layernorm",
    ),
    ("blk.{}.ffn_gate", "model.layers.{}.mlp.gate_proj"),
    ("blk.{}.ffn_up", "model.layers.{}.mlp.up_proj"),
    ("blk.{}.ffn_down", "model.layers.{}.mlp.down_proj"),
];

/// Queries and keys, whose rows converters reorder for some architectures.
pub(super) const GGUF_PAIRED: &[&str] = &["blk.{}.attn_q", "blk.{}.attn_k"];

/// How a family of this block is stored, where the architecture has its name and converters leave rows as they are.
pub(super) const fn form(name: &'static str) -> Form {
    Form {
        architecture: name,
        family: name,
        keys: GGUF_KEYS,
        tensors: GGUF_TENSORS,
        paired: &[],
        turned: &[],
    }
}

/// Where matrices have biases.
#[derive(Debug, Clone, Copy)]
pub(super) enum Biases {
    Never,
    Always,
    /// Where this key is true.
    Stated(&'static str),
}

/// What sets families of this block apart.
pub(super) struct Variant {
    /// `num_key_value_heads` where the key is absent; `None` takes `num_attention_heads`.
    pub(super) kv_heads: Option<usize>,
    /// `head_dim` where the key is absent; `None` divides the width among the heads.
    pub(super) head_dim: Option<usize>,
    /// `rope_theta` where no key states it.
    pub(super) theta: f64,
    /// `tie_word_embeddings` where the key is absent.
    pub(super) tied: bool,
    /// `eos_token_id` where the key is absent.
    pub(super) eos: Option<u32>,
    pub(super) window: Rule,
    /// Of queries, keys and values; of attention's output; of the three matrices of the gated product.
    pub(super) qkv_bias: Biases,
    pub(super) output_bias: Biases,
    pub(super) mlp_bias: Biases,
    /// Whether each head of queries and keys has an RMS norm, before it is rotated.
    pub(super) head_norm: bool,
    /// Which layers rotate queries and keys.
    pub(super) rotated: fn(&Object, usize) -> Result<Vec<bool>, ModelError>,
}

/// All layers rotate.
pub(super) fn all_rotated(_: &Object, layers: usize) -> Result<Vec<bool>, ModelError> {
    Ok(vec![true; layers])
}

/// What a configuration of such a family says.
pub(super) fn read(
    variant: &Variant,
    object: &Object,
    warnings: &mut Vec<Warning>,
) -> Result<Facts, ModelError> {
    let heads = object.size("num_attention_heads", MAX_HEADS)?;
    let layers = object.size("num_hidden_layers", MAX_LAYERS)?;
    let vocab_size = object.size("vocab_size", MAX_VOCAB)?;
    let hidden_size = object.size("hidden_size", MAX_WIDTH)?;
    let intermediate_size = object.size("intermediate_size", MAX_WIDTH)?;
    let kv_heads = kv_heads(variant, object, heads, warnings)?;
    let width = ("hidden_size", hidden_size);
    let head_dim = match variant.head_dim.filter(|_| !object.has("head_dim")) {
        Some(default) => default,
        None => sizes::head_dim(object, width, ("num_attention_heads", heads))?,
    };
    if !head_dim.is_multiple_of(2) {
        return Err(ModelError::OddHeadDim {
            path: object.path().into(),
            head_dim,
        });
    }
    let positions = object.size("max_position_embeddings", MAX_POSITIONS)?;
    let defaults = rope::Defaults {
        theta: variant.theta,
        head_dim,
        positions,
    };
    let rotation = rope::rotation(object, defaults, warnings)?;
    let eps = object
        .float("rms_norm_eps", 0.0, 1.0)?
        .ok_or_else(|| object.missing("rms_norm_eps"))?;
    let biases = |of: Biases| match of {
        Biases::Never => Ok(false),
        Biases::Always => Ok(true),
        Biases::Stated(key) => object.flag(key).map(|flag| flag.unwrap_or(false)),
    };
    let tied = object.flag("tie_word_embeddings")?.unwrap_or(variant.tied);
    let block = Block {
        hidden_size,
        intermediate_size,
        heads,
        kv_heads,
        head_dim,
        eps,
        function: sizes::function(object, "hidden_act", Function::Silu)?,
        qkv_bias: biases(variant.qkv_bias)?,
        output_bias: biases(variant.output_bias)?,
        mlp_bias: biases(variant.mlp_bias)?,
        head_norm: variant.head_norm,
        score_factor: rotation.score_factor(),
    };
    let rotated = (variant.rotated)(object, layers)?;
    Ok(Facts {
        hidden_size,
        layers,
        heads,
        kv_heads,
        head_dim,
        vocab_size,
        positions,
        tied,
        default_eos: variant.eos,
        window: variant.window.window(object, layers)?,
        forward: block.forward(&rotated, rotation, vocab_size, tied),
    })
}

/// `num_key_value_heads`; what it is where the key is absent depends on the family.
fn kv_heads(
    variant: &Variant,
    object: &Object,
    heads: usize,
    warnings: &mut Vec<Warning>,
) -> Result<usize, ModelError> {
    const KEY: &str = "num_key_value_heads";
    let stated = object.optional_size(KEY, MAX_HEADS)?;
    match (stated, variant.kv_heads) {
        (Some(stated), _) => Ok(stated),
        (None, Some(default)) if !object.has(KEY) => {
            warnings.push(Warning::Default {
                path: object.path().into(),
                key: KEY,
                value: default as u64,
            });
            Ok(default)
        }
        _ => Ok(heads),
    }
}

/// The sizes and constants of a layer.
struct Block {
    hidden_size: usize,
    intermediate_size: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    eps: f64,
    function: Function,
    qkv_bias: bool,
    output_bias: bool,
    mlp_bias: bool,
    head_norm: bool,
    score_factor: f64,
}

/// Places in the list of operations that a layer goes on from.
#[derive(Clone, Copy)]
struct At {
    layer: usize,
    /// The operation that wrote the norm's result.
    input: usize,
    rotated: bool,
}

impl Block {
    /// The whole model.
    fn forward(&self, rotated: &[bool], rotation: Rotation, vocab: usize, tied: bool) -> Forward {
        let mut forward = Forward {
            tokens: Source::matrix("model.embed_tokens.weight", vocab, self.hidden_size),
            rotation: Some(rotation),
            ..Forward::default()
        };
        let mut stream = forward.push("embed", None, Operation::Embed);
        for (layer, &rotated) in rotated.iter().enumerate() {
            stream = self.attention(&mut forward, layer, rotated, stream);
            stream = self.mlp(&mut forward, layer, stream);
        }
        let normed = forward.push("final_norm", None, self.norm(stream, 1));
        let norm = affine("model.norm.weight".to_owned(), self.hidden_size);
        let head = Source::matrix("lm_head.weight", vocab, self.hidden_size);
        forward.finish(normed, &norm, (!tied).then_some(head));
        forward
    }

    fn norm(&self, input: usize, groups: usize) -> Operation<Dense> {
        Operation::Norm {
            input,
            centred: false,
            groups,
            eps: self.eps,
        }
    }

    /// `stream + O attention(Q, K, V)`.
    fn attention(
        &self,
        forward: &mut Forward,
        layer: usize,
        rotated: bool,
        stream: usize,
    ) -> usize {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let (hidden, query) = (self.hidden_size, self.heads * self.head_dim);
        let kv = self.kv_heads * self.head_dim;
        let at = Some(layer);
        let input = forward.push("attention_norm", at, self.norm(stream, 1));
        let norm = affine(name("input_layernorm.weight"), hidden);
        let of = |part: &str, outputs| {
            let part = name(&format!("self_attn.{part}_proj"));
            dense(&part, [outputs, hidden], self.qkv_bias).behind(&norm)
        };
        let place = At {
            layer,
            input,
            rotated,
        };
        // A product in queries is one in scores.
        let factor = if rotated { self.score_factor } else { 1.0 };
        let queries = self.turned(forward, place, "q", of("q", query), self.heads, factor);
        let keys = self.turned(forward, place, "k", of("k", kv), self.kv_heads, 1.0);
        let of = of("v", kv);
        let values = forward.push("values", at, Operation::Linear { input, of });
        let attention = Operation::Attention {
            queries,
            keys,
            values,
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
        };
        let input = forward.push("attention", at, attention);
        let of = dense(&name("self_attn.o_proj"), [hidden, query], self.output_bias);
        let residual = Operation::Residual { stream, input, of };
        forward.push("attention_output", at, residual)
    }

    /// Queries or keys: normalised head by head where the family does that, rotated where the layer does.
    fn turned(
        &self,
        forward: &mut Forward,
        place: At,
        letter: &str,
        of: Dense,
        heads: usize,
        factor: f64,
    ) -> usize {
        let is_query = letter == "q";
        let [unnormed, normed, site] = match is_query {
            true => ["query_inputs", "query_norm", "queries"],
            false => ["key_inputs", "key_norm", "keys"],
        };
        let at = Some(place.layer);
        let (input, of) = match self.head_norm {
            false => (place.input, of),
            true => {
                let input = place.input;
                let input = forward.push(unnormed, at, Operation::Linear { input, of });
                let input = forward.push(normed, at, self.norm(input, heads));
                let gain = format!(
                    "model.layers.{}.self_attn.{letter}_norm.weight",
                    place.layer
                );
                let norm = affine(gain, self.head_dim);
                (input, Dense::identity(self.head_dim, norm))
            }
        };
        let of = of.times(factor);
        let operation = match place.rotated {
            true => Operation::Rotary { input, of },
            false => Operation::Linear { input, of },
        };
        forward.push(site, at, operation)
    }

    /// `stream + D (function(G x) · U x)`.
    fn mlp(&self, forward: &mut Forward, layer: usize, stream: usize) -> usize {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let (hidden, mlp) = (self.hidden_size, self.intermediate_size);
        let at = Some(layer);
        let input = forward.push("mlp_norm", at, self.norm(stream, 1));
        let norm = affine(name("post_attention_layernorm.weight"), hidden);
        let of =
            |part: &str, shape| dense(&name(&format!("mlp.{part}_proj")), shape, self.mlp_bias);
        let gated = Operation::Gated {
            input,
            gate: of("gate", [mlp, hidden]).behind(&norm),
            up: of("up", [mlp, hidden]).behind(&norm),
            function: self.function,
        };
        let input = forward.push("gated", at, gated);
        let of = of("down", [hidden, mlp]);
        forward.push("mlp_output", at, Operation::Residual { stream, input, of })
    }
}

fn affine(gain: String, channels: usize) -> Affine {
    Affine {
        gain: Source::vector(gain, channels),
        bias: None,
    }
}

/// `part.weight` of [outputs, inputs], and `part.bias`.
fn dense(part: &str, [outputs, inputs]: [usize; 2], bias: bool) -> Dense {
    let weight = Source::matrix(format!("{part}.weight"), outputs, inputs);
    let bias = bias.then(|| Source::vector(format!("{part}.bias"), outputs));
    Dense::of(weight).bias(bias)
}
