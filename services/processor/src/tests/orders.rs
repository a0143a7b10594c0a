//! A checkout over two shards: the order's and its item's.

use super::{Rig, effect, item_id, names, quantity, service, stocked};
use crate::Input;
use event_log::{Batch, CommandSource, Received};
use schemas::{
    Command, CommandEnvelope, CommandId, LineId, OrderId, Rejection, ReplyBody, ShardCount, ShardId, Topic,
    order::{OrderCommand, OrderLine, OrderRejection, OrderStatus, PaymentMode, PlaceOrder, SubmitMode},
};
use std::sync::Arc;

/// The first id of this form that lives on the shard.
fn id_on(shard: u32, prefix: &str) -> String {
    let shards = ShardCount::new(2).expect("two");
    let mut ids = (0..).map(|n| format!("{prefix}{n}"));
    ids.find(|id| shards.of_key(id) == ShardId(shard)).expect("every shard has keys")
}

struct Pair {
    items: Rig,
    orders: Rig,
    item: String,
    order: OrderId,
}

fn pair(units: u32) -> Pair {
    let mut items = Rig::of(ShardId(0), 2);
    let item = id_on(0, "sku");
    items.send(stocked(&item, units));
    let order = OrderId::parse(&id_on(1, "order")).expect("an id");
    Pair { items, orders: Rig::of(ShardId(1), 2), item, order }
}

impl Pair {
    fn place(&self) -> Command {
        let line = OrderLine {
            line_id: LineId::parse("1").expect("an id"),
            item_id: item_id(&self.item),
            quantity: quantity(2),
            unit_price: None,
            expected_unit_price: None,
            metadata: schemas::Metadata::default(),
        };
        let place = PlaceOrder {
            from_cart: false,
            effect: effect("place"),
            shopper: None,
            channel: None,
            ordered_at: None,
            lines: vec![line],
            adjustments: Vec::new(),
            payment: PaymentMode::External,
            submit: SubmitMode::Explicit,
            expires_in_seconds: None,
            metadata: schemas::Metadata::default(),
        };
        Command::Order { order: self.order.clone(), command: OrderCommand::Place(place) }
    }
}

fn internal(sent: &[CommandEnvelope]) -> Vec<Received> {
    (0..).zip(sent).map(|(n, e)| Received { source: CommandSource::Internal(n), envelope: e.clone().into() }).collect()
}

