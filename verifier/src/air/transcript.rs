//! The order in which the parts of a proof enter the transcript, once for the prover and for the verifier.
//!
//! A challenge is worth something only if everything that it is meant to bind was mixed in before it was drawn.
//! [`exchange`] owns that order. A [`Party`], prover or verifier, says what its side does at each place.

use cairo_air::claims::{CairoClaim, CairoInteractionClaim};
use stwo::core::channel::Channel as _;
use stwo::core::fields::qm31::SecureField;
use stwo::core::pcs::PcsConfig;

use super::challenges::Challenges;
use super::layout::Layout;

/// The channel, written as a type: Blake2s with every output word reduced modulo 2^31 − 1, which
/// circuits can recompute.
pub type MerkleChannel = stwo::core::vcs_lifted::blake2_merkle::Blake2sM31MerkleChannel;

/// The transcript.
pub type Channel = <MerkleChannel as stwo::core::channel::MerkleChannel>::C;

/// One side of the exchange.
pub trait Party {
    type Error;

    /// Mixes in the root of the constant columns.
    fn commit_constants(&mut self, channel: &mut Channel);

    /// What the trace is said to be: sizes and public data.
    fn claim(&self) -> &CairoClaim;

    /// Mixes in the root of the trace.
    fn commit_trace(&mut self, channel: &mut Channel);

    /// The number that proves the work done before the lookup elements are drawn.
    ///
    /// # Errors
    /// The work is not done.
    fn work(&mut self, channel: &mut Channel) -> Result<u64, Self::Error>;

    /// The head's messages under the challenges drawn so far, as many as the layout says.
    ///
    /// # Errors
    /// There are more or fewer.
    fn messages(&mut self, challenges: &Challenges) -> Result<Vec<SecureField>, Self::Error>;

    /// The components' sums under the challenges.
    ///
    /// # Errors
    /// They do not add up.
    fn sums(&mut self, challenges: &Challenges) -> Result<Sums, Self::Error>;

    /// Mixes in the root of the interaction columns.
    fn commit_interaction(&mut self, channel: &mut Channel);
}

/// The sums of all components.
#[derive(Clone)]
pub struct Sums {
    pub cairo: CairoInteractionClaim,
    /// Of the layout's components, in its order.
    pub tensors: Vec<SecureField>,
}

/// What an exchange has brought about, ready for the library's part: composition, samples, queries.
pub struct Exchange {
    pub channel: Channel,
    pub work: u64,
    pub challenges: Challenges,
    pub sums: Sums,
}

/// Goes through the transcript up to the interaction columns.
///
/// # Errors
/// What the party finds.
pub fn exchange<P: Party>(
    party: &mut P,
    layout: &Layout,
    salt: u32,
    config: &PcsConfig,
) -> Result<Exchange, P::Error> {
    let mut channel = Channel::default();
    channel.mix_felts(&[salt.into()]);
    config.mix_into(&mut channel);
    party.commit_constants(&mut channel);
    channel.mix_felts(&layout.words());
    party.claim().mix_into::<MerkleChannel>(&mut channel);
    party.commit_trace(&mut channel);
    let work = party.work(&mut channel)?;
    channel.mix_u64(work);
    let mut challenges = Challenges::draw(&mut channel, layout);
    let messages = party.messages(&challenges)?;
    challenges.bind(messages, &mut channel);
    let sums = party.sums(&challenges)?;
    sums.cairo.mix_into(&mut channel);
    channel.mix_felts(&sums.tensors);
    party.commit_interaction(&mut channel);
    Ok(Exchange {
        channel,
        work,
        challenges,
        sums,
    })
}
