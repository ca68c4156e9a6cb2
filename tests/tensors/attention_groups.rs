//! Lies about which keys a head has: masks, groups, blocks, rows that are off. Each is accepted but for one constraint or one relation, which
//! the test names.

use std::collections::BTreeSet;

use cairo_decode::air::components::attend::ROW_VALUES;
use cairo_decode::air::components::relations::{GROUPS, LANES as VIEWS, SCORES, TENSOR};
use stwo::core::fields::m31::M31;

use crate::LANES;
use crate::attention_lie::of_lane::{ATTAINED, FLAG, NEAR, SHARE, WEIGHT};
use crate::attention_lie::{DIM, Lie, MIXED, Read, SHIFT, chunk, of_row, read_column};

/// Attack: lanes see a key of a later lane. Stopped by: the mask's address; with the true address, by the memory.
#[test]
fn requirement_08_a_key_after_the_lanes_own() {
    let chunk = chunk(4, MIXED, &[]);
    let forward = || {
        let mut lie = Lie::new(&chunk);
        // Key 3: near for the lanes 0 and 1, far for lane 2.
        for (lane, form) in [(0, 0), (1, 100), (2, 2 * 2560 * 2560)] {
            lie.sees(3, lane, form);
            lie.settle(0, lane, 0);
        }
        lie
    };
    let mut lie = forward();
    lie.add("attend", of_row::MASK, 3, LANES as i64);
    lie.refused_in("attend", &[3], "the mask of ones");
    forward().refused_by(&[TENSOR], "the causal mask");
}

/// Attack: the flag of the last group is 0 there, so lanes see positions that are not; or it is 1 in another group, which hides keys. Stopped
/// by: its two constraints.
#[test]
fn requirement_08_a_partial_block() {
    // Heads have two groups each, the second with three keys.
    let chunk = chunk(2, [0; LANES], &[0, 0, 0]);
    let mut lie = Lie::new(&chunk);
    let row = LANES + 5;
    let hidden = LANES as i64 - 3;
    lie.set("attend", of_row::PART, row, 0);
    lie.add("attend", of_row::MASK, row, -hidden);
    for lane in 0..LANES {
        lie.sees(row, lane, 0);
        lie.settle(0, lane, 0);
    }
    lie.refused_in("attend", &[row], "a key that is not there");

    let mut lie = Lie::new(&chunk);
    lie.set("attend", of_row::PART, 1, 1);
    lie.set("attend", of_row::INVERSE, 1, 0);
    lie.add("attend", of_row::MASK, 1, hidden);
    // The causal mask of a later key.
    for lane in 1..1 + hidden as usize {
        lie.overlooks(1, lane);
        lie.settle(0, lane, 0);
    }
    lie.refused_in("attend", &[1], "a key that is hidden");
}

/// The names of components whose rows are those of groups, and the relations of their chains.
const CHAINS: [(&str, M31); 2] = [("qk", SCORES), ("attend", GROUPS)];

/// Attack: a group of one head given to another. Stopped by: the chains.
#[test]
fn requirement_08_a_group_of_another_head() {
    let chunk = chunk(2, [0; LANES], &[0; LANES]);
    for (component, chain) in CHAINS {
        let mut lie = Lie::new(&chunk);
        // Both have eight rows in a group: head 0 has the groups 0 and 1.
        let op = lie.get(component, of_row::OP, 2 * LANES);
        for row in LANES..2 * LANES {
            lie.set(component, of_row::OP, row, op);
        }
        lie.refused_by(&[chain], component);
    }
}

/// Attack: a group left out, whose keys are all too far to have a weight: no sum changes. Stopped by: the chains.
#[test]
fn requirement_08_a_group_left_out() {
    let chunk = chunk(1, [1; LANES], &[2; LANES]);
    let mut lie = Lie::new(&chunk);
    for (component, _) in CHAINS {
        for column in &mut lie.witness.tables[chunk.index(component)] {
            column[LANES..2 * LANES].fill(M31::from(0));
        }
    }
    lie.refused_by(&CHAINS.map(|(_, chain)| chain), "left out");
}

