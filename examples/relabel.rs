//! What the envelope adds to the proof: each field of a statement relabelled, against the bare proof and against
//! the receipt. `scripts/relabel SESSION MANIFEST` runs it.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use cairo_decode::receipt::{
    Document, FormatError, Manifest, Receipt, ReceiptError, SessionDir, check_receipt,
};
use cairo_decode::verify::ProofError;
use cairo_decode::verify::policy::Accept;
use cairo_decode::verify::proof::{TensorProof, decode_tensors, encode_tensors};
use cairo_decode::verify::statement::OUTPUT_FIELDS;
use cairo_decode::verify::statement::StatementError;
use cairo_decode::verify::tensors::{TensorPins, verify_tensors};
use serde_json::{Value, json};

/// The field that is not in the proof's output: the verifier computes it from the program's words.
const PROGRAM_HASH: &str = "statement.program_hash";

/// The field that is in the output only: in a receipt the format says it.
const VERSION: &str = "statement.version";

/// Where a receipt says a field.
fn place_of(field: &str) -> String {
    match field {
        VERSION => "format".to_string(),
        field => field.replace('.', "/"),
    }
}

/// Fields that one equation ties together: the message names one of them.
const EQUATION: [&str; 3] = [
    "statement.steps",
    "statement.frontier_in.position",
    "statement.frontier_out.position",
];

/// Another value of the same field, well formed where the field has a second one.
fn other(field: &str, value: &Value) -> Value {
    match (field, value) {
        (VERSION, _) => json!("cairo-decode-receipt/1"),
        ("statement.boundary", _) => json!("layer"),
        ("statement.policy.kind", _) => json!("sampling"),
        ("statement.domain.chain", _) => json!("SN_MAIN"),
        (_, Value::Number(n)) => json!(n.as_u64().unwrap_or(0) + 1),
        (_, Value::String(text)) => {
            let mut text = text.clone();
            let last = text.pop();
            json!(format!(
                "{text}{}",
                if last == Some('1') { '2' } else { '1' }
            ))
        }
        _ => json!(1),
    }
}

/// The layer that refuses a receipt, and its message.
fn layer(error: &ReceiptError) -> &'static str {
    match error {
        ReceiptError::Statement(StatementError::Differs { .. }) => "the proof's output",
        ReceiptError::Statement(_) => "the statement's form",
        ReceiptError::Policy(_) => "what the verifier accepts",
        ReceiptError::Proof { .. } => "the proof's record",
        _ => "the token lists",
    }
}

/// Who refuses the receipt with another text.
fn refused(
    text: &str,
    (bytes, pins): (&[u8], &TensorPins),
    session: &SessionDir,
    accept: &Accept,
    index: usize,
) -> Result<Option<(&'static str, String)>, Box<dyn Error>> {
    let receipt = match Receipt::from_json(text.as_bytes()) {
        Ok(receipt) => receipt,
        Err(
            error @ (FormatError::UnknownName { .. }
            | FormatError::NotCanonical { .. }
            | FormatError::OtherFormat { .. }),
        ) => {
            return Ok(Some(("the strict reader", error.to_string())));
        }
        Err(error) => return Err(error.into()),
    };
    let facts = verify_tensors(bytes, pins)?.facts;
    let (_, identity) = session.load_proof(index, &receipt)?;
    let checked = check_receipt(&receipt, &facts, &identity, accept);
    Ok(checked
        .err()
        .map(|error| (layer(&error), error.to_string())))
}

/// The proof with one field of what it says changed.
fn relabelled(proof: &TensorProof, field: &str) -> Vec<u8> {
    let mut proof = proof.clone();
    let memory = &mut proof.proof.claim.public_data.public_memory;
    match OUTPUT_FIELDS.iter().position(|name| *name == field) {
        Some(index) => memory.output[index].1[0] ^= 1,
        None => memory.program[100].1[0] ^= 1,
    }
    encode_tensors(&proof)
}

fn run(dir: &Path, manifest: &Path) -> Result<bool, Box<dyn Error>> {
    let manifest = Manifest::read(manifest)?;
    let session = SessionDir::open(dir)?;
    let document = session.load_session()?;
    let receipts: Vec<Receipt> = session.load_receipts(&document)?;
    // The last chunk: it chooses, from a frontier that is not the prompt's.
    let index = receipts.len().checked_sub(1).ok_or("no receipt")?;
    let (bytes, _) = session.load_proof(index, &receipts[index])?;
    let accept = manifest.model.accept(document.domain);
    let of = (&bytes[..], &manifest.tensors);
    let honest = receipts[index].to_json()?;
    if let Some((_, error)) = refused(&honest, of, &session, &accept, index)? {
        return Err(error.into());
    }
    let value: Value = serde_json::from_str(&honest)?;
    let proof = decode_tensors(&bytes)?;
    let fields: Vec<&str> = OUTPUT_FIELDS.into_iter().chain([PROGRAM_HASH]).collect();
    let (mut outside, mut inside, mut receipt, mut named) = (0, 0, 0, 0);
    println!("field | bare proof | receipt");
    for field in &fields {
        let mut changed = value.clone();
        let pointer = format!("/{}", place_of(field));
        let place = changed.pointer_mut(&pointer).ok_or("no such field")?;
        *place = other(field, place);
        // The bare proof knows no label: it verifies as before.
        let bare = verify_tensors(&bytes, &manifest.tensors).is_err();
        outside += usize::from(bare);
        let argument = verify_tensors(&relabelled(&proof, field), &manifest.tensors);
        inside += usize::from(matches!(argument, Err(ProofError::Invalid(_))));
        let found = refused(&changed.to_string(), of, &session, &accept, index)?;
        let said = match &found {
            None => "accepted".to_string(),
            Some((layer, error)) => format!("rejected by {layer}: {error}"),
        };
        println!(
            "{field} | {} | {said}",
            if bare { "rejected" } else { "accepted" }
        );
        if let Some((_, error)) = &found {
            receipt += 1;
            let one = |name: &str| error.starts_with(&format!("{name}: "));
            // The two fields of a domain go together, and so do the three of the equation.
            let domain =
                field.starts_with("statement.domain.") && error.starts_with("statement.domain.");
            let equation = EQUATION.contains(field) && EQUATION.iter().any(|name| one(name));
            let format = *field == VERSION && one("format");
            named += usize::from(one(field) || equation || domain || format);
        }
    }
    let all = fields.len();
    println!("bare proof, relabelled outside: {outside} of {all} rejected");
    println!(
        "bare proof, relabelled inside: {inside} of {all} rejected, all by the proof's argument"
    );
    println!(
        "receipt: {receipt} of {all} rejected, {} naming its field",
        if named == all { "each" } else { "not each" }
    );
    Ok(receipt == all && inside == all && named == all)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [session, manifest] = &arguments[..] else {
        eprintln!("usage: relabel SESSION MANIFEST");
        return ExitCode::from(2);
    };
    match run(Path::new(session), Path::new(manifest)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
