//! What statements of all versions have in common: the fields that they begin with, the rules of their form, and the
//! comparison of a claimed statement with a proof's output.
//!
//! Owns: [`Head`], [`form_rules`], [`comparisons`]. A version adds its frontier, and whatever else it states.

use starknet_types_core::felt::Felt;

use super::super::checks::{Check, ensure};
use super::{
    BoundaryKind, ChainId, ContractAddress, Domain, MAX_POSITION, ModelRoot, Policy, PolicyKind,
    ProgramHash, SessionId, StatementError, TokensRoot, felt_to_hex,
};

/// Field paths of an encoding's felts, in order.
pub(super) type Fields = &'static [&'static str];

/// Field path of what the verifier recomputes.
const PROGRAM_HASH: &str = "statement.program_hash";

const CHAIN: usize = 2;
const POLICY_KIND: usize = 6;
const POLICY_EOS: usize = 7;
const BOUNDARY: usize = 8;

/// Number of felts that every encoding begins with.
pub(super) const HEAD: usize = 12;

/// The fields that statements of all versions begin with, in the order of the encoding.
pub(super) struct Head {
    pub version: u32,
    pub spec_version: u32,
    pub domain: Domain,
    pub session_id: SessionId,
    pub model_root: ModelRoot,
    pub policy: Policy,
    pub boundary: BoundaryKind,
    pub prompt_root: TokensRoot,
    pub prompt_length: u32,
    pub steps: u32,
}

impl Head {
    /// The first felts of the encoding.
    pub(super) fn felts(&self) -> [Felt; HEAD] {
        let PolicyKind::Greedy = self.policy.kind;
        let BoundaryKind::Token = self.boundary;
        let eos = self.policy.eos.map_or(0, |token| u64::from(token) + 1);
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
        ]
    }

    /// Reads the first felts of an output, which has as many as there are fields.
    ///
    /// # Errors
    /// [`StatementError`] naming the first felt that no statement has there: an unknown policy or boundary kind, a number
    /// beyond its field, a chain that is no short string.
    pub(super) fn read(felts: &[Felt], fields: Fields) -> Result<Head, StatementError> {
        let small = |index| small(felts, fields, index);
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
        Ok(Head {
            version: small(0)?,
            spec_version: small(1)?,
            domain: Domain {
                chain: ChainId::from_felt(felts[CHAIN])?,
                verifier: ContractAddress(felts[3]),
            },
            session_id: SessionId(felts[4]),
            model_root: ModelRoot(felts[5]),
            policy: Policy {
                kind: PolicyKind::Greedy,
                eos: eos(felts[POLICY_EOS], fields)?,
            },
            boundary: BoundaryKind::Token,
            prompt_root: TokensRoot(felts[9]),
            prompt_length: small(10)?,
            steps: small(11)?,
        })
    }
}

/// A number of 32 bits.
pub(super) fn small(felts: &[Felt], fields: Fields, index: usize) -> Result<u32, StatementError> {
    u32::try_from(felts[index]).map_err(|_| StatementError::TooLarge {
        field: fields[index],
        value: felts[index].to_string(),
    })
}

/// `eos` is encoded as the token id plus one, so that 0 can mean "none".
fn eos(code: Felt, fields: Fields) -> Result<Option<u32>, StatementError> {
    if code == Felt::ZERO {
        return Ok(None);
    }
    let token = u32::try_from(code - Felt::ONE).map_err(|_| StatementError::TooLarge {
        field: fields[POLICY_EOS],
        value: code.to_string(),
    })?;
    Ok(Some(token))
}

/// The rules of form that do not depend on the version: domain, prompt length, number of steps, positions within
/// [`MAX_POSITION`], and that `steps` lead from the first frontier's position to the last one's.
pub(super) fn form_rules(
    domain: Domain,
    prompt_length: u32,
    steps: u32,
    [from, to]: [u32; 2],
) -> [Check<'static, StatementError>; 7] {
    let Domain { chain, verifier } = domain;
    let (local, contract) = (domain.is_local(), verifier.0 != Felt::ZERO);
    let position = |name, side, found| {
        let error = move || StatementError::Position { side, found };
        Check::new(name, move || ensure(found <= MAX_POSITION, error))
    };
    let end = u64::from(from) + u64::from(steps);
    [
        Check::new("no contract where the domain is local", move || {
            let error = || StatementError::LocalVerifier { found: verifier };
            ensure(!local || !contract, error)
        }),
        Check::new("a contract where there is a chain", move || {
            ensure(local || contract, || StatementError::NoVerifier { chain })
        }),
        Check::new("prompt_length in range", move || {
            let error = || StatementError::PromptLength {
                found: prompt_length,
            };
            ensure((1..=MAX_POSITION).contains(&prompt_length), error)
        }),
        Check::new("a step", move || {
            ensure(steps != 0, || StatementError::NoSteps)
        }),
        position("frontier_in.position in range", "in", from),
        position("frontier_out.position in range", "out", to),
        Check::new("position + steps", move || {
            ensure(end == u64::from(to), || StatementError::Steps {
                from,
                steps,
                to,
            })
        }),
    ]
}

/// The program, the output's length, and one comparison for each field: of a claimed statement with its encoding, and what a proof shows.
pub(super) fn comparisons<'a>(
    (claimed_hash, claimed): (ProgramHash, &[Felt]),
    fields: Fields,
    (program_hash, output): (Felt, &'a [Felt]),
    wrong_length: fn(usize) -> StatementError,
) -> Vec<Check<'a, StatementError>> {
    let differs = |field, receipt, proof| StatementError::Differs {
        field,
        receipt,
        proof,
    };
    let hash = move || {
        ensure(claimed_hash.0 == program_hash, || {
            let (receipt, proof) = (claimed_hash.to_string(), felt_to_hex(&program_hash));
            differs(PROGRAM_HASH, receipt, proof)
        })
    };
    let found = output.len();
    let length = move || ensure(found == fields.len(), || wrong_length(found));
    let mut checks = vec![
        Check::new(PROGRAM_HASH, hash),
        Check::new("length of the output", length),
    ];
    let felts = claimed.iter().copied().zip(output).enumerate();
    checks.extend(felts.map(|(index, (receipt, proof))| {
        let field = fields[index];
        let show = move |felt: &Felt| show(field, index, felt);
        let error = move || differs(field, show(&receipt), show(proof));
        Check::new(field, move || ensure(receipt == *proof, error))
    }));
    checks
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
