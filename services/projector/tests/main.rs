//! Outside tests of the projector, in one binary.

mod damaged;
mod fold;
mod frozen;
mod history;
mod parked_rig;
mod parking;
mod parking_props;
mod replay;
mod runner;
mod scylla;
mod state;
mod writer;
