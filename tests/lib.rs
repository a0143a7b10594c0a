//! Nothing: the tests are under `main.rs`.
