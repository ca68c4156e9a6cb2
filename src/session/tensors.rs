//! Sessions of builds whose proofs have tensor components: a proof has the build's lanes, however many steps use them.

use std::time::Instant;

use super::provable::{Chunk, ChunkOf, ChunkProver, Decoder, Observer, Place, Proof, Provable};
use super::{Event, MakeError, Request, RequestError};
use crate::decode::{self, Build, Decoded};
use crate::receipt::{Manifest, Session};
use crate::verify::ProofError;
use crate::verify::proof::encode_tensors;
use crate::verify::statement::PublicFacts;
use crate::verify::statement::v3::{Frontier, Statement};
use crate::verify::tensors::verify_tensors;
use crate::wrap::witness;

impl Provable for Build {
    type Statement = Statement;
    type Decoder<'a> = decode::Session<'a>;
    type Prover<'a> = Tensors<'a>;

    fn manifest(&self) -> &Manifest {
        &self.manifest.model
    }

    fn most_steps(&self, request: &Request) -> Result<u32, RequestError> {
        let lanes = self.plan.lanes as u32;
        match request.chunk {
            Some(chunk) if chunk > lanes => Err(RequestError::LongChunk { chunk, lanes }),
            chunk => Ok(chunk.unwrap_or(lanes)),
        }
    }

    fn start(&self, session: &Session) -> Result<decode::Session<'_>, MakeError> {
        let prompt = session.prompt_tokens.clone();
        let (domain, id) = (session.domain, session.session_id);
        Ok(decode::Session::new(self, domain, id, prompt)?)
    }

    /// The build has its prover, and is warm.
    fn prover(&self, _: &Request) -> Tensors<'_> {
        Tensors { build: self }
    }

    fn verify(&self, proof: &[u8]) -> Result<PublicFacts, ProofError> {
        verify_tensors(proof, &self.manifest.tensors).map(|found| found.facts)
    }

    fn is_wrappable(&self) -> bool {
        self.set.is_foldable()
    }

    fn is_witness(&self, witness: &[u8], proof: &[u8]) -> bool {
        let found = witness::decode(witness);
        found.is_some_and(|found| encode_tensors(&found.into_proof()) == proof)
    }
}

impl Decoder for decode::Session<'_> {
    type Statement = Statement;
    type Work = Decoded;

    fn frontier(&self) -> Frontier {
        *decode::Session::frontier(self)
    }

    fn finished(&self) -> bool {
        self.ended().is_some()
    }

    fn longest(&self) -> usize {
        self.decoder().plan.lanes
    }

    fn decode(&self, steps: usize) -> Result<ChunkOf<Self>, MakeError> {
        let decoded = decode::Session::decode(self, steps)?;
        Ok(Chunk {
            statement: decoded.statement().clone(),
            forced: decoded.forced.clone(),
            emitted: decoded.emitted.clone(),
            work: decoded,
        })
    }

    fn advance(&mut self, chunk: &ChunkOf<Self>) {
        decode::Session::advance(self, &chunk.work);
    }
}

/// Proves the chunks of a run.
pub struct Tensors<'a> {
    build: &'a Build,
}

impl<'a> ChunkProver<decode::Session<'a>> for Tensors<'a> {
    fn prove(
        &mut self,
        made: &ChunkOf<decode::Session<'a>>,
        place: Place,
        observe: Observer<'_>,
    ) -> Result<Proof, MakeError> {
        let (build, chunk) = (self.build, place.chunk);
        let statement = &made.statement;
        build.check_memory(statement.frontier_in.position, statement.steps as usize)?;
        observe(Event::Tracing { chunk });
        let start = Instant::now();
        let traced = build.trace(&made.work)?;
        let vm_steps = traced.steps;
        let trace = start.elapsed();
        observe(Event::Proving { chunk, vm_steps });
        let start = Instant::now();
        let proof = build.prove_traced(traced)?;
        let witness = build.is_wrappable().then(|| witness::encode(&proof));
        let bytes = encode_tensors(&proof.into_proof());
        Ok(Proof {
            bytes,
            witness,
            vm_steps,
            trace,
            prove: start.elapsed(),
        })
    }
}
