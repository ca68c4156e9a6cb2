//! Lies about records: of each, one lookup or one constraint refuses it, and nothing else does.

use cairo_decode::air::components::relations::{COMPRESS, LANES as VIEWS, RANGE, RECORDS, TENSOR};
use cairo_decode::air::components::{compress, record};
use cairo_decode::spec::poseidon2::{Digest, compress as compressed};
use cairo_decode::spec::record::EMPTY;
use cairo_decode::tensor;
use cairo_decode::tensor::constants::signed;
use stwo::core::fields::m31::M31;

use crate::balance::Misfit;
use crate::digest_liar::{
    LANES, Lie, ON, VALUE, as_it_is, compression, honest, number, one, says, with_positions,
    with_roots,
};
use crate::digests::{carried, chunk_from, digest, digested, digested_of_bits};
use crate::liar::wrong_values;
use crate::{Chunk, Numbers, chunk_unchecked};

#[test]
fn lies_are_told_of_a_chunk_that_fits() {
    assert_eq!(honest().misfit(), Misfit::default());
    assert_eq!(
        with_roots(honest(), |_| (), &as_it_is).misfit(),
        Misfit::default()
    );
    assert_eq!(with_positions(11, 11).misfit(), Misfit::default());
}

/// Attack: the last carried position is left out, or one more is hashed. Stopped by: the chain below the row of `roots`.
#[test]
fn requirement_04_a_position_left_out_or_added() {
    with_positions(10, 11).refused_by(RECORDS);
    with_positions(12, 11).refused_by(RECORDS);
}

/// Attack: a carried position's first row has the values of another position, or of another block. Stopped by: the views.
#[test]
fn requirement_34_positions_in_another_order() {
    for other in [2, 16] {
        let lie = |chunk: &mut Lie| {
            let [row, other] = [0, other].map(|number| chunk.row(number));
            for column in &mut chunk.table("record")[VALUE..] {
                column.swap(row, other);
            }
        };
        with_roots(honest(), lie, &as_it_is).refused_by(VIEWS);
    }
}

/// Attack: two carried values with another reading of their element, in the memory too: the same root. Stopped by: the ranges.
#[test]
fn requirement_12_another_reading_of_the_same_element() {
    let honest = honest();
    let place = honest.plan.addresses as usize;
    for by in [1, -1] {
        let mut values = honest.values.clone();
        values.rows[place][3] += by << 15;
        values.rows[place + 1][3] -= by;
        let chunk = Lie(chunk_unchecked(honest.plan.clone(), values));
        let root = chunk.plan.recorded().expect("records").incoming.address;
        assert_eq!(digest(&chunk, root, 0), digest(&honest, root, 0));
        chunk.refused_by(RANGE);
    }
}

/// Attack: a carried number that has one bit more than its tensor, of which attention's ranges are made; the root is its own. The tensor's bits are those that are
/// checked, where more would be proven. Stopped by: the ranges.
#[test]
fn requirement_12_a_carried_number_of_one_bit_more() {
    let bits = |plan: &tensor::Plan| plan.carried.tensors[0].bits;
    let proven = bits(&digested(LANES, &[16, 24], 7, 2).0);
    for checked in [15, proven - 1] {
        let (plan, ..) = digested_of_bits(LANES, &[16, 24], 7, 2, checked);
        assert_eq!(bits(&plan), proven.min(checked));
        let half = 1i64 << (bits(&plan) - 1);
        let came = carried(&plan, 11, &mut Numbers(5));
        let honest = chunk_from(plan, &came);
        let place = honest.plan.addresses as usize;
        for (value, fits) in [
            (half - 1, true),
            (-half, true),
            (half, false),
            (-half - 1, false),
        ] {
            let mut values = honest.values.clone();
            values.rows[place][3] = value;
            let chunk = Lie(chunk_unchecked(honest.plan.clone(), values));
            let mut chunk = with_roots(chunk, |_| (), &as_it_is);
            match fits {
                true => assert_eq!(chunk.misfit(), Misfit::default()),
                false => chunk.refused_by(RANGE),
            }
        }
    }
}

