//! Every change of a receipt's text is refused against facts that are held fixed, and the
//! message names the field.

use cairo_decode::receipt::{FormatError, ProofIdentity, Receipt, ReceiptError};
use cairo_decode::verify::policy::PolicyError;
use cairo_decode::verify::statement::{Channel, Preprocessed};
use cairo_decode_verdicts::{Document, check_receipt, check_session};
use serde_json::{Value, json};

use crate::fixtures::{Recipe, Run, onchain, proof_bytes, run};

/// The chunk with both forced and emitted tokens.
const CHUNK: usize = 1;

fn mixed_run() -> Run {
    let run = run(&Recipe {
        chunk_size: 2,
        domain: onchain(),
        eos: Some(63),
        ..Recipe::default()
    });
    let receipt = &run.receipts[CHUNK];
    assert_eq!(
        (receipt.forced_tokens.len(), receipt.emitted_tokens.len()),
        (1, 1)
    );
    run
}

/// Reads the text and puts it in the place of chunk `CHUNK`: everything that a verifier does,
/// short of verifying the proof.
fn verify(run: &Run, text: &str) -> Result<(), String> {
    let receipt = Receipt::from_json(text.as_bytes()).map_err(|error| error.to_string())?;
    let proof = ProofIdentity::of(&proof_bytes(&run.receipts[CHUNK].statement));
    let facts = &run.facts[CHUNK];
    check_receipt(&receipt, facts, &proof, &run.accept()).map_err(|error| error.to_string())?;
    let mut receipts = run.receipts.clone();
    receipts[CHUNK] = receipt;
    check_session(&run.session, &run.manifest, &receipts).map_err(|error| error.to_string())?;
    Ok(())
}

/// One step into a document.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Member(String),
    Item(usize),
}

/// The paths of all values of a document, and whether each is a member of an object.
fn paths(value: &Value) -> Vec<Vec<Step>> {
    let mut all = Vec::new();
    let steps: Vec<(Step, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (Step::Member(name.clone()), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, value)| (Step::Item(index), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, inner) in steps {
        all.push(vec![step.clone()]);
        for mut path in paths(inner) {
            path.insert(0, step.clone());
            all.push(path);
        }
    }
    all
}

fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Member(name) if text.is_empty() => text.push_str(name),
            Step::Member(name) => text.push_str(&format!(".{name}")),
            Step::Item(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn at<'a>(value: &'a mut Value, path: &[Step]) -> &'a mut Value {
    path.iter().fold(value, |value, step| match step {
        Step::Member(name) => &mut value[name.as_str()],
        Step::Item(index) => &mut value[*index],
    })
}

/// Well-formed values of the same field that differ from `value`.
fn alternatives(path: &str, value: &Value) -> Vec<Value> {
    if path == "statement.domain.chain" {
        return vec![json!("SN_MAIN"), json!("local")];
    }
    if path == "proof.file" {
        return vec![json!("chunk-0000.proof"), json!("other.proof")];
    }
    if path == "proof.params.channel" {
        return Channel::ALL[1..]
            .iter()
            .map(|one| json!(one.name()))
            .collect();
    }
    if path == "proof.params.preprocessed" {
        return Preprocessed::ALL[..2]
            .iter()
            .map(|one| json!(one.name()))
            .collect();
    }
    let mut others = match value {
        Value::Number(number) => {
            let n = number.as_u64().unwrap();
            vec![
                json!(n + 1),
                json!(n.saturating_sub(1)),
                json!(0),
                json!(u32::MAX),
            ]
        }
        Value::String(text) if text.starts_with("0x") => {
            vec![
                json!("0x0"),
                json!("0x1"),
                json!(format!("0x1{}", &text[2..text.len() - 1])),
            ]
        }
        Value::String(text) if text.len() == 64 => {
            vec![
                json!("0".repeat(64)),
                json!(text.chars().rev().collect::<String>()),
            ]
        }
        Value::String(_) => vec![json!("other")],
        Value::Array(items) => {
            let mut longer = items.clone();
            longer.push(json!(3));
            vec![json!([]), json!(longer)]
        }
        _ => Vec::new(),
    };
    if path == "statement.policy.eos" || path == "proof.params.lifting_log_size" {
        others.push(Value::Null);
    }
    others.retain(|other| other != value);
    others
}

#[test]
fn the_untouched_receipt_is_accepted() {
    let run = mixed_run();
    verify(&run, &run.receipts[CHUNK].to_json().unwrap()).unwrap();
}

#[test]
fn requirement_25_every_altered_field() {
    let run = mixed_run();
    let original: Value = serde_json::from_str(&run.receipts[CHUNK].to_json().unwrap()).unwrap();
    let mut altered = 0;
    for path in paths(&original) {
        let name = shown(&path);
        let current = at(&mut original.clone(), &path).clone();
        for other in alternatives(&name, &current) {
            let mut changed = original.clone();
            *at(&mut changed, &path) = other.clone();
            let error = verify(&run, &changed.to_string())
                .expect_err(&format!("{name}: {current} became {other}"));
            // Positions and the number of steps are one equation; it is reported at its end.
            let equation = ["statement.steps", "statement.frontier_in.position"];
            let list = name.split('[').next().unwrap();
            let named = error.contains(&name)
                || name.ends_with(']') && error.contains(list)
                || equation.contains(&name.as_str())
                    && error.contains("statement.frontier_out.position")
                || name == "statement.domain.chain" && error.contains("statement.domain.verifier")
                || name == "statement.domain.verifier" && error.contains("statement.domain.");
            assert!(named, "{name}: {current} became {other}: {error}");
            altered += 1;
        }
    }
    assert!(altered > 90, "only {altered} changes were tried");
}

