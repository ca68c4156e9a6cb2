//! The layouts of a model's proofs, from outside, checked by name before anything is computed from it.
//!
//! Layouts say how many columns and rows there are. Whoever asks a component of one for its columns, or adds up uses of its
//! relations, must not be made to panic, to loop, or to take memory by the numbers in it. So each number is within
//! bounds first, and as each component is there once, so are their sums: a layout has thousands of columns at most.
//!
//! Absent on purpose: whether the layout is that of any model. The root of the constants says so, to whoever compiled it.

use thiserror::Error;

use super::checks::{Check, ensure};
use super::params::LARGE;
use crate::air::components::Component;
use crate::air::components::form::Parameter;
use crate::air::layout::{Layouts, Sizes};

/// Numbers of lanes that a layout may have.
pub const LANES: [usize; 4] = [8, 16, 32, 64];

/// Most components of a layout. There are fewer kinds of them, and each is there once.
pub const MAX_COMPONENTS: usize = 64;

/// Fewest rows of a component, as a power of two: those that the prover computes at once.
const MIN_LOG_ROWS: u32 = 4;

/// Why a layout is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LayoutError {
    #[error("lanes: is {found}, allowed are {LANES:?}")]
    Lanes { found: usize },
    #[error("components: there are {found}, allowed are 1 to {MAX_COMPONENTS}")]
    Components { found: usize },
    #[error("components: {component} has {parameter} {found}, it must be {bounds}")]
    Parameter {
        component: &'static str,
        parameter: &'static str,
        found: u64,
        bounds: String,
    },
    #[error("components: {component} has 2^{found} rows, allowed are 2^{MIN_LOG_ROWS} to 2^{most}")]
    Rows {
        component: String,
        found: u32,
        most: u32,
    },
    #[error("components: {component} has 2^{smallest} to 2^{largest} rows; {}", size_rule(*.smallest, *.largest))]
    Sizes {
        component: String,
        smallest: u32,
        largest: u32,
    },
    #[error("components: {component} is there twice, so it would have two columns of each name")]
    Twice { component: String },
    #[error("messages: is {found}, the layout's head has {expected} channels")]
    Messages { found: usize, expected: usize },
}

/// What is wrong with sizes.
fn size_rule(smallest: u32, largest: u32) -> &'static str {
    match smallest > largest {
        true => "the smallest size is above the largest",
        false => "only a component that grows with carried positions has several sizes",
    }
}

/// Every check of a model's layouts, in order. What is within them has few columns, and sums of uses
/// that no arithmetic overflows; whether these are below the field's modulus is a check of each proof, with its claim.
pub fn layout_checks(layouts: &Layouts) -> [Check<'_, LayoutError>; 7] {
    let (lanes, components) = (layouts.lanes, &layouts.components);
    [
        Check::new("lanes", move || {
            ensure(LANES.contains(&lanes), || LayoutError::Lanes {
                found: lanes,
            })
        }),
        Check::new("number of components", move || {
            let found = components.len();
            let allowed = (1..=MAX_COMPONENTS).contains(&found);
            ensure(allowed, || LayoutError::Components { found })
        }),
        Check::new("parameters of components", move || {
            components.iter().try_for_each(parameters)
        }),
        Check::new("rows of components", move || {
            rows(layouts, LARGE.max_log_rows)
        }),
        Check::new("sizes of components", move || {
            components.iter().try_for_each(sizes)
        }),
        Check::new("each component once", move || once(components)),
        Check::new("number of messages", move || {
            let (found, expected) = (layouts.messages, channels(components));
            ensure(found == expected, || LayoutError::Messages {
                found,
                expected,
            })
        }),
    ]
}

fn parameters(placed: &Sizes) -> Result<(), LayoutError> {
    let wrong = |parameter: &Parameter| !parameter.is_within();
    match placed.component.parameters().into_iter().find(wrong) {
        None => Ok(()),
        Some(parameter) => Err(LayoutError::Parameter {
            component: placed.component.document_name(),
            parameter: parameter.name,
            found: parameter.value,
            bounds: parameter.bounds(),
        }),
    }
}

/// No component has more rows than so many, or fewer than the prover's least.
pub(super) fn rows(layouts: &Layouts, most: u32) -> Result<(), LayoutError> {
    let all = layouts.components.iter();
    let mut all = all.flat_map(|of| [(of, of.smallest), (of, of.largest)]);
    let wrong = all.find(|(_, log_rows)| !(MIN_LOG_ROWS..=most).contains(log_rows));
    wrong.map_or(Ok(()), |(of, found)| {
        Err(LayoutError::Rows {
            component: of.component.to_string(),
            found,
            most,
        })
    })
}

/// A component has one size, or it grows: then its columns have the size in their names.
fn sizes(of: &Sizes) -> Result<(), LayoutError> {
    let Sizes {
        component,
        smallest,
        largest,
    } = *of;
    let fits = smallest == largest || smallest < largest && component.grows();
    ensure(fits, || LayoutError::Sizes {
        component: component.to_string(),
        smallest,
        largest,
    })
}

/// Columns are named by their component, and found by their name.
fn once(components: &[Sizes]) -> Result<(), LayoutError> {
    let mut names: Vec<String> = components
        .iter()
        .map(|placed| placed.component.to_string())
        .collect();
    names.sort();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    twice.map_or(Ok(()), |pair| {
        Err(LayoutError::Twice {
            component: pair[0].clone(),
        })
    })
}

/// Input channels of the head, which there is once at most.
fn channels(components: &[Sizes]) -> usize {
    let width = |placed: &Sizes| match placed.component {
        Component::Head { width, .. } => Some(width),
        _ => None,
    };
    components.iter().find_map(width).unwrap_or(0)
}
