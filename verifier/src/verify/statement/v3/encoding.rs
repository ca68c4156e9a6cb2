//! Statement 3 as 22 felts: the order is fixed, the names are the receipt's field paths.
//!
//! Invariant: `from_output(s.to_output(), s.program_hash) == s` for every statement, and `from_output` refuses every output
//! that no statement has.
//!
//! Absent on purpose: well-formedness ([`Statement::check_form`]).

use starknet_types_core::felt::Felt;

use super::super::super::checks::{Check, all};
use super::super::common::{HEAD, Head, comparisons, small};
use super::{
    ChosenRoot, Frontier, KvRoot, ProgramHash, Statement, StatementError, TokensRoot, VERSION,
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

const FRONTIER_OUT: usize = 17;

impl Statement {
    /// The public output of a proof of this statement.
    pub fn to_output(&self) -> [Felt; OUTPUT_LEN] {
        let mut felts = [Felt::ZERO; OUTPUT_LEN];
        felts[..HEAD].copy_from_slice(&self.head().felts());
        for (at, frontier) in [
            (HEAD, &self.frontier_in),
            (FRONTIER_OUT, &self.frontier_out),
        ] {
            let frontier = frontier_felts(frontier);
            felts[at..at + frontier.len()].copy_from_slice(&frontier);
        }
        felts
    }

    fn head(&self) -> Head {
        Head {
            version: VERSION,
            spec_version: self.spec_version,
            domain: self.domain,
            session_id: self.session_id,
            model_root: self.model_root,
            policy: self.policy,
            boundary: self.boundary,
            prompt_root: self.prompt_root,
            prompt_length: self.prompt_length,
            steps: self.steps,
        }
    }

    /// Reads a proof's public output. `program_hash` is what the verifier recomputed.
    ///
    /// # Errors
    /// [`StatementError`] naming the first felt that no statement has there.
    pub fn from_output(
        output: &[Felt],
        program_hash: ProgramHash,
    ) -> Result<Statement, StatementError> {
        if output.len() != OUTPUT_LEN {
            return Err(wrong_length(output.len()));
        }
        if output[0] != Felt::from(VERSION) {
            return Err(StatementError::OtherVersion {
                found: output[0].to_string(),
            });
        }
        let head = Head::read(output, &OUTPUT_FIELDS)?;
        Ok(Statement {
            spec_version: head.spec_version,
            domain: head.domain,
            session_id: head.session_id,
            model_root: head.model_root,
            program_hash,
            policy: head.policy,
            boundary: head.boundary,
            prompt_root: head.prompt_root,
            prompt_length: head.prompt_length,
            steps: head.steps,
            frontier_in: frontier(output, HEAD)?,
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
        let claimed = self.to_output();
        comparisons(
            (self.program_hash, &claimed),
            &OUTPUT_FIELDS,
            (program_hash, output),
            wrong_length,
        )
    }
}

fn wrong_length(found: usize) -> StatementError {
    StatementError::TensorOutputLength { found }
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
    let small = |index| small(felts, &OUTPUT_FIELDS, index);
    Ok(Frontier {
        position: small(at)?,
        last_token: small(at + 1)?,
        kv_root: KvRoot(felts[at + 2]),
        tokens_root: TokensRoot(felts[at + 3]),
        chosen_root: ChosenRoot(felts[at + 4]),
    })
}
