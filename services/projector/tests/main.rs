//! Outside tests of the projector, in one binary.

mod fold;
mod history;
mod replay;
mod runner;
