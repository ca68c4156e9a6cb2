//! Whole models of a shape: plans with all operations of a decode step, of random weights whose ranges fit, and their programs.

use cairo_decode::program::{self, Compiled, Name, Pins, Roots, Schedule};
use cairo_decode::tensor::angles::Angles;
use cairo_decode::tensor::attention::Attention;
use cairo_decode::tensor::gated::Gated;
use cairo_decode::tensor::norm::{Norm, NormKind};
use cairo_decode::tensor::values::Values;
use cairo_decode::tensor::{Chunk, Function, Matrix, Plan, Product, Tensor};
use cairo_decode::verify::statement::{
    ChosenRoot, Domain, KvRoot, MAX_POSITION, ModelRoot, Policy, ProgramHash, SessionId, TokensRoot,
};
use cairo_decode::verify::statement::{Frontier, packed, prompt_root};
use starknet_types_core::felt::Felt;

/// What a model is made of. Kinds that go together are one: RMSNorm, rotary angles and gated products; or LayerNorm, learned positions
/// and functions of products.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub name: &'static str,
    pub layers: usize,
    pub width: usize,
    pub hidden: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub vocabulary: usize,
    /// Outputs of a block of a matrix.
    pub block: usize,
    /// Whether the model has the first kinds.
    pub gated: bool,
}

/// Positions of a sequence.
pub const CONTEXT: usize = 1024;

/// Shapes that have been measured.
pub const SHAPES: [Shape; 6] = [
    // Near case A, which has 69,888 parameters.
    shape("a", [1, 64, 256, 4, 4, 64, 64], true),
    // Near case B, which has 266,880 parameters.
    shape("b", [3, 96, 192, 6, 6, 64, 96], true),
    shape("demo", [3, 64, 128, 4, 2, 256, 64], true),
    shape("d", [6, 288, 768, 6, 6, 4096, 96], true),
    shape("gpt2", [12, 768, 3072, 12, 12, 50257, 768], false),
    shape("smollm2", [30, 576, 1536, 9, 3, 49152, 576], true),
];

const fn shape(
    name: &'static str,
    [layers, width, hidden, heads, kv_heads, vocabulary, block]: [usize; 7],
    gated: bool,
) -> Shape {
    Shape {
        name,
        layers,
        width,
        hidden,
        heads,
        kv_heads,
        vocabulary,
        block,
        gated,
    }
}

/// Numbers from a seed, by Knuth's linear congruential generator.
pub struct Seeded(u64);

impl Seeded {
    fn signed(&mut self, most: i32) -> i32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as i64 % (2 * i64::from(most) + 1)) as i32 - most
    }

    fn matrix(&mut self, inputs: usize, outputs: usize, most: i32) -> Matrix {
        let mut row = || (0..inputs).map(|_| self.signed(most)).collect();
        let rows: Vec<Vec<i32>> = (0..outputs).map(|_| row()).collect();
        Matrix::new(inputs, rows)
    }

    fn product(&mut self, inputs: usize, outputs: usize, most: i32, shift: u32) -> Product {
        let weights = self.matrix(inputs, outputs, most);
        let bias = (0..outputs).map(|_| self.signed(1000)).collect();
        Product {
            weights,
            bias,
            shift,
        }
    }
}

/// A model: a plan with its program.
pub struct Model {
    pub plan: Plan,
    pub schedule: Schedule,
    pub program: Compiled,
}

/// A plan on its way.
struct Building {
    of: Shape,
    plan: Plan,
    names: Vec<Name>,
    numbers: Seeded,
    norm: NormKind,
    angles: Option<Angles>,
    /// Tables of weights of attention, and of a function.
    tables: [usize; 2],
}

impl Building {
    /// Gives what has been added a name.
    fn named(&mut self, layer: Option<usize>) {
        for operation in &self.plan.operations[self.names.len()..] {
            self.names.push(match layer {
                None => Name::outside(operation.name()),
                Some(layer) => Name::in_layer(layer as u32, operation.name()),
            });
        }
    }

    fn norm(&mut self, x: Tensor) -> Tensor {
        let norm = Norm::finest(self.norm, x.channels, x.magnitude, 1.0, 14);
        self.plan.norm(x, norm).expect("in range")
    }