#[test]
fn requirement_27_every_value_of_another_type() {
    let run = mixed_run();
    let original: Value = serde_json::from_str(&run.receipts[CHUNK].to_json().unwrap()).unwrap();
    let others = [
        json!(null),
        json!(true),
        json!(1.5),
        json!(-1),
        json!([[]]),
        json!({}),
        json!(""),
    ];
    for path in paths(&original) {
        let name = shown(&path);
        let nullable =
            ["statement.policy.eos", "proof.params.lifting_log_size"].contains(&name.as_str());
        for other in &others {
            if other.is_null() && nullable {
                continue;
            }
            let mut changed = original.clone();
            *at(&mut changed, &path) = other.clone();
            let error = Receipt::from_json(changed.to_string().as_bytes()).unwrap_err();
            assert!(
                error.to_string().starts_with(&name),
                "{name} became {other}: {error}"
            );
        }
    }
}

#[test]
fn requirement_27_every_deleted_field() {
    let run = mixed_run();
    let original: Value = serde_json::from_str(&run.receipts[CHUNK].to_json().unwrap()).unwrap();
    for path in paths(&original) {
        let (Some(Step::Member(member)), outer) = (path.last(), &path[..path.len() - 1]) else {
            continue;
        };
        let mut changed = original.clone();
        at(&mut changed, outer)
            .as_object_mut()
            .unwrap()
            .remove(member);
        let error = Receipt::from_json(changed.to_string().as_bytes()).unwrap_err();
        assert_eq!(error, FormatError::Missing { path: shown(&path) });
    }
}

#[test]
fn requirement_27_every_added_field() {
    let run = mixed_run();
    let original: Value = serde_json::from_str(&run.receipts[CHUNK].to_json().unwrap()).unwrap();
    let objects = paths(&original).into_iter().chain([Vec::new()]);
    for path in objects {
        let mut changed = original.clone();
        let Some(object) = at(&mut changed, &path).as_object_mut() else {
            continue;
        };
        object.insert("note".to_owned(), json!(0));
        let mut added = path.clone();
        added.push(Step::Member("note".to_owned()));
        let error = Receipt::from_json(changed.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            error,
            FormatError::Unknown {
                path: shown(&added)
            }
        );
    }
}

/// The document's text with the member at `path` written twice.
fn duplicated(value: &Value, path: &[Step]) -> String {
    let inner = |step: Step, value: &Value| match path.first() {
        Some(first) if *first == step => duplicated(value, &path[1..]),
        _ => value.to_string(),
    };
    match value {
        Value::Object(map) => {
            let mut members = Vec::new();
            for (name, value) in map {
                let step = Step::Member(name.clone());
                if path == [step.clone()] {
                    members.push(format!("\"{name}\":{value}"));
                }
                members.push(format!("\"{name}\":{}", inner(step, value)));
            }
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let items: Vec<String> = items
                .map(|(at, item)| inner(Step::Item(at), item))
                .collect();
            format!("[{}]", items.join(","))
        }
        _ => value.to_string(),
    }
}

#[test]
fn requirement_27_every_duplicated_field() {
    let run = mixed_run();
    let original: Value = serde_json::from_str(&run.receipts[CHUNK].to_json().unwrap()).unwrap();
    let mut tried = 0;
    for path in paths(&original) {
        if !matches!(path.last(), Some(Step::Member(_))) {
            continue;
        }
        let error = Receipt::from_json(duplicated(&original, &path).as_bytes()).unwrap_err();
        assert_eq!(error, FormatError::Duplicate { path: shown(&path) });
        tried += 1;
    }
    assert!(tried > 40, "only {tried} fields were tried");
    assert_eq!(
        serde_json::from_str::<Value>(&duplicated(&original, &[])).unwrap(),
        original
    );
}

#[test]
fn a_proof_of_another_chunk_is_refused() {
    let run = mixed_run();
    let other = ProofIdentity::of(&proof_bytes(&run.receipts[0].statement));
    let error = check_receipt(&run.receipts[CHUNK], &run.facts[0], &other, &run.accept());
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("statement.steps: ") || error.contains("frontier_in"),
        "{error}"
    );
    // Right facts, other bytes: the digest tells.
    let error = check_receipt(
        &run.receipts[CHUNK],
        &run.facts[CHUNK],
        &other,
        &run.accept(),
    );
    let error = error.unwrap_err();
    assert!(
        matches!(
            error,
            ReceiptError::Proof {
                field: "blake2s",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn requirement_33_a_weak_proof_however_it_is_labelled() {
    let run = mixed_run();
    let mut facts = run.facts[CHUNK].clone();
    facts.security_bits = 13;
    let mut receipt = run.receipts[CHUNK].clone();
    let proof = ProofIdentity::of(&proof_bytes(&receipt.statement));
    for label in [13, 96] {
        receipt.proof.security_bits = label;
        let error = check_receipt(&receipt, &facts, &proof, &run.accept());
        let weak = PolicyError::Security {
            found: 13,
            floor: 96,
        };
        assert_eq!(error, Err(ReceiptError::Policy(weak)));
    }
}
