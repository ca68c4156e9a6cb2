//! What the tests' sessions and attacks need of a statement, for each type of statement that receipts are about.

use cairo_decode::receipt::{ReceiptOf, Stated};
use cairo_decode::spec::roots::{fold_tokens, fold_tokens_onto, prompt_root};
use cairo_decode::spec::{SPEC_VERSION, TENSOR_SPEC_VERSION};
use cairo_decode::verify::statement::v3::{self, extended};
use cairo_decode::verify::statement::{
    BoundaryKind, ChosenRoot, Domain, Frontier, KvRoot, ModelRoot, Policy, ProgramHash,
    STATEMENT_VERSION, SessionId, Statement, TokensRoot,
};
use starknet_types_core::felt::Felt;

use crate::fixtures::{Recipe, manifest};

/// What every statement says.
pub struct Parts<'a, F> {
    pub spec_version: &'a mut u32,
    pub domain: &'a mut Domain,
    pub session_id: &'a mut SessionId,
    pub model_root: &'a mut ModelRoot,
    pub program_hash: &'a mut ProgramHash,
    pub policy: &'a mut Policy,
    pub prompt_root: &'a mut TokensRoot,
    pub prompt_length: &'a mut u32,
    pub steps: &'a mut u32,
    pub frontier_in: &'a mut F,
    pub frontier_out: &'a mut F,
}

/// What every frontier says.
pub struct FrontierParts<'a> {
    pub position: &'a mut u32,
    pub last_token: &'a mut u32,
    pub kv_root: &'a mut KvRoot,
    pub tokens_root: &'a mut TokensRoot,
}

/// A type of statement that the tests make sessions of.
pub trait Toy: Stated {
    const VERSION: u32;
    /// The numeric specification of its programs.
    const SPEC: u32;

    /// The frontier at a position of these tokens, the first of which are the prompt's.
    fn frontier(
        recipe: &Recipe,
        tokens: &[u32],
        position: usize,
        kv_root: KvRoot,
    ) -> Self::Frontier;

    /// The statement of a chunk, but for the root of its emitted tokens.
    fn chunk(recipe: &Recipe, from: Self::Frontier, to: Self::Frontier) -> Self;

    fn parts(&mut self) -> Parts<'_, Self::Frontier>;

    fn of(frontier: &mut Self::Frontier) -> FrontierParts<'_>;

    fn output(&self) -> Vec<Felt>;

    /// The roots behind the frontier that some tokens lead to.
    fn follow(statement: &mut Self, forced: &[u32], emitted: &[u32]);

    fn from(&mut self) -> FrontierParts<'_> {
        Self::of(self.parts().frontier_in)
    }

    fn to(&mut self) -> FrontierParts<'_> {
        Self::of(self.parts().frontier_out)
    }
}

/// Makes a receipt's roots those of its lists.
pub fn repair_roots<S: Toy>(receipt: &mut ReceiptOf<S>) {
    let (forced, emitted) = (&receipt.forced_tokens, &receipt.emitted_tokens);
    S::follow(&mut receipt.statement, forced, emitted);
}

macro_rules! parts {
    () => {
        fn parts(&mut self) -> Parts<'_, Self::Frontier> {
            Parts {
                spec_version: &mut self.spec_version,
                domain: &mut self.domain,
                session_id: &mut self.session_id,
                model_root: &mut self.model_root,
                program_hash: &mut self.program_hash,
                policy: &mut self.policy,
                prompt_root: &mut self.prompt_root,
                prompt_length: &mut self.prompt_length,
                steps: &mut self.steps,
                frontier_in: &mut self.frontier_in,
                frontier_out: &mut self.frontier_out,
            }
        }

        fn of(frontier: &mut Self::Frontier) -> FrontierParts<'_> {
            FrontierParts {
                position: &mut frontier.position,
                last_token: &mut frontier.last_token,
                kv_root: &mut frontier.kv_root,
                tokens_root: &mut frontier.tokens_root,
            }
        }

        fn output(&self) -> Vec<Felt> {
            self.to_output().to_vec()
        }
    };
}