/// Attack: a group more, of a block that the memory has room for and the call does not say. Stopped by: the chains.
#[test]
fn requirement_08_a_group_added() {
    // Keys of token 0 are so far from token 1 that they have no weight.
    let [honest, longer] =
        [&[0; LANES][..], &[0; 2 * LANES]].map(|before| chunk(3, [1; LANES], before));
    let mut lie = Lie::new(&honest);
    // The last head has the groups 4 and 5; with a block more it has 6, 7 and 8.
    let [group, from_group] = [6, 8];
    let step = i64::from(honest.plan.carried.step);
    for (component, _) in CHAINS {
        let to = &mut lie.witness.tables[honest.index(component)];
        let from = &longer.witness.tables[longer.index(component)];
        for (to, from) in to.iter_mut().zip(from) {
            let rows = &from[from_group * LANES..][..LANES];
            to[group * LANES..][..LANES].copy_from_slice(rows);
        }
        for row in group * LANES..(group + 1) * LANES {
            for column in [of_row::OWN, of_row::CARRIED] {
                let own = lie.get(component, column, row - LANES);
                lie.set(component, column, row, own);
            }
            let carried = lie.get(component, of_row::CARRIED, row);
            lie.set(component, of_row::BLOCK, row, carried + group as i64 * step);
        }
    }
    for row in group * LANES..(group + 1) * LANES {
        lie.set("attend", of_row::LAST_GROUP, row, 5);
        lie.set("attend", of_row::PART, row, 0);
        lie.set("attend", of_row::INVERSE, row, 1);
    }
    // The view of the second block's values.
    lie.set("carried_lanes", of_row::ON, 3, 1);
    lie.refused_by(&CHAINS.map(|(_, chain)| chain), "added");
}

/// Attack: rows of a group the other way round: constants have their numbers. Stopped by: what the rows look up, and their powers.
#[test]
fn requirement_08_rows_of_a_group_permuted() {
    let chunk = chunk(2, MIXED, &[]);
    let swapped = |component: &str| {
        let mut lie = Lie::new(&chunk);
        for column in &mut lie.witness.tables[chunk.index(component)] {
            column.swap(1, 2);
        }
        lie
    };
    // The products of a group have one power.
    swapped("qk").refused_by(&[TENSOR], "channels");
    let misfit = swapped("attend").misfit();
    let open = BTreeSet::from_iter(misfit.open);
    assert_eq!(open, BTreeSet::from([TENSOR.0, VIEWS.0]));
    assert!(misfit.sum && misfit.broken.is_empty());
}

/// Attack: a block at another address, whose keys happen to be the same. Stopped by: the block's constraint.
#[test]
fn requirement_08_another_block() {
    let chunk = chunk(4, [0; LANES], &[]);
    for (component, by) in [("qk", DIM as i64), ("attend", DIM as i64)] {
        let mut lie = Lie::new(&chunk);
        lie.add(component, of_row::BLOCK, 0, by);
        lie.refused_in(component, &[0], component);
    }
}

/// Attack: addresses of a head's own blocks that do not belong to its first group. Stopped by: `skip = G step`.
#[test]
fn another_skip() {
    let chunk = chunk(4, [0; LANES], &[]);
    let mut lie = Lie::new(&chunk);
    // The third head has the second head of keys: eight addresses before them are the first one's.
    lie.add("softmax", 8, 2, DIM as i64);
    for (component, _) in CHAINS {
        for row in 2 * LANES..3 * LANES {
            for column in [of_row::OWN, of_row::CARRIED, of_row::BLOCK] {
                lie.add(component, column, row, -(DIM as i64));
            }
        }
    }
    lie.refused_in("softmax", &[2], "skip");
}

/// Attack: a carried group says that it is new: its keys and values are those of the own block once more. Stopped by: the chain, and in `attend`
/// by the powers too.
#[test]
fn requirement_08_the_own_block_twice() {
    let chunk = chunk(1, [0; LANES], &[0; LANES]);
    let step = i64::from(chunk.plan.carried.step);
    let twice = |component: &str| {
        let mut lie = Lie::new(&chunk);
        for row in LANES..2 * LANES {
            let last = row + 1 == 2 * LANES;
            lie.set(component, of_row::NEW, row, 1);
            lie.set(component, of_row::NEXT, row, i64::from(!last));
            let own = lie.get(component, of_row::OWN, row);
            // The group's number is 1.
            lie.set(component, of_row::BLOCK, row, own + step);
        }
        lie
    };
    let misfit = twice("qk").misfit();
    assert!(
        misfit.open.contains(&SCORES.0) && misfit.broken.is_empty(),
        "{misfit:?}"
    );
    let mut lie = twice("attend");
    for row in LANES..2 * LANES {
        lie.add("attend", of_row::MASK, row, -(LANES as i64));
    }
    let misfit = lie.misfit();
    assert!(misfit.sum && misfit.open.contains(&GROUPS.0), "{misfit:?}");
    assert!(misfit.broken.is_empty(), "{misfit:?}");
}