/// Attack: a false root behind a block. A row of padding with the enabler −1 yields it, and another with the enabler 1 takes away what
/// else that row yields. Stopped by: `e (on − e)` of both.
#[test]
fn a_row_of_padding_that_yields_what_it_uses() {
    let change = |number: u32, root: Digest| if number == 0 { [7; 8] } else { root };
    let mut chunk = with_roots(honest(), |_| (), &change);
    // Without these rows the block's compression is missing, and the true one is not used.
    assert_eq!(chunk.misfit().open, [COMPRESS.0; 2]);
    let constants = &chunk.constants.tables[chunk.index("record")];
    let padding = constants[ON]
        .iter()
        .position(|on| on.0 == 0)
        .expect("padding");
    let first = chunk.row(0);
    let table = chunk.table("record");
    for column in table.iter_mut() {
        column[padding] = column[first];
        column[padding + 1] = column[first];
    }
    table[0][padding] = signed(-1);
    let values: Vec<i64> = table[VALUE..]
        .iter()
        .map(|column| number(column[first]))
        .collect();
    let packing = chunk.plan.recorded().expect("records").packing;
    let root = compressed(&EMPTY, &packing.block(&values));
    for (column, element) in chunk.table("record")[9..17].iter_mut().zip(root) {
        column[padding + 1] = M31::from(element);
    }
    let broken = [padding, padding + 1].map(|row| ("record".to_string(), row));
    let only = Misfit {
        broken: broken.to_vec(),
        ..Misfit::default()
    };
    assert_eq!(chunk.as_told(), only);
}

/// Attack: a number of positions of which the blocks are, modulo `p`, 13 of the 20 of the first position. Stopped by: its range.
#[test]
fn requirement_04_a_position_that_is_not_whole() {
    let (plan, ..) = digested(LANES, &[320, 320], 7, 1);
    let came = carried(&plan, 1, &mut Numbers(5));
    let honest = Lie(chunk_from(plan, &came));
    assert_eq!(honest.blocks(), 20);
    let lie = |chunk: &mut Lie| {
        for number in 13..20 {
            let row = chunk.row(number);
            chunk.table("record")[0][row] = M31::from(0);
        }
    };
    let mut chunk = with_roots(honest, lie, &as_it_is);
    says(&mut chunk, (13 + i32::MAX as u32) / 20);
    chunk.refused_by(RANGE);
}

/// Attack: an enabler that is neither 0 nor 1. Stopped by: `e (on − e)` of its row, and the chain.
#[test]
fn an_enabler_of_two() {
    let mut chunk = honest();
    let row = chunk.row(0);
    chunk.table("record")[0][row] = M31::from(2);
    let misfit = chunk.misfit();
    assert_eq!(misfit.broken, [("record".to_string(), row)]);
    assert!(misfit.open.contains(&RECORDS.0));
}

/// Attack: a root behind a block that is not the compression. Stopped by: `compress`.
#[test]
fn requirement_04_another_root_behind_a_block() {
    let mut chunk = honest();
    // The last block of a carried position that is off, of a chain that leads nowhere: its row and the one behind.
    let row = chunk.row(0);
    let next = chunk.row(1);
    let table = chunk.table("record");
    table[9][row] += one();
    table[1][next] += one();
    chunk.refused_by(COMPRESS);
}

/// Attack: own lanes that begin with another root than the carried positions have, as that of no positions. Stopped by: the chain.
#[test]
fn requirement_04_own_lanes_behind_another_root() {
    let (plan, ..) = digested(LANES, &[16, 24], 7, 2);
    let came = carried(&plan, 11, &mut Numbers(5));
    let none = tensor::Chunk {
        position: 0,
        ..came.clone()
    };
    let [with, without] = [came, none].map(|came| chunk_from(plan.clone(), &came));
    let records = plan.recorded().expect("records");
    // The memory has the roots of a chunk without carried positions behind each lane, and the root of those that are carried.
    let mut values = with.values.clone();
    for i in records.behind.addresses() {
        values.rows[i as usize] = without.values.rows[i as usize].clone();
    }
    let mut chunk = Lie(chunk_unchecked(plan, values));
    let own = chunk.row(record::OWN);
    let blocks = LANES * chunk.blocks();
    for name in ["record", "compress"] {
        let other = &without.witness.tables[without.index(name)];
        for (column, other) in chunk.table(name).iter_mut().zip(other) {
            // Own rows are the first of both components.
            column[own..own + blocks].copy_from_slice(&other[own..own + blocks]);
        }
    }
    chunk.refused_by(RECORDS);
}

