//! Decode step of the model `two_layers`. Generated; do not edit.

use decode_kernels::argmax::argmax;
use decode_kernels::bytes::unpack_table;
use decode_kernels::chunk::{Model, run_chunk};
use decode_kernels::claims::Claims;
use decode_kernels::elementwise::{add, mul};
use decode_kernels::embed::embed;
use decode_kernels::kv::{LayerCache, kv_append};
use decode_kernels::linear::{Lanes20, Lanes24, linear};
use decode_kernels::mix::mix;
use decode_kernels::requantize::{Rounding, Saturation, requantize, requantize_saturated};
use decode_kernels::rmsnorm::{RmsNorm, rmsnorm};
use decode_kernels::rope::{angles, rope};
use decode_kernels::scores::scores;
use decode_kernels::silu::silu;
use decode_kernels::softmax::softmax;
use decode_kernels::weights::separate;

mod tables;
mod weights;

/// Weights and tables, ready to compute with.
#[derive(Drop, Copy)]
pub struct Constants {
    exp2: Span<felt252>,
    lanes20: Span<felt252>,
    sigmoid: Span<felt252>,
}

/// What `carry` hands to `decide`.
#[derive(Drop)]
pub struct Carried {
    lanes20: Span<felt252>,
    layer0_mlp_residual: Span<felt252>,
    layer1_q: Span<felt252>,
}

impl Step of Model {
    const SPEC_VERSION: felt252 = 1;
    const STATEMENT_VERSION: felt252 = 1;
    const CARRY_CLAIMS: u32 = 0;
    const DECIDE_CLAIMS: u32 = 0;
    const LAYERS: felt252 = 2;
    const KV_HEADS: u32 = 2;
    const HEAD_DIM: u32 = 6;
    const KV_WORDS: u32 = 2;
    impl KeyLanes = Lanes24;
    type Constants = Box<Constants>;
    type Carried = Carried;

    #[inline(always)]
    fn constants(ref input: Span<felt252>) -> Box<Constants> {
        BoxTrait::new(
            Constants {
                exp2: unpack_table(tables::EXP2.span(), 128),
                lanes20: separate::<Lanes20>(array![weights::LANES20.span()]),
                sigmoid: unpack_table(tables::SIGMOID.span(), 256),
            },
        )
    }

    #[inline(always)]
    fn model_root(constants: Box<Constants>) -> felt252 {
        0x4d2
    }

