//! The operations of the model `example`, in their order. Generated; do not edit.

use decode_tensors::calls::{call_3, call_4};
use decode_tensors::chunk::{Model, Roots, Views, roots, run_chunk};
use decode_tensors::digest::digest;

/// The operations of layer 0.
#[inline(never)]
fn layer_0() {
    call_3(2, 16, 32); // function
    call_3(3, 32, 48); // linear
    call_4(4, 48, 56, 16); // residual
}

/// The operations of layer 1.
#[inline(never)]
fn layer_1() {
    call_3(5, 56, 72); // gated
    call_4(6, 72, 80, 56); // residual
}

impl Step of Model {
    const SPEC_VERSION: felt252 = 2;
    const MODEL_ROOT: felt252 = 0xabc;
    const LANES: u32 = 8;
    const CONTEXT: u32 = 1048576;
    const TOKENS: felt252 = 0;

    #[inline(always)]
    fn operations(position: felt252, ref input: Span<felt252>) {
        let _ = position; // no operation depends on it
        call_3(1, 0, 16); // embed
        layer_0();
        layer_1();
        call_4(7, 80, 8, 2); // head
    }

    fn before(ref input: Span<felt252>) -> Roots {
        roots(Views { kv: 320, tokens: 328, chosen: 336 }, 0, ref input)
    }

    fn after(lane: felt252, ref input: Span<felt252>) -> Roots {
        roots(Views { kv: 344, tokens: 352, chosen: 360 }, lane, ref input)
    }

    fn tokens_after(lane: felt252, ref input: Span<felt252>) -> felt252 {
        digest(352, lane, ref input)
    }
}

/// Proves a chunk of decode steps; see `decode_tensors::chunk`.
#[executable_raw]
fn main(input: Span<felt252>, ref output: Array<felt252>) {
    run_chunk::<Step>(input, ref output);
}