    /// Products that attention takes: 11 or 12 bits.
    fn taken(&mut self, x: Tensor, heads: usize, rotated: bool) -> Tensor {
        let head_dim = self.of.width / self.of.heads;
        let of = self.numbers.product(x.channels, heads * head_dim, 60, 13);
        match self.angles.filter(|_| rotated) {
            Some(angles) => self.plan.rotary(x, of, angles, heads, 12),
            None => self.plan.linear(x, of, 12),
        }
        .expect("in range")
    }

    /// A layer, and its keys and values.
    fn layer(&mut self, mut x: Tensor) -> (Tensor, [Tensor; 2]) {
        let Shape {
            width,
            hidden,
            heads,
            kv_heads,
            ..
        } = self.of;
        let normed = self.norm(x);
        let queries = self.taken(normed, heads, true);
        let keys = self.taken(normed, kv_heads, true);
        let values = self.taken(normed, kv_heads, false);
        let attention = Attention {
            heads,
            kv_heads,
            head_dim: width / heads,
            shift: 13,
            weights: self.tables[0],
            mixed_shift: 12,
            bits: 14,
        };
        let mixed = self.plan.attention(queries, keys, values, attention);
        let out = self.numbers.product(width, width, 60, 5);
        x = self
            .plan
            .residual(x, mixed.expect("in range"), out, 24)
            .expect("in range");
        let normed = self.norm(x);
        let table = self.tables[1];
        let gate = self.numbers.product(width, hidden, 60, 10);
        let inner = if self.of.gated {
            let up = self.numbers.product(width, hidden, 60, 10);
            let gated = Gated {
                gate,
                up,
                table,
                shift: 13,
                bits: 16,
            };
            self.plan.gated(normed, gated)
        } else {
            self.plan.function(normed, gate, table)
        };
        let down = self.numbers.product(hidden, width, 20, 5);
        x = self
            .plan
            .residual(x, inner.expect("in range"), down, 24)
            .expect("in range");
        (x, [keys, values])
    }
}

impl Shape {
    /// Weights, embeddings and learned positions, without biases.
    pub fn parameters(&self) -> usize {
        let head_dim = self.width / self.heads;
        let attention = self.width * (2 * self.heads + 2 * self.kv_heads) * head_dim;
        let hidden = self.width * self.hidden * if self.gated { 3 } else { 2 };
        self.layers * (attention + hidden) + self.vocabulary * self.width
    }

    /// The plan with room for so many carried positions, and its operations' names.
    pub fn plan(&self, lanes: usize, carried: usize) -> (Plan, Vec<Name>) {
        let mut numbers = Seeded(1);
        let embedding = numbers.matrix(self.width, self.vocabulary, 127);
        let mut plan = Plan::new(lanes, self.block, embedding).expect("a plan");
        plan.carry(carried.div_ceil(lanes) as u32)
            .expect("before attention");
        let near = |distance: i32| (32767.0 * (f64::from(-distance) / 400.0).exp()).round() as i32;
        let weights = Function {
            first: -(1 << 15),
            values: (0..42_000).map(near).collect(),
        };
        let gate = |x: i32| (f64::from(x) / (1.0 + (f64::from(-x) / 512.0).exp())).round() as i32;
        let function = Function {
            first: -9000,
            values: (-9000..=9000).map(gate).collect(),
        };
        let tables = [weights, function].map(|table| plan.table(table).expect("a table"));
        let mut building = Building {
            of: *self,
            plan,
            names: vec![],
            numbers,
            norm: if self.gated {
                NormKind::Rms
            } else {
                NormKind::Layer
            },
            angles: None,
            tables,
        };
        let mut x = building.begin();
        building.named(None);
        let mut kept = vec![];
        for layer in 0..self.layers {
            let (out, own) = building.layer(x);
            x = out;
            kept.extend(own);
            building.named(Some(layer));
        }
        x = building.norm(x);
        building.plan.head(x).expect("in range");
        building.plan.records(&kept).expect("in range");
        building.plan.chains().expect("a head");
        building.named(None);
        (building.plan, building.names)
    }

