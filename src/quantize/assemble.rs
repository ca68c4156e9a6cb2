//! Builds the step graph of a model whose matrices are quantised, choosing the scale of every value.
//!
//! Each [`Value`] carries its fractional bits; a node that drops bits is only made where there are bits to
//! drop, and the graph's builder proves the range of what comes out.

use super::llama::Llama;
use super::options::QuantOptions;
use super::parameters::{LayerParameters, Parameters};
use super::scales::{least_error, limit, lossless};
use super::statistics::Statistics;
use super::{GRAPH_NAME, QuantizeError, Site, tables};
use crate::ir::{Builder, MatrixId, Op, Shape, Tables, ValueId, VerifiedGraph};
use crate::model::Config;
use crate::spec::requantize::{Requant, requantize};
use crate::spec::rmsnorm::RmsNorm;
use crate::spec::rope::ROPE_BITS;
use crate::spec::silu::SIGMOID_BITS;
use crate::spec::softmax::FRAC_BITS;

/// Extra bits of precision of the norm's root: its proven output bound is loose by `2^-8`.
const ROOT_SHIFT: u32 = 8;
/// Bits of the norm's reciprocal beyond those of its output at the stream's scale.
const RECIPROCAL_BITS: i32 = 16;
/// Fractional bits that index the sigmoid table.
const SIGMOID_INDEX_BITS: i32 = 4;

/// A value of the graph and its fractional bits.
#[derive(Debug, Clone, Copy)]
struct Value {
    id: ValueId,
    bits: i32,
}

/// The verified graph and the fractional bits of each of its values.
pub(super) struct Assembled {
    pub graph: VerifiedGraph,
    pub fractional_bits: Vec<i32>,
    pub logit_bits: i32,
}

/// Builds and verifies the graph.
pub(super) fn assemble(
    (config, llama): (&Config, &Llama<'_>),
    parameters: Parameters,
    statistics: &Statistics,
    options: &QuantOptions,
) -> Result<Assembled, QuantizeError> {
    let context = options.context.unwrap_or(config.max_position_embeddings);
    let shape = Shape {
        hidden: config.hidden_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        kv_heads: config.num_key_value_heads,
        head_dim: config.head_dim,
        vocab: config.vocab_size,
        context,
    };
    let (rope_cos, rope_sin) = tables::rope(llama.rope_theta, config.head_dim, context);
    let Parameters {
        embedding,
        layers,
        output,
        residual_bits,
    } = parameters;
    let tables = Tables {
        embedding: embedding.matrix,
        rope_cos,
        rope_sin,
        exp2: tables::exp2(),
        sigmoid: tables::sigmoid(),
    };
    let mut assembly = Assembly {
        builder: Builder::new(GRAPH_NAME, shape, tables),
        fractional_bits: Vec::new(),
        config,
        eps: llama.rms_norm_eps,
        statistics,
        options,
        residual_bits,
    };
    let embed = Op::Embed {
        shift: dropped("embed", residual_bits, embedding.exponent)?,
    };
    let mut residual = assembly.push("embed", embed, residual_bits)?;
    for (index, layer) in layers.into_iter().enumerate() {
        residual = assembly.layer(index, layer, residual)?;
    }
    let normed = assembly.norm("final_norm", residual)?;
    let logits = assembly.linear("lm_head", normed, output)?;
    assembly.push("token", Op::Argmax { x: logits.id }, 0)?;
    Ok(Assembled {
        graph: assembly.builder.finish()?,
        fractional_bits: assembly.fractional_bits,
        logit_bits: logits.bits,
    })
}

struct Assembly<'a> {
    builder: Builder,
    fractional_bits: Vec<i32>,
    config: &'a Config,
    eps: f64,
    statistics: &'a Statistics,
    options: &'a QuantOptions,
    residual_bits: i32,
}

