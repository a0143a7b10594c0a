//! Takes commands over HTTP: parses them into values that cannot be bad, submits them, and waits for the answer.
//!
//! [`router`] has every route that writes; [`Submitter`] is the way of a command without HTTP. Nothing is decided here.

mod address;
mod answer;
mod asker;
mod cancel;
mod cards;
mod cart;
mod checkout;
mod claims;
mod dead_letters;
mod docs;
mod drops;
mod feed;
mod follows;
mod forget;
mod guests;
mod holds;
mod import;
mod items;
mod lines;
mod live_tickets;
mod me;
mod orders;
mod pay;
mod queue;
mod refunds;
mod returns;
mod roles;
mod shipments;
mod state;
mod stock;
mod stores;
mod submit;
mod submitter;
mod test_clock;
mod transfers;
mod waiters;
mod warehouses;
mod webhooks;

#[cfg(test)]
#[path = "../../../schemas/tests/mutate.rs"]
mod mutate;
#[cfg(test)]
mod tests;

pub use cards::{CardTokenizer, TokenizeError, TokenizeFuture};
pub use import::lines as import_lines;
pub use pay::Card;
pub use state::CommandState;
pub use submitter::{Origin, Pending, Submitter};
pub use test_clock::{AdvanceError, AdvanceFuture, TestClock};
pub use webhooks::{NoticeError, PaymentNotice, PaymentWebhooks, SignedMessage, Webhooks};

use utoipa_axum::{router::OpenApiRouter, routes};

/// All routes that write. The caller dresses them with [`edge::Edge::dress`].
pub fn router(state: CommandState) -> OpenApiRouter {
    let mut router = OpenApiRouter::new()
        .routes(routes!(items::put_item, items::patch_item, items::delete_item))
        .routes(routes!(stock::receive))
        .routes(routes!(stock::count))
        .routes(routes!(stock::move_units))
        .routes(routes!(transfers::receive_transfer))
        .routes(routes!(stock::set_safety))
        .routes(routes!(holds::place))
        .routes(routes!(holds::commit))
        .routes(routes!(holds::release))
        .routes(routes!(holds::ship))
        .routes(routes!(cart::put_line))
        .routes(routes!(cart::patch))
        .routes(routes!(cart::merge))
        .routes(routes!(checkout::checkout))
        .routes(routes!(stores::put))
        .routes(routes!(drops::schedule))
        .routes(routes!(drops::patch))
        .routes(routes!(drops::pause))
        .routes(routes!(drops::resume))
        .routes(routes!(drops::cancel))
        .routes(routes!(queue::join))
        .routes(routes!(claims::claim))
        .routes(routes!(follows::follow, follows::unfollow))
        .routes(routes!(me::put))
        .routes(routes!(forget::forget))
        .routes(routes!(warehouses::put))
        .routes(routes!(orders::place))
        .routes(routes!(submit::submit))
        .routes(routes!(cancel::cancel))
        .routes(routes!(pay::pay))
        .routes(routes!(refunds::refund))
        .routes(routes!(shipments::ship))
        .routes(routes!(shipments::receive))
        .routes(routes!(shipments::deliver))
        .routes(routes!(returns::request))
        .routes(routes!(returns::receive));
    edge::openapi::commands(router.get_openapi_mut());
    router = router.routes(routes!(dead_letters::redrive)).routes(routes!(dead_letters::redrive_all));
    router =
        router.routes(routes!(feed::publish)).routes(routes!(import::import_items)).routes(routes!(webhooks::payment));
    router = router.routes(routes!(guests::guest)).routes(routes!(live_tickets::issue));
    if state.test_clock.is_some() {
        router = router.routes(routes!(test_clock::advance));
    }
    edge::openapi::conventions(router.get_openapi_mut());
    router.with_state(state)
}
