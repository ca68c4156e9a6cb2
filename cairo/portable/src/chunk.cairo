//! The chunk protocol: header, carried records, steps, statement 3. The rules are in `docs/spec.md`.

use crate::digest::{Digest, EMPTY, pack, unpack};
use crate::rounding::check_bits;
use crate::{record, token_chain};

/// Version of the statement's encoding.
const VERSION: felt252 = 3;
/// The policy that chooses the largest logit, the lowest token of equal ones.
const GREEDY: felt252 = 0;
/// A boundary between two tokens.
const TOKEN_BOUNDARY: felt252 = 0;
/// The root of nothing.
const NOTHING: felt252 = 0;

/// What a program is given for a chunk. All of it is the choice of who runs it.
#[derive(Drop, Serde)]
pub struct Chunk {
    pub chain: felt252,
    pub verifier: felt252,
    pub session: felt252,
    /// The token that ends a session and 1, or 0.
    pub eos: felt252,
    pub prompt_root: felt252,
    pub prompt_length: u32,
    pub steps: u32,
    pub first: Frontier,
    /// The tokens that the prompt gives behind the first one.
    pub forced: Array<u32>,
    /// Records of the positions before, one after the other.
    pub carried: Array<i16>,
}

/// What the next step inherits.
#[derive(Copy, Drop, Serde)]
pub struct Frontier {
    pub position: u32,
    /// The token at this position, not consumed yet.
    pub token: u32,
    /// Of the records of all positions before.
    pub kv_root: felt252,
    /// Of the tokens before.
    pub tokens_root: felt252,
    /// Of the listed choices at the positions before.
    pub chosen_root: felt252,
}

/// What a run states, and its output.
#[derive(Drop, Serde)]
pub struct Statement {
    pub version: felt252,
    pub spec_version: felt252,
    pub chain: felt252,
    pub verifier: felt252,
    pub session: felt252,
    pub model_root: felt252,
    pub policy: felt252,
    pub eos: felt252,
    pub boundary: felt252,
    pub prompt_root: felt252,
    pub prompt_length: u32,
    pub steps: u32,
    pub frontier_in: Frontier,
    pub frontier_out: Frontier,
}

/// Keys or values of a layer, as a part of a position's record.
#[derive(Copy, Drop)]
pub struct Part {
    pub channels: u32,
    /// Bits of a number, sign included.
    pub bits: u32,
}

/// What a generated package provides.
pub trait Model {
    /// Version of the integer semantics.
    const SPEC_VERSION: felt252;
    /// Identity of the quantised model.
    const MODEL_ROOT: felt252;
    /// Steps that a chunk has at most.
    const STEPS: u32;
    /// Positions that a session has at most.
    const CONTEXT: u32;
    /// Numbers of an element that is hashed.
    const PACKED: u32;
    /// The parts of a position's record.
    fn record() -> Span<Part>;
    /// Takes in a token: what the choice of the next one is made from, and the position's record. `carried` are the records of
    /// the positions before.
    fn step(
        token: u32, position: u32, carried: Span<Span<i64>>,
    ) -> (Span<i64>, Span<i64>);
    /// The next token.
    fn choose(x: Span<i64>) -> u32;
}

/// The roots' digests.
#[derive(Copy, Drop)]
struct Chains {
    kv: Digest,
    tokens: Digest,
    chosen: Digest,
}

/// Runs a chunk.
///
/// Panics if anything does not hold.
pub fn run_chunk<impl M: Model>(chunk: Chunk) -> Statement {
    // 1. The header.
    let Chunk { first, steps, prompt_length, eos, .. } = @chunk;
    let (first, steps, prompt_length, eos) = (*first, *steps, *prompt_length, *eos);
    assert(steps != 0, 'no steps');
    assert(steps <= M::STEPS, 'too many steps');
    let end = first.position + steps;
    assert(end <= M::CONTEXT, 'beyond the context');
    assert(prompt_length != 0, 'no prompt');
    // A session starts with nothing carried.
    if first.position == 0 {
        assert(first.kv_root == NOTHING, 'kv root at the start');
        assert(first.tokens_root == NOTHING, 'tokens root at the start');
        assert(first.chosen_root == NOTHING, 'chosen root at the start');
    }

    // 2. What is carried has the roots that the frontier says.
    let (mut records, kv) = carried::<M>(first.position, chunk.carried.span());
    assert(pack(kv) == first.kv_root, 'kv root');
    let mut chains = Chains {
        kv, tokens: unpack(first.tokens_root), chosen: unpack(first.chosen_root),
    };

    // 3. The steps. The prompt gives the next token of those before its last token's.
    let mut forced = chunk.forced.span();
    let mut position = first.position;
    let mut token = first.token;
    while position != end {
        if position >= prompt_length {
            assert(token.into() + 1 != eos, 'step after eos');
        }
        let (x, record) = M::step(token, position, records.span());
        chains.kv = record::append(chains.kv, record, M::PACKED);
        chains.tokens = token_chain::append(chains.tokens, token.into());
        records.append(record);
        position += 1;
        let listed = if position < prompt_length {
            token = *forced.pop_front().expect('a forced token is missing');
            0
        } else {
            // The prompt ends with the token of the first step that chooses.
            if position == prompt_length {
                assert(pack(chains.tokens) == chunk.prompt_root, 'prompt root');
            }
            token = M::choose(x);
            token.into() + 1
        };
        chains.chosen = token_chain::append(chains.chosen, listed);
    }
    assert(forced.is_empty(), 'forced tokens left over');

    // 4. The statement.
    let frontier_out = Frontier {
        position,
        token,
        kv_root: pack(chains.kv),
        tokens_root: pack(chains.tokens),
        chosen_root: pack(chains.chosen),
    };
    Statement {
        version: VERSION,
        spec_version: M::SPEC_VERSION,
        chain: chunk.chain,
        verifier: chunk.verifier,
        session: chunk.session,
        model_root: M::MODEL_ROOT,
        policy: GREEDY,
        eos,
        boundary: TOKEN_BOUNDARY,
        prompt_root: chunk.prompt_root,
        prompt_length,
        steps,
        frontier_in: first,
        frontier_out,
    }
}

/// The carried records, each number with its bits, and their root.
fn carried<impl M: Model>(positions: u32, mut numbers: Span<i16>) -> (Array<Span<i64>>, Digest) {
    let mut records = array![];
    let mut root = EMPTY;
    for _ in 0..positions {
        let mut record = array![];
        for part in M::record() {
            let mut own = array![];
            for _ in 0..*part.channels {
                let number = *numbers.pop_front().expect('a carried number is missing');
                own.append(number.into());
            }
            check_bits(own.span(), *part.bits);
            record.append_span(own.span());
        }
        root = record::append(root, record.span(), M::PACKED);
        records.append(record.span());
    }
    assert(numbers.is_empty(), 'carried numbers left over');
    (records, root)
}