    fn carry(
        constants: Box<Constants>,
        token: felt252,
        position: u32,
        ref caches: Array<LayerCache>,
        ref row: Array<felt252>,
        ref claims: Claims,
    ) -> Carried {
        let Constants { exp2, mut lanes20, sigmoid, .. } = constants.unbox();
        let angles = angles(tables::ROPE.span(), 1, position, 3);

        // embed
        let embed = embed(array![tables::EMBEDDING.span()], 32000, 1, token, 20, 0x10);

        // layer0
        let layer0_attention_norm = rmsnorm(embed, RmsNorm { eps: 0x7, root_scale: 0x10000, numerator: 0x478dde6e5fd, rounding: Rounding { bias: 0x802000000, offset: 0x200, divisor: 0x4000000 } });
        let layer0_q_proj = linear::<Lanes20>(ref lanes20, layer0_attention_norm, 40, 24);
        let layer0_q = requantize(rope(layer0_q_proj, angles), Rounding { bias: 0x200100000, offset: 0x1000, divisor: 0x200000 });
        let layer0_k_proj = linear::<Lanes20>(ref lanes20, layer0_attention_norm, 20, 12);
        let layer0_k = requantize_saturated(rope(layer0_k_proj, angles), Saturation { rounding: Rounding { bias: 0x200100000, offset: 0x1000, divisor: 0x200000 }, lo: 0xf81, hi: 0x107f });
        let layer0_v_proj = linear::<Lanes20>(ref lanes20, layer0_attention_norm, 20, 12);
        let layer0_v = requantize_saturated(layer0_v_proj, Saturation { rounding: Rounding { bias: 0x40040, offset: 0x800, divisor: 0x80 }, lo: 0x781, hi: 0x87f });
        let mut kv0 = caches.pop_front().unwrap();
        kv_append::<Lanes24>(ref kv0, layer0_k, layer0_v, ref row);
        let cache0 = @kv0;
        let layer0_scores = scores::<Lanes24>(layer0_q, cache0, 2);
        let layer0_softmax = softmax(layer0_scores, exp2, 0x4, 0x8);
        let layer0_mix = mix(layer0_softmax, cache0, 2, 0x4, 0x200);
        let layer0_o_proj = linear::<Lanes20>(ref lanes20, layer0_mix, 48, 20);
        let layer0_attention_out = requantize(layer0_o_proj, Rounding { bias: 0x80080, offset: 0x800, divisor: 0x100 });
        let layer0_attention_residual = add(embed, layer0_attention_out);
        let layer0_mlp_norm = rmsnorm(layer0_attention_residual, RmsNorm { eps: 0x7, root_scale: 0x10000, numerator: 0x478dde6e5fd, rounding: Rounding { bias: 0x802000000, offset: 0x200, divisor: 0x4000000 } });
        let layer0_gate_proj = linear::<Lanes20>(ref lanes20, layer0_mlp_norm, 60, 27);
        let layer0_gate = requantize_saturated(layer0_gate_proj, Saturation { rounding: Rounding { bias: 0x40004, offset: 0x8000, divisor: 0x8 }, lo: 0x7801, hi: 0x87ff });
        let layer0_up_proj = linear::<Lanes20>(ref lanes20, layer0_mlp_norm, 60, 27);
        let layer0_up = requantize_saturated(layer0_up_proj, Saturation { rounding: Rounding { bias: 0x40004, offset: 0x8000, divisor: 0x8 }, lo: 0x7801, hi: 0x87ff });
        let layer0_silu = silu(layer0_gate, sigmoid, Saturation { rounding: Rounding { bias: 0x808, offset: 0x0, divisor: 0x10 }, lo: 0x0, hi: 0xff });
        let layer0_gated = requantize_saturated(mul(layer0_silu, layer0_up), Saturation { rounding: Rounding { bias: 0x2000800000, offset: 0x2000, divisor: 0x1000000 }, lo: 0x1f01, hi: 0x20ff });
        let layer0_down_proj = linear::<Lanes20>(ref lanes20, layer0_gated, 54, 20);
        let layer0_mlp_out = requantize(layer0_down_proj, Rounding { bias: 0x80020, offset: 0x2000, divisor: 0x40 });
        let layer0_mlp_residual = add(layer0_attention_residual, layer0_mlp_out);

        // layer1
        let layer1_attention_norm = rmsnorm(layer0_mlp_residual, RmsNorm { eps: 0x7, root_scale: 0x10000, numerator: 0x478dde6e5fd, rounding: Rounding { bias: 0x802000000, offset: 0x200, divisor: 0x4000000 } });
        let layer1_q_proj = linear::<Lanes20>(ref lanes20, layer1_attention_norm, 40, 24);
        let layer1_q = requantize(rope(layer1_q_proj, angles), Rounding { bias: 0x400100000, offset: 0x2000, divisor: 0x200000 });
        let layer1_k_proj = linear::<Lanes20>(ref lanes20, layer1_attention_norm, 20, 12);
        let layer1_k = requantize_saturated(rope(layer1_k_proj, angles), Saturation { rounding: Rounding { bias: 0x200100000, offset: 0x1000, divisor: 0x200000 }, lo: 0xf81, hi: 0x107f });
        let layer1_v_proj = linear::<Lanes20>(ref lanes20, layer1_attention_norm, 20, 12);
        let layer1_v = requantize_saturated(layer1_v_proj, Saturation { rounding: Rounding { bias: 0x40040, offset: 0x800, divisor: 0x80 }, lo: 0x781, hi: 0x87f });
        let mut kv1 = caches.pop_front().unwrap();
        kv_append::<Lanes24>(ref kv1, layer1_k, layer1_v, ref row);
        caches.append(kv0);
        caches.append(kv1);
        Carried { lanes20, layer0_mlp_residual, layer1_q }
    }

