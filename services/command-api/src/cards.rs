//! The port to whoever exchanges card numbers for tokens.

use crate::Card;
use std::{future::Future, pin::Pin};
use thiserror::Error;

/// A future of the port.
pub type TokenizeFuture<'a> = Pin<Box<dyn Future<Output = Result<String, TokenizeError>> + Send + 'a>>;

/// Why there is no token. Nothing was recorded; trying again can help.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenizeError {
    /// The provider cannot be reached.
    #[error("the payment provider is not available: {0}")]
    Unavailable(String),
}

/// Exchanges card details for the provider's token, before anything is recorded.
pub trait CardTokenizer: Send + Sync {
    /// The token; nothing of the card can be read from it.
    fn tokenize(&self, card: Card) -> TokenizeFuture<'_>;
}
