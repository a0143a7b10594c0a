//! The conventions of the API, as a client meets them.

mod bodies;
mod conventions;
#[path = "../../../schemas/tests/mutate.rs"]
mod mutate;
mod props;
mod rejections;
mod world;
