//! What a verifier is willing to accept, decided before any proof is looked at.
//!
//! Owns: [`Accept`] (the verifier's side of the bargain) and its checks of a statement and of
//! the parameters a proof verified under.
//!
//! Invariants: the security floor can be raised but never set below [`MIN_SECURITY_BITS`];
//! nothing in an `Accept` comes from a receipt or a proof.
//!
//! Absent on purpose: the roots of constants, fixed tables among them (the manifest has
//! them), and which prompt or session is meant (the session check owns that).

use thiserror::Error;

use super::checks::{Check, all, ensure};
use super::statement::{Domain, ModelRoot, Policy, ProgramHash, PublicFacts, Statement, VERSION};
use crate::spec::SPEC_VERSION;

/// The least security, in bits, that any verifier accepts.
pub const MIN_SECURITY_BITS: u32 = 96;

/// The model a verifier expects, as its manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedModel {
    pub model_root: ModelRoot,
    pub program_hash: ProgramHash,
    pub policy: Policy,
    /// Numeric specification the program implements.
    pub spec_version: u32,
    /// Version of the encoding of the program's public output.
    pub statement_version: u32,
}

/// What a verifier accepts: one model, one domain, a list of specifications, a security floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    model: AcceptedModel,
    domain: Domain,
    spec_versions: Vec<u32>,
    min_security_bits: u32,
}

impl Accept {
    /// Accepts proofs of `model` for `domain`, under [`SPEC_VERSION`], with at least [`MIN_SECURITY_BITS`] bits.
    pub fn new(model: AcceptedModel, domain: Domain) -> Self {
        let min_security_bits = MIN_SECURITY_BITS;
        Accept {
            model,
            domain,
            spec_versions: vec![SPEC_VERSION],
            min_security_bits,
        }
    }

    /// Raises the security floor.
    ///
    /// # Errors
    /// [`PolicyError::Floor`] if `bits` is below [`MIN_SECURITY_BITS`].
    pub fn with_min_security_bits(mut self, bits: u32) -> Result<Self, PolicyError> {
        if bits < MIN_SECURITY_BITS {
            return Err(PolicyError::Floor { asked: bits });
        }
        self.min_security_bits = bits;
        Ok(self)
    }

    /// Replaces the list of accepted numeric specifications.
    pub fn with_spec_versions(mut self, versions: Vec<u32>) -> Self {
        self.spec_versions = versions;
        self
    }

    /// The expected model.
    pub fn model(&self) -> &AcceptedModel {
        &self.model
    }

    /// The expected domain.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The accepted numeric specifications.
    pub fn spec_versions(&self) -> &[u32] {
        &self.spec_versions
    }

    /// The security floor in bits, at least [`MIN_SECURITY_BITS`].
    pub fn min_security_bits(&self) -> u32 {
        self.min_security_bits
    }

    /// Checks that the statement is about the expected model, policy and domain.
    ///
    /// # Errors
    /// One [`PolicyError`] per field; the message names it.
    pub fn check_statement(&self, statement: &Statement) -> Result<(), PolicyError> {
        all(self.statement_checks(statement))
    }

