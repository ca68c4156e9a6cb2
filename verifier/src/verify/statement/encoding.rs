//! The statement as 22 felts: the order is fixed, the names are the receipt's field paths.
//!
//! Invariant: `from_output(s.to_output(), s.program_hash) == s` for every statement, and `from_output` refuses every output
//! that no statement has.
//!
//! Absent on purpose: well-formedness (`form`).

use starknet_types_core::felt::Felt;

use super::super::checks::{Check, all, ensure};
use super::{
    BoundaryKind, ChainId, ChosenRoot, ContractAddress, Domain, Frontier, KvRoot, ModelRoot,
    Policy, PolicyKind, ProgramHash, SessionId, Statement, StatementError, TokensRoot, VERSION,
    felt_to_hex,
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

const CHAIN: usize = 2;
const POLICY_KIND: usize = 6;
const POLICY_EOS: usize = 7;
const BOUNDARY: usize = 8;
/// Place of the first frontier's felts.
const FRONTIER_IN: usize = 12;
const FRONTIER_OUT: usize = 17;

/// Field path of what the verifier recomputes.
const PROGRAM_HASH: &str = "statement.program_hash";

impl Statement {
    /// The public output of a proof of this statement.
    pub fn to_output(&self) -> [Felt; OUTPUT_LEN] {
        let PolicyKind::Greedy = self.policy.kind;
        let BoundaryKind::Token = self.boundary;
        let eos = self.policy.eos.map_or(0, |token| u64::from(token) + 1);
        let head: [Felt; FRONTIER_IN] = [
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
        let mut felts = [Felt::ZERO; OUTPUT_LEN];
        felts[..FRONTIER_IN].copy_from_slice(&head);
        for (at, frontier) in [
            (FRONTIER_IN, &self.frontier_in),
            (FRONTIER_OUT, &self.frontier_out),
        ] {
            let frontier = frontier_felts(frontier);
            felts[at..at + frontier.len()].copy_from_slice(&frontier);
        }
        felts
    }

    /// Reads a proof's public output. `program_hash` is what the verifier recomputed.
    ///
    /// # Errors
    /// [`StatementError`] naming the first felt that no statement has there: the length, another version, an unknown policy or boundary
    /// kind, a number beyond its field, a chain that is no short string.
    pub fn from_output(
        output: &[Felt],
        program_hash: ProgramHash,
    ) -> Result<Statement, StatementError> {
        if output.len() != OUTPUT_LEN {
            return Err(wrong_length(output.len()));
        }
        if output[0] != Felt::from(VERSION) {
            return Err(StatementError::Version {
                found: output[0].to_string(),
            });
        }
        if output[POLICY_KIND] != Felt::ZERO {
            return Err(StatementError::PolicyKind {
                value: output[POLICY_KIND].to_string(),
            });
        }
        if output[BOUNDARY] != Felt::ZERO {
            return Err(StatementError::Boundary {
                value: output[BOUNDARY].to_string(),
            });
        }
        Ok(Statement {
            spec_version: small(output, 1)?,
            domain: Domain {
                chain: ChainId::from_felt(output[CHAIN])?,
                verifier: ContractAddress(output[3]),
            },
            session_id: SessionId(output[4]),
            model_root: ModelRoot(output[5]),
            program_hash,
            policy: Policy {
                kind: PolicyKind::Greedy,
                eos: eos(output[POLICY_EOS])?,
            },
            boundary: BoundaryKind::Token,
            prompt_root: TokensRoot(output[9]),
            prompt_length: small(output, 10)?,
            steps: small(output, 11)?,
            frontier_in: frontier(output, FRONTIER_IN)?,
            frontier_out: frontier(output, FRONTIER_OUT)?,
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
        let length = move || ensure(found == OUTPUT_LEN, || wrong_length(found));
        let mut checks = vec![
            Check::new(PROGRAM_HASH, hash),
            Check::new("length of the output", length),
        ];
        let felts = self.to_output().into_iter().zip(output).enumerate();
        checks.extend(felts.map(|(index, (receipt, proof))| {
            let field = OUTPUT_FIELDS[index];
            let show = move |felt: &Felt| show(field, index, felt);
            let error = move || differs(field, show(&receipt), show(proof));
            Check::new(field, move || ensure(receipt == *proof, error))
        }));
        checks
    }
}

fn wrong_length(found: usize) -> StatementError {
    StatementError::OutputLength { found }
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

fn frontier(felts: &[Felt], at: usize) -> Result<Frontier, StatementError> {
    let small = |index| small(felts, index);
    Ok(Frontier {
        position: small(at)?,
        last_token: small(at + 1)?,
        kv_root: KvRoot(felts[at + 2]),
        tokens_root: TokensRoot(felts[at + 3]),
        chosen_root: ChosenRoot(felts[at + 4]),
    })
}

/// A number of 32 bits.
fn small(felts: &[Felt], index: usize) -> Result<u32, StatementError> {
    u32::try_from(felts[index]).map_err(|_| StatementError::TooLarge {
        field: OUTPUT_FIELDS[index],
        value: felts[index].to_string(),
    })
}

/// `eos` is encoded as the token id plus one, so that 0 can mean "none".
fn eos(code: Felt) -> Result<Option<u32>, StatementError> {
    if code == Felt::ZERO {
        return Ok(None);
    }
    let token = u32::try_from(code - Felt::ONE).map_err(|_| StatementError::TooLarge {
        field: OUTPUT_FIELDS[POLICY_EOS],
        value: code.to_string(),
    })?;
    Ok(Some(token))
}

/// A felt of an encoding as the receipt would write it, where that is possible: roots, ids and addresses as hexadecimal, numbers as such.
fn show(field: &str, index: usize, felt: &Felt) -> String {
    let hex = ["_root", ".session_id", ".verifier"];
    match index {
        CHAIN => ChainId::from_felt(*felt).map_or_else(|_| felt_to_hex(felt), |id| id.to_string()),
        POLICY_KIND if *felt == Felt::ZERO => PolicyKind::Greedy.name().to_owned(),
        POLICY_EOS if *felt == Felt::ZERO => "none".to_owned(),
        POLICY_EOS => (*felt - Felt::ONE).to_string(),
        BOUNDARY if *felt == Felt::ZERO => BoundaryKind::Token.name().to_owned(),
        _ if hex.iter().any(|end| field.ends_with(end)) => felt_to_hex(felt),
        _ => felt.to_string(),
    }
}
