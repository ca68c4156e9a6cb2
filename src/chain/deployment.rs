//! `chain.json`: where the registry is, so that later commands need not be told.

use serde::Serialize;

use crate::receipt::{Document, FormatError, Object};
use crate::verify::statement::{ChainId, ContractAddress, Domain};

/// The `format` field of `chain.json`. Registries that format 1 speaks of have other views and another `submit`.
pub const DEPLOYMENT_FORMAT: &str = "cairo-decode-chain/2";

/// A deployed registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// URL of the node that it was deployed through.
    pub rpc: String,
    pub chain: ChainId,
    pub registry: ContractAddress,
    /// Class hashes, as felts.
    pub registry_class: ContractAddress,
    pub verifier_class: ContractAddress,
}

impl Deployment {
    /// The domain of receipts that count there.
    pub fn domain(&self) -> Domain {
        Domain {
            chain: self.chain,
            verifier: self.registry,
        }
    }
}

impl Document for Deployment {
    const FORMAT: &'static str = DEPLOYMENT_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(Deployment {
            rpc: object.field("rpc")?,
            chain: object.field("chain")?,
            registry: object.field("registry")?,
            registry_class: object.field("registry_class")?,
            verifier_class: object.field("verifier_class")?,
        })
    }

    fn check_form(&self) -> Result<(), FormatError> {
        if self.domain().is_local() {
            return Err(FormatError::inconsistent("chain", "must not be `local`"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_strict() {
        let deployment = Deployment {
            rpc: "http://127.0.0.1:5050".to_string(),
            chain: "SN_TEST".parse().unwrap(),
            registry: "0x1".parse().unwrap(),
            registry_class: "0x2".parse().unwrap(),
            verifier_class: "0x3".parse().unwrap(),
        };
        let text = deployment.to_json().unwrap();
        assert_eq!(Deployment::from_json(text.as_bytes()), Ok(deployment));
        let other = text.replacen("\"rpc\"", "\"url\"", 1);
        assert!(Deployment::from_json(other.as_bytes()).is_err());
        let local = text.replace("SN_TEST", "local");
        assert!(Deployment::from_json(local.as_bytes()).is_err());
    }
}
