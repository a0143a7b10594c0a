//! Checks out what stands in the cart, or in the request: places an order, which answers.

use super::{Cart, CheckoutState, MOST_CHECKOUTS, refuse, silent};
use crate::{Decided, Decision, order};
use schemas::{
    Command, ItemId, LineId, OrderId, Rejection,
    cart::{CartEvent, CartLine, CartOutcome, CartRejection, Checkout, CheckoutBegun, CheckoutEnded, CheckoutJoined},
    order::{OrderCommand, OrderLine, OrderRejection, PaymentMode, PlaceOrder, SupersedeOrder},
};
use std::collections::BTreeSet;

pub(super) fn checkout(cart: &Cart, command: &Checkout) -> Decided {
    if let Some(was) = cart.again(&command.effect)? {
        // The id of another operation is no checkout's.
        let known = was.order.as_ref().and_then(|order_id| Some((order_id, cart.checkouts.get(order_id)?)));
        let Some((order_id, known)) = known else { return refuse(CartRejection::IdempotencyKeyReused) };
        return again(cart, order_id, known);
    }
    // Only an id that was forgotten comes here while its checkout is still known: by one that joined it.
    if let Some(known) = cart.checkouts.get(&command.order_id) {
        let same = known.effect.digest == command.effect.digest;
        return if same { again(cart, &command.order_id, known) } else { refuse(CartRejection::IdempotencyKeyReused) };
    }
    if command.lines.is_none()
        && let Some(order_id) = cart.locked_by()
    {
        return Ok(join(cart, command, order_id));
    }
    let lines = command.lines.clone().unwrap_or_else(|| order_lines(cart.lines.values()));
    if let Err(item_id) = order::quantities(&lines) {
        return refuse(CartRejection::ItemQuantityTooLarge { item_id });
    }
    if let Err(item_id) = order::expected_prices(&lines) {
        return refuse(CartRejection::ExpectedPricesDiffer { item_id });
    }
    if lines.is_empty() {
        return refuse(CartRejection::CartEmpty);
    }
    let older = cart.in_the_way(&lines);
    if cart.open().count() - older.len() >= MOST_CHECKOUTS as usize {
        return refuse(CartRejection::TooManyCheckouts { limit: MOST_CHECKOUTS });
    }

    // From here it succeeds.
    let (placed, unplaced): (Vec<_>, Vec<_>) = older.into_iter().partition(|(_, older)| older.placed);
    // The order of one that waits for others itself does not exist, and need never come about.
    let withdrawn = unplaced.into_iter().map(|(order_id, _)| {
        let lines = cart.lines.values().cloned().collect();
        CartEvent::from(CheckoutEnded { order_id: order_id.clone(), outcome: CartOutcome::Cancelled, lines })
    });
    let mut events: Vec<CartEvent> = withdrawn.collect();
    let begun = CheckoutBegun {
        effect: command.effect.clone(),
        order_id: command.order_id.clone(),
        lines,
        of_cart: command.lines.is_none(),
        submit: command.submit,
        supersedes: placed.into_iter().map(|(order_id, _)| order_id.clone()).collect(),
        metadata: command.metadata.clone(),
    };
    let step = cart.next_step(&begun.order_id, &CheckoutState::new(&begun));
    events.push(begun.into());
    Ok(silent(events, vec![step]))
}

/// A request that came before: its order answers it, if it was ever placed.
fn again(cart: &Cart, order_id: &OrderId, known: &CheckoutState) -> Decided {
    if known.is_withdrawn() { withdrawn() } else { Ok(silent(Vec::new(), vec![cart.next_step(order_id, known)])) }
}

/// Another request for the checkout that is open: it is told the same order.
fn join(cart: &Cart, command: &Checkout, order_id: &OrderId) -> Decision {
    let joined = CheckoutJoined { effect: command.effect.clone(), order_id: order_id.clone() };
    let step = cart.next_step(order_id, &cart.checkouts[order_id]);
    silent(vec![joined.into()], vec![step])
}

/// What the client of a checkout is told that a newer one ended before its order was placed.
pub(super) fn withdrawn<T>() -> Result<T, Rejection> {
    Err(Rejection::Order(OrderRejection::OrderCancelled))
}

/// The lines of a cart as an order has them, numbered from 1.
fn order_lines<'l>(lines: impl Iterator<Item = &'l CartLine>) -> Vec<OrderLine> {
    let line = |(number, line): (usize, &CartLine)| OrderLine {
        line_id: LineId::parse(&(number + 1).to_string()).expect("digits are an id"),
        item_id: line.item_id.clone(),
        quantity: line.quantity,
        unit_price: None,
        expected_unit_price: line.expected_unit_price,
        metadata: schemas::Metadata::default(),
    };
    lines.enumerate().map(line).collect()
}

impl CheckoutState {
    /// As it begins.
    pub(super) fn new(begun: &CheckoutBegun) -> Self {
        Self {
            effect: begun.effect.clone(),
            lines: begun.lines.clone(),
            of_cart: begun.of_cart,
            submit: begun.submit,
            metadata: begun.metadata.clone(),
            supersedes: begun.supersedes.clone(),
            placed: begun.supersedes.is_empty(),
            ended: false,
            named_by: 0,
        }
    }

    /// Whether a newer checkout ended it before its order was placed.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.ended && !self.placed
    }
}

impl Cart {
    /// Open checkouts that share an item with these lines.
    fn in_the_way(&self, lines: &[OrderLine]) -> Vec<(&OrderId, &CheckoutState)> {
        let items: BTreeSet<&ItemId> = lines.iter().map(|line| &line.item_id).collect();
        let shares = |checkout: &CheckoutState| checkout.lines.iter().any(|line| items.contains(&line.item_id));
        self.open().filter(|(_, checkout)| shares(checkout) && !planted::bug!("own-hold-blocks")).collect()
    }

    /// What brings a checkout on, and its client the answer: the first older order is asked to make way, or its own order
    /// is placed, which answers a repeat as well.
    pub(super) fn next_step(&self, order_id: &OrderId, checkout: &CheckoutState) -> Command {
        match checkout.supersedes.first().filter(|_| !checkout.placed) {
            Some(older) => supersede(older, order_id),
            None => self.place(order_id, checkout),
        }
    }

    /// Places the order of a checkout. Repeats say the same.
    pub(super) fn place(&self, order_id: &OrderId, checkout: &CheckoutState) -> Command {
        let command = OrderCommand::Place(PlaceOrder {
            effect: checkout.effect.clone(),
            shopper: Some(self.shopper.clone()),
            channel: None,
            ordered_at: None,
            lines: checkout.lines.clone(),
            adjustments: Vec::new(),
            payment: PaymentMode::Provider,
            submit: checkout.submit,
            from_cart: true,
            expires_in_seconds: None,
            metadata: checkout.metadata.clone(),
        });
        Command::Order { order: order_id.clone(), command }
    }
}

/// Asks an older order to make way for a newer one.
pub(super) fn supersede(older: &OrderId, by: &OrderId) -> Command {
    let command = OrderCommand::Supersede(SupersedeOrder { by: by.clone() });
    Command::Order { order: older.clone(), command }
}
