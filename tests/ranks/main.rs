//! Work over ranks: the bits of one process, one end for all, and no more between ranks than `docs/cluster.md` says.

mod chains;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/conjugate.rs"]
mod conjugate;
mod particles;
#[path = "../common/sets.rs"]
mod sets;
mod traffic;
