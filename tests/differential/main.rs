//! The contract and the native verifier accept and refuse the same proofs.
//!
//! The proof is of a small circuit, filled up to the shape and with the parameters of the circuits that are
//! verified on chain, so its root is another one; nothing else is. Every section of it is changed in several
//! places and ways, and so is every value that a verifier pins.

mod runner;

use std::collections::BTreeMap;

use cairo_decode::wrap::circuit::{CircuitProver, OUTPUTS};
use cairo_decode::wrap::shape::{AGGREGATE, pad};
use cairo_decode::wrap::{calldata, verify};
use circuit_common::N_RESERVED;
use circuits::context::{Context, FinalizedContext};
use circuits::eval;
use circuits::ivalue::{IValue, NoValue};
use circuits::ops::guess;
use runner::{Verdict, Verifier};
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::{M31, P};
use stwo::core::fields::qm31::QM31;

/// Gas that the contract may use for the whole verification.
const MAX_GAS: usize = 200_000_000;
/// What reasons of a refusal start with: anything else is a mistake of the contract's.
const REASONS: [&str; 2] = ["proof: ", "fri: "];

/// A proof with what verifiers pin.
#[derive(Clone)]
struct Case {
    root: [u8; 32],
    output: [QM31; 2],
    felts: Vec<Felt>,
}

/// A circuit whose outputs are a sum and a product of two secrets.
fn circuit<Value: IValue>() -> FinalizedContext<Value> {
    let mut context = Context::<Value>::new(N_RESERVED);
    let number = |a| Value::from_qm31(QM31::from_m31_array([1, a, 3, 4].map(M31::from)));
    let (x, y) = (
        guess(&mut context, number(2)),
        guess(&mut context, number(5)),
    );
    let sum = eval!(&mut context, (x) + (y));
    let product = eval!(&mut context, (x) * (y));
    assert_eq!(N_RESERVED, OUTPUTS);
    context.set_outputs(&[sum, product]);
    context.finalize(false)
}

fn prove() -> (Case, Vec<(String, std::ops::Range<usize>)>) {
    let prover = CircuitProver::new(circuit::<NoValue>(), &AGGREGATE).expect("fits the shape");
    let mut filled = circuit::<QM31>();
    pad(&mut filled, &AGGREGATE).expect("fits the shape");
    let proof = prover.prove(filled.values()).expect("a proof");
    let output = [proof.claim.output_values[0], proof.claim.output_values[1]];
    let felts = calldata::pack(&proof);
    let sections = calldata::sections(&felts).expect("packed");
    let case = Case {
        root: prover.root(),
        output,
        felts,
    };
    (case, sections)
}

/// Two to the power `n`.
fn power(n: u32) -> Felt {
    Felt::TWO.pow(n)
}

/// Limb `limb` of a packed felt.
fn limb(felt: &Felt, limb: u32) -> u32 {
    let shifted = felt.to_biguint() >> (31 * limb);
    let digits = shifted.to_u32_digits();
    digits.first().copied().unwrap_or_default() & P
}

/// Changed cases, each with a name.
fn changes(good: &Case, sections: &[(String, std::ops::Range<usize>)]) -> Vec<(String, Case)> {
    let mut cases = vec![];
    let mut add = |name: String, change: &dyn Fn(&mut Case)| {
        let mut case = good.clone();
        change(&mut case);
        cases.push((name, case));
    };
    for (name, range) in sections.iter().filter(|(_, range)| !range.is_empty()) {
        let n = range.len();
        // One bit, in places and limbs all over the section.
        for i in 0..6u32 {
            let place = range.start + (n - 1) * i as usize / 5;
            let at = 31 * (3 * i % 8) + 5 * i;
            let bit = good.felts[place].to_biguint() >> at;
            let set = bit
                .to_u32_digits()
                .first()
                .is_some_and(|digit| digit & 1 == 1);
            add(
                format!("{name}: felt {place}: bit {at}"),
                &|case| match set {
                    true => case.felts[place] -= power(at),
                    false => case.felts[place] += power(at),
                },
            );
        }
        // A limb that is zero in the field, and a bit above the limbs.
        let place = range.start + n / 2;
        for at in [0, 4, 7] {
            let gap = P - limb(&good.felts[place], at);
            add(format!("{name}: felt {place}: limb {at} is P"), &|case| {
                case.felts[place] += Felt::from(gap) * power(31 * at);
            });
        }
        for at in [64, 248, 251] {
            add(format!("{name}: felt {place}: 2^{at} more"), &|case| {
                case.felts[place] += power(at);
            });
        }
        // Order, and zeros.
        if n > 1 && good.felts[range.start] != good.felts[range.start + 1] {
            add(format!("{name}: two felts swapped"), &|case| {
                case.felts.swap(range.start, range.start + 1);
            });
        }
        add(format!("{name}: a felt is zero"), &|case| {
            case.felts[place] = Felt::ZERO
        });
        add(format!("{name}: without a felt"), &|case| {
            case.felts.remove(place);
        });
    }
    for i in 0..15 {
        add(format!("length {i}: one more"), &|case| {
            case.felts[0] += power(16 * i)
        });
        add(format!("length {i}: one less"), &|case| {
            case.felts[0] -= power(16 * i)
        });
    }
    add("no felt".to_string(), &|case| case.felts.clear());
    add("a felt less".to_string(), &|case| {
        case.felts.pop();
    });
    add("a felt more".to_string(), &|case| {
        case.felts.push(Felt::ZERO)
    });
    // Pins.
    for i in 0..8 {
        add(format!("root: word {i}"), &|case| case.root[4 * i] ^= 1);
        add(format!("output: limb {i}"), &|case| {
            let mut limbs = case.output[i / 4].to_m31_array();
            limbs[i % 4] += M31::from(1);
            case.output[i / 4] = QM31::from_m31_array(limbs);
        });
    }
    add("outputs swapped".to_string(), &|case| {
        case.output.swap(0, 1)
    });
    cases
}

#[test]
fn contract_and_native_verifier_agree() {
    let (good, sections) = prove();
    let verifier = Verifier::new().expect("compiles");
    let native = |case: &Case| verify::verify_packed(case.root, case.output, &case.felts);
    let contract = |case: &Case| verifier.verdict(case.root, case.output, &case.felts);

    assert_eq!(native(&good), Ok(()));
    match contract(&good) {
        Verdict::Accepted { gas } => {
            println!("{} felts, {gas} gas", good.felts.len());
            assert!(gas < MAX_GAS, "{gas} gas");
        }
        Verdict::Refused(reason) => panic!("refused: {reason}"),
    }

    let cases = changes(&good, &sections);
    assert!(cases.len() >= 200, "{} cases", cases.len());
    let mut problems = vec![];
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for (name, case) in &cases {
        let native = native(case);
        match contract(case) {
            Verdict::Accepted { .. } => {
                problems.push(format!("{name}: contract accepts, {native:?}"))
            }
            Verdict::Refused(reason) => {
                if native.is_ok() {
                    problems.push(format!("{name}: only the contract refuses: {reason}"));
                }
                if !REASONS.iter().any(|start| reason.starts_with(start)) {
                    problems.push(format!(
                        "{name}: refused without a reason of its own: {reason}"
                    ));
                }
                *reasons.entry(reason).or_default() += 1;
            }
        }
    }
    println!("{} changed proofs: {reasons:#?}", cases.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
