//! The chunk protocol: one proof of `steps` consecutive decode steps.
//!
//! Input: chain, verifier, session, eos, prompt root, prompt length, steps, then the frontier in
//! (position, last token, KV root, tokens root), then the packed keys and values of every carried
//! position, then the model's words if the program does not hold them, then one token for each step whose
//! next token is given by the prompt.
//!
//! Output: the statement's encoding, 21 felts, in the order of `docs/spec.md`.

use crate::bytes::{pack_int8, unpack_int8};
use crate::claims::{Claims, challenge, check_claims, no_claims};
use crate::kv::{LayerCache, append_position, empty_cache, take};
use crate::linear::Lanes;
use crate::roots::{fold_kv, fold_token};

/// Version of the statement's encoding whose model root is a constant. In every other one it is of words that the
/// program reads.
const MODEL_IN_PROGRAM: felt252 = 1;
/// Policy kind: greedy choice.
const GREEDY: felt252 = 0;
/// Boundary kind: between two tokens.
const TOKEN_BOUNDARY: felt252 = 0;

/// What the next step inherits.
#[derive(Drop, Copy)]
pub struct Frontier {
    pub position: u32,
    pub token: felt252,
    pub kv_root: felt252,
    pub tokens_root: felt252,
}

/// What a generated package provides.
pub trait Model {
    /// Version of the integer semantics.
    const SPEC_VERSION: felt252;
    /// Version of the statement's encoding: it says where the model root comes from.
    const STATEMENT_VERSION: felt252;
    const LAYERS: felt252;
    const KV_HEADS: u32;
    const HEAD_DIM: u32;
    /// Products that `carry` claims, and that `decide` claims.
    const CARRY_CLAIMS: u32;
    const DECIDE_CLAIMS: u32;
    /// Packed words that a position appends to the cache.
    const KV_WORDS: u32;
    /// The lanes that carried keys are packed in.
    impl KeyLanes: Lanes;
    /// Weights and tables, ready to compute with.
    type Constants;
    /// What `carry` hands to `decide`.
    type Carried;
    /// Unpacks the weights and tables, once per chunk; takes from the input what the program does not hold.
    fn constants(ref input: Span<felt252>) -> Self::Constants;
    /// Identity of the quantised model.
    fn model_root(constants: Self::Constants) -> felt252;
    /// The part of a step that everything later depends on: computes the step's keys and values of
    /// every layer, appends them to the caches, and records them in `row`.
    fn carry(
        constants: Self::Constants,
        token: felt252,
        position: u32,
        ref caches: Array<LayerCache>,
        ref row: Array<felt252>,
        ref claims: Claims,
    ) -> Self::Carried;
    /// The rest of the step: the policy's token. Not run where the prompt gives the next token.
    fn decide(
        constants: Self::Constants,
        carried: Self::Carried,
        caches: Span<LayerCache>,
        ref claims: Claims,
    ) -> felt252;
}

