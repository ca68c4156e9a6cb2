//! A toy model with real roots: its tokens and keys follow from a hash, everything else is as in
//! a proven session.

use std::path::{Path, PathBuf};

use cairo_decode::receipt::{
    Completion, Document, Manifest, ModelFacts, ProofIdentity, Receipt, Session,
};
use cairo_decode::spec::SPEC_VERSION;
use cairo_decode::spec::poseidon2::P;
use cairo_decode::verify::policy::Accept;
use cairo_decode::verify::statement::{
    BoundaryKind, Channel, ChosenRoot, ContractAddress, Domain, KvRoot, ModelRoot, Policy,
    Preprocessed, ProgramHash, ProofParams, PublicFacts, SessionId, TokensRoot,
};
use cairo_decode::verify::statement::{Frontier, Statement, VERSION, extended, prompt_root};
use starknet_types_core::felt::Felt;

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
pub struct Run {
    pub manifest: ModelFacts,
    pub session: Session,
    pub receipts: Vec<Receipt>,
    pub facts: Vec<PublicFacts>,
}

impl Run {
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
pub fn proof_bytes(statement: &Statement) -> Vec<u8> {
    let mut felts = statement.to_output().to_vec();
    felts.push(statement.program_hash.0);
    felts.iter().flat_map(|felt| felt.to_bytes_be()).collect()
}

/// The root of a chain behind another root.
pub fn chain(root: Felt, numbers: &[u32]) -> Felt {
    extended(root, numbers.iter().map(|&number| u64::from(number))).expect("numbers of a chain")
}

/// The last 31 bits of a root, as a number of a chain.
fn number(root: Felt) -> u32 {
    let bytes = root.to_bytes_be();
    let last = [bytes[28], bytes[29], bytes[30], bytes[31]];
    u32::from_be_bytes(last) % P
}

/// All tokens of a session, and the root of keys and values before each position: a chain of what stands for the positions' records.
fn decode(recipe: &Recipe) -> (Vec<u32>, Vec<Felt>) {
    let mut tokens = recipe.prompt.clone();
    let mut kv = vec![Felt::ZERO];
    let mut emitted = 0;
    let mut position = 0;
    while position + 1 < recipe.prompt.len() || emitted < recipe.requested {
        let record = [recipe.model as u32, tokens[position]];
        kv.push(chain(kv[position], &record));
        position += 1;
        if position < recipe.prompt.len() {
            continue;
        }
        tokens.push(number(chain(kv[position], &[tokens[position - 1]])) % VOCAB);
        emitted += 1;
        if recipe.eos == tokens.last().copied() {
            break;
        }
    }
    (tokens, kv)
}

/// The frontier at a position of these tokens, the first of which are the prompt's.
fn frontier(recipe: &Recipe, tokens: &[u32], position: usize, kv_root: KvRoot) -> Frontier {
    let listed = |at: usize| match at + 1 < recipe.prompt.len() {
        true => 0,
        false => tokens[at + 1] + 1,
    };
    let choices: Vec<u32> = (0..position).map(listed).collect();
    Frontier {
        position: position as u32,
        last_token: tokens[position],
        kv_root,
        tokens_root: TokensRoot(chain(Felt::ZERO, &tokens[..position])),
        chosen_root: ChosenRoot(chain(Felt::ZERO, &choices)),
    }
}

/// The statement of a chunk between two frontiers.
fn statement(recipe: &Recipe, from: Frontier, to: Frontier) -> Statement {
    let manifest = manifest(recipe);
    Statement {
        spec_version: SPEC_VERSION,
        domain: recipe.domain,
        session_id: SessionId(Felt::from(recipe.session)),
        model_root: manifest.model_root,
        program_hash: manifest.program_hash,
        policy: manifest.policy,
        boundary: BoundaryKind::Token,
        prompt_root: prompt_root(&recipe.prompt),
        prompt_length: recipe.prompt.len() as u32,
        steps: to.position - from.position,
        frontier_in: from,
        frontier_out: to,
    }
}

/// Makes a receipt's roots those that its lists of tokens lead to.
pub fn repair_roots(receipt: &mut Receipt) {
    let from = receipt.statement.frontier_in;
    let mut read = vec![from.last_token];
    read.extend(receipt.tokens());
    read.pop();
    let forced = receipt.forced_tokens.iter().map(|_| 0);
    let emitted = receipt.emitted_tokens.iter().map(|token| token + 1);
    let choices: Vec<u32> = forced.chain(emitted).collect();
    let to = &mut receipt.statement.frontier_out;
    to.tokens_root = TokensRoot(chain(from.tokens_root.0, &read));
    to.chosen_root = ChosenRoot(chain(from.chosen_root.0, &choices));
}

/// The session of a recipe.
pub fn run(recipe: &Recipe) -> Run {
    let (tokens, kv) = decode(recipe);
    let manifest = manifest(recipe);
    let at = |position: usize| frontier(recipe, &tokens, position, KvRoot(kv[position]));
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
        let statement = statement(recipe, at(from), at(to));
        let proven = PublicFacts {
            program_hash: manifest.program_hash.0,
            output: statement.to_output().to_vec(),
            params: params(),
            security_bits: 96,
        };
        let proof = ProofIdentity::of(&proof_bytes(&statement));
        let index = receipts.len();
        let receipt = Receipt::new(index, statement, lists, &proof, &proven);
        // The lists lead to the frontiers' roots, which were computed from the tokens of the whole session.
        let mut repaired = receipt.clone();
        repair_roots(&mut repaired);
        assert_eq!(repaired, receipt);
        receipts.push(receipt);
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

pub fn manifest(recipe: &Recipe) -> ModelFacts {
    ModelFacts {
        name: "toy".to_owned(),
        model_root: ModelRoot(Felt::from(1000 + recipe.model)),
        program_hash: ProgramHash(Felt::from(2000 + recipe.model)),
        spec_version: SPEC_VERSION,
        statement_version: VERSION,
        policy: Policy::greedy(recipe.eos),
        vocab_size: VOCAB,
        context_length: 32,
        kv_words_per_position: 2,
        parameters: 12_345,
        source: "llama, 1 layer, width 4".to_owned(),
    }
}

/// The real session in `tests/fixtures/wrapped-session`: a file of it.
pub fn real(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wrapped-session");
    dir.join(name)
}

/// A manifest as a document: the toy model with the real model's components, whose model root is made of both.
pub fn document(recipe: &Recipe) -> Manifest {
    let mut document = Manifest::read(&real("model.json")).expect("a manifest");
    document.model = ModelFacts {
        model_root: document.model.model_root,
        ..manifest(recipe)
    };
    document
}
