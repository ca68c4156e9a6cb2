//! The typed steps of a program: what it does, in order, before it is text.

use thiserror::Error;

use crate::tensor::{Operand, Operation, Plan};

/// Most cells of a call, the operation's number among them: `cairo/tensors/src/calls.cairo` has a function for each number.
pub const MAX_CELLS: usize = 10;

// A read of a view has the word of a call with one cell more.
const _: () = assert!(MAX_CELLS == crate::air::components::cells::CELLS);

/// What an operation is called in the program: the layer that it belongs to, if any, and its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub layer: Option<u32>,
    /// Lower-case letters, digits and `_`.
    pub name: String,
}

impl Name {
    /// A name outside all layers.
    pub fn outside(name: &str) -> Name {
        Name {
            layer: None,
            name: name.to_string(),
        }
    }

    /// A name in a layer.
    pub fn in_layer(layer: u32, name: &str) -> Name {
        Name {
            layer: Some(layer),
            name: name.to_string(),
        }
    }

    /// The name with its layer: `layer_0.norm`.
    pub fn label(&self) -> String {
        match self.layer {
            Some(layer) => format!("layer_{layer}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A cell that a call hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Number(u32),
    /// The first lane's position.
    Position,
    /// The number of blocks of carried positions.
    Blocks,
    /// The keys in the last of them.
    LastKeys,
    /// The first group of the head's keys.
    Group,
}

/// A call of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: Name,
    /// The operation's number, then its operands.
    pub cells: Vec<Cell>,
}

impl Call {
    /// The operation's name with its layer and its number, which no other operation has: `layer_0.3.norm`.
    pub fn label(&self) -> String {
        let number = match self.cells.first() {
            Some(Cell::Number(number)) => *number,
            _ => 0,
        };
        Name {
            name: format!("{number}.{}", self.name.name),
            ..self.name.clone()
        }
        .label()
    }
}

/// What the program does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Call(Call),
    /// Goes on to the next head's groups of keys.
    NextHead,
    /// The steps of a layer, which are a function of the program.
    Layer {
        number: u32,
        steps: Vec<Step>,
    },
}

/// Addresses of the views that hold a chunk's roots, as digests of eight numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Before the chunk, in lane 0.
    pub before: Views,
    /// After each lane.
    pub after: Views,
}

impl Roots {
    /// Where a plan's operations make them; `None` if it has not those that make all of them.
    pub fn of(plan: &Plan) -> Option<Roots> {
        let records = plan.recorded()?;
        let mut operations = plan.operations.iter();
        let chains = operations.find_map(|operation| match operation {
            Operation::Chains(chains) => Some(chains),
            _ => None,
        })?;
        let views = |kv, [tokens, chosen]: [u32; 2]| Views { kv, tokens, chosen };
        Some(Roots {
            before: views(records.incoming.address, chains.before()),
            after: views(records.behind.address, chains.behind()),
        })
    }

    /// The roots of a plan that makes all of them, or has nothing that they would bind.
    fn all_or_none(plan: &Plan) -> Result<Option<Roots>, ScheduleError> {
        let roots = Roots::of(plan);
        let chains = |operation: &Operation| matches!(operation, Operation::Chains(_));
        let some = plan.carried.blocks > 0 && !plan.carried.tensors.is_empty()
            || plan.recorded().is_some()
            || plan.operations.iter().any(chains);
        match roots.is_some() || !some {
            true => Ok(roots),
            false => Err(ScheduleError::Roots),
        }
    }
}

/// A view for each root of a frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Views {
    /// Of the records of keys and values.
    pub kv: u32,
    /// Of the tokens.
    pub tokens: u32,
    /// Of the listed choices.
    pub chosen: u32,
}

