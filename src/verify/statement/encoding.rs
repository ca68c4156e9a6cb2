//! The statement as 21 felts: the order is fixed, the names are the receipt's field paths.
//!
//! Owns: [`OUTPUT_FIELDS`], `to_output`, `from_output` and `compare`. Invariant:
//! `from_output(s.to_output(), s.program_hash) == s` for every statement, and `from_output`
//! refuses every output that no statement has.
//!
//! Absent on purpose: well-formedness (`Statement::check_form`); decoding a strange but possible
//! statement must work, or nobody could print it.

use starknet_types_core::felt::Felt;

use super::super::checks::{Check, all, ensure};
use super::{
    BoundaryKind, ChainId, ContractAddress, Domain, Frontier, KvRoot, ModelRoot, Policy,
    PolicyKind, ProgramHash, SessionId, Statement, StatementError, TokensRoot, felt_to_hex,
};

/// Number of felts in a statement's encoding.
pub const OUTPUT_LEN: usize = 21;

/// Field path of every felt of the encoding, in order.
pub const OUTPUT_FIELDS: [&str; OUTPUT_LEN] = [
    "statement.version",
    "statement.spec_version",
    "statement.domain.chain",
    "statement.domain.verifier",
    "statement.session_id",
    "statement.model_root",
    "statement.policy.kind",
    "statement.policy.eos",
    "statement.boundary",
    "statement.prompt_root",
    "statement.prompt_length",
    "statement.steps",
    "statement.frontier_in.position",
    "statement.frontier_in.last_token",
    "statement.frontier_in.kv_root",
    "statement.frontier_in.tokens_root",
    "statement.frontier_out.position",
    "statement.frontier_out.last_token",
    "statement.frontier_out.kv_root",
    "statement.frontier_out.tokens_root",
    "statement.emitted_root",
];

/// Field path of what the verifier recomputes.
const PROGRAM_HASH: &str = "statement.program_hash";

const CHAIN: usize = 2;
const POLICY_KIND: usize = 6;
const POLICY_EOS: usize = 7;
const BOUNDARY: usize = 8;
const FRONTIER_IN: usize = 12;
const FRONTIER_OUT: usize = 16;
/// Felts that are roots, ids or addresses and print as hexadecimal.
const HEX: [usize; 9] = [3, 4, 5, 9, 14, 15, 18, 19, 20];

impl Statement {
    /// The public output of a proof of this statement.
    pub fn to_output(&self) -> [Felt; OUTPUT_LEN] {
        let PolicyKind::Greedy = self.policy.kind;
        let BoundaryKind::Token = self.boundary;
        let eos = self.policy.eos.map_or(0, |token| u64::from(token) + 1);
        let [in_position, in_token, in_kv, in_tokens] = frontier_felts(&self.frontier_in);
        let [out_position, out_token, out_kv, out_tokens] = frontier_felts(&self.frontier_out);
        [
            Felt::from(self.version),
            Felt::from(self.spec_version),
            self.domain.chain.felt(),
            self.domain.verifier.0,
            self.session_id.0,
            self.model_root.0,
            Felt::ZERO, // greedy
            Felt::from(eos),
            Felt::ZERO, // token boundary
            self.prompt_root.0,
            Felt::from(self.prompt_length),
            Felt::from(self.steps),
            in_position,
            in_token,
            in_kv,
            in_tokens,
            out_position,
            out_token,
            out_kv,
            out_tokens,
            self.emitted_root.0,
        ]
    }

