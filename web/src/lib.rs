//! The verifier as a WebAssembly module: files go in, JSON comes out, nothing is imported.
//!
//! A host, `web/verifier.js`, calls [`input`] for a place in memory, writes there, calls a command, and reads the answer
//! where [`answer`] says. The commands are those of [`run::Run`]: [`begin`], [`give`], [`open`], [`receipt`], [`finish`], in this order; and
//! [`bundle`], which says where a session's files are in one.
//! An answer is a JSON object: what the command says, `{"rejected": {…}}`, or `{"failed": …}` for a host's mistake.
//!
//! Invariants
//! - One instance verifies one session.
//! - A panic ends the instance (`panic = "abort"` is a trap), and is a refusal. Where the verifier guards against panics of a library,
//!   the answer then is the refusal that it would have made of it.
//! - No pointer is read here: the host writes into vectors that the module holds, within their length.

mod run;

use std::cell::RefCell;

use cairo_decode_verifier::guard;
use serde::Serialize;

use run::{Refusal, Run};

thread_local! {
    static INPUTS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(vec![]) };
    static RUN: RefCell<Run> = RefCell::new(Run::default());
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(vec![]) };
    /// The refusal that a panic is now: the start of its text.
    static GUARDED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Names of functions that the host calls.
macro_rules! exports {
    ($($(#[$comment:meta])* fn $name:ident($($input:ident: $kind:ty),*) $(-> $out:ty)? $body:block)*) => {$(
        $(#[$comment])*
        #[allow(unsafe_code, reason = "the host finds a function by its name; no other crate of the module has one of these")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($input: $kind),*) $(-> $out)? $body
    )*};
}

exports! {
    /// A place of so many bytes for the next input of the next command.
    fn input(bytes: usize) -> *mut u8 {
        let mut vector = vec![0; bytes];
        let place = vector.as_mut_ptr();
        INPUTS.with_borrow_mut(|inputs| inputs.push(vector));
        place
    }

    /// Begins a session; inputs: the request as JSON, the manifest.
    fn begin() {
        guard::on_abort(aborted);
        command(|run, inputs| {
            let [request, manifest] = taken(inputs)?;
            run.begin(&request, &manifest)
        });
    }

    /// Gives a file that was wanted; inputs: its name, its bytes.
    fn give() {
        command(|run, inputs| {
            let [name, bytes] = taken(inputs)?;
            run.give(&name, bytes)
        });
    }

    /// Reads the documents that were given, and checks that they are a session.
    fn open() {
        command(|run, _| run.open());
    }

    /// Verifies the receipt of this number, the next one; input: its proof, if there is one.
    fn receipt(index: usize) {
        command(|run, inputs| {
            GUARDED.replace(run.proof_path(index));
            let verified = run.receipt(index, inputs.pop());
            GUARDED.take();
            verified
        });
    }

    /// Ends a session all of whose receipts were verified.
    fn finish() {
        command(|run, _| run.finish());
    }

    /// Says what a session's bundle has; inputs: its name, its size and how it begins.
    fn bundle() {
        command(|_, inputs| {
            let [request, start] = taken(inputs)?;
            run::bundle(&request, &start)
        });
    }

    /// Where the answer to the last command is.
    fn answer() -> *const u8 {
        ANSWER.with_borrow(|answer| answer.as_ptr())
    }

    /// How long it is; 0 if the command ended without one.
    fn answer_length() -> usize {
        ANSWER.with_borrow(Vec::len)
    }
}

#[cfg(feature = "replay")]
exports! {
    /// Says the verdict on a recorded case; inputs: its kind and its own ones.
    fn judge() {
        guard::on_abort(aborted);
        command(|_, inputs| {
            let kind = inputs.remove(0);
            Ok(cairo_decode_verdicts::judge(&String::from_utf8_lossy(&kind), inputs))
        });
    }
}

/// Runs a command with the inputs that were given for it, and keeps its answer.
fn command<T: Serialize>(run: impl FnOnce(&mut Run, &mut Vec<Vec<u8>>) -> Result<T, Refusal>) {
    ANSWER.take();
    let mut inputs = INPUTS.take();
    match RUN.with_borrow_mut(|state| run(state, &mut inputs)) {
        Ok(said) => keep(&said),
        Err(refusal) => keep(&refusal),
    }
}

/// The inputs of a command that has this number of them.
fn taken<const COUNT: usize>(inputs: &mut Vec<Vec<u8>>) -> Result<[Vec<u8>; COUNT], Refusal> {
    std::mem::take(inputs)
        .try_into()
        .map_err(|_| Refusal::failed("the command has another number of inputs"))
}

fn keep(said: &impl Serialize) {
    // A type of this crate is JSON; an answer of length 0 says to the host that there is none.
    ANSWER.replace(serde_json::to_vec(said).unwrap_or_default());
}

/// Keeps the refusal that a panic inside a guard is.
fn aborted(reason: String) {
    #[cfg(feature = "replay")]
    if let Some(verdict) = cairo_decode_verdicts::panicked(reason.clone()) {
        return keep(&verdict);
    }
    let proof = GUARDED.take();
    if !proof.is_empty() {
        keep(&run::panicked(proof, reason));
    }
}
