//! What each check of a receipt and of a session is for: an attack, and what becomes of it when only that
//! check is not looked at.
//!
//! A receipt is attacked alone, as `verify` reads one; a session as a whole.

use std::collections::BTreeSet;
use std::fmt::Display;

#[path = "../support/table.rs"]
mod table;

use cairo_decode::receipt::{ProofIdentity, SessionError, receipt_checks, session_checks};

use cairo_decode_verdicts::{check_receipt, check_session};

use crate::fixtures::{Recipe, Run, onchain, proof_bytes, run};
use crate::receipt_attacks::{Case, honest, receipt_attacks};
use crate::session_attacks::session_attacks;
use table::Row;

/// The only kind of policy there is has no other value: its check has no attack.
const WITHOUT_OTHER_VALUE: &str = "accepted policy.kind";

/// Every check of a receipt has an attack that fails it; the table says what else would.
#[test]
fn requirement_24_what_each_check_of_a_receipt_stops() {
    let honest = honest();
    let findings = |c: &Case| -> Vec<(&str, bool)> {
        let checks = receipt_checks(&c.receipt, &c.facts, &c.proof, &c.accept);
        let found = checks.iter().map(|check| (check.name(), check.find()));
        found
            .map(|(name, found)| {
                (
                    name,
                    found.is_err_and(|error| is_named(&error, error.field())),
                )
            })
            .collect()
    };
    let all: Vec<&str> = findings(&honest).iter().map(|(name, _)| *name).collect();
    assert!(findings(&honest).iter().all(|(_, bad)| !bad));
    let attacks = receipt_attacks();
    let mut attacked: BTreeSet<&str> = attacks.iter().map(|(check, ..)| *check).collect();
    assert!(attacked.insert(WITHOUT_OTHER_VALUE));
    assert_eq!(attacked, BTreeSet::from_iter(all.iter().copied()));
    let mut rows = vec![];
    for (check, attack, change) in attacks {
        let mut case = honest.clone();
        change(&mut case);
        let refused = check_receipt(&case.receipt, &case.facts, &case.proof, &case.accept);
        assert!(refused.is_err(), "{attack}: accepted");
        rows.push(row(check, attack, findings(&case)));
    }
    table::check(
        "necessity of the receipt's checks",
        &table::necessity(&rows),
    );
}

/// A refusal's message names the field that the refusal is about.
fn is_named(refused: &impl Display, field: Option<String>) -> bool {
    let said = refused.to_string();
    let named = field.is_none_or(|field| said.contains(&field));
    assert!(named, "the message names another field: {said}");
    true
}

fn row(check: &str, attack: &str, findings: Vec<(&str, bool)>) -> Row {
    let mut failed: Vec<&str> = vec![];
    failed.extend(
        findings
            .iter()
            .filter(|(_, bad)| *bad)
            .map(|(name, _)| name),
    );
    let before = failed.len();
    failed.retain(|name| *name != check);
    assert!(
        failed.len() < before,
        "{check} does not see {attack}: {failed:?}"
    );
    Row {
        check: check.to_string(),
        attack: attack.to_string(),
        next: failed.first().map(|name| name.to_string()),
    }
}

/// Every check of a session has an attack that fails it; the table says what else would. What else: the
/// other checks of the session, then those of each receipt with its proof.
#[test]
fn requirement_24_what_each_check_of_a_session_stops() {
    let honest = run(&Recipe {
        domain: onchain(),
        eos: Some(61),
        ..Recipe::default()
    });
    let accept = honest.accept();
    let findings = |r: &Run| -> Vec<(&str, bool)> {
        let own = session_checks(&r.session, &r.manifest, &r.receipts);
        let found = own.iter().map(|check| (check.name(), check.find()));
        let is_named = |error: SessionError| {
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{}: ", error.file()))
            );
            is_named(&error, error.field())
        };
        found
            .map(|(name, found)| (name, found.is_err_and(is_named)))
            .collect()
    };
    let of_receipts = |r: &Run| -> Option<String> {
        // The verifier's side: the manifest at hand, and the domain that was asked for.
        let accept = r.manifest.accept(*accept.domain());
        r.receipts
            .iter()
            .zip(&r.facts)
            .find_map(|(receipt, facts)| {
                // Each with the file that its statement's proof is.
                let mut proof = ProofIdentity::of(&proof_bytes(&receipt.statement));
                if facts.output != receipt.statement.to_output().to_vec() {
                    proof.blake2s = receipt.proof.blake2s;
                }
                let checks = receipt_checks(receipt, facts, &proof, &accept);
                let failed = checks.iter().find(|check| check.find().is_err());
                failed.map(|check| format!("the receipt's {}", check.name()))
            })
    };
    let all: Vec<&str> = findings(&honest).iter().map(|(name, _)| *name).collect();
    assert!(findings(&honest).iter().all(|(_, bad)| !bad));
    assert_eq!(of_receipts(&honest), None);
    let attacks = session_attacks();
    let attacked: BTreeSet<&str> = attacks.iter().map(|(check, ..)| *check).collect();
    assert_eq!(attacked, BTreeSet::from_iter(all.iter().copied()));
    let mut rows = vec![];
    for (check, attack, change) in attacks {
        let mut attacked = honest.clone();
        change(&mut attacked);
        let (session, receipts) = (&attacked.session, &attacked.receipts);
        let refused = check_session(session, &attacked.manifest, receipts);
        assert!(refused.is_err(), "{attack}: accepted");
        let mut row = row(check, attack, findings(&attacked));
        row.next = row.next.or_else(|| of_receipts(&attacked));
        rows.push(row);
    }
    table::check(
        "necessity of the session's checks",
        &table::necessity(&rows),
    );
}
