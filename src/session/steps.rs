//! Sessions of builds whose programs hold or read the weights: their chunks are planned on traces, and a proof may be made with a larger
//! set of parameters.

mod plan;

use std::time::{Duration, Instant};

use starknet_types_core::felt::Felt;
use stwo_cairo_adapter::ProverInput;

use super::provable::{Chunk, ChunkOf, ChunkProver, Decoder, Observer, Place, Proof, Provable};
use super::{Event, MakeError, Request, RequestError};
use crate::bundle::Bundle;
use crate::chunk::{self, SessionPins};
use crate::profile::{Component, components};
use crate::prove::{ProveError, Prover, check_memory};
use crate::receipt::{Manifest, Session};
use crate::verify::params::PLAIN;
use crate::verify::statement::{Frontier, PublicFacts, Statement};
use crate::verify::{ProofError, verify_proof};
use plan::Plan;

/// Steps of a chunk at most, if the request leaves it open.
const MOST: u32 = 64;

impl Provable for Bundle {
    type Statement = Statement;
    type Decoder<'a> = chunk::Decoder<'a>;
    type Prover<'a> = Steps<'a>;

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn most_steps(&self, request: &Request) -> Result<u32, RequestError> {
        Ok(request.chunk.unwrap_or(MOST))
    }

    fn start(&self, session: &Session) -> Result<chunk::Decoder<'_>, MakeError> {
        let pins = SessionPins {
            domain: session.domain,
            session_id: session.session_id,
            model_root: session.model_root,
            program_hash: session.program_hash,
            policy: session.policy,
            words: self.words.clone(),
            prompt: session.prompt_tokens.clone(),
        };
        Ok(chunk::Decoder::new(&self.graph, pins)?)
    }

    fn prover(&self, request: &Request) -> Steps<'_> {
        let prover = Prover::new(&PLAIN);
        let planned = request.chunk.is_none();
        Steps {
            bundle: self,
            plan: planned.then(|| Plan::new(prover.parameters())),
            prover,
            chosen: false,
        }
    }

    fn verify(&self, proof: &[u8]) -> Result<PublicFacts, ProofError> {
        verify_proof(proof)
    }
}

/// A chunk's input, and where the session is behind it.
pub struct Work<'a> {
    input: Vec<Felt>,
    after: chunk::Decoder<'a>,
}

impl<'a> Decoder for chunk::Decoder<'a> {
    type Statement = Statement;
    type Work = Work<'a>;

    fn frontier(&self) -> Frontier {
        chunk::Decoder::frontier(self)
    }

    fn finished(&self) -> bool {
        chunk::Decoder::finished(self)
    }

    /// What one proof can have shows when it is made.
    fn longest(&self) -> usize {
        usize::MAX
    }

    fn decode(&self, steps: usize) -> Result<ChunkOf<Self>, MakeError> {
        let mut after = self.clone();
        let chunk::Chunk {
            input,
            statement,
            forced,
            emitted,
        } = after.chunk(steps)?;
        Ok(Chunk {
            statement,
            forced,
            emitted,
            work: Work { input, after },
        })
    }

    fn advance(&mut self, chunk: &ChunkOf<Self>) {
        self.clone_from(&chunk.work.after);
    }
}

/// Proves the chunks of a run.
pub struct Steps<'a> {
    bundle: &'a Bundle,
    prover: Prover,
    plan: Option<Plan>,
    /// Whether the plan has chosen the chunk that comes next.
    chosen: bool,
}

/// A chunk's run in the VM.
struct Traced {
    vm_steps: usize,
    input: ProverInput,
    components: Vec<Component>,
    time: Duration,
}

impl<'a> ChunkProver<chunk::Decoder<'a>> for Steps<'a> {
    fn choose(
        &mut self,
        decoder: &chunk::Decoder<'a>,
        place: Place,
        (most, left): (usize, usize),
        observe: Observer<'_>,
    ) -> Result<usize, MakeError> {
        let Some(plan) = &mut self.plan else {
            return Ok(most);
        };
        let steps = plan.choose(most, left, |steps| {
            let chunk = decoder.decode(steps)?;
            trace(self.bundle, &chunk, place, observe).map(|traced| traced.components)
        })?;
        self.chosen = true;
        Ok(steps)
    }

    fn prove(
        &mut self,
        chunk: &ChunkOf<chunk::Decoder<'a>>,
        place: Place,
        observe: Observer<'_>,
    ) -> Result<Proof, MakeError> {
        let traced = trace(self.bundle, chunk, place, observe)?;
        if let Some(plan) = &mut self.plan
            && std::mem::take(&mut self.chosen)
        {
            plan.learn(&traced.components, chunk.statement.steps as usize);
        }
        match self.prove_traced(traced, place, observe) {
            Err(error) if place.shortest && self.enlarge(&error) => {
                let traced = trace(self.bundle, chunk, place, observe)?;
                Ok(self.prove_traced(traced, place, observe)?)
            }
            made => Ok(made?),
        }
    }
}

impl Steps<'_> {
    /// Takes a prover that allows more rows, if rows are what is missing and there is one.
    fn enlarge(&mut self, error: &ProveError) -> bool {
        let Some(larger) = self.prover.larger(error) else {
            return false;
        };
        if let Some(plan) = &mut self.plan {
            plan.set = larger.parameters();
        }
        self.prover = larger;
        true
    }

    fn prove_traced(
        &self,
        traced: Traced,
        place: Place,
        observe: Observer<'_>,
    ) -> Result<Proof, ProveError> {
        let Traced {
            vm_steps,
            input,
            components,
            time,
        } = traced;
        let cells = components.iter().map(|component| component.cells).sum();
        check_memory(self.prover.parameters(), cells)?;
        let chunk = place.chunk;
        observe(Event::Proving { chunk, vm_steps });
        let start = Instant::now();
        let proof = self.prover.prove(input)?;
        Ok(Proof {
            bytes: proof,
            prove: start.elapsed(),
            witness: None,
            vm_steps,
            trace: time,
        })
    }
}

/// Runs a chunk's program in the VM, which says the same as the engine.
fn trace(
    bundle: &Bundle,
    chunk: &ChunkOf<chunk::Decoder<'_>>,
    place: Place,
    observe: Observer<'_>,
) -> Result<Traced, MakeError> {
    observe(Event::Tracing { chunk: place.chunk });
    let start = Instant::now();
    let trace = crate::trace::run(&bundle.program, &chunk.work.input)?;
    let expected = chunk.statement.to_output();
    let mut fields = 0..expected.len();
    if let Some(field) = fields.find(|&i| trace.output().get(i) != Some(&expected[i])) {
        return Err(MakeError::Output { field });
    }
    let vm_steps = trace.steps();
    let input = trace.into_prover_input()?;
    let components = components(&input)?;
    Ok(Traced {
        vm_steps,
        input,
        components,
        time: start.elapsed(),
    })
}
