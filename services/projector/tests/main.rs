//! Outside tests of the projector, in one binary.

mod damaged;
mod fold;
mod frozen;
mod history;
mod replay;
mod runner;
mod scylla;
