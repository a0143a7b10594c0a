//! The servers come up, answer, fail as they are told to, and go with their owner.

mod cluster;
mod login;
mod owner;
mod shared;
