//! Takes commands over HTTP: parses them into values that cannot be bad, submits them, and waits for the answer.
//!
//! [`router`] has every route that writes; [`Submitter`] is the way of a command without HTTP. Nothing is decided here.

mod answer;
mod asker;
mod cancel;
mod cards;
mod checkout;
mod docs;
mod holds;
mod import;
mod items;
mod lines;
mod orders;
mod pay;
mod refunds;
mod roles;
mod state;
mod stock;
mod submit;
mod submitter;
mod test_clock;
mod waiters;

#[cfg(test)]
#[path = "../../../schemas/tests/mutate.rs"]
mod mutate;
#[cfg(test)]
mod tests;

pub use cards::{CardTokenizer, TokenizeError, TokenizeFuture};
pub use pay::Card;
pub use state::CommandState;
pub use submitter::{Origin, Pending, Submitter};
pub use test_clock::{AdvanceError, AdvanceFuture, TestClock};

use utoipa_axum::{router::OpenApiRouter, routes};

/// All routes that write. The caller dresses them with [`edge::Edge::dress`].
pub fn router(state: CommandState) -> OpenApiRouter {
    let mut router = OpenApiRouter::new()
        .routes(routes!(items::put_item, items::patch_item, items::delete_item))
        .routes(routes!(stock::receive))
        .routes(routes!(stock::count))
        .routes(routes!(stock::move_units))
        .routes(routes!(stock::set_safety))
        .routes(routes!(holds::place))
        .routes(routes!(holds::commit))
        .routes(routes!(holds::release))
        .routes(routes!(holds::ship))
        .routes(routes!(checkout::checkout))
        .routes(routes!(orders::place))
        .routes(routes!(submit::submit))
        .routes(routes!(cancel::cancel))
        .routes(routes!(pay::pay))
        .routes(routes!(refunds::refund));
    edge::openapi::commands(router.get_openapi_mut());
    router = router.routes(routes!(import::import_items));
    if state.test_clock.is_some() {
        router = router.routes(routes!(test_clock::advance));
    }
    edge::openapi::conventions(router.get_openapi_mut());
    router.with_state(state)
}
