//! The numbers of outputs: each power of `β` belongs to one output, of one component.

use std::collections::BTreeMap;

use cairo_decode::air::components::Component;
use cairo_decode::prove::tensor::{Constants, tally};
use cairo_decode::tensor::constants::signed;
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::{Chunk, GIVEN, LANES, chunk, ends};

/// The columns of the first lane's rests in a component that takes outputs.
fn rests(component: Component) -> Vec<usize> {
    match component {
        // Behind two operands and the results.
        Component::Round | Component::Function { .. } => vec![2 + LANES],
        // Behind two operands: the rests of both products.
        Component::Gated { .. } => vec![2 + 1, 2 + 4],
        // Behind three operands, the old stream and two limbs.
        Component::Residual { .. } => vec![3 + LANES + 2],
        // Behind three operands, cosines and sines: the rests of both outputs.
        Component::Rotary { .. } => vec![3 + 2 * LANES + 1, 3 + 2 * LANES + 3],
        _ => vec![],
    }
}

/// One unit more in a rest changes the zero sum by the power of its output. So these changes are as many as there are outputs, and all different.
#[test]
fn each_output_has_a_power_of_its_own() {
    different_powers(&chunk(&GIVEN));
}

/// The same of a chunk.
pub fn different_powers(chunk: &Chunk) {
    let honest = Honest::new(&chunk.constants, &chunk.witness);
    let mut lie = chunk.witness.clone();
    let mut found: BTreeMap<[u32; 4], Vec<(String, usize, usize)>> = BTreeMap::new();
    for (i, placed) in chunk.constants.layout.components.iter().enumerate() {
        for column in rests(placed.component) {
            for row in 0..1usize << placed.log_rows {
                lie.tables[i][column][row] += M31::from(1);
                let change = honest
                    .change(&lie, i, row)
                    .to_m31_array()
                    .map(|part| part.0);
                lie.tables[i][column][row] = chunk.witness.tables[i][column][row];
                if change != [0; 4] {
                    let place = (placed.component.to_string(), column, row);
                    found.entry(change).or_default().push(place);
                }
            }
        }
    }
    let shared: Vec<_> = found.values().filter(|places| places.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:?}");
    let matmuls = chunk.plan.matmuls();
    let outputs: usize = matmuls.iter().map(|m| m.weights.outputs()).sum();
    assert_eq!(found.len(), outputs);
}

/// The constants with the numbers of the function's outputs counted from 0 again, in the products as well.
fn numbered_twice(constants: &Constants, block: usize) -> Constants {
    let mut twice = Constants {
        layout: constants.layout.clone(),
        tables: constants.tables.clone(),
    };
    // The linear operation's outputs are one block.
    let restarted = block as u32;
    for (i, placed) in twice.layout.components.iter_mut().enumerate() {
        match &mut placed.component {
            Component::Function { start }
            | Component::Residual { start }
            | Component::Gated { start } => *start -= restarted,
            Component::Product { .. } => {
                let [operation, first] = [1, 5 + block];
                let table = std::sync::Arc::make_mut(&mut twice.tables[i]);
                // The plan's third operation is the function.
                let row = table[operation].iter().position(|&op| op == M31::from(3));
                let row = row.expect("products of the function");
                table[first][row] = M31::from(1);
                table[first + 1][row] = M31::from(0);
            }
            _ => {}
        }
    }
    twice
}

/// Attack: an output of a linear operation that is too large by one, and one of a function whose argument is too small by one. Stopped by: powers
/// of their own. With numbers that two components share, the second error absorbs the first.
#[test]
fn requirement_11_a_row_of_another_component_absorbs_an_error() {
    let chunk = ends();
    let [tensor, round, function] = ["tensor", "round", "function"].map(|name| chunk.index(name));
    let one = M31::from(1);
    let mut lie = chunk.witness.clone();
    let [result, argument, value] = [2, 2, 2 + 2 * LANES];
    // Operands: the second one is the address of the first output.
    let address = |component: usize| chunk.witness.tables[component][1][0].0 as usize;
    lie.tables[round][result][0] += one;
    lie.tables[tensor][0][address(round)] += one;
    lie.tables[function][argument][0] -= one;
    let claimed = i64::from(lie.tables[function][argument][0].0);
    let claimed = if claimed > 1 << 30 {
        claimed - ((1 << 31) - 1)
    } else {
        claimed
    };
    let wrong = signed(chunk.value(0, claimed));
    lie.tables[function][value][0] = wrong;
    lie.tables[tensor][0][address(function)] = wrong;
    tally::write(&chunk.constants, &mut lie);

    let only_the_sum = Misfit {
        sum: true,
        ..Misfit::default()
    };
    let checked = Honest::check(&chunk.constants, &lie, 1);
    assert_eq!(checked.err(), Some(only_the_sum));
    let twice = numbered_twice(&chunk.constants, chunk.plan.block);
    assert_eq!(Honest::check(&twice, &chunk.witness, 1).err(), None);
    assert_eq!(Honest::check(&twice, &lie, 1).err(), None);
}
