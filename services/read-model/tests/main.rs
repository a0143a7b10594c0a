//! Outside tests of the views and their store, in one binary.

mod contract;
mod scylla;
mod shop;
mod sqlite_file;
mod views;
