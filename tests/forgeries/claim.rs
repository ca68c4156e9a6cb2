//! The claim of a proof: public memory, segments, registers, and the components' sizes.

use cairo_air::components::{add_mod_builtin, ec_op_builtin, mul_mod_builtin};
use cairo_air::components::{pedersen_builtin, range_check96_builtin};
use cairo_decode::verify::ProofError;

use crate::fields::{changed, claim, invalid};

/// Attack: another output, program, or place of them in memory. Stopped by: the checks of the public memory's geometry, and where the geometry is consistent, by the memory argument itself.
#[test]
fn public_memory() {
    // Values.
    for i in [0, 1, 9, 16, 20] {
        invalid(&format!("output {i}"), |p| {
            p.claim.public_data.public_memory.output[i].1[0] ^= 1
        });
    }
    invalid("two outputs swapped", |p| {
        p.claim.public_data.public_memory.output.swap(9, 14)
    });
    invalid("the id of an output", |p| {
        p.claim.public_data.public_memory.output[9].0 ^= 1
    });
    let first = "the program does not start with the call of its main function";
    for i in [0, 1, 2, 4, 5] {
        claim(&format!("program word {i}"), first, |p| {
            p.claim.public_data.public_memory.program[i].1[0] ^= 1
        });
    }
    for i in [3, 6, 100] {
        invalid(&format!("program word {i}"), |p| {
            p.claim.public_data.public_memory.program[i].1[0] ^= 1
        });
    }
    invalid("two program words swapped", |p| {
        p.claim.public_data.public_memory.program.swap(100, 101)
    });
    invalid("safe call", |p| {
        p.claim.public_data.public_memory.safe_call_ids[0] ^= 1
    });
    let modulus = "a public memory value is not below the field's modulus";
    let prime: [u32; 8] = [1, 0, 0, 0, 0, 0, 17, 0x0800_0000];
    claim("output plus prime", modulus, |p| {
        let value = &mut p.claim.public_data.public_memory.output[0].1;
        assert!(value[1..].iter().all(|w| *w == 0), "a small value");
        let low = value[0];
        *value = prime;
        value[0] += low;
    });
    claim("program word plus prime", modulus, |p| {
        p.claim.public_data.public_memory.program[5].1 = prime
    });

    // Geometry.
    let all = "the output is not all of the output segment";
    claim("output truncated", all, |p| {
        p.claim.public_data.public_memory.output.pop();
    });
    claim("output extended", all, |p| {
        p.claim.public_data.public_memory.output.push((0, [0; 8]))
    });
    claim("stop pointer", all, |p| {
        p.claim
            .public_data
            .public_memory
            .public_segments
            .output
            .stop_ptr
            .value += 1
    });
    claim("stop before start", all, |p| {
        p.claim
            .public_data
            .public_memory
            .public_segments
            .output
            .stop_ptr
            .value = 0
    });
    invalid("output and segment truncated", |p| {
        let memory = &mut p.claim.public_data.public_memory;
        memory.output.pop();
        memory.public_segments.output.stop_ptr.value -= 1;
    });
    let place = "the output segment does not start where the output is read";
    claim("start pointer", place, |p| {
        p.claim
            .public_data
            .public_memory
            .public_segments
            .output
            .start_ptr
            .value += 1
    });
    claim("final ap", place, |p| {
        p.claim.public_data.final_state.ap.0 += 1
    });
    invalid("output segment moved", |p| {
        p.claim.public_data.final_state.ap.0 += 1;
        let output = &mut p.claim.public_data.public_memory.public_segments.output;
        output.start_ptr.value += 1;
        output.stop_ptr.value += 1;
    });
    let program = "the program is not all of the program segment";
    claim("initial ap", program, |p| {
        p.claim.public_data.initial_state.ap.0 += 1
    });
    claim("program truncated", program, |p| {
        p.claim.public_data.public_memory.program.pop();
    });
    claim("program extended", program, |p| {
        p.claim.public_data.public_memory.program.push((0, [0; 8]))
    });
    invalid("program and initial ap", |p| {
        p.claim.public_data.public_memory.program.pop();
        p.claim.public_data.initial_state.ap.0 -= 1;
        p.claim.public_data.initial_state.fp.0 -= 1;
        p.claim.public_data.final_state.fp.0 -= 1;
    });
    let length = "the program has fewer than 6 or more than 800,000 words";
    claim("no program", length, |p| {
        p.claim.public_data.public_memory.program.clear()
    });
    claim("a long program", length, |p| {
        let program = &mut p.claim.public_data.public_memory.program;
        program.resize(800_001, (0, [0; 8]));
    });
    let length = "the output has more than 1,024 felts";
    claim("a long output", length, |p| {
        p.claim.public_data.public_memory.output = vec![(0, [0; 8]); (1 << 10) + 1];
    });
    // States and segments.
    claim(
        "initial pc",
        "the run does not start at the first word of the program",
        |p| p.claim.public_data.initial_state.pc.0 += 1,
    );
    claim(
        "initial fp",
        "the run's first frame is not where its stack starts",
        |p| p.claim.public_data.initial_state.fp.0 += 1,
    );
    claim(
        "final pc",
        "the run does not end in the loop behind the call of the main function",
        |p| p.claim.public_data.final_state.pc.0 += 2,
    );
    claim(
        "final fp",
        "the run does not end in the frame in which it started",
        |p| p.claim.public_data.final_state.fp.0 += 1,
    );
    invalid("start id", |p| {
        p.claim
            .public_data
            .public_memory
            .public_segments
            .output
            .start_ptr
            .id ^= 1
    });
    invalid("stop id", |p| {
        p.claim
            .public_data
            .public_memory
            .public_segments
            .output
            .stop_ptr
            .id ^= 1
    });
    let segment = "a public segment is missing";
    claim("no keccak segment", segment, |p| {
        p.claim.public_data.public_memory.public_segments.keccak = None
    });
    claim("no ecdsa segment", segment, |p| {
        p.claim.public_data.public_memory.public_segments.ecdsa = None
    });
    claim(
        "range check as memory of poseidon",
        "a builtin's component has no segment",
        |p| {
            let s = &mut p.claim.public_data.public_memory.public_segments;
            std::mem::swap(&mut s.poseidon, &mut s.range_check_128);
        },
    );
}