fn status(batch: &Batch) -> OrderStatus {
    match &batch.replies[0].outcome {
        Ok(ReplyBody::Order(order)) => order.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_checkout_is_answered_when_its_items_have_with_the_positions_of_the_whole_chain() {
    let mut pair = pair(5);
    let place = pair.place();
    let placed = pair.orders.send(vec![place]);
    assert_eq!((placed.replies.len(), placed.internal.len(), pair.orders.shard.waiting()), (0, 1, 1));
    let sent = &placed.internal[0];
    assert_eq!(sent.id.as_str(), "c1.0");
    assert_eq!(sent.caller, service());

    let held = pair.items.deliver(internal(&placed.internal));
    assert_eq!((names(&held), held.replies.len()), (vec!["hold-granted"], 0));
    assert_eq!(held.internal[0].id.as_str(), "c1.0.0");

    let answered = pair.orders.deliver(internal(&held.internal));
    assert_eq!(status(&answered), OrderStatus::AwaitingPayment);
    let positions = &answered.replies[0].positions;
    let topics: Vec<_> = positions.positions().map(|position| (position.topic, position.partition)).collect();
    assert_eq!(topics, [(Topic::InventoryEvents, 0), (Topic::OrdersEvents, 1)]);
    assert_eq!(pair.orders.shard.waiting(), 0);
}

#[test]
fn the_same_request_joins_the_wait() {
    let mut pair = pair(5);
    let place = pair.place();
    let placed = pair.orders.send(vec![place.clone()]);
    let again = pair.orders.send(vec![place]);
    assert_eq!((again.events.len(), again.internal.len(), pair.orders.shard.waiting()), (0, 0, 2));
    let held = pair.items.deliver(internal(&placed.internal));
    assert_eq!(pair.orders.deliver(internal(&held.internal)).replies.len(), 2);
}

#[test]
fn after_a_failover_the_same_request_waits_anew() {
    let mut pair = pair(5);
    let place = pair.place();
    let placed = pair.orders.send(vec![place.clone()]);
    pair.orders.recover().expect("a sound log");
    assert_eq!(pair.orders.shard.waiting(), 0);
    pair.orders.send(vec![place]);
    let held = pair.items.deliver(internal(&placed.internal));
    assert_eq!(status(&pair.orders.deliver(internal(&held.internal))), OrderStatus::AwaitingPayment);
}

#[test]
fn a_refusal_of_the_item_rejects_the_order_and_the_answer_says_so() {
    let mut pair = pair(1);
    let place = pair.place();
    let placed = pair.orders.send(vec![place]);
    let refused = pair.items.deliver(internal(&placed.internal));
    assert!(refused.events.is_empty());
    let answered = pair.orders.deliver(internal(&refused.internal));
    let outcome = &answered.replies[0].outcome;
    assert!(matches!(outcome, Err(Rejection::Order(OrderRejection::OrderRejected { .. }))), "{outcome:?}");
}

#[test]
fn items_that_do_not_answer_are_given_up_by_the_clock() {
    let mut pair = pair(5);
    let place = pair.place();
    pair.orders.send(vec![place]);
    let due = pair.orders.shard.deadlines().1.expect("the answers are due");
    let batch = pair.orders.step(Input::Clock(due)).batch.expect("it is due");
    assert_eq!(names(&batch), ["order-rejected"]);
    assert_eq!(batch.replies.len(), 1, "who waits is told");
    assert_eq!(batch.internal.len(), 1, "a release: the item may have held");
}

#[test]
fn an_order_that_has_ended_leaves_memory_once_it_is_saved_and_comes_back() {
    let mut pair = pair(1);
    let place = pair.place();
    let placed = pair.orders.send(vec![place.clone()]);
    let refused = pair.items.deliver(internal(&placed.internal));
    pair.orders.deliver(internal(&refused.internal));
    assert_eq!(pair.orders.shard.aggregates(), (1, 0));
    pair.orders.save_all();
    assert_eq!(pair.orders.shard.aggregates(), (0, 1));
    assert_eq!(pair.orders.recover().expect("a sound log"), 0);
    assert_eq!(pair.orders.shard.aggregates(), (0, 1), "a start does not read it either");

    let command = pair.orders.received(place);
    let missing = pair.orders.shard.missing(std::slice::from_ref(&command));
    assert_eq!(missing.len(), 1);
    for key in missing {
        let find = |name: &String| pair.orders.records.iter().rev().find(|record| record.key == *name).cloned();
        let names = pair.orders.shard.snapshot_keys(&key);
        let parts: Option<Vec<_>> = names.iter().map(|name| find(name)?.value).collect();
        let parts = parts.expect("its snapshot");
        pair.orders.shard.restore(key, parts).expect("its state");
    }
    let batch = pair.orders.deliver(vec![command]);
    assert!(batch.events.is_empty() && batch.replies[0].outcome.is_err(), "the same answer as before");
    assert_eq!(pair.orders.shard.aggregates(), (0, 1), "and it leaves again");
}

#[test]
fn ids_of_long_chains_stay_ids() {
    let mut id = CommandId::parse(&"x".repeat(60)).expect("an id");
    for _ in 0..20 {
        let next = crate::shard::internal_id(&id, 3);
        assert_eq!(next, crate::shard::internal_id(&id, 3));
        assert_ne!(next, id);
        id = next;
    }
}

#[test]
fn an_order_whose_commands_to_its_items_no_record_holds_is_refused() {
    let mut pair = pair(5);
    let mut placed = pair.orders.received(pair.place());
    // As an attribute of an event it is half as long as in JSON.
    Arc::make_mut(&mut placed.envelope).traceparent = Some("\"".repeat(event_log::MAX_RECORD_BYTES as usize * 2 / 3));
    let batch = pair.orders.deliver(vec![placed]);
    assert_eq!((batch.events.len(), batch.internal.len(), batch.dead_letters.len()), (0, 0, 1));
    assert_eq!(batch.replies[0].outcome, Err(Rejection::Undecidable(schemas::reply::Undecidable::TooLarge)));
    assert!(pair.orders.knows().is_empty());
}
