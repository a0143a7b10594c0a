//! E-mail: for each thing that a shopper was told so, a message by SMTP.

mod core;
mod letter;
mod post;
mod runner;
mod words;

#[cfg(test)]
pub(crate) use self::core::{Effect, MailCore, Outcome};
pub(crate) use self::runner::MailRunner;
pub use post::{MailError, MailOptions, Post};

#[cfg(test)]
pub(crate) use self::{
    letter::{About, Letter},
    post::Untaken,
};