impl Assembly<'_> {
    fn layer(
        &mut self,
        index: usize,
        layer: LayerParameters,
        residual: Value,
    ) -> Result<Value, QuantizeError> {
        let label = |part: &str| format!("layer{index}.{part}");
        let LayerParameters {
            q,
            k,
            v,
            o,
            gate,
            up,
            down,
        } = layer;

        let normed = self.norm(&label("attn_norm"), residual)?;
        let q_acc = self.linear(&label("q_proj"), normed, q)?;
        let k_acc = self.linear(&label("k_proj"), normed, k)?;
        let v_acc = self.linear(&label("v_proj"), normed, v)?;
        let int8 = limit(8);
        let key_bits = least_error(&self.statistics.histogram(Site::Key(index)), int8);
        let key = self.rope(&label("k"), k_acc, key_bits, Some(int8))?;
        let query_site = self.statistics.histogram(Site::Query(index));
        let query_bits = lossless(&query_site, limit(self.options.query_bits + 1));
        // A score needs at least the fractional bits that softmax looks at.
        let query_bits = query_bits.max(FRAC_BITS as i32 - key.bits);
        let query = self.rope(&label("q"), q_acc, query_bits, None)?;
        let value_bits = least_error(&self.statistics.histogram(Site::Value(index)), int8);
        let value = self.requantize(&label("v"), v_acc, value_bits, Some(int8))?;
        let append = Op::KvAppend {
            k: key.id,
            v: value.id,
            layer: index,
        };
        self.push(&label("kv_append"), append, 0)?;

        let mixed = self.attend(index, query, key.bits, value.bits)?;
        let o_acc = self.linear(&label("o_proj"), mixed, o)?;
        let attention = self.requantize(&label("attn_out"), o_acc, self.residual_bits, None)?;
        let residual = self.add(&label("attn_residual"), residual, attention)?;

        let normed = self.norm(&label("mlp_norm"), residual)?;
        let gate_acc = self.linear(&label("gate_proj"), normed, gate)?;
        let up_acc = self.linear(&label("up_proj"), normed, up)?;
        let gated = self.gate(index, gate_acc, up_acc)?;
        let down_acc = self.linear(&label("down_proj"), gated, down)?;
        let mlp = self.requantize(&label("mlp_out"), down_acc, self.residual_bits, None)?;
        self.add(&label("mlp_residual"), residual, mlp)
    }

    /// Scores, softmax and value mix.
    fn attend(
        &mut self,
        index: usize,
        query: Value,
        key_bits: i32,
        value_bits: i32,
    ) -> Result<Value, QuantizeError> {
        let label = |part: &str| format!("layer{index}.{part}");
        let score_bits = query.bits + key_bits;
        let scores = self.push(
            &label("scores"),
            Op::Scores {
                q: query.id,
                layer: index,
            },
            score_bits,
        )?;
        let shift = dropped(&label("softmax"), score_bits, FRAC_BITS as i32)?;
        let softmax = Op::Softmax {
            scores: scores.id,
            shift,
        };
        let weights = self.push(&label("softmax"), softmax, 0)?;
        let shift = self.options.mix_bits;
        let mix = Op::Mix {
            weights: weights.id,
            layer: index,
            shift,
        };
        self.push(&label("mix"), mix, value_bits + shift as i32)
    }

    /// `silu(gate) · up`, rounded to the down projection's input.
    fn gate(&mut self, index: usize, gate: Value, up: Value) -> Result<Value, QuantizeError> {
        let label = |part: &str| format!("layer{index}.{part}");
        let (statistics, options) = (self.statistics, self.options);
        let (gate_limit, up_limit) = (limit(options.gate_bits), limit(options.up_bits));
        let gate_bits =
            lossless(&statistics.histogram(Site::Gate(index)), gate_limit).max(SIGMOID_INDEX_BITS);
        let up_bits = least_error(&statistics.histogram(Site::Up(index)), up_limit);
        let gate = self.requantize(&label("gate"), gate, gate_bits, Some(gate_limit))?;
        let up = self.requantize(&label("up"), up, up_bits, Some(up_limit))?;

        let index_shift = dropped(&label("silu"), gate.bits, SIGMOID_INDEX_BITS)?;
        let silu = Op::Silu {
            x: gate.id,
            index_shift,
        };
        let silu = self.push(&label("silu"), silu, gate.bits + SIGMOID_BITS as i32)?;
        let down_limit = limit(options.down_bits);
        let bits = least_error(&statistics.histogram(Site::Gated(index)), down_limit);
        let bits = bits.min(silu.bits + up.bits);
        let shift = dropped(&label("gated"), silu.bits + up.bits, bits)?;
        let to = Requant {
            shift,
            lo: -down_limit,
            hi: down_limit,
        };
        self.push(
            &label("gated"),
            Op::Mul {
                a: silu.id,
                b: up.id,
                to,
            },
            bits,
        )
    }

    /// RMS normalisation to `norm_bits` fractional bits.
    fn norm(&mut self, label: &str, x: Value) -> Result<Value, QuantizeError> {
        let width = self.config.hidden_size as f64;
        let bits = self.options.norm_bits;
        // The reciprocal is about 2^(norm_bits + inv_shift - x.bits) / rms.
        let inv_shift = (RECIPROCAL_BITS + x.bits - bits as i32).clamp(1, 48) as u32;
        let fixed = |value: f64, bits: i32| value * (bits as f64).exp2();
        let norm = RmsNorm {
            eps: (fixed(width * self.eps, 2 * x.bits).round() as i64).max(1),
            root_shift: ROOT_SHIFT,
            numerator: fixed(width.sqrt(), (bits + ROOT_SHIFT + inv_shift) as i32).floor() as i64,
            inv_shift,
        };
        self.push(label, Op::RmsNorm { x: x.id, norm }, bits as i32)
    }

    fn linear(
        &mut self,
        label: &str,
        x: Value,
        matrix: super::QuantMatrix,
    ) -> Result<Value, QuantizeError> {
        let bits = x.bits + matrix.exponent;
        let matrix: MatrixId = self.builder.matrix(matrix.matrix);
        self.push(label, Op::Linear { x: x.id, matrix }, bits)
    }

    /// Drops to `bits` fractional bits, or to as many as there are; saturates at `clamp` if given.
    fn requantize(
        &mut self,
        label: &str,
        x: Value,
        bits: i32,
        clamp: Option<i64>,
    ) -> Result<Value, QuantizeError> {
        let bits = bits.min(x.bits);
        let shift = dropped(label, x.bits, bits)?;
        if shift == 0 && clamp.is_none() {
            return Ok(x);
        }
        let to = bounds(shift, self.builder.node(x.id).range.magnitude(), clamp);
        self.push(label, Op::Requantize { x: x.id, to }, bits)
    }

    /// Rotates and drops to `bits` fractional bits; saturates at `clamp` if given.
    fn rope(
        &mut self,
        label: &str,
        x: Value,
        bits: i32,
        clamp: Option<i64>,
    ) -> Result<Value, QuantizeError> {
        let bits = bits.min(x.bits);
        let shift = dropped(label, x.bits + ROPE_BITS as i32, bits)?;
        // The range rule of rope: two products with a table entry of at most one.
        let magnitude = self
            .builder
            .node(x.id)
            .range
            .magnitude()
            .saturating_mul(2 << ROPE_BITS);
        let to = bounds(shift, magnitude, clamp);
        self.push(label, Op::Rope { x: x.id, to }, bits)
    }

    fn add(&mut self, label: &str, a: Value, b: Value) -> Result<Value, QuantizeError> {
        if a.bits != b.bits {
            return Err(QuantizeError::Shift {
                node: label.to_owned(),
                from: b.bits,
                to: a.bits,
            });
        }
        self.push(label, Op::Add { a: a.id, b: b.id }, a.bits)
    }

    fn push(&mut self, label: &str, op: Op, bits: i32) -> Result<Value, QuantizeError> {
        let id = self.builder.push(label, op)?;
        self.fractional_bits.push(bits);
        Ok(Value { id, bits })
    }
}

/// A requantisation that saturates at `clamp`, or else at the proven bound, where it never acts.
fn bounds(shift: u32, magnitude: i64, clamp: Option<i64>) -> Requant {
    let free = Requant {
        shift,
        lo: i64::MIN,
        hi: i64::MAX,
    };
    match clamp {
        Some(limit) => Requant {
            shift,
            lo: -limit,
            hi: limit,
        },
        None => Requant {
            shift,
            lo: requantize(-magnitude, free),
            hi: requantize(magnitude, free),
        },
    }
}

/// The shift from `from` to `to` fractional bits.
fn dropped(node: &str, from: i32, to: i32) -> Result<u32, QuantizeError> {
    u32::try_from(from - to).map_err(|_| QuantizeError::Shift {
        node: node.to_owned(),
        from,
        to,
    })
}