    /// Reads a proof's public output. `program_hash` is what the verifier recomputed.
    ///
    /// # Errors
    /// [`StatementError`] naming the first felt that no statement has there: the length, a
    /// number beyond its field, an unknown policy or boundary kind, a chain that is no short
    /// string.
    pub fn from_output(
        output: &[Felt],
        program_hash: ProgramHash,
    ) -> Result<Statement, StatementError> {
        let felts: &[Felt; OUTPUT_LEN] =
            output
                .try_into()
                .map_err(|_| StatementError::OutputLength {
                    found: output.len(),
                })?;
        let small = |index: usize| small(felts, index);
        let frontier = |at: usize| -> Result<Frontier, StatementError> {
            Ok(Frontier {
                position: small(at)?,
                last_token: small(at + 1)?,
                kv_root: KvRoot(felts[at + 2]),
                tokens_root: TokensRoot(felts[at + 3]),
            })
        };
        if felts[POLICY_KIND] != Felt::ZERO {
            return Err(StatementError::PolicyKind {
                value: felts[POLICY_KIND].to_string(),
            });
        }
        if felts[BOUNDARY] != Felt::ZERO {
            return Err(StatementError::Boundary {
                value: felts[BOUNDARY].to_string(),
            });
        }
        Ok(Statement {
            version: small(0)?,
            spec_version: small(1)?,
            domain: Domain {
                chain: ChainId::from_felt(felts[CHAIN])?,
                verifier: ContractAddress(felts[3]),
            },
            session_id: SessionId(felts[4]),
            model_root: ModelRoot(felts[5]),
            program_hash,
            policy: Policy {
                kind: PolicyKind::Greedy,
                eos: eos(felts)?,
            },
            boundary: BoundaryKind::Token,
            prompt_root: TokensRoot(felts[9]),
            prompt_length: small(10)?,
            steps: small(11)?,
            frontier_in: frontier(FRONTIER_IN)?,
            frontier_out: frontier(FRONTIER_OUT)?,
            emitted_root: TokensRoot(felts[20]),
        })
    }

    /// Compares this (claimed) statement with a proof's public output and the program hash that
    /// the verifier recomputed.
    ///
    /// # Errors
    /// [`StatementError::Differs`] naming the first field that differs, or
    /// [`StatementError::OutputLength`].
    pub fn compare(&self, output: &[Felt], program_hash: Felt) -> Result<(), StatementError> {
        all(self.output_checks(output, program_hash))
    }

    /// The output's length, the program, and one comparison per field of the statement.
    pub fn output_checks<'a>(
        &'a self,
        output: &'a [Felt],
        program_hash: Felt,
    ) -> Vec<Check<'a, StatementError>> {
        let differs = |field, receipt, proof| StatementError::Differs {
            field,
            receipt,
            proof,
        };
        let hash = move || {
            ensure(self.program_hash.0 == program_hash, || {
                let (receipt, proof) = (self.program_hash.to_string(), felt_to_hex(&program_hash));
                differs(PROGRAM_HASH, receipt, proof)
            })
        };
        let found = output.len();
        let length = move || {
            ensure(found == OUTPUT_LEN, || StatementError::OutputLength {
                found,
            })
        };
        let mut checks = vec![
            Check::new(PROGRAM_HASH, hash),
            Check::new("length of the output", length),
        ];
        let felts = self.to_output().into_iter().zip(output).enumerate();
        checks.extend(felts.map(|(index, (receipt, proof))| {
            let field = OUTPUT_FIELDS[index];
            let error = move || differs(field, show(index, &receipt), show(index, proof));
            Check::new(field, move || ensure(receipt == *proof, error))
        }));
        checks
    }
}

fn frontier_felts(frontier: &Frontier) -> [Felt; 4] {
    [
        Felt::from(frontier.position),
        Felt::from(frontier.last_token),
        frontier.kv_root.0,
        frontier.tokens_root.0,
    ]
}

fn small(felts: &[Felt; OUTPUT_LEN], index: usize) -> Result<u32, StatementError> {
    u32::try_from(felts[index]).map_err(|_| StatementError::TooLarge {
        field: OUTPUT_FIELDS[index],
        value: felts[index].to_string(),
    })
}

/// `eos` is encoded as the token id plus one, so that 0 can mean "none".
fn eos(felts: &[Felt; OUTPUT_LEN]) -> Result<Option<u32>, StatementError> {
    let code = felts[POLICY_EOS];
    if code == Felt::ZERO {
        return Ok(None);
    }
    let token = u32::try_from(code - Felt::ONE).map_err(|_| StatementError::TooLarge {
        field: OUTPUT_FIELDS[POLICY_EOS],
        value: code.to_string(),
    })?;
    Ok(Some(token))
}

/// A felt of the encoding as the receipt would write it, where that is possible.
fn show(index: usize, felt: &Felt) -> String {
    match index {
        CHAIN => ChainId::from_felt(*felt).map_or_else(|_| felt_to_hex(felt), |id| id.to_string()),
        POLICY_KIND if *felt == Felt::ZERO => PolicyKind::Greedy.name().to_owned(),
        POLICY_EOS if *felt == Felt::ZERO => "none".to_owned(),
        POLICY_EOS => (*felt - Felt::ONE).to_string(),
        BOUNDARY if *felt == Felt::ZERO => BoundaryKind::Token.name().to_owned(),
        index if HEX.contains(&index) => felt_to_hex(felt),
        _ => felt.to_string(),
    }
}
