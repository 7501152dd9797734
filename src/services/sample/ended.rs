//! The ends of chains, read from their checkpoints for others to begin there.

use super::sampling::Record;
use super::watched::Watched;
use crate::error::{Code, Error};
use crate::model::open;
use crate::services::WarmStart;
use crate::services::clock::Times;

impl WarmStart {
    /// The end of a chain that was written with [`ChainReport::checkpoint`](crate::services::ChainReport::checkpoint).
    ///
    /// # Errors
    /// [`Code::Checkpoint`]: the bytes are no chain's, or the chain had not come to its first draw.
    pub fn from_checkpoint(bytes: &[u8]) -> Result<Self, Error> {
        let (watched, _, _): (Watched, Times, Record) = open(bytes)?;
        let chain = &watched.chain;
        if chain.iterations() == 0 || !chain.moves() {
            let got = if chain.moves() { "one without" } else { "one that does not move" };
            return Err(Error::new(
                Code::Checkpoint,
                format!("expected the checkpoint of a chain with draws, got {got}"),
            ));
        }
        let (metric, inv_metric) = chain.inverse_metric();
        Ok(Self { position: chain.position().to_vec(), stepsize: chain.stepsize(), metric, inv_metric })
    }
}