    /// The plan with its program.
    pub fn model(&self, lanes: usize, carried: usize) -> Model {
        let (plan, names) = self.plan(lanes, carried);
        let schedule = Schedule::new(&plan, &names, MAX_POSITION).expect("a schedule");
        let package = program::package("model", &schedule, Felt::from(ROOT));
        let program = Compiled::new(&package).expect("compiles");
        Model {
            plan,
            schedule,
            program,
        }
    }
}

impl Building {
    /// Positions, angles, and the stream's first vectors.
    fn begin(&mut self) -> Tensor {
        let plan = &mut self.plan;
        plan.positions();
        if !self.of.gated {
            let positions = self.numbers.matrix(self.of.width, CONTEXT, 4000);
            return plan.embed_positions(positions, 8).expect("in range");
        }
        let half = self.of.width / self.of.heads / 2;
        let turn = |position: usize, pair: usize| {
            let angle = position as f64 / 10_000f64.powf(pair as f64 / half as f64);
            [angle.cos(), angle.sin()].map(|x| (x * 16384.0).round() as i32)
        };
        let row = |position| (0..half).map(|pair| turn(position, pair)).collect();
        let table = (0..CONTEXT).map(row).collect();
        self.angles = Some(plan.angles(table).expect("in range"));
        plan.embed_scaled(8).expect("in range")
    }
}

const ROOT: u64 = 0x1234_5678;

impl Model {
    /// A chunk of all lanes behind so many positions, whose keys and values are random. The prompt gives the tokens of the first lanes:
    /// all of them, or one.
    pub fn chunk(&self, position: u32, forced: bool) -> Chunk {
        let plan = &self.plan;
        let mut numbers = Seeded(2);
        let lanes = plan.lanes;
        let mut carried = vec![];
        for block in 0..(position as usize).div_ceil(lanes) {
            let seen = (position as usize - block * lanes).min(lanes);
            let rows: usize = plan.carried.tensors.iter().map(|t| t.own.channels).sum();
            carried.extend((0..rows).map(|_| -> Vec<i64> {
                let mut value = |lane| if lane < seen { numbers.signed(60) } else { 0 };
                (0..lanes).map(|lane| value(lane).into()).collect()
            }));
        }
        let mut chunk = Chunk {
            tokens: vec![1],
            position,
            carried,
            ..Chunk::default()
        };
        if forced {
            chunk.forced = lanes;
            chunk.tokens = prompt(&self.plan, position)[position as usize..][..lanes].to_vec();
        }
        chunk
    }

    /// The program's input of a decoded memory, and what it states.
    pub fn input(&self, values: &Values) -> program::Chunk {
        let chunk = &values.chunk;
        let views = Roots::of(&self.plan).expect("roots").before;
        let root = |view: u32| {
            let row = |i: usize| values.rows[view as usize + i][0] as u32;
            packed(&std::array::from_fn(row))
        };
        let prompt = match chunk.forced {
            0 => vec![1],
            _ => prompt(&self.plan, chunk.position),
        };
        let first = match chunk.position {
            0 => Frontier::start(&prompt).expect("a prompt"),
            position => Frontier {
                position,
                last_token: chunk.tokens[0],
                kv_root: KvRoot(root(views.kv)),
                tokens_root: TokensRoot(root(views.tokens)),
                chosen_root: ChosenRoot(root(views.chosen)),
            },
        };
        let pins = Pins {
            domain: Domain::local(),
            session_id: SessionId(Felt::from(77)),
            model_root: ModelRoot(Felt::from(ROOT)),
            program_hash: ProgramHash(self.program.hash()),
            policy: Policy::greedy(None),
            prompt_root: prompt_root(&prompt),
            prompt,
        };
        let steps = self.plan.lanes as u32;
        program::chunk(&self.schedule, &pins, first, steps, &values.rows).expect("a chunk")
    }
}

/// A prompt that gives the tokens of all lanes, and the one behind them.
fn prompt(plan: &Plan, position: u32) -> Vec<u32> {
    let tokens = plan.embedding.outputs();
    let count = position as usize + plan.lanes + 1;
    (0..count).map(|i| (i * 37 % tokens) as u32).collect()
}
