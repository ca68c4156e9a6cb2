//! Attacks on the roots of a receipt's tokens and choices.

use cairo_decode::spec::poseidon2::P;
use cairo_decode::verify::statement::{ChosenRoot, TokensRoot};
use starknet_types_core::felt::Felt;

use crate::fixtures::{chain, repair_roots};
use crate::receipt_attacks::{Attack, proven};

/// Check, attack.
pub const ROOT_ATTACKS: [Attack; 6] = [
    (
        "listed choices lead to chosen_root",
        "a chosen_root of other choices, from another program",
        |c| {
            let before = c.receipt.statement.frontier_in.chosen_root.0;
            c.receipt.statement.frontier_out.chosen_root = ChosenRoot(chain(before, &[1, 2]));
            proven(c);
        },
    ),
    (
        "listed choices lead to chosen_root",
        "a chosen_root before the chunk that packs no digest, from another program",
        |c| {
            c.receipt.statement.frontier_in.chosen_root = ChosenRoot(-Felt::ONE);
            proven(c);
        },
    ),
    (
        "listed choices lead to chosen_root",
        "a chosen token listed as itself and the size of the chain's field",
        |c| {
            c.receipt.emitted_tokens[0] += P;
        },
    ),
    (
        "all tokens lead to tokens_root",
        "tokens that do not follow the frontier's, from another program",
        |c| {
            c.receipt.statement.frontier_in.tokens_root = TokensRoot(Felt::ONE);
            repair_roots(&mut c.receipt);
            c.receipt.statement.frontier_in.tokens_root = TokensRoot(Felt::TWO);
            proven(c);
        },
    ),
    (
        "all tokens lead to tokens_root",
        "a tokens_root that has the frontier's last token already, from another program",
        |c| {
            let root = c.receipt.statement.frontier_in.tokens_root.0;
            let tokens: Vec<u32> = c.receipt.tokens().collect();
            let root = chain(root, &tokens);
            c.receipt.statement.frontier_out.tokens_root = TokensRoot(root);
            proven(c);
        },
    ),
    (
        "all tokens lead to tokens_root",
        "a tokens_root before the chunk that packs no digest, from another program",
        |c| {
            c.receipt.statement.frontier_in.tokens_root = TokensRoot(-Felt::ONE);
            proven(c);
        },
    ),
];
