//! Profiles of chunks at growing positions, summed up by operation and by layer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Profile, Work};

/// The name of the line of rows that only fill components up.
const PADDING: &str = "padding";
/// The name of the line of the lookup tables.
const FIXED: &str = "fixed tables";

/// What something costs at one position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Point {
    pub steps: u64,
    /// Rows in use; of padding, rows that are not; of tables, all.
    pub rows: u64,
    pub cells: u64,
}

/// What something costs more at each further position: the last point less the first, by the positions between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Growth {
    pub steps: f64,
    pub rows: f64,
    pub cells: f64,
}

/// What something costs, by position.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// An operation, a section of the graph, or a node's label; [`Report`] says which.
    pub name: String,
    /// Of a node: its operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Of a node: its section, such as `layer0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// By position, as [`Report::positions`].
    pub at: Vec<Point>,
    /// Part of the proof's cells at the last position, 0 to 1.
    pub share: f64,
    /// `None` where one position was measured.
    pub growth: Option<Growth>,
}

impl Line {
    /// What it costs at the last position.
    pub fn last(&self) -> Point {
        self.at.last().copied().unwrap_or_default()
    }
}

/// A component, by position.
#[derive(Debug, Clone, Serialize)]
pub struct ComponentLine {
    /// The library's name.
    pub name: String,
    /// Whether it is a lookup table of fixed size.
    pub fixed: bool,
    /// By position, as [`Report::positions`]: rows in use, rows after padding, cells of the latter.
    pub at: Vec<(u64, u64, u64)>,
}

/// Where the proof work of a chunk of decode steps goes, and how it grows.
///
/// Each of `operations`, `sections` and `nodes` adds up to `total`: work, then padding, then tables.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The model's name.
    pub model: String,
    /// Decode steps of each measured chunk.
    pub chunk: u32,
    /// Positions carried before each measured chunk; at least one.
    pub positions: Vec<u32>,
    /// The whole proof.
    pub total: Line,
    /// By operation and part around the graph, most cells first.
    pub operations: Vec<Line>,
    /// By layer, in the graph's order; `model` is what belongs to no layer.
    pub sections: Vec<Line>,
    /// By operation of the graph and part around it.
    pub nodes: Vec<Line>,
    /// By component of the proof.
    pub components: Vec<ComponentLine>,
    /// Everything about the last position.
    pub last: Profile,
}

impl Report {
    /// Sums up profiles of chunks of `chunk` steps by position, in the order of the positions. `None` if there is no profile.
    pub fn new(model: &str, chunk: u32, profiles: Vec<(u32, Profile)>) -> Option<Report> {
        let last = profiles.last()?.1.clone();
        let lines = |name: &dyn Fn(&Work) -> &str| {
            let mut lines = group(&profiles, name);
            lines.extend(rest(&profiles));
            lines
        };
        let mut operations = lines(&|work| &work.operation);
        let work = operations.len() - rest(&profiles).len();
        operations[..work].sort_by_key(|line| std::cmp::Reverse(line.last().cells));
        let mut nodes = lines(&|work| &work.label);
        for line in &mut nodes {
            let mut all = profiles.iter().flat_map(|(_, p)| &p.work);
            if let Some(work) = all.find(|work| work.label == line.name) {
                line.operation = Some(work.operation.clone());
                line.section = Some(work.section.clone());
            }
        }
        let all = |p: &Profile| Point {
            steps: p.steps,
            rows: p.components.iter().map(|c| c.padded).sum(),
            cells: p.cells,
        };
        Some(Report {
            model: model.to_string(),
            chunk,
            positions: profiles.iter().map(|(position, _)| *position).collect(),
            total: line("all", &profiles, &all),
            sections: lines(&|work| &work.section),
            operations,
            nodes,
            components: components(&profiles),
            last,
        })
    }
}

/// Work by a name, in the order in which names appear.
fn group(profiles: &[(u32, Profile)], name: &dyn Fn(&Work) -> &str) -> Vec<Line> {
    let mut names: Vec<&str> = vec![];
    let sums: Vec<BTreeMap<&str, Point>> = profiles
        .iter()
        .map(|(_, profile)| {
            let mut sums: BTreeMap<&str, Point> = BTreeMap::new();
            for work in &profile.work {
                let name = name(work);
                if !names.contains(&name) {
                    names.push(name);
                }
                let sum = sums.entry(name).or_default();
                sum.steps += work.steps;
                sum.rows += work.rows;
                sum.cells += work.cells;
            }
            sums
        })
        .collect();
    let points = |name: &str| {
        let at = sums
            .iter()
            .map(|s| s.get(name).copied().unwrap_or_default());
        at.collect()
    };
    names
        .iter()
        .map(|name| with_points(name, profiles, points(name)))
        .collect()
}

/// What a proof has besides work.
fn rest(profiles: &[(u32, Profile)]) -> [Line; 2] {
    let padding = |p: &Profile| Point {
        steps: 0,
        rows: p.components.iter().map(|c| c.padded - c.rows).sum(),
        cells: p.padding,
    };
    let fixed = |p: &Profile| {
        let tables = p.components.iter().filter(|c| c.fixed);
        Point {
            steps: 0,
            rows: tables.map(|c| c.rows).sum(),
            cells: p.fixed,
        }
    };
    [
        line(PADDING, profiles, &padding),
        line(FIXED, profiles, &fixed),
    ]
}

fn line(name: &str, profiles: &[(u32, Profile)], point: &dyn Fn(&Profile) -> Point) -> Line {
    let at = profiles.iter().map(|(_, p)| point(p)).collect();
    with_points(name, profiles, at)
}

fn with_points(name: &str, profiles: &[(u32, Profile)], at: Vec<Point>) -> Line {
    let growth = match (profiles, at.as_slice()) {
        ([(from, _), .., (to, _)], [first, .., last]) if to > from => {
            let positions = f64::from(to - from);
            let each = |first: u64, last: u64| (last as f64 - first as f64) / positions;
            Some(Growth {
                steps: each(first.steps, last.steps),
                rows: each(first.rows, last.rows),
                cells: each(first.cells, last.cells),
            })
        }
        _ => None,
    };
    let total = profiles.last().map_or(0, |(_, p)| p.cells);
    let cells = at.last().map_or(0, |point| point.cells);
    Line {
        name: name.to_string(),
        operation: None,
        section: None,
        share: cells as f64 / total as f64,
        at,
        growth,
    }
}

fn components(profiles: &[(u32, Profile)]) -> Vec<ComponentLine> {
    let mut found: Vec<ComponentLine> = vec![];
    // From the last position back, whose order counts.
    for (index, (_, profile)) in profiles.iter().enumerate().rev() {
        for c in &profile.components {
            let known = found.iter().position(|line| line.name == c.name);
            let known = known.unwrap_or_else(|| {
                found.push(ComponentLine {
                    name: c.name.clone(),
                    fixed: c.fixed,
                    at: vec![(0, 0, 0); profiles.len()],
                });
                found.len() - 1
            });
            found[known].at[index] = (c.rows, c.padded, c.cells);
        }
    }
    found
}
