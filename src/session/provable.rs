//! What the loop asks of a build, whichever kind it is.
//!
//! Owns: [`Provable`], the build; [`Decoder`], a session of it between two chunks; [`ChunkProver`], what one run proves with. The loop
//! (`session`), what an earlier run left (`carried`) and the writing of a chunk (`make`) know nothing else of a build.

use std::time::Duration;

use super::{Event, MakeError, Request, RequestError};
use crate::receipt::{Manifest, Session, Stated};
use crate::verify::ProofError;
use crate::verify::statement::PublicFacts;

/// A build whose sessions are proven.
pub trait Provable {
    /// What its receipts are about.
    type Statement: Stated;

    type Decoder<'a>: Decoder<Statement = Self::Statement>
    where
        Self: 'a;

    type Prover<'a>: ChunkProver<Self::Decoder<'a>>
    where
        Self: 'a;

    /// The model, and what a verifier accepts of it.
    fn manifest(&self) -> &Manifest;

    /// Steps that a chunk has at most, as it is asked for or as is best for this build.
    ///
    /// # Errors
    /// What proofs of this build cannot be.
    fn most_steps(&self, request: &Request) -> Result<u32, RequestError>;

    /// The start of a session.
    ///
    /// # Errors
    /// A prompt that the model does not take.
    fn start(&self, session: &Session) -> Result<Self::Decoder<'_>, MakeError>;

    /// Sets up what proves the chunks of a run.
    fn prover(&self, request: &Request) -> Self::Prover<'_>;

    /// What a proof's bytes prove, as anyone verifies them who has the manifest.
    ///
    /// # Errors
    /// A proof that does not verify.
    fn verify(&self, proof: &[u8]) -> Result<PublicFacts, ProofError>;

    /// Whether its proofs are made to be wrapped, so that what wrapping needs is kept beside each.
    fn is_wrappable(&self) -> bool {
        false
    }

    /// Whether this is what wrapping the proof needs. A build whose proofs are not wrapped has no such thing.
    fn is_witness(&self, _witness: &[u8], _proof: &[u8]) -> bool {
        false
    }
}

/// A session between two chunks: what the next one goes on from.
pub trait Decoder: Clone {
    type Statement: Stated;

    /// What a chunk's proof is made from.
    type Work;

    fn frontier(&self) -> <Self::Statement as Stated>::Frontier;

    /// Whether no step can follow.
    fn finished(&self) -> bool;

    /// Steps that one proof of this build can have.
    fn longest(&self) -> usize;

    /// Decodes the next chunk, of so many steps; of fewer if the session ends before.
    ///
    /// # Errors
    /// No step or more than a proof can have, or a session that is at its end.
    fn decode(&self, steps: usize) -> Result<ChunkOf<Self>, MakeError>;

    /// Goes on behind a chunk that was decoded here.
    fn advance(&mut self, chunk: &ChunkOf<Self>);

    fn position(&self) -> usize {
        Self::Statement::position(&self.frontier()) as usize
    }

    /// Goes on behind so many steps, however they are cut.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    fn skip(&mut self, steps: usize) -> Result<(), MakeError> {
        let end = self.position() + steps;
        while self.position() < end {
            let chunk = self.decode(self.longest().min(end - self.position()))?;
            self.advance(&chunk);
        }
        Ok(())
    }
}

/// A decoded chunk: what its receipt says, and what its proof is made from.
pub struct Chunk<S, W> {
    pub statement: S,
    /// Next tokens that the prompt gave.
    pub forced: Vec<u32>,
    /// Next tokens that the policy chose.
    pub emitted: Vec<u32>,
    pub work: W,
}

/// A chunk of a decoder.
pub type ChunkOf<D> = Chunk<<D as Decoder>::Statement, <D as Decoder>::Work>;

/// Takes what happens.
pub type Observer<'a> = &'a mut dyn FnMut(Event);

/// Proves the chunks of one run.
pub trait ChunkProver<D: Decoder> {
    /// How many steps the next chunk should have, of at most `most`, if `left` are left.
    ///
    /// # Errors
    /// What goes wrong while it is found out.
    fn choose(
        &mut self,
        _decoder: &D,
        _place: Place,
        (most, _left): (usize, usize),
        _observe: Observer<'_>,
    ) -> Result<usize, MakeError> {
        Ok(most)
    }

    /// Proves a chunk. Nobody has verified the proof yet.
    ///
    /// # Errors
    /// A chunk that is too long for one proof, and everything that can fail on the way.
    fn prove(
        &mut self,
        chunk: &ChunkOf<D>,
        place: Place,
        observe: Observer<'_>,
    ) -> Result<Proof, MakeError>;
}

/// Where a chunk is in its session.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub chunk: usize,
    /// Whether no shorter one is tried if this one is too long for a proof.
    pub shortest: bool,
}

/// A proof that was made, in numbers.
pub struct Proof {
    pub bytes: Vec<u8>,
    /// What wrapping it needs, if it was asked for.
    pub witness: Option<Vec<u8>>,
    pub vm_steps: usize,
    /// Running the program.
    pub trace: Duration,
    /// Proving the run.
    pub prove: Duration,
}
