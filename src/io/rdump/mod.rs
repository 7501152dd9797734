//! Named values from R dumps, as R's `dump` and rstan's `stan_rdump` write them.

mod scan;
mod statements;

pub(super) use statements::parse;

#[cfg(test)]
mod tests;