    fn decide(
        constants: Box<Constants>,
        carried: Carried,
        caches: Span<LayerCache>,
        ref claims: Claims,
    ) -> felt252 {
        let Constants { exp2, sigmoid, .. } = constants.unbox();
        let Carried { mut lanes20, layer0_mlp_residual, layer1_q } = carried;
        let cache1 = caches.at(1);

        // layer1
        let layer1_scores = scores::<Lanes24>(layer1_q, cache1, 2);
        let layer1_softmax = softmax(layer1_scores, exp2, 0x4, 0x8);
        let layer1_mix = mix(layer1_softmax, cache1, 2, 0x4, 0x200);
        let layer1_o_proj = linear::<Lanes20>(ref lanes20, layer1_mix, 48, 20);
        let layer1_attention_out = requantize(layer1_o_proj, Rounding { bias: 0x80080, offset: 0x800, divisor: 0x100 });
        let layer1_attention_residual = add(layer0_mlp_residual, layer1_attention_out);
        let layer1_mlp_norm = rmsnorm(layer1_attention_residual, RmsNorm { eps: 0x7, root_scale: 0x10000, numerator: 0x478dde6e5fd, rounding: Rounding { bias: 0x802000000, offset: 0x200, divisor: 0x4000000 } });
        let layer1_gate_proj = linear::<Lanes20>(ref lanes20, layer1_mlp_norm, 60, 27);
        let layer1_gate = requantize_saturated(layer1_gate_proj, Saturation { rounding: Rounding { bias: 0x40004, offset: 0x8000, divisor: 0x8 }, lo: 0x7801, hi: 0x87ff });
        let layer1_up_proj = linear::<Lanes20>(ref lanes20, layer1_mlp_norm, 60, 27);
        let layer1_up = requantize_saturated(layer1_up_proj, Saturation { rounding: Rounding { bias: 0x40004, offset: 0x8000, divisor: 0x8 }, lo: 0x7801, hi: 0x87ff });
        let layer1_silu = silu(layer1_gate, sigmoid, Saturation { rounding: Rounding { bias: 0x808, offset: 0x0, divisor: 0x10 }, lo: 0x0, hi: 0xff });
        let layer1_gated = requantize_saturated(mul(layer1_silu, layer1_up), Saturation { rounding: Rounding { bias: 0x2000800000, offset: 0x2000, divisor: 0x1000000 }, lo: 0x1f01, hi: 0x20ff });
        let layer1_down_proj = linear::<Lanes20>(ref lanes20, layer1_gated, 54, 20);
        let layer1_mlp_out = requantize(layer1_down_proj, Rounding { bias: 0x40020, offset: 0x1000, divisor: 0x40 });
        let layer1_mlp_residual = add(layer1_attention_residual, layer1_mlp_out);

        // final
        let final_norm = rmsnorm(layer1_mlp_residual, RmsNorm { eps: 0x7, root_scale: 0x10000, numerator: 0x478dde6e5fd, rounding: Rounding { bias: 0x802000000, offset: 0x200, divisor: 0x4000000 } });
        let final_lm_head = linear::<Lanes20>(ref lanes20, final_norm, 60, 33);
        let final_token = argmax(final_lm_head);
        final_token
    }
}

/// Proves a chunk of decode steps; see `decode_kernels::chunk`.
#[executable_raw]
fn main(input: Span<felt252>, ref output: Array<felt252>) {
    run_chunk::<Step>(input, ref output);
}