/// Attack: the next row is new behind the last row of the own group. Stopped by: the constraint of the next flag.
#[test]
fn a_flag_that_goes_on() {
    let chunk = chunk(2, [0; LANES], &[]);
    let mut lie = Lie::new(&chunk);
    lie.set("qk", of_row::NEXT, DIM - 1, 1);
    let misfit = lie.misfit();
    assert_eq!(misfit.broken, [("qk".to_string(), DIM - 1)]);
    let chains: BTreeSet<u32> = misfit.open.into_iter().collect();
    assert_eq!(chains, BTreeSet::from([SCORES.0]));
}

/// Attack: rows that are off, with a weight, a flag of a maximum, a share of any values, or as a head's first. Stopped by: `(1 − e) c = 0`,
/// `(1 − e) p = 0`, `(1 − e) new = 0`.
#[test]
fn rows_that_are_off_say_something() {
    let chunk = chunk(3, MIXED, &[]);
    let off = 3 * LANES;
    let last = 2;
    let mut lie = Lie::new(&chunk);
    lie.set("attend", read_column(Read::Mask, 0), off, 1);
    lie.set_at(off, 0, FLAG, 1);
    lie.set_at(off, 0, NEAR, 1);
    lie.set_at(off, 0, WEIGHT, 4_000);
    lie.settle(last, 0, 4_000);
    lie.refused_in("attend", &[off], "a weight");

    let mut lie = Lie::new(&chunk);
    lie.attains(last, 0, 1 << (SHIFT - 1));
    lie.set_at(last * LANES, 0, ATTAINED, 0);
    lie.set("attend", read_column(Read::Mask, 0), off, 1);
    lie.set_at(off, 0, ATTAINED, 1);
    lie.refused_in("attend", &[off], "a flag of a maximum");

    let mut lie = Lie::new(&chunk);
    lie.set("attend", ROW_VALUES + 2, off, 30_000);
    lie.set_at(off, 0, SHARE, 2);
    lie.mixes(last, 0, 2, 60_000);
    lie.refused_in("attend", &[off], "a share");

    let mut lie = Lie::new(&chunk);
    for row in off..off + LANES {
        lie.set("attend", of_row::NEW, row, 1);
        lie.set(
            "attend",
            of_row::NEXT,
            row,
            i64::from(row + 1 < off + LANES),
        );
        lie.set("attend", of_row::MASK, row, -(LANES as i64));
    }
    let rows: Vec<usize> = (off..off + LANES).collect();
    lie.refused_in("attend", &rows, "a first group");
}

/// Attack: an enabler that is neither 0 nor 1. Stopped by: `e(1 − e) = 0`, and what the row uses.
#[test]
fn half_a_row() {
    let chunk = chunk(3, [0; LANES], &[]);
    for (component, _) in CHAINS {
        let mut lie = Lie::new(&chunk);
        lie.set(component, of_row::ON, 3, 2);
        let misfit = lie.misfit();
        let broken = BTreeSet::from_iter(misfit.broken);
        assert!(broken.contains(&(component.to_string(), 3)));
        assert!(!misfit.open.is_empty());
    }
    // Off rows whose uses cancel, with any tuple: a row with 1 and one with −1 are no row.
    let mut lie = Lie::new(&chunk);
    lie.set("qk", of_row::ON, 3 * DIM, 2);
    let misfit = lie.misfit();
    assert_eq!(misfit.broken, [("qk".to_string(), 3 * DIM)]);
    assert!(
        misfit
            .open
            .iter()
            .all(|&relation| [SCORES.0, TENSOR.0].contains(&relation))
    );
}

/// Attack: a view that no memory has, of two rows whose enablers cancel each other's uses; and one of another block. Stopped by:
/// `e (1 − e) = 0`, and the memory.
#[test]
fn a_view_of_nothing() {
    let chunk = chunk(2, [0; LANES], &[0; LANES]);
    let mut lie = Lie::new(&chunk);
    lie.set("carried_lanes", of_row::ON, 5, -1);
    let misfit = lie.misfit();
    assert_eq!(misfit.broken, [("carried_lanes".to_string(), 5)]);
    let mut lie = Lie::new(&chunk);
    // A value of the first carried block's values, which key 0 of group 1 has.
    lie.set("carried_lanes", 1, 1, 7);
    for head in 0..2 {
        lie.add("attend", ROW_VALUES, (2 * head + 1) * LANES, 7);
        for lane in 0..LANES {
            lie.settle(head, lane, 0);
        }
    }
    lie.refused_by(&[TENSOR], "a view");
}
