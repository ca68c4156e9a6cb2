//! Lies about calls and about what the program reads: one lookup of their rows refuses them, and nothing else does.

use cairo_decode::air::components::call;
use cairo_decode::air::components::cells;
use cairo_decode::air::components::relations::{ADDRESS, LANES as VIEWS, RANGE, VALUE};
use cairo_decode::prove::tensor::{Witness, tally};
use cairo_decode::tensor::Plan;
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::claims::{misfit, of_cells, refused_when_counted};
use crate::norm_lane::P;
use crate::{Chunk, GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk, chunk_of};

/// Attack: the program reads another value than the view has; and a value as the same number and `p`. Stopped by: the view; the last limb's range.
#[test]
fn requirement_02_another_value_of_a_cell() {
    let given = chunk(&GIVEN).plan.tokens.given;
    let mut lie = chunk(&GIVEN);
    let [read] = lie.reads(given, 1)[..] else {
        panic!("one read");
    };
    lie.reads_limbs(0, read, [GIVEN[1] + 1, 0, 0, 0]);
    refused_when_counted(lie, VIEWS, "a value");
    let mut lie = chunk(&GIVEN);
    let large = i64::from(GIVEN[1]) + P;
    lie.reads_limbs(
        0,
        read,
        std::array::from_fn(|i| (large >> (9 * i)) as u32 & 511),
    );
    refused_when_counted(lie, RANGE, "a limb");
}

/// A witness in which the program reads a value of the memory that nobody else needs from another cell: of this number, with these limbs.
fn with_cell(honest: &Chunk, lane: usize, id: M31, value: M31) -> Witness {
    let mut lie = Chunk {
        plan: honest.plan.clone(),
        constants: crate::Constants {
            layout: honest.constants.layout.clone(),
            tables: honest.constants.tables.clone(),
        },
        values: honest.values.clone(),
        witness: honest.witness.clone(),
        input: crate::program::run(&honest.plan, &honest.values),
    };
    let given = lie.plan.tokens.given;
    let read = lie.reads(given, lane)[0];
    lie.says(given + UNUSED, lane, value);
    *lie.cell("cells", of_cells::value(UNUSED as usize), read) = id;
    tally::write(&lie.constants, &mut lie.witness);
    lie.witness
}

/// A row of the view of tokens that nothing writes.
const UNUSED: u32 = 6;

/// Attack: the program reads a value that its cell does not have. Stopped by: Cairo's memory, which knows the cell's number and its value; and with
/// the number of another cell, the address.
#[test]
fn requirement_02_a_cell_of_another_value_or_address() {
    let mut honest = chunk(&GIVEN);
    let checked = Honest::new(&honest.constants, &honest.witness);
    let given = honest.plan.tokens.given;
    let read = honest.reads(given, 1)[0];
    let cells = &honest.witness.tables[honest.index("cells")];
    let id = |k: usize| cells[of_cells::value(k)][read];
    let own = with_cell(&honest, 1, id(UNUSED as usize), M31::from(77_777));
    assert_eq!(checked.unlike(&own), [VALUE.0].into());
    let other = with_cell(&honest, 1, id(0), M31::from(GIVEN[1]));
    assert_eq!(checked.unlike(&other), [ADDRESS.0].into());
    honest.witness = own;
    assert_eq!(misfit(&honest), Misfit::default());
}

/// Attack: a call, or a read of cells, that takes the step of another instruction that only moves on. Stopped by: Cairo's memory, which does not have the
/// call's word under the instruction's number; and with the number of a call, the address.
#[test]
fn an_instruction_that_is_no_call() {
    let chunk = chunk(&GIVEN);
    let words = [("call_3", call::word(3)), ("cells", cells::word())];
    for (name, word) in words {
        let table = &chunk.witness.tables[chunk.index(name)];
        assert_eq!(table[0][0], M31::from(1));
        let [pc, id] = [1, 4].map(|column| table[column][0]);
        let value = [&[VALUE, id][..], &call::limbs(word)].concat();
        for tuple in [&value[..], &[ADDRESS, pc, id]] {
            let mut honest = Honest::new(&chunk.constants, &chunk.witness);
            assert_eq!(honest.unlike(&chunk.witness), [].into());
            // The program has something else there.
            honest.without_memory(tuple);
            assert_eq!(honest.unlike(&chunk.witness), [tuple[0].0].into());
        }
    }
}

/// Attack: a call with an address that its cell does not have, for the results of an operation. Stopped by: Cairo's memory, which knows the cell's number
/// and its value; and with the number of another cell, the address.
#[test]
fn an_operand_of_another_value_or_address() {
    let mut numbers = Numbers(4);
    let mut plan = Plan::new(LANES, 12, numbers.matrix(WIDTH, TOKENS, 127)).expect("a plan");
    let x = plan.embed();
    // One output that is 0, as is the row of the memory that nothing writes.
    let of = numbers.product(WIDTH, 1, 0, 0);
    plan.linear(x, of, 14).expect("in range");
    plan.head(x).expect("in range");
    let mut lie = chunk_of(plan, &GIVEN);
    let honest_witness = lie.witness.clone();
    let constants = crate::Constants {
        layout: lie.constants.layout.clone(),
        tables: lie.constants.tables.clone(),
    };
    let honest = Honest::new(&constants, &honest_witness);
    let to = lie.plan.tokens.given + UNUSED;
    for name in ["product", "round"] {
        let component = lie.index(name);
        let on = lie.constants.tables[component][0].clone();
        for row in (0..on.len()).filter(|&row| on[row].0 == 1) {
            *lie.cell(name, 1, row) = M31::from(to);
        }
    }
    // Behind the step four columns of each operand: the cell's number, three limbs.
    let (number, output) = (6, 13);
    let op = lie.constants.tables[lie.index("round")][1][0];
    let call = &lie.witness.tables[lie.index("call_3")];
    let row = call[number]
        .iter()
        .position(|of| *of == op)
        .expect("a call");
    for (limb, value) in [to, 0, 0].into_iter().enumerate() {
        *lie.cell("call_3", output + 1 + limb, row) = M31::from(value);
    }
    tally::write(&lie.constants, &mut lie.witness);
    assert_eq!(misfit(&lie), Misfit::default());
    assert_eq!(honest.unlike(&lie.witness), [VALUE.0].into());
    // The lane with that number, which the program reads.
    let read = lie.reads(lie.plan.tokens.given, to as usize)[0];
    *lie.cell("call_3", output, row) = *lie.cell("cells", of_cells::LANE - 1, read);
    assert_eq!(misfit(&lie), Misfit::default());
    assert_eq!(honest.unlike(&lie.witness), [ADDRESS.0].into());
}
