//! What the events say to people, and to whom.

use schemas::{
    DropId, EffectId, Event, EventReadError, OrderId, StoreId, SubjectId, Timestamp,
    drop::DropEvent,
    order::OrderEvent,
    shopper::{Notification, NotificationKind},
};
use uuid::Uuid;

/// The name space of notification ids; another one would tell everything again.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f0a_4c1e_77d2_4d0b_9a36_0f5b_c7c1_e201);

/// Somebody has something to hear.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Everybody who follows the store.
    Followers(StoreId, News),
    /// These shoppers.
    Shoppers(Vec<SubjectId>, News),
    /// The shopper of the order.
    Buyer(OrderId, News),
}

/// What is told; to whom is said beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct News {
    pub kind: NotificationKind,
    pub occurred_at: Timestamp,
    pub store: Option<StoreId>,
    pub drop: Option<DropId>,
    pub order_id: Option<OrderId>,
    /// What tells it from other news of the kind about the same drop or order; empty where there is one only.
    pub thing: String,
}

impl News {
    /// The same news for one of those concerned. Its id is the same whoever tells it, and however often.
    pub fn of(&self, shopper: &SubjectId) -> Notification {
        let drop = self.drop.as_ref().map_or("", DropId::as_str);
        let order = self.order_id.as_ref().map_or("", OrderId::as_str);
        // No id has a bar.
        let name = format!("{shopper}|{}|{drop}|{order}|{}", self.kind.as_str(), self.thing);
        let id = Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string();
        Notification {
            notification_id: EffectId::parse(&id).expect("a UUID is an id"),
            kind: self.kind,
            occurred_at: self.occurred_at,
            store: self.store.clone(),
            drop: self.drop.clone(),
            order_id: self.order_id.clone(),
        }
    }
}

/// Where an event stands: what its news are made from beside itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heading<'e> {
    pub subject: &'e str,
    pub time: Timestamp,
    pub seq: u64,
}

/// What an event says; `None` for most of them, which are not even read.
pub(crate) fn hear(event_type: &str, value: &[u8], at: Heading<'_>) -> Result<Option<Heard>, EventReadError> {
    if !concerns_people(event_type) {
        return Ok(None);
    }
    Ok(match Event::read(event_type, value)? {
        Event::Drop(event) => DropId::parse(at.subject).ok().and_then(|drop| of_drop(event, drop, at)),
        Event::Order(event) => OrderId::parse(at.subject).ok().and_then(|order| of_order(event, order, at)),
        Event::Item(_)
        | Event::Cart(_)
        | Event::Store(_)
        | Event::Warehouse(_)
        | Event::Follows(_)
        | Event::Shopper(_) => None,
    })
}

fn concerns_people(event_type: &str) -> bool {
    matches!(
        event_type,
        "stockfold.drops.drop-scheduled.v1"
            | "stockfold.drops.drop-changed.v1"
            | "stockfold.drops.drop-cancelled.v1"
            | "stockfold.drops.shoppers-admitted.v1"
            | "stockfold.orders.order-confirmed.v1"
            | "stockfold.orders.payment-attempt-failed.v1"
            | "stockfold.orders.shipment-shipped.v1"
            | "stockfold.orders.refund-settled.v1"
    )
}

fn of_drop(event: DropEvent, drop: DropId, at: Heading<'_>) -> Option<Heard> {
    let news = |kind, store, thing| News {
        kind,
        occurred_at: at.time,
        store,
        drop: Some(drop.clone()),
        order_id: None,
        thing,
    };
    let to_followers = |kind, store: StoreId, thing| {
        let news = news(kind, Some(store.clone()), thing);
        Some(Heard::Followers(store, news))
    };
    match event {
        DropEvent::DropScheduled(e) => to_followers(NotificationKind::DropScheduled, e.store, String::new()),
        DropEvent::DropChanged(e) => to_followers(NotificationKind::DropChanged, e.store, at.seq.to_string()),
        DropEvent::DropCancelled(e) => to_followers(NotificationKind::DropCancelled, e.store, String::new()),
        DropEvent::ShoppersAdmitted(e) => {
            // It is their own turn, whatever they think of the store's other news.
            Some(Heard::Shoppers(e.shoppers, news(NotificationKind::DropAdmitted, None, at.seq.to_string())))
        }
        DropEvent::DropDrafted(_)
        | DropEvent::UnitsLent(_)
        | DropEvent::LoanRefused(_)
        | DropEvent::DropRejected(_)
        | DropEvent::QueueOpened(_)
        | DropEvent::QueueJoined(_)
        | DropEvent::DropOpened(_)
        | DropEvent::PlacesDrawn(_)
        | DropEvent::AdmissionsExpired(_)
        | DropEvent::ClaimGranted(_)
        | DropEvent::ClaimCommitted(_)
        | DropEvent::ClaimReleased(_)
        | DropEvent::ClaimUncommitted(_)
        | DropEvent::DropStatusChanged(_)
        | DropEvent::DropPaused(_)
        | DropEvent::DropResumed(_)
        | DropEvent::DropEnded(_)
        | DropEvent::DropClosed(_) => None,
    }
}