/// Runs a chunk: checks the frontier's KV root against the carried data, runs the steps, appends
/// the statement to `output`.
///
/// Panics if anything does not hold; a proof exists only for a run that does not panic.
pub fn run_chunk<impl M: Model, +Drop<M::Carried>, +Copy<M::Constants>, +Drop<M::Constants>>(
    mut input: Span<felt252>, ref output: Array<felt252>,
) {
    let [chain, verifier, session, eos, prompt_root, prompt_length, steps] = (*input
        .multi_pop_front::<7>()
        .unwrap())
        .unbox();
    let [position, token, kv_root, tokens_root] = (*input.multi_pop_front::<4>().unwrap()).unbox();
    let prompt_len: u32 = prompt_length.try_into().unwrap();
    let first = Frontier { position: position.try_into().unwrap(), token, kv_root, tokens_root };
    assert(steps != 0, 'no steps');
    assert(prompt_len != 0, 'no prompt');
    // A session starts at the first token of its pinned prompt.
    if first.position == 0 {
        assert(tokens_root == fold_token(0, token), 'first token');
        if prompt_len == 1 {
            assert(tokens_root == prompt_root, 'prompt root');
        }
    }

    // 1. The carried data is what the frontier's KV root says.
    let mut caches = carried_caches::<M>(ref input, first);

    // 2. The steps, each from the frontier that the one before it left.
    let constants = M::constants(ref input);
    let mut frontier = first;
    let mut emitted_root = 0;
    let mut carry_claims = no_claims();
    let mut decide_claims = no_claims();
    // Every step adds 1 to a 32-bit position, which cannot overflow: `steps` is the number of them.
    let mut left = steps;
    while left != 0 {
        left -= 1;
        let next = frontier.position + 1;
        // Nothing follows an end of sequence that the model itself chose.
        if next > prompt_len {
            assert(frontier.token + 1 != eos, 'step after eos');
        }
        let mut row = array![];
        let carried = M::carry(
            constants, frontier.token, frontier.position, ref caches, ref row, ref carry_claims,
        );
        let kv_root = fold_kv(frontier.kv_root, pack_int8(row.span()).span());
        let token = if next < prompt_len {
            *input.pop_front().unwrap()
        } else {
            let token = M::decide(constants, carried, caches.span(), ref decide_claims);
            emitted_root = fold_token(emitted_root, token);
            token
        };
        let tokens_root = fold_token(frontier.tokens_root, token);
        // 3. Where the prompt ends, its tokens are the pinned ones.
        if next + 1 == prompt_len {
            assert(tokens_root == prompt_root, 'prompt root');
        }
        frontier = Frontier { position: next, token, kv_root, tokens_root };
    }
    assert(input.is_empty(), 'input left over');

    // 4. The claimed products.
    if M::CARRY_CLAIMS + M::DECIDE_CLAIMS != 0 {
        let mut context = array![prompt_length, steps];
        append_frontier(first, ref context);
        append_frontier(frontier, ref context);
        if M::STATEMENT_VERSION != MODEL_IN_PROGRAM {
            context.append(M::model_root(constants));
        }
        let challenge = challenge(context, @carry_claims, @decide_claims);
        check_claims(carry_claims.claims.span(), M::CARRY_CLAIMS, challenge);
        check_claims(decide_claims.claims.span(), M::DECIDE_CLAIMS, challenge);
    }

    // 5. The statement.
    output.append(M::STATEMENT_VERSION);
    output.append(M::SPEC_VERSION);
    output.append(chain);
    output.append(verifier);
    output.append(session);
    output.append(M::model_root(constants));
    output.append(GREEDY);
    output.append(eos);
    output.append(TOKEN_BOUNDARY);
    output.append(prompt_root);
    output.append(prompt_length);
    output.append(steps);
    append_frontier(first, ref output);
    append_frontier(frontier, ref output);
    output.append(emitted_root);
}

/// Caches of all carried positions, and the check that the frontier's KV root binds them.
#[inline(never)]
fn carried_caches<impl M: Model>(
    ref input: Span<felt252>, frontier: Frontier,
) -> Array<LayerCache> {
    let mut caches = array![];
    let mut left = M::LAYERS;
    while left != 0 {
        left -= 1;
        caches.append(empty_cache(M::KV_HEADS.into(), M::HEAD_DIM));
    }
    let kv_dim = M::KV_HEADS * M::HEAD_DIM;
    let mut root = 0;
    let mut left: felt252 = frontier.position.into();
    while left != 0 {
        left -= 1;
        let words = take(ref input, M::KV_WORDS);
        root = fold_kv(root, words);
        let mut values = array![];
        unpack_int8(words, ref values);
        let mut values = values.span();
        let mut appended = array![];
        while let Some(cache) = caches.pop_front() {
            let mut cache = cache;
            let k = take(ref values, kv_dim);
            append_position::<M::KeyLanes>(ref cache, k, take(ref values, kv_dim));
            appended.append(cache);
        }
        caches = appended;
    }
    assert(root == frontier.kv_root, 'kv root');
    caches
}

fn append_frontier(frontier: Frontier, ref output: Array<felt252>) {
    output.append(frontier.position.into());
    output.append(frontier.token);
    output.append(frontier.kv_root);
    output.append(frontier.tokens_root);
}