/// Attack: a root in the memory, before the chunk or behind a lane, that no row has. Stopped by: the views.
#[test]
fn requirement_04_another_root_in_the_memory() {
    let honest = honest();
    let records = honest.plan.recorded().expect("records");
    for (address, lane) in [(records.incoming.address, 0), (records.behind.address, 4)] {
        let mut lie = honest_again(&honest);
        let [tensor, lanes] = ["tensor", "lanes"].map(|name| lie.index(name));
        let view = lie.constants.tables[lanes][1]
            .iter()
            .position(|a| a.0 == address)
            .expect("a view");
        lie.witness.tables[tensor][lane][address as usize] += one();
        lie.witness.tables[lanes][lane][view] += one();
        let misfit = lie.misfit();
        assert!(misfit.open.contains(&VIEWS.0), "{misfit:?}");
        assert!(
            misfit.open.iter().all(|&relation| relation == VIEWS.0),
            "{misfit:?}"
        );
    }
}

fn honest_again(chunk: &Chunk) -> Lie {
    Lie(chunk_unchecked(chunk.plan.clone(), chunk.values.clone()))
}

/// A row of `compress` that no step uses may be any compression, as every row is true: it says nothing.
#[test]
fn a_compression_of_no_step_says_nothing() {
    let mut chunk = honest();
    let free = chunk.table("compress")[0].len() - 1;
    let row = compression(&[5; 8], &[9; 16], 0);
    for (column, value) in chunk.table("compress").iter_mut().zip(&row) {
        column[free] = *value;
    }
    assert_eq!(chunk.misfit(), Misfit::default());
    chunk.table("compress")[compress::MULTIPLICITY][free] = one();
    chunk.refused_by(COMPRESS);
}

/// Attack: the program reads an element of a digest that is 0 as `p`, which is the same element and another felt. Stopped by: the inverse
/// of `cells`.
#[test]
fn requirement_12_a_digest_that_is_not_canonical() {
    let (plan, records, _) = digested(LANES, &[16, 24], 7, 2);
    let mut chunk = Lie(chunk_from(plan, &tensor::Chunk::first(&[1; LANES])));
    assert_eq!(digest(&chunk, records.incoming.address, 0), EMPTY);
    let address = records.incoming.address;
    let cells = chunk.table("cells");
    let read = (0..cells[0].len()).find(|&row| cells[6][row].0 + (cells[7][row].0 << 9) == address);
    let read = read.expect("a read of the root");
    // Behind the step, the address, the lane and the cell's number: four limbs and the inverse.
    let limbs = 5 + 4 + 4 + 1;
    for (column, limb) in [511, 511, 511, 15, 0].into_iter().enumerate() {
        cells[limbs + column][read] = M31::from(limb);
    }
    chunk.refused_by_a_constraint("cells", read);
}

/// Attack: one value of the memory's carried rows, which the root does not have. Stopped by: the views of `record`.
#[test]
fn requirement_34_another_carried_value() {
    let mut chunk = honest();
    let [tensor, address] = [chunk.index("tensor"), chunk.plan.addresses as usize];
    chunk.witness.tables[tensor][2][address] += one();
    chunk.refused_by(TENSOR);
}

/// Attack: any one value of any column. Stopped by: a constraint or a relation, but where `free` says otherwise.
#[test]
fn requirement_11_one_wrong_value_in_any_column_of_digests() {
    wrong_values(&honest());
}
