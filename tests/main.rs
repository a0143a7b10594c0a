//! One binary of all tests that need several crates, so that they link once.

mod chaos;
mod e2e;
mod ledger;
mod sim;
mod tidy;