fn of_order(event: OrderEvent, order: OrderId, at: Heading<'_>) -> Option<Heard> {
    let (kind, thing) = match event {
        OrderEvent::OrderConfirmed(_) => (NotificationKind::OrderConfirmed, String::new()),
        OrderEvent::PaymentAttemptFailed(e) => (NotificationKind::PaymentFailed, e.payment_id.to_string()),
        OrderEvent::ShipmentShipped(e) => (NotificationKind::OrderShipped, e.effect.id.to_string()),
        OrderEvent::RefundSettled(e) => (NotificationKind::OrderRefunded, e.refund_id.to_string()),
        OrderEvent::OrderPlaced(_)
        | OrderEvent::ItemHeld(_)
        | OrderEvent::ItemRefused(_)
        | OrderEvent::HoldsGranted(_)
        | OrderEvent::OrderRejected(_)
        | OrderEvent::PaymentStarted(_)
        | OrderEvent::PaymentPending(_)
        | OrderEvent::PaymentAuthorized(_)
        | OrderEvent::OrderSubmitted(_)
        | OrderEvent::DigitalDelivered(_)
        | OrderEvent::CaptureDue(_)
        | OrderEvent::PaymentCaptured(_)
        | OrderEvent::CaptureFailed(_)
        | OrderEvent::OrderExpired(_)
        | OrderEvent::OrderCancelled(_)
        | OrderEvent::LinesCancelled(_)
        | OrderEvent::LatePayment(_)
        | OrderEvent::ReholdFailed(_)
        | OrderEvent::ShipmentsDue(_)
        | OrderEvent::ShipmentsBackordered(_)
        | OrderEvent::SubOrdersPlanned(_)
        | OrderEvent::SubOrderAllocated(_)
        | OrderEvent::AllocationRefused(_)
        | OrderEvent::SubOrderDeallocated(_)
        | OrderEvent::ShipmentForwarded(_)
        | OrderEvent::ForwardReceived(_)
        | OrderEvent::ShipmentsDelivered(_)
        | OrderEvent::ReturnRequested(_)
        | OrderEvent::ReturnReceived(_)
        | OrderEvent::ReturnWindowClosed(_)
        | OrderEvent::DropUnitsOrdered(_)
        | OrderEvent::RefundDue(_)
        | OrderEvent::OperatorRefunded(_) => return None,
    };
    let news = News { kind, occurred_at: at.time, store: None, drop: None, order_id: Some(order.clone()), thing };
    Some(Heard::Buyer(order, news))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_read_is_a_type_of_the_log() {
        let read = |types: &[&str]| types.iter().filter(|event_type| concerns_people(event_type)).count();
        assert_eq!((read(DropEvent::TYPES), read(OrderEvent::TYPES)), (4, 4));
    }

    /// What the log holds of each kind, as `schemas/samples` keeps it.
    #[test]
    fn each_event_that_concerns_people_is_told_to_whom_it_concerns() {
        let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/samples");
        let cases = [
            ("stockfold.drops.drop-scheduled.v1", NotificationKind::DropScheduled, "followers"),
            ("stockfold.drops.drop-changed.v1", NotificationKind::DropChanged, "followers"),
            ("stockfold.drops.drop-cancelled.v1", NotificationKind::DropCancelled, "followers"),
            ("stockfold.drops.shoppers-admitted.v1", NotificationKind::DropAdmitted, "shoppers"),
            ("stockfold.orders.order-confirmed.v1", NotificationKind::OrderConfirmed, "buyer"),
            ("stockfold.orders.payment-attempt-failed.v1", NotificationKind::PaymentFailed, "buyer"),
            ("stockfold.orders.shipment-shipped.v1", NotificationKind::OrderShipped, "buyer"),
            ("stockfold.orders.refund-settled.v1", NotificationKind::OrderRefunded, "buyer"),
        ];
        assert_eq!(cases.len(), NotificationKind::ALL.len());
        for (event_type, kind, whom) in cases {
            let value = std::fs::read(samples.join(format!("{event_type}.json"))).expect("every type has a sample");
            let at = Heading { subject: "thing-1", time: Timestamp::from_millis(7), seq: 3 };
            let heard = hear(event_type, &value, at).expect("a sample is read").expect("it concerns somebody");
            let (told, news) = match heard {
                Heard::Followers(store, news) => {
                    assert_eq!(news.store.as_ref(), Some(&store), "who mutes the store hears nothing of it");
                    ("followers", news)
                }
                Heard::Shoppers(shoppers, news) => {
                    assert!(!shoppers.is_empty() && news.store.is_none(), "{news:?}");
                    ("shoppers", news)
                }
                Heard::Buyer(order, news) => {
                    assert_eq!(news.order_id.as_ref(), Some(&order));
                    ("buyer", news)
                }
            };
            assert_eq!((told, news.kind, news.occurred_at), (whom, kind, at.time), "{event_type}");
        }
    }

    #[test]
    fn an_id_is_of_one_shopper_and_one_thing() {
        let news = |kind, drop: &str, thing: &str| News {
            kind,
            occurred_at: Timestamp::from_millis(0),
            store: None,
            drop: DropId::parse(drop).ok(),
            order_id: None,
            thing: thing.to_owned(),
        };
        let [alice, bob] = ["alice", "bob"].map(|id| SubjectId::parse(id).expect("an id"));
        let scheduled = news(NotificationKind::DropScheduled, "d-1", "");
        let id = |news: &News, shopper| news.of(shopper).notification_id.to_string();
        assert_eq!(id(&scheduled, &alice), id(&scheduled.clone(), &alice));
        let others = [
            id(&scheduled, &bob),
            id(&news(NotificationKind::DropScheduled, "d-2", ""), &alice),
            id(&news(NotificationKind::DropChanged, "d-1", "1"), &alice),
            id(&news(NotificationKind::DropChanged, "d-1", "2"), &alice),
        ];
        let all: std::collections::BTreeSet<_> = others.into_iter().chain([id(&scheduled, &alice)]).collect();
        assert_eq!(all.len(), 5);
        // Stored for ever: an id that changed would tell everybody again.
        assert_eq!(id(&scheduled, &alice), "d7123d28-b52c-5bd8-b5b9-733d8997f74f");
    }
}
