//! Statement 3 as 22 felts: the order is fixed, the names are the receipt's field paths.
//!
//! Invariant: `from_output(s.to_output(), s.program_hash) == s` for every statement, and `from_output` refuses every output
//! that no statement has.
//!
//! Absent on purpose: well-formedness ([`Statement::check_form`]).

use starknet_types_core::felt::Felt;

use super::super::super::checks::{Check, all, ensure};
use super::super::{PolicyKind, felt_to_hex};
use super::{
    BoundaryKind, ChainId, ChosenRoot, ContractAddress, Domain, Frontier, KvRoot, ModelRoot,
    Policy, ProgramHash, SessionId, Statement, StatementError, TokensRoot, VERSION,
};

/// Number of felts in a statement's encoding.
pub const OUTPUT_LEN: usize = 22;

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
    "statement.frontier_in.chosen_root",
    "statement.frontier_out.position",
    "statement.frontier_out.last_token",
    "statement.frontier_out.kv_root",
    "statement.frontier_out.tokens_root",
    "statement.frontier_out.chosen_root",
];

/// Field path of what a verifier computes from the proof's program.
const PROGRAM_HASH: &str = "statement.program_hash";

const CHAIN: usize = 2;
const POLICY_KIND: usize = 6;
const POLICY_EOS: usize = 7;
const BOUNDARY: usize = 8;
const FRONTIER_IN: usize = 12;
const FRONTIER_OUT: usize = 17;

impl Statement {
    /// The public output of a proof of this statement.
    pub fn to_output(&self) -> [Felt; OUTPUT_LEN] {
        let PolicyKind::Greedy = self.policy.kind;
        let BoundaryKind::Token = self.boundary;
        let eos = self.policy.eos.map_or(0, |token| u64::from(token) + 1);
        let mut felts = [Felt::ZERO; OUTPUT_LEN];
        let head = [
            Felt::from(VERSION),
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
        ];
        felts[..FRONTIER_IN].copy_from_slice(&head);
        felts[FRONTIER_IN..FRONTIER_OUT].copy_from_slice(&frontier_felts(&self.frontier_in));
        felts[FRONTIER_OUT..].copy_from_slice(&frontier_felts(&self.frontier_out));
        felts
    }

    /// Reads a proof's public output. `program_hash` is what the verifier recomputed.
    ///
    /// # Errors
    /// [`StatementError`] naming the first felt that no statement has there.
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
        if felts[0] != Felt::from(VERSION) {
            return Err(StatementError::Version {
                found: felts[0].to_string(),
            });
        }
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
            spec_version: small(felts, 1)?,
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
            prompt_length: small(felts, 10)?,
            steps: small(felts, 11)?,
            frontier_in: frontier(felts, FRONTIER_IN)?,
            frontier_out: frontier(felts, FRONTIER_OUT)?,
        })
    }

    /// Compares this (claimed) statement with a proof's public output and the program hash that the verifier recomputed.
    ///
    /// # Errors
    /// [`StatementError::Differs`] naming the first field that differs, or [`StatementError::OutputLength`].
    pub fn compare(&self, output: &[Felt], program_hash: Felt) -> Result<(), StatementError> {
        all(self.output_checks(output, program_hash))
    }

    /// The output's length, the program, and one comparison per field of the statement.
    pub fn output_checks<'a>(
        &'a self,
        output: &'a [Felt],
        program_hash: Felt,
    ) -> Vec<Check<'a, StatementError>> {
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

fn differs(field: &'static str, receipt: String, proof: String) -> StatementError {
    StatementError::Differs {
        field,
        receipt,
        proof,
    }
}

fn frontier_felts(frontier: &Frontier) -> [Felt; 5] {
    [
        Felt::from(frontier.position),
        Felt::from(frontier.last_token),
        frontier.kv_root.0,
        frontier.tokens_root.0,
        frontier.chosen_root.0,
    ]
}

fn frontier(felts: &[Felt; OUTPUT_LEN], at: usize) -> Result<Frontier, StatementError> {
    Ok(Frontier {
        position: small(felts, at)?,
        last_token: small(felts, at + 1)?,
        kv_root: KvRoot(felts[at + 2]),
        tokens_root: TokensRoot(felts[at + 3]),
        chosen_root: ChosenRoot(felts[at + 4]),
    })
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
    /// Fields of one number.
    const NUMBERS: [usize; 8] = [
        0,
        1,
        10,
        11,
        FRONTIER_IN,
        FRONTIER_IN + 1,
        FRONTIER_OUT,
        FRONTIER_OUT + 1,
    ];
    match index {
        CHAIN => ChainId::from_felt(*felt).map_or_else(|_| felt_to_hex(felt), |id| id.to_string()),
        POLICY_KIND if *felt == Felt::ZERO => PolicyKind::Greedy.name().to_owned(),
        POLICY_EOS if *felt == Felt::ZERO => "none".to_owned(),
        POLICY_EOS => (*felt - Felt::ONE).to_string(),
        BOUNDARY if *felt == Felt::ZERO => BoundaryKind::Token.name().to_owned(),
        index if NUMBERS.contains(&index) => felt.to_string(),
        _ => felt_to_hex(felt),
    }
}
