//! Attacks on one receipt that only one type of statement has: its version, the felts of its frontiers, its roots of tokens.

use cairo_decode::spec::poseidon2::P;
use cairo_decode::spec::roots::{fold_tokens, fold_tokens_onto};
use cairo_decode::verify::statement::{
    COMMITTED_STATEMENT_VERSION, ChosenRoot, Statement, TokensRoot, v3,
};
use starknet_types_core::felt::Felt;

use crate::receipt_attacks::{Attack, expect, other_output, proven};
use crate::toy::{Toy, chain, repair_roots};

pub trait Attacked: Toy {
    /// On the statement's form.
    const FORM: &'static [Attack<Self>];
    /// On the version that the verifier accepts.
    const VERSION_ATTACK: Attack<Self>;
    /// On the felts of the output behind the first frontier's tokens root.
    const OUTPUT: &'static [Attack<Self>];
    /// On the roots of tokens.
    const ROOTS: &'static [Attack<Self>];
}

impl Attacked for Statement {
    const FORM: &'static [Attack<Self>] = &[(
        "version",
        "a statement of version 3, and its manifest",
        |c| {
            c.receipt.statement.version = 3;
            expect(c, |m| m.statement_version = 3);
            proven(c);
        },
    )];
    const VERSION_ATTACK: Attack<Self> = (
        "accepted version",
        "the model's root as that of committed weights",
        |c| {
            c.receipt.statement.version = COMMITTED_STATEMENT_VERSION;
            proven(c);
        },
    );
    const OUTPUT: &'static [Attack<Self>] = &[
        (
            "statement.frontier_out.position",
            "a proof to another position",
            other_output::<Self, 16>,
        ),
        (
            "statement.frontier_out.last_token",
            "a proof to another token",
            other_output::<Self, 17>,
        ),
        (
            "statement.frontier_out.kv_root",
            "a proof to other keys and values",
            other_output::<Self, 18>,
        ),
        (
            "statement.frontier_out.tokens_root",
            "a proof to other tokens",
            other_output::<Self, 19>,
        ),
        (
            "statement.emitted_root",
            "a proof of other chosen tokens",
            other_output::<Self, 20>,
        ),
    ];
    const ROOTS: &'static [Attack<Self>] = &[
        (
            "emitted tokens fold to emitted_root",
            "an emitted_root of other tokens, from another program",
            |c| {
                c.receipt.statement.emitted_root = TokensRoot(fold_tokens([1, 2]));
                proven(c);
            },
        ),
        (
            "all tokens lead to tokens_root",
            "tokens that do not follow the frontier's, from another program",
            |c| {
                let root = fold_tokens_onto(Felt::ONE, c.receipt.tokens());
                c.receipt.statement.frontier_out.tokens_root = TokensRoot(root);
                proven(c);
            },
        ),
    ];
}

impl Attacked for v3::Statement {
    const FORM: &'static [Attack<Self>] = &[];
    const VERSION_ATTACK: Attack<Self> = (
        "accepted version",
        "a manifest of statements of another version",
        |c| expect(c, |m| m.statement_version = COMMITTED_STATEMENT_VERSION),
    );
    const OUTPUT: &'static [Attack<Self>] = &[
        (
            "statement.frontier_in.chosen_root",
            "a proof from other choices",
            other_output::<Self, 16>,
        ),
        (
            "statement.frontier_out.position",
            "a proof to another position",
            other_output::<Self, 17>,
        ),
        (
            "statement.frontier_out.last_token",
            "a proof to another token",
            other_output::<Self, 18>,
        ),
        (
            "statement.frontier_out.kv_root",
            "a proof to other keys and values",
            other_output::<Self, 19>,
        ),
        (
            "statement.frontier_out.tokens_root",
            "a proof to other tokens",
            other_output::<Self, 20>,
        ),
        (
            "statement.frontier_out.chosen_root",
            "a proof to other choices",
            other_output::<Self, 21>,
        ),
    ];
    const ROOTS: &'static [Attack<Self>] = &[
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
}