impl Toy for Statement {
    const VERSION: u32 = STATEMENT_VERSION;
    const SPEC: u32 = SPEC_VERSION;

    fn frontier(_: &Recipe, tokens: &[u32], position: usize, kv_root: KvRoot) -> Frontier {
        Frontier {
            position: position as u32,
            last_token: tokens[position],
            kv_root,
            tokens_root: TokensRoot(fold_tokens(tokens[..=position].iter().copied())),
        }
    }

    fn chunk(recipe: &Recipe, from: Frontier, to: Frontier) -> Statement {
        let manifest = manifest::<Statement>(recipe);
        Statement {
            version: STATEMENT_VERSION,
            spec_version: SPEC_VERSION,
            domain: recipe.domain,
            session_id: SessionId(Felt::from(recipe.session)),
            model_root: manifest.model_root,
            program_hash: manifest.program_hash,
            policy: manifest.policy,
            boundary: BoundaryKind::Token,
            prompt_root: TokensRoot(prompt_root(&recipe.prompt)),
            prompt_length: recipe.prompt.len() as u32,
            steps: to.position - from.position,
            frontier_in: from,
            frontier_out: to,
            emitted_root: TokensRoot(Felt::ZERO),
        }
    }

    fn follow(statement: &mut Self, forced: &[u32], emitted: &[u32]) {
        let before = statement.frontier_in.tokens_root.0;
        let tokens = [forced, emitted].concat();
        statement.frontier_out.tokens_root = TokensRoot(fold_tokens_onto(before, tokens));
        statement.emitted_root = TokensRoot(fold_tokens(emitted.iter().copied()));
    }

    parts!();
}

/// The root of a chain behind another root.
pub fn chain(root: Felt, numbers: &[u32]) -> Felt {
    extended(root, numbers.iter().map(|&number| u64::from(number))).expect("numbers of a chain")
}

impl Toy for v3::Statement {
    const VERSION: u32 = v3::VERSION;
    const SPEC: u32 = TENSOR_SPEC_VERSION;

    fn frontier(recipe: &Recipe, tokens: &[u32], position: usize, kv_root: KvRoot) -> v3::Frontier {
        let listed = |at: usize| match at + 1 < recipe.prompt.len() {
            true => 0,
            false => tokens[at + 1] + 1,
        };
        let choices: Vec<u32> = (0..position).map(listed).collect();
        v3::Frontier {
            position: position as u32,
            last_token: tokens[position],
            kv_root,
            tokens_root: TokensRoot(chain(Felt::ZERO, &tokens[..position])),
            chosen_root: ChosenRoot(chain(Felt::ZERO, &choices)),
        }
    }

    fn chunk(recipe: &Recipe, from: v3::Frontier, to: v3::Frontier) -> v3::Statement {
        let manifest = manifest::<v3::Statement>(recipe);
        v3::Statement {
            spec_version: TENSOR_SPEC_VERSION,
            domain: recipe.domain,
            session_id: SessionId(Felt::from(recipe.session)),
            model_root: manifest.model_root,
            program_hash: manifest.program_hash,
            policy: manifest.policy,
            boundary: BoundaryKind::Token,
            prompt_root: v3::prompt_root(&recipe.prompt),
            prompt_length: recipe.prompt.len() as u32,
            steps: to.position - from.position,
            frontier_in: from,
            frontier_out: to,
        }
    }

    fn follow(statement: &mut Self, forced: &[u32], emitted: &[u32]) {
        let from = statement.frontier_in;
        let mut read = [&[from.last_token], forced, emitted].concat();
        read.pop();
        let listed = emitted.iter().map(|token| token + 1);
        let choices: Vec<u32> = forced.iter().map(|_| 0).chain(listed).collect();
        let to = &mut statement.frontier_out;
        to.tokens_root = TokensRoot(chain(from.tokens_root.0, &read));
        to.chosen_root = ChosenRoot(chain(from.chosen_root.0, &choices));
    }

    parts!();
}