/// Why a plan has no schedule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ScheduleError {
    #[error("the plan has {operations} operations and {names} names; give each operation one name")]
    Names { operations: usize, names: usize },
    #[error(
        "{name:?} is no name of an operation: write lower-case letters, digits and '_', a letter first"
    )]
    Name { name: String },
    #[error(
        "the plan has records, chains or carried keys and values, and not all that makes the roots of a frontier; add both records and chains: without them nothing binds what a chunk carries"
    )]
    Roots,
    #[error("operations of layer {layer} stand in two places; put them in one")]
    Layer { layer: u32 },
    #[error("{label}: an operation with groups of keys belongs to a layer; give it one")]
    Outside { label: String },
    #[error("{label}: the call hands over {cells} cells, at most {MAX_CELLS} are possible")]
    Cells { label: String, cells: usize },
    #[error(
        "{label}: {heads} heads come before its groups of keys, but {before} before those of a call above it; order calls by heads"
    )]
    Heads {
        label: String,
        heads: u32,
        before: u32,
    },
    #[error(
        "the view of tokens has the listed ones at {listed} and the chosen ones at {chosen}, given ones at {given}; the program reads them in the order given, listed, chosen"
    )]
    Tokens {
        given: u32,
        listed: u32,
        chosen: u32,
    },
}

/// A program as typed steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Steps that a chunk has at most.
    pub lanes: usize,
    /// Positions that a session has at most.
    pub context: u32,
    /// Address of the view of tokens.
    pub tokens: u32,
    /// Where the roots stand. Without them the program states that all roots are 0, and binds nothing by them.
    pub roots: Option<Roots>,
    /// What it does, in order.
    pub steps: Vec<Step>,
}

impl Schedule {
    /// The schedule of a plan whose operations have these names, for sessions of so many positions.
    ///
    /// # Errors
    /// Names that are none, layers in pieces, cells that no call can hand over, or some of the roots.
    pub fn new(plan: &Plan, names: &[Name], context: u32) -> Result<Schedule, ScheduleError> {
        let calls = plan.calls();
        if calls.len() != names.len() {
            return Err(ScheduleError::Names {
                operations: calls.len(),
                names: names.len(),
            });
        }
        let tokens = plan.tokens;
        let (given, listed, chosen) = (tokens.given, tokens.listed, tokens.chosen);
        if (listed, chosen) != (given + 1, given + 2) {
            return Err(ScheduleError::Tokens {
                given,
                listed,
                chosen,
            });
        }
        let mut builder = Builder::default();
        for (operands, name) in calls.iter().zip(names) {
            builder.add(name, operands)?;
        }
        Ok(Schedule {
            lanes: plan.lanes,
            context,
            tokens: given,
            roots: Roots::all_or_none(plan)?,
            steps: builder.steps,
        })
    }

    /// How often the program reads a view, at most: the tokens of each lane; the roots before and after, and the tokens' root
    /// where the prompt ends.
    pub fn reads(&self) -> usize {
        self.lanes + if self.roots.is_some() { 7 } else { 0 }
    }

    /// All calls, in order.
    pub fn calls(&self) -> Vec<&Call> {
        fn collect<'a>(steps: &'a [Step], calls: &mut Vec<&'a Call>) {
            for step in steps {
                match step {
                    Step::Call(call) => calls.push(call),
                    Step::NextHead => {}
                    Step::Layer { steps, .. } => collect(steps, calls),
                }
            }
        }
        let mut calls = vec![];
        collect(&self.steps, &mut calls);
        calls
    }
}

/// Variables of a chunk that steps use.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Uses {
    pub position: bool,
    pub blocks: bool,
    pub last_keys: bool,
    /// The head's first group.
    pub group: bool,
    /// Groups of a head, to go on to the next one.
    pub groups: bool,
}

impl Uses {
    pub fn of(steps: &[Step]) -> Uses {
        let mut uses = Uses::default();
        for step in steps {
            match step {
                Step::Call(call) => {
                    for cell in &call.cells {
                        match cell {
                            Cell::Number(_) => {}
                            Cell::Position => uses.position = true,
                            Cell::Blocks => uses.blocks = true,
                            Cell::LastKeys => uses.last_keys = true,
                            Cell::Group => uses.group = true,
                        }
                    }
                }
                Step::NextHead => (uses.group, uses.groups) = (true, true),
                Step::Layer { steps, .. } => uses = uses.and(Uses::of(steps)),
            }
        }
        uses
    }

