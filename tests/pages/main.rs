//! What pages of the repository name is there.

mod contributing;
mod definitions;
mod examples;
mod services;