/// Attack: sizes that overflow the library's arithmetic, components left out or doubled. Stopped by: the bound on sizes, and
/// one sum for each component; otherwise the sums over all components do not cancel.
#[test]
fn components() {
    let rows = "a component has more rows than the parameters allow";
    let table = "a memory table has more than 2^20 rows";
    let missing = "the memory components are missing";
    let sums = "there is not one sum for each table of large values";
    let extra = "there are sums that no component stands for";
    for log in [21, 30, 31, 32, 255, u32::MAX] {
        claim("log size", rows, |p| {
            p.claim
                .assert_eq_opcode
                .as_mut()
                .expect("the component")
                .log_size = log;
        });
        let error = changed("big memory", |p| {
            p.claim
                .memory_id_to_big
                .as_mut()
                .expect("the component")
                .big_log_sizes[0] = log;
        });
        assert_eq!(error, ProofError::Claim(table));
    }
    for log in [0, 1, 3, 20] {
        invalid(&format!("log size {log}"), |p| {
            p.claim
                .assert_eq_opcode
                .as_mut()
                .expect("the component")
                .log_size = log;
        });
    }
    for count in [17, 65, 10_000] {
        claim("many memory tables", "too many memory tables", |p| {
            p.claim
                .memory_id_to_big
                .as_mut()
                .expect("the component")
                .big_log_sizes = vec![4; count];
        });
    }
    for count in [2, 16] {
        claim("more memory tables", sums, |p| {
            let big = p.claim.memory_id_to_big.as_mut().expect("the component");
            big.big_log_sizes = vec![big.big_log_sizes[0]; count];
        });
    }
    claim("no memory table", sums, |p| {
        p.claim
            .memory_id_to_big
            .as_mut()
            .expect("the component")
            .big_log_sizes
            .clear();
    });
    claim("no addresses", missing, |p| {
        p.claim.memory_address_to_id = None
    });
    claim("no values", missing, |p| p.claim.memory_id_to_big = None);
    claim("an opcode left out", extra, |p| {
        p.claim.assert_eq_opcode = None
    });
    invalid("an opcode left out with its sum", |p| {
        p.claim.assert_eq_opcode = None;
        p.interaction_claim.assert_eq_opcode = None;
    });
    claim("a sum left out", extra, |p| {
        p.interaction_claim.assert_eq_opcode = None
    });
    claim(
        "range check left out",
        "a builtin's segment has no component",
        |p| {
            p.claim.range_check_builtin = None;
            p.interaction_claim.range_check_builtin = None;
        },
    );
    claim(
        "range check moved",
        "a builtin's component starts elsewhere than its segment",
        |p| {
            p.claim
                .range_check_builtin
                .as_mut()
                .expect("the builtin")
                .range_check_builtin_segment_start += 1;
        },
    );
}

/// Attack: a component of a builtin whose segment is empty. The library would let the prover choose the component's address
/// after the challenges, since it neither compares it with anything nor puts it into the transcript; several such
/// components are enough freedom to make the sums cancel. Stopped by: a builtin has a component only if it has a segment.
#[test]
fn builtins_without_segments() {
    let unbound = "a builtin's component has no segment";
    let (log_size, start) = (4, 1000);
    claim("add_mod", unbound, |p| {
        let add_mod_builtin_segment_start = start;
        p.claim.add_mod_builtin = Some(add_mod_builtin::Claim {
            log_size,
            add_mod_builtin_segment_start,
        });
    });
    claim("mul_mod", unbound, |p| {
        let mul_mod_builtin_segment_start = start;
        p.claim.mul_mod_builtin = Some(mul_mod_builtin::Claim {
            log_size,
            mul_mod_builtin_segment_start,
        });
    });
    claim("ec_op", unbound, |p| {
        let ec_op_builtin_segment_start = start;
        p.claim.ec_op_builtin = Some(ec_op_builtin::Claim {
            log_size,
            ec_op_builtin_segment_start,
        });
    });
    claim("pedersen", unbound, |p| {
        let pedersen_builtin_segment_start = start;
        p.claim.pedersen_builtin = Some(pedersen_builtin::Claim {
            log_size,
            pedersen_builtin_segment_start,
        });
    });
    claim("range_check96", unbound, |p| {
        let range_check96_builtin_segment_start = start;
        let claim = range_check96_builtin::Claim {
            log_size,
            range_check96_builtin_segment_start,
        };
        p.claim.range_check96_builtin = Some(claim);
    });
    // The builtins that the program uses, their segments emptied or taken away.
    claim("an empty range check segment", unbound, |p| {
        let s = &mut p.claim.public_data.public_memory.public_segments;
        let range = s.range_check_128.as_mut().expect("a segment");
        range.stop_ptr = range.start_ptr;
    });
    claim("no poseidon segment", "a public segment is missing", |p| {
        p.claim.public_data.public_memory.public_segments.poseidon = None;
    });
}
