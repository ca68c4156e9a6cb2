//! What the program refuses: an input of which any part is another one, and headers that break a rule of the statement.

use cairo_decode::portable::{Decoded, Session, run};
use cairo_decode::trace;
use cairo_decode::verify::statement::Domain;
use starknet_types_core::felt::Felt;

use crate::statements::SMALLEST;
use crate::twins::{CONTEXT, ID, LANES, Twins};

/// Places in the input.
const EOS: usize = 3;
const PROMPT_ROOT: usize = 4;
const PROMPT_LENGTH: usize = 5;
const STEPS: usize = 6;
const POSITION: usize = 7;
const TOKEN: usize = 8;
const KV_ROOT: usize = 9;
const TOKENS_ROOT: usize = 10;
const CHOSEN_ROOT: usize = 11;
const FORCED: usize = 12;

const PROMPT: [u32; 5] = [5, 2, 7, 1, 3];

struct Attack<'a> {
    twins: &'a Twins,
    input: Vec<Felt>,
}

impl Attack<'_> {
    fn run(&self, change: impl Fn(&mut Vec<Felt>)) -> bool {
        let mut input = self.input.clone();
        change(&mut input);
        assert_ne!(input, self.input, "nothing is changed");
        trace::run(&self.twins.program, &input, None).is_ok()
    }

    fn refuses(&self, what: &str, change: impl Fn(&mut Vec<Felt>)) {
        assert!(!self.run(change), "accepted: {what}");
    }
}

/// The chunk of so many steps behind so many.
fn chunk<'a>(twins: &'a Twins, before: u32, steps: u32) -> Decoded<'a> {
    let start = Session::new(&twins.portable, Domain::local(), ID, PROMPT.to_vec());
    let start = start.expect("a prompt");
    let session = match before {
        0 => start,
        _ => start.decode(before).expect("a chunk").next,
    };
    session.decode(steps).expect("a chunk")
}

#[test]
fn another_input_is_refused() {
    let twins = &*SMALLEST;
    // Positions 2 to 4: two steps of the prompt, and one that chooses.
    let decoded = chunk(twins, 2, 3);
    run(&twins.program, &decoded).expect("an honest run");
    let input = decoded.input;
    let attack = Attack { twins, input };
    let forced = FORCED + 1;
    let carried = FORCED + 3;
    assert_eq!(attack.input[FORCED], Felt::from(2));
    for (what, place) in [
        ("a forced token", forced),
        ("the last forced token", forced + 1),
        ("a carried key", carried + 1),
        (
            "a carried value of the last position",
            attack.input.len() - 1,
        ),
        ("the root of keys and values", KV_ROOT),
        ("the root of tokens", TOKENS_ROOT),
        ("the root of the prompt", PROMPT_ROOT),
        ("the frontier's token", TOKEN),
        ("the prompt's length", PROMPT_LENGTH),
        ("the position", POSITION),
    ] {
        attack.refuses(what, |input| input[place] += Felt::ONE);
    }
    attack.refuses("a root that is no digest", |input| {
        input[CHOSEN_ROOT] = Felt::TWO.pow(250u32);
    });
    attack.refuses("an input that goes on", |input| input.push(Felt::ZERO));
    attack.refuses("an input that ends before", |input| {
        input.pop();
    });
    attack.refuses("records in another order", |input| {
        let (first, second) = (carried + 1, (input.len() - carried - 1) / 2);
        input[first..].rotate_left(second);
    });
    attack.refuses("a carried number of too many bits", |input| {
        input[carried + 1] = Felt::from(1 << 15);
    });
    for (what, place, value) in [
        ("no steps", STEPS, Felt::ZERO),
        ("fewer steps than forced tokens", STEPS, Felt::ONE),
        ("more steps than a chunk has", STEPS, Felt::from(LANES + 1)),
        ("no prompt", PROMPT_LENGTH, Felt::ZERO),
        (
            "a position beyond the context",
            POSITION,
            Felt::from(CONTEXT),
        ),
        ("a position that wraps", POSITION, Felt::from(u32::MAX)),
        ("a token beyond the vocabulary", TOKEN, Felt::from(1000)),
        ("a negative token", TOKEN, -Felt::ONE),
        ("a negative number of steps", STEPS, -Felt::ONE),
    ] {
        attack.refuses(what, |input| input[place] = value);
    }
    // What no rule of a chunk binds is stated as it was given: the root of choices is another frontier's, and a chain goes on from it.
    for place in [0, 1, 2, EOS, CHOSEN_ROOT] {
        assert!(attack.run(|input| input[place] += Felt::ONE), "{place}");
    }
}

/// Nothing is carried into a session's first chunk.
#[test]
fn a_session_starts_with_nothing() {
    let twins = &*SMALLEST;
    let decoded = chunk(twins, 0, 2);
    run(&twins.program, &decoded).expect("an honest run");
    let attack = Attack {
        twins,
        input: decoded.input,
    };
    for place in [KV_ROOT, TOKENS_ROOT, CHOSEN_ROOT] {
        attack.refuses("a root at the start", |input| input[place] = Felt::ONE);
    }
}

/// No step follows the token that ends a session, if the model has chosen it; in a prompt it is a token like others.
#[test]
fn nothing_follows_the_end() {
    let twins = &*SMALLEST;
    for (before, steps, refused) in [
        // The frontier's token is a choice.
        (6, 1, true),
        // It is the prompt's.
        (3, 1, false),
    ] {
        let decoded = chunk(twins, before, steps);
        let token = decoded.statement.frontier_in.last_token;
        let attack = Attack {
            twins,
            input: decoded.input,
        };
        let accepted = attack.run(|input| input[EOS] = Felt::from(token + 1));
        assert_eq!(accepted, !refused, "behind {before} steps");
    }
    // A choice within the chunk.
    let decoded = chunk(twins, 4, 3);
    let first = decoded.emitted[0];
    let attack = Attack {
        twins,
        input: decoded.input,
    };
    attack.refuses("a step behind the end", |input| {
        input[EOS] = Felt::from(first + 1);
    });
}
