//! The conventions of the API, as a client meets them.

mod bodies;
mod conventions;
mod rejections;
mod world;
