//! The programs of docs/integrators.md, run as they are pasted: consumers that are killed, a table, suppliers, sealed addresses.

mod documented;
mod killed;
mod people;
mod suppliers;
mod table;
