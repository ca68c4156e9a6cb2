//! Lies that one constraint refuses, and nothing else does: those that the other modules of lies do not tell.

use cairo_decode::air::components::Component;
use cairo_decode::prove::tensor::tally;
use cairo_decode::spec::poseidon2::WIDTH as STATE;
use cairo_decode::tensor::constants::signed;
use stwo::core::fields::m31::M31;

use crate::attention_lie::{self, Lie, of_row};
use crate::balance::Honest;
use crate::claims::only;
use crate::{GIVEN, LANES, chunk, digest_liar};

/// Attack: a call, or a read of cells, that counts twice, and once less in a row that is no step. Stopped by: `e (1 − e)`.
#[test]
fn steps_that_cancel_each_other() {
    let mut chunk = chunk(&GIVEN);
    let honest = chunk.witness.clone();
    let mut kinds = vec![];
    for (i, placed) in chunk.constants.layout.components.iter().enumerate() {
        let (Component::Call { .. } | Component::Cells) = placed.component else {
            continue;
        };
        let Some(free) = honest.tables[i][0].iter().position(|on| on.0 == 0) else {
            continue;
        };
        chunk.witness = honest.clone();
        for column in &mut chunk.witness.tables[i] {
            column[free] = column[0];
        }
        chunk.witness.tables[i][0][0] = M31::from(2);
        chunk.witness.tables[i][0][free] = signed(-1);
        let checked = Honest::check(&chunk.constants, &chunk.witness, 1);
        let name = placed.component.to_string();
        assert_eq!(checked.err(), Some(only(&name, &[0, free])));
        kinds.push(placed.component.document_name());
    }
    assert!(
        kinds.contains(&"call") && kinds.contains(&"cells"),
        "{kinds:?}"
    );
}

/// Attack: keys of a carried block that the memory does not have, of which a view with the enabler −1 yields what the row of `qk` uses. Stopped by:
/// `e (1 − e)` of `carried_lanes`.
#[test]
fn a_view_that_yields_false_keys() {
    // Queries are 0, so that any keys have these scores.
    let chunk = attention_lie::chunk(1, [0; LANES], &[0; LANES]);
    let mut lie = Lie::new(&chunk);
    // The first row of the head's second group, which is the carried block.
    let block = lie.get("qk", of_row::BLOCK, LANES);
    let views = chunk.index("carried_lanes");
    let addresses = &chunk.constants.tables[views][0];
    let view = addresses
        .iter()
        .position(|address| i64::from(address.0) == block);
    let view = view.expect("a view of the keys");
    let keys = 9 + LANES;
    lie.set("carried_lanes", of_row::ON, view, -1);
    for channel in 0..attention_lie::DIM {
        for key in 0..LANES {
            let value = 100 + (8 * channel + key) as i64;
            lie.set("qk", keys + key, LANES + channel, value);
            lie.set("carried_lanes", 1 + LANES * channel + key, view, value);
        }
    }
    tally::write(&chunk.constants, &mut lie.witness);
    // What the view yields nobody else has to: the memory's own rows are used by nobody.
    for channel in 0..attention_lie::DIM {
        lie.set("tensor", LANES, block as usize + channel, 0);
    }
    let checked = Honest::check(&chunk.constants, &lie.witness, 1);
    assert_eq!(checked.err(), Some(only("carried_lanes", &[view])));
}

/// Attack: the negative of a square, in a compression that a step uses. (Any other square leads to another digest.) Stopped by: the square's constraint.
#[test]
fn another_square_of_a_compression() {
    let mut lie = digest_liar::honest();
    let square = &mut lie.table("compress")[STATE][0];
    assert_ne!(square.0, 0);
    *square = -*square;
    lie.refused_by_a_constraint("compress", 0);
}