    fn and(self, other: Uses) -> Uses {
        Uses {
            position: self.position || other.position,
            blocks: self.blocks || other.blocks,
            last_keys: self.last_keys || other.last_keys,
            group: self.group || other.group,
            groups: self.groups || other.groups,
        }
    }

    /// Whether the program has to read how the carried positions lie in blocks.
    pub fn carried(self) -> bool {
        self.blocks || self.last_keys || self.group
    }

    /// The variables that are handed to a layer as they are.
    pub fn handed(self) -> Vec<&'static str> {
        let all = [
            ("position", self.position),
            ("blocks", self.blocks),
            ("last_keys", self.last_keys),
            ("groups", self.groups),
        ];
        all.into_iter()
            .filter(|(_, used)| *used)
            .map(|(name, _)| name)
            .collect()
    }
}

/// Steps so far, and the heads whose groups have been passed.
#[derive(Default)]
struct Builder {
    steps: Vec<Step>,
    heads: u32,
}

impl Builder {
    fn add(&mut self, name: &Name, operands: &[Operand]) -> Result<(), ScheduleError> {
        check(name)?;
        let label = name.label();
        if operands.len() > MAX_CELLS {
            let cells = operands.len();
            return Err(ScheduleError::Cells { label, cells });
        }
        for operand in operands {
            if let Operand::Group(heads) = *operand {
                if name.layer.is_none() {
                    return Err(ScheduleError::Outside { label });
                }
                self.pass(name, heads)?;
            }
        }
        let cells = operands.iter().map(|operand| match *operand {
            Operand::Number(number) => Cell::Number(number),
            Operand::Position => Cell::Position,
            Operand::Blocks => Cell::Blocks,
            Operand::LastKeys => Cell::LastKeys,
            Operand::Group(_) => Cell::Group,
        });
        let cells = cells.collect();
        let name = name.clone();
        self.place(name.layer)?
            .push(Step::Call(Call { name, cells }));
        Ok(())
    }

    /// Goes on to the groups behind so many heads.
    fn pass(&mut self, name: &Name, heads: u32) -> Result<(), ScheduleError> {
        if heads < self.heads {
            return Err(ScheduleError::Heads {
                label: name.label(),
                heads,
                before: self.heads,
            });
        }
        for _ in self.heads..heads {
            self.place(name.layer)?.push(Step::NextHead);
        }
        self.heads = heads;
        Ok(())
    }

    /// The steps of a layer, the last one that there is or a new one.
    fn place(&mut self, layer: Option<u32>) -> Result<&mut Vec<Step>, ScheduleError> {
        let Some(layer) = layer else {
            return Ok(&mut self.steps);
        };
        let is_it = |step: &Step| matches!(step, Step::Layer { number, .. } if *number == layer);
        if !self.steps.last().is_some_and(is_it) {
            if self.steps.iter().any(is_it) {
                return Err(ScheduleError::Layer { layer });
            }
            self.steps.push(Step::Layer {
                number: layer,
                steps: vec![],
            });
        }
        match self.steps.last_mut() {
            Some(Step::Layer { steps, .. }) => Ok(steps),
            // A layer is last, as it was or as it was pushed.
            _ => Err(ScheduleError::Layer { layer }),
        }
    }
}

/// A name stands in a comment, and in a profile.
fn check(name: &Name) -> Result<(), ScheduleError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let good =
        name.name.starts_with(|c: char| c.is_ascii_lowercase()) && name.name.chars().all(plain);
    let bad = || ScheduleError::Name {
        name: name.name.clone(),
    };
    good.then_some(()).ok_or_else(bad)
}
