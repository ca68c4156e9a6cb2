//! The contracts: compiled to class files that any Starknet tool can declare, and checked against the limits
//! of the network.
//!
//! Invariant: a class handed out is within every limit, uses audited library functions only, and keeps a
//! reserve of bytecode. A local chain checks none of that.

pub mod limits;

use std::io;
use std::path::{Path, PathBuf};

use cairo_lang_compiler::CompilerConfig;
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::project::setup_project;
use cairo_lang_filesystem::db::init_dev_corelib;
use cairo_lang_filesystem::ids::CrateInput;
use cairo_lang_starknet::compile::compile_contract_in_prepared_db;
use cairo_lang_starknet::starknet_plugin_suite;
use cairo_lang_starknet_classes::casm_contract_class::CasmContractClass;
use cairo_lang_starknet_classes::contract_class::ContractClass;
use starknet_types_core::felt::Felt;
use thiserror::Error;

use crate::compile::{self, CompileError};
use limits::LimitError;

/// Why there is no class.
#[derive(Debug, Error)]
pub enum ContractError {
    #[error(transparent)]
    Sources(#[from] CompileError),
    #[error("{name}: cannot be compiled: {reason}")]
    Compile { name: &'static str, reason: String },
    #[error("{name}: {source}")]
    Limit {
        name: &'static str,
        source: LimitError,
    },
    #[error("{}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// The contracts of this project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// The class that verifies wrapped sessions.
    Verifier,
    /// Models and sessions.
    Registry,
    /// An account for local chains.
    Account,
}

impl Contract {
    /// The contract's name, and its path inside the package.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Contract::Verifier => (
                "SessionVerifier",
                "cairo_decode_contracts::verifier::SessionVerifier",
            ),
            Contract::Registry => ("Registry", "cairo_decode_contracts::registry::Registry"),
            Contract::Account => ("Account", "cairo_decode_contracts::account::Account"),
        }
    }

    /// The contract's name.
    pub fn name(self) -> &'static str {
        self.names().0
    }
}

/// A compiled class.
#[derive(Debug)]
pub struct Class {
    pub contract: Contract,
    /// The Sierra class as JSON, as it is declared.
    pub sierra: String,
    /// The CASM class as JSON.
    pub casm: String,
    /// Hash of the CASM class that a declaration signs.
    pub compiled_class_hash: Felt,
    /// Felts of bytecode.
    pub bytecode: usize,
}

/// Compiles a contract and checks its class.
///
/// # Errors
/// The compiler's diagnostics, or a limit of the network.
pub fn class(contract: Contract) -> Result<Class, ContractError> {
    let (name, path) = contract.names();
    let failed = |reason: String| ContractError::Compile { name, reason };
    let work = tempfile::tempdir().map_err(|source| ContractError::Write {
        path: std::env::temp_dir(),
        source,
    })?;
    compile::write_all(
        &work.path().join("contracts/src"),
        compile::contract_sources(),
    )?;
    compile::write_all(&work.path().join("corelib/src"), compile::corelib_sources())?;
    let project = "[crate_roots]\ncairo_decode_contracts = \"contracts/src\"\n\n[config.global]\nedition = \"2024_07\"\n";
    let file = ("cairo_project.toml", project);
    compile::write_all(work.path(), [file].into_iter())?;

    let mut db = RootDatabase::builder()
        .with_default_plugin_suite(starknet_plugin_suite())
        .build()
        .map_err(|e| failed(e.to_string()))?;
    init_dev_corelib(&mut db, work.path().join("corelib/src"));
    let inputs = setup_project(&mut db, work.path()).map_err(|e| failed(e.to_string()))?;
    let mut diagnostics = String::new();
    let crates = CrateInput::into_crate_ids(&db, inputs.clone());
    let config = CompilerConfig {
        diagnostics_reporter: DiagnosticsReporter::write_to_string(&mut diagnostics)
            .with_crates(&inputs),
        replace_ids: true,
        ..CompilerConfig::default()
    };
    let compiled = compile_contract_in_prepared_db(&db, Some(path), crates, config);
    let class = compiled.map_err(|e| failed(format!("{e}\n{diagnostics}")))?;
    checked(contract, class)
}

fn checked(contract: Contract, class: ContractClass) -> Result<Class, ContractError> {
    let name = contract.name();
    let failed = |reason: String| ContractError::Compile { name, reason };
    let limit = |source| ContractError::Limit { name, source };
    let program = class
        .extract_sierra_program(false)
        .map_err(|e| failed(e.to_string()))?;
    limits::check_library_functions(&program).map_err(limit)?;
    let sierra = serde_json::to_string(&class).map_err(|e| failed(e.to_string()))?;
    let casm = CasmContractClass::from_contract_class(class, program, true, usize::MAX)
        .map_err(|e| failed(e.to_string()))?;
    limits::check_class(casm.bytecode.len(), sierra.len()).map_err(limit)?;
    Ok(Class {
        contract,
        sierra,
        compiled_class_hash: casm.compiled_class_hash(),
        bytecode: casm.bytecode.len(),
        casm: serde_json::to_string(&casm).map_err(|e| failed(e.to_string()))?,
    })
}

impl Class {
    /// Writes the two class files, named as Scarb names them, into a folder.
    ///
    /// # Errors
    /// [`ContractError::Write`].
    pub fn write(&self, dir: &Path) -> Result<(), ContractError> {
        std::fs::create_dir_all(dir).map_err(|source| ContractError::Write {
            path: dir.to_path_buf(),
            source,
        })?;
        let stem = format!("cairo_decode_contracts_{}", self.contract.name());
        let files = [
            (format!("{stem}.contract_class.json"), &self.sierra),
            (format!("{stem}.compiled_contract_class.json"), &self.casm),
        ];
        for (name, text) in files {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|source| ContractError::Write { path, source })?;
        }
        Ok(())
    }
}
