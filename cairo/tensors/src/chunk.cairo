//! The chunk protocol: header, operations, lanes, roots, statement 3. The rules are in `docs/spec.md`.

use crate::digest::digest;
use crate::lanes::{choosing_lanes, forced_lanes};

/// Version of the statement's encoding.
const VERSION: felt252 = 3;
/// The policy that chooses the largest logit, the lowest token of equal ones.
const GREEDY: felt252 = 0;
/// A boundary between two tokens.
const TOKEN_BOUNDARY: felt252 = 0;
/// The root of nothing.
const EMPTY: felt252 = 0;

/// The roots of what a frontier carries.
#[derive(Drop, Copy)]
pub struct Roots {
    /// Of the records of keys and values, of all positions before the frontier's.
    pub kv: felt252,
    /// Of the tokens before the frontier's.
    pub tokens: felt252,
    /// Of the listed choices at those positions; see `lanes`.
    pub chosen: felt252,
}

/// What the next step inherits.
#[derive(Drop, Copy)]
pub struct Frontier {
    pub position: felt252,
    pub token: felt252,
    pub roots: Roots,
}

/// What a generated package provides.
pub trait Model {
    /// Version of the integer semantics.
    const SPEC_VERSION: felt252;
    /// Identity of the quantised model.
    const MODEL_ROOT: felt252;
    /// Steps that a chunk has at most.
    const LANES: u32;
    /// Positions that a session has at most.
    const CONTEXT: u32;
    /// Address of the view of tokens; see `lanes`.
    const TOKENS: felt252;
    /// Calls each operation once. `position` is the first lane's.
    fn operations(position: felt252, ref input: Span<felt252>);
    /// The roots before the first lane.
    fn before(ref input: Span<felt252>) -> Roots;
    /// The roots after a lane.
    fn after(lane: felt252, ref input: Span<felt252>) -> Roots;
    /// The root of tokens after a lane.
    fn tokens_after(lane: felt252, ref input: Span<felt252>) -> felt252;
}

/// Addresses of the views of a chunk's roots.
#[derive(Drop, Copy)]
pub struct Views {
    pub kv: felt252,
    pub tokens: felt252,
    pub chosen: felt252,
}

/// The roots in three views, in a lane.
pub fn roots(views: Views, lane: felt252, ref input: Span<felt252>) -> Roots {
    let kv = digest(views.kv, lane, ref input);
    let tokens = digest(views.tokens, lane, ref input);
    let chosen = digest(views.chosen, lane, ref input);
    Roots { kv, tokens, chosen }
}

/// The roots of a program whose operations make none: it states 0, and nothing is bound by them.
pub fn no_roots(lane: felt252) -> Roots {
    Roots { kv: EMPTY, tokens: no_root(lane), chosen: EMPTY }
}

/// One of these roots.
pub fn no_root(_lane: felt252) -> felt252 {
    EMPTY
}

/// Proves a chunk: all operations are called, the tokens and roots of the tensor memory are those of the statement, which is
/// appended to `output`.
///
/// Panics if anything does not hold; a proof exists only for a run that does not panic.
pub fn run_chunk<impl M: Model>(mut input: Span<felt252>, ref output: Array<felt252>) {
    // 1. The header.
    let [chain, verifier, session, eos, prompt_root, prompt_length, steps] = (*input
        .multi_pop_front::<7>()
        .unwrap())
        .unbox();
    let [position, token, kv, tokens, chosen] = (*input.multi_pop_front::<5>().unwrap()).unbox();
    let first = Frontier { position, token, roots: Roots { kv, tokens, chosen } };
    let count: u32 = steps.try_into().unwrap();
    let length: u32 = prompt_length.try_into().unwrap();
    let at: u32 = position.try_into().unwrap();
    assert(count != 0, 'no steps');
    assert(count <= M::LANES, 'more steps than lanes');
    assert(at + count <= M::CONTEXT, 'beyond the context');
    assert(length != 0, 'no prompt');
    // A session starts with nothing carried.
    if at == 0 {
        assert(kv == EMPTY, 'kv root at the start');
        assert(tokens == EMPTY, 'tokens root at the start');
        assert(chosen == EMPTY, 'chosen root at the start');
    }

    // 2. The operations, for all lanes at once.
    M::operations(position, ref input);

    // 3. The lanes: each consumes the token that the one before brings. The prompt gives the next token of those before its
    // last token's.
    let left = if at < length {
        length - at - 1
    } else {
        assert(token + 1 != eos, 'step after eos');
        0
    };
    let forced = if left < count {
        left
    } else {
        count
    };
    let lane: felt252 = forced.into();
    let mut last = forced_lanes(M::TOKENS, token, lane, ref input);
    if lane != steps {
        last = choosing_lanes(M::TOKENS, last, lane, steps, eos, ref input);
        // The prompt ends with the token of the first lane that chooses.
        if at < length {
            assert(M::tokens_after(lane, ref input) == prompt_root, 'prompt root');
        }
    }

    // 4. The roots.
    let before = M::before(ref input);
    assert(before.kv == kv, 'kv root');
    assert(before.tokens == tokens, 'tokens root');
    assert(before.chosen == chosen, 'chosen root');
    let after = M::after(steps - 1, ref input);
    assert(input.is_empty(), 'input left over');

    // 5. The statement.
    output.append(VERSION);
    output.append(M::SPEC_VERSION);
    output.append(chain);
    output.append(verifier);
    output.append(session);
    output.append(M::MODEL_ROOT);
    output.append(GREEDY);
    output.append(eos);
    output.append(TOKEN_BOUNDARY);
    output.append(prompt_root);
    output.append(prompt_length);
    output.append(steps);
    append_frontier(first, ref output);
    append_frontier(Frontier { position: position + steps, token: last, roots: after }, ref output);
}

fn append_frontier(frontier: Frontier, ref output: Array<felt252>) {
    output.append(frontier.position);
    output.append(frontier.token);
    output.append(frontier.roots.kv);
    output.append(frontier.roots.tokens);
    output.append(frontier.roots.chosen);
}
