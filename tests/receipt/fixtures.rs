//! A toy model with real roots: its tokens and keys follow from a hash, everything else is as in
//! a proven session.

use cairo_decode::receipt::{Completion, Manifest, ProofIdentity, ReceiptOf, Session};
use cairo_decode::spec::roots::{fold_token, kv_append};
use cairo_decode::verify::policy::Accept;
use cairo_decode::verify::statement::{
    Channel, ContractAddress, Domain, KvRoot, ModelRoot, Policy, Preprocessed, ProgramHash,
    ProofParams, PublicFacts, SessionId, Statement,
};
use starknet_types_core::felt::Felt;

use crate::toy::Toy;

pub const VOCAB: u32 = 64;
pub const PROMPT: [u32; 4] = [5, 9, 2, 7];

/// What a session is made from; change a field to get a valid but different session.
#[derive(Clone)]
pub struct Recipe {
    pub prompt: Vec<u32>,
    pub model: u64,
    pub session: u64,
    pub domain: Domain,
    pub eos: Option<u32>,
    pub requested: u32,
    pub chunk_size: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            prompt: PROMPT.to_vec(),
            model: 1,
            session: 77,
            domain: Domain::local(),
            eos: None,
            requested: 5,
            chunk_size: 3,
        }
    }
}

/// A complete session: 3 forced and 5 emitted tokens in chunks of 3 by default.
#[derive(Clone)]
pub struct Run<S = Statement> {
    pub manifest: Manifest,
    pub session: Session,
    pub receipts: Vec<ReceiptOf<S>>,
    pub facts: Vec<PublicFacts>,
}

impl<S> Run<S> {
    pub fn accept(&self) -> Accept {
        self.manifest.accept(self.session.domain)
    }
}

pub fn onchain() -> Domain {
    Domain {
        chain: "SN_SEPOLIA".parse().unwrap(),
        verifier: ContractAddress(Felt::from(0x1234u64)),
    }
}

pub fn params() -> ProofParams {
    ProofParams {
        channel: Channel::Blake2s,
        log_blowup: 1,
        queries: 70,
        pow_bits: 26,
        interaction_pow_bits: 24,
        fold_step: 1,
        log_last_layer_degree_bound: 0,
        lifting_log_size: Some(21),
        preprocessed: Preprocessed::CanonicalSmall,
    }
}

/// The bytes that stand for chunk `index`'s proof: all the facts it would be about.
pub fn proof_bytes<S: Toy>(statement: &S) -> Vec<u8> {
    let mut felts = statement.output();
    felts.push(statement.subject().program_hash.0);
    felts.iter().flat_map(|felt| felt.to_bytes_be()).collect()
}

/// All tokens of a session, and the KV root before each position.
fn decode(recipe: &Recipe) -> (Vec<u32>, Vec<Felt>) {
    let mut tokens = recipe.prompt.clone();
    let mut kv = vec![Felt::ZERO];
    let mut emitted = 0;
    let mut position = 0;
    while position + 1 < recipe.prompt.len() || emitted < recipe.requested {
        let words = [Felt::from(recipe.model), Felt::from(tokens[position])];
        kv.push(kv_append(kv[position], &words));
        position += 1;
        if position < recipe.prompt.len() {
            continue;
        }
        let byte = fold_token(kv[position], tokens[position - 1]).to_bytes_be()[31];
        tokens.push(u32::from(byte) % VOCAB);
        emitted += 1;
        if recipe.eos == tokens.last().copied() {
            break;
        }
    }
    (tokens, kv)
}

/// A session of statements of version 1.
pub fn run(recipe: &Recipe) -> Run {
    run_of(recipe)
}

/// A session of statements of some type.
pub fn run_of<S: Toy>(recipe: &Recipe) -> Run<S> {
    let (tokens, kv) = decode(recipe);
    let manifest = manifest::<S>(recipe);
    let frontier = |position: usize| S::frontier(recipe, &tokens, position, KvRoot(kv[position]));
    let mut receipts = Vec::new();
    let mut facts = Vec::new();
    let mut from = 0;
    while from + 1 < tokens.len() {
        let to = (from + recipe.chunk_size).min(tokens.len() - 1);
        let split = recipe.prompt.len().clamp(from + 1, to + 1);
        let lists = (
            tokens[from + 1..split].to_vec(),
            tokens[split..=to].to_vec(),
        );
        let mut statement = S::chunk(recipe, frontier(from), frontier(to));
        let expected = *statement.frontier_out();
        S::follow(&mut statement, &lists.0, &lists.1);
        assert_eq!(*statement.frontier_out(), expected);
        let proven = PublicFacts {
            program_hash: manifest.program_hash.0,
            output: statement.output(),
            params: params(),
            security_bits: 96,
        };
        let proof = ProofIdentity::of(&proof_bytes(&statement));
        let index = receipts.len();
        receipts.push(ReceiptOf::new(index, statement, lists, &proof, &proven));
        facts.push(proven);
        from = to;
    }
    let generated_tokens = tokens[recipe.prompt.len()..].to_vec();
    let completion = Some(Completion {
        chunks: receipts.len() as u32,
        generated_tokens,
    });
    let session = Session {
        session_id: SessionId(Felt::from(recipe.session)),
        domain: recipe.domain,
        model_root: manifest.model_root,
        program_hash: manifest.program_hash,
        policy: manifest.policy,
        prompt: "Once upon\na \"time\"".to_owned(),
        prompt_tokens: recipe.prompt.clone(),
        chunk_size: recipe.chunk_size as u32,
        requested_tokens: recipe.requested,
        completion,
    };
    Run {
        manifest,
        session,
        receipts,
        facts,
    }
}

pub fn manifest<S: Toy>(recipe: &Recipe) -> Manifest {
    Manifest {
        name: "toy".to_owned(),
        model_root: ModelRoot(Felt::from(1000 + recipe.model)),
        program_hash: ProgramHash(Felt::from(2000 + recipe.model)),
        spec_version: S::SPEC,
        statement_version: S::VERSION,
        policy: Policy::greedy(recipe.eos),
        vocab_size: VOCAB,
        context_length: 32,
        kv_words_per_position: 2,
        parameters: 12_345,
        source: "llama, 1 layer, width 4".to_owned(),
    }
}
