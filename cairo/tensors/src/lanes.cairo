//! The lanes of a chunk: which token each consumes, and which it brings.
//!
//! The view of the tokens has in each lane, in this order: the token that it consumes, its listed choice, and the token
//! that it chooses. The listed choice is the chosen token and 1, or 0 where the prompt gives the next token. Lanes from the
//! number of steps on decide nothing and are not read.

use crate::calls::cells;
use crate::digest::eightfold;

/// The lanes whose next token the prompt gives: all before `forced`. The first one consumes `token`; returns what the last one
/// brings. Each next token is the next felt of the input, behind its lane's view.
#[inline(never)]
pub fn forced_lanes(
    view: felt252, token: felt252, forced: felt252, ref input: Span<felt252>,
) -> felt252 {
    let mut token = token;
    let mut lane = 0;
    while lane != forced {
        let [given, listed, _, _, _, _, _, _] = cells(view, lane, ref input);
        assert(given == token, 'token of a lane');
        assert(listed == 0, 'a forced token is listed');
        token = *input.pop_front().unwrap();
        lane += 1;
    }
    token
}

/// The lanes from `lane` to before `steps`, one at least, whose next token is the one that they choose. The first one consumes
/// `token`; returns what the last one chooses. No lane consumes the end of sequence that the one before has chosen.
#[inline(never)]
pub fn choosing_lanes(
    view: felt252,
    token: felt252,
    lane: felt252,
    steps: felt252,
    eos: felt252,
    ref input: Span<felt252>,
) -> felt252 {
    let mut token = token;
    let mut lane = lane;
    loop {
        let [given, listed, chosen, _, _, _, _, _] = cells(view, lane, ref input);
        assert(given == token, 'token of a lane');
        assert(listed == chosen + 1, 'listed choice');
        token = chosen;
        lane += 1;
        if lane == steps {
            break;
        }
        assert(listed != eos, 'step after eos');
    }
    token
}

/// The carried positions in blocks of `lanes`: how many blocks, and the keys in the last one, `lanes` if there is none. Both
/// are the next felts of the input.
#[inline(never)]
pub fn carried(position: felt252, lanes: u32, ref input: Span<felt252>) -> (felt252, felt252) {
    let [blocks, keys] = (*input.multi_pop_front::<2>().unwrap()).unbox();
    // Both are small, so that the sum below has one solution.
    let _: u32 = blocks.try_into().unwrap();
    let behind: u32 = (keys - 1).try_into().unwrap();
    assert(behind < lanes, 'keys of the last block');
    let mut size = 8;
    let mut all = eightfold(blocks);
    while size != lanes {
        size += size;
        all += all;
    }
    assert(position + lanes.into() == all + keys, 'carried blocks');
    (blocks, keys)
}