    /// One check per field of the statement that the verifier's side fixes.
    pub fn statement_checks<'a>(&'a self, statement: &'a Statement) -> [Check<'a, PolicyError>; 9] {
        let (model, domain) = (&self.model, &self.domain);
        let (spec, policy) = (statement.spec_version, statement.policy);
        [
            Check::new("accepted version", move || {
                let expected = model.statement_version;
                ensure(VERSION == expected, || PolicyError::Version { expected })
            }),
            Check::new("accepted spec_version", move || {
                ensure(self.spec_versions.contains(&spec), || PolicyError::Spec {
                    found: spec,
                    accepted: self.spec_versions.clone(),
                })
            }),
            Check::new("spec_version of the model", move || {
                ensure(spec == model.spec_version, || PolicyError::ModelSpec {
                    found: spec,
                    expected: model.spec_version,
                })
            }),
            Check::new("accepted model_root", move || {
                let (found, expected) = (statement.model_root, model.model_root);
                ensure(found == expected, || PolicyError::ModelRoot {
                    found,
                    expected,
                })
            }),
            Check::new("accepted program_hash", move || {
                let (found, expected) = (statement.program_hash, model.program_hash);
                ensure(found == expected, || PolicyError::ProgramHash {
                    found,
                    expected,
                })
            }),
            Check::new("accepted policy.kind", move || {
                ensure(policy.kind == model.policy.kind, || PolicyError::Kind {
                    found: policy.kind.name(),
                    expected: model.policy.kind.name(),
                })
            }),
            Check::new("accepted policy.eos", move || {
                ensure(policy.eos == model.policy.eos, || PolicyError::Eos {
                    found: show(policy.eos),
                    expected: show(model.policy.eos),
                })
            }),
            Check::new("accepted domain.chain", move || {
                let (found, expected) = (statement.domain.chain, domain.chain);
                ensure(found == expected, || PolicyError::Chain {
                    found: found.to_string(),
                    expected: expected.to_string(),
                })
            }),
            Check::new("accepted domain.verifier", move || {
                let (found, expected) = (statement.domain.verifier, domain.verifier);
                ensure(found == expected, || PolicyError::Verifier {
                    found: found.to_string(),
                    expected: expected.to_string(),
                })
            }),
        ]
    }

    /// Checks that the proof verified under parameters that are strong enough.
    ///
    /// # Errors
    /// [`PolicyError::Security`] with the bits found and the floor.
    pub fn check_security(&self, facts: &PublicFacts) -> Result<(), PolicyError> {
        if facts.security_bits < self.min_security_bits {
            return Err(PolicyError::Security {
                found: facts.security_bits,
                floor: self.min_security_bits,
            });
        }
        Ok(())
    }
}

fn show(eos: Option<u32>) -> String {
    eos.map_or_else(|| "none".to_owned(), |token| token.to_string())
}

/// Why a verifier does not accept a statement or a proof's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    #[error("minimum security: {asked} bits asked for, the floor is {MIN_SECURITY_BITS}")]
    Floor { asked: u32 },
    #[error("statement.spec_version: is {found}, accepted are {accepted:?}")]
    Spec { found: u32, accepted: Vec<u32> },
    #[error("statement.version: is {VERSION}, the model manifest has statement_version {expected}")]
    Version { expected: u32 },
    #[error("statement.spec_version: is {found}, the model's program implements {expected}")]
    ModelSpec { found: u32, expected: u32 },
    #[error("statement.model_root: is {found}, the model manifest has {expected}")]
    ModelRoot {
        found: ModelRoot,
        expected: ModelRoot,
    },
    #[error("statement.program_hash: is {found}, the model manifest has {expected}")]
    ProgramHash {
        found: ProgramHash,
        expected: ProgramHash,
    },
    #[error("statement.policy.kind: is {found}, the model manifest has {expected}")]
    Kind {
        found: &'static str,
        expected: &'static str,
    },
    #[error("statement.policy.eos: is {found}, the model manifest has {expected}")]
    Eos { found: String, expected: String },
    #[error("statement.domain.chain: is {found}, expected {expected}")]
    Chain { found: String, expected: String },
    #[error("statement.domain.verifier: is {found}, expected {expected}")]
    Verifier { found: String, expected: String },
    #[error("proof: has {found} bits of security, at least {floor} are required")]
    Security { found: u32, floor: u32 },
}

impl PolicyError {
    /// The field of the receipt that it is about; `None` for what the verifier itself asked for.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            PolicyError::Floor { .. } => None,
            PolicyError::Spec { .. } | PolicyError::ModelSpec { .. } => {
                Some("statement.spec_version")
            }
            PolicyError::Version { .. } => Some("statement.version"),
            PolicyError::ModelRoot { .. } => Some("statement.model_root"),
            PolicyError::ProgramHash { .. } => Some("statement.program_hash"),
            PolicyError::Kind { .. } => Some("statement.policy.kind"),
            PolicyError::Eos { .. } => Some("statement.policy.eos"),
            PolicyError::Chain { .. } => Some("statement.domain.chain"),
            PolicyError::Verifier { .. } => Some("statement.domain.verifier"),
            PolicyError::Security { .. } => Some("proof"),
        }
    }
}
