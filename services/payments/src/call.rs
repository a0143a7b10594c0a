//! What an event asks of the provider, and what the provider says to that.

use crate::{
    fact::Fact,
    provider::{Authorization, Authorize, Capture, CaptureOutcome, GiveBack},
};
use schemas::{OrderId, PaymentId, Position, order::OrderEvent};

/// What the provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Authorize(Authorize),
    Capture(Capture),
    GiveBack(GiveBack),
}

/// What the provider said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Authorization(Authorization),
    Capture(CaptureOutcome),
    GivenBack,
}

/// Whether events of this type are read at all: most of the topic is about other things.
pub(crate) fn concerns_money(event_type: &str) -> bool {
    matches!(
        event_type,
        "stockfold.orders.payment-started.v1" | "stockfold.orders.capture-due.v1" | "stockfold.orders.refund-due.v1"
    )
}

/// What an event asks of the provider.
pub(crate) fn call_for(order: &OrderId, event: OrderEvent, position: Position) -> Option<(PaymentId, Call)> {
    let order = order.clone();
    match event {
        OrderEvent::PaymentStarted(event) => Some((
            event.payment_id.clone(),
            Call::Authorize(Authorize {
                order,
                payment: event.payment_id,
                method_token: event.method_token,
                amount: event.amount,
            }),
        )),
        OrderEvent::CaptureDue(event) => Some((
            event.payment_id.clone(),
            Call::Capture(Capture {
                key: position.to_string(),
                order,
                payment: event.payment_id,
                amount: event.amount,
            }),
        )),
        OrderEvent::RefundDue(event) => Some((
            event.payment_id.clone(),
            Call::GiveBack(GiveBack {
                refund: event.refund_id,
                order,
                payment: event.payment_id,
                amount: event.amount,
            }),
        )),
        OrderEvent::OrderPlaced(_)
        | OrderEvent::ItemHeld(_)
        | OrderEvent::ItemRefused(_)
        | OrderEvent::HoldsGranted(_)
        | OrderEvent::OrderRejected(_)
        | OrderEvent::PaymentPending(_)
        | OrderEvent::PaymentAuthorized(_)
        | OrderEvent::PaymentAttemptFailed(_)
        | OrderEvent::OrderSubmitted(_)
        | OrderEvent::OrderConfirmed(_)
        | OrderEvent::DigitalDelivered(_)
        | OrderEvent::PaymentCaptured(_)
        | OrderEvent::CaptureFailed(_)
        | OrderEvent::OrderExpired(_)
        | OrderEvent::OrderCancelled(_)
        | OrderEvent::LinesCancelled(_)
        | OrderEvent::LatePayment(_)
        | OrderEvent::ReholdFailed(_)
        | OrderEvent::RefundSettled(_)
        | OrderEvent::OperatorRefunded(_)
        | OrderEvent::ShipmentsDue(_)
        | OrderEvent::ShipmentsBackordered(_)
        | OrderEvent::SubOrdersPlanned(_)
        | OrderEvent::SubOrderAllocated(_)
        | OrderEvent::AllocationRefused(_)
        | OrderEvent::SubOrderDeallocated(_)
        | OrderEvent::ShipmentShipped(_)
        | OrderEvent::ShipmentForwarded(_)
        | OrderEvent::ForwardReceived(_)
        | OrderEvent::ShipmentsDelivered(_)
        | OrderEvent::ReturnRequested(_)
        | OrderEvent::ReturnReceived(_)
        | OrderEvent::ReturnWindowClosed(_)
        | OrderEvent::DropUnitsOrdered(_) => None,
    }
}

/// What is known of the money by an answer.
///
/// # Panics
/// If it answers another question than was asked: the runner pairs them.
pub(crate) fn fact(call: &Call, said: Said) -> Fact {
    match (call, said) {
        (Call::Authorize(asked), Said::Authorization(said)) => {
            let payment = asked.payment.clone();
            match said {
                Authorization::Authorized { reference } => {
                    Fact::Authorized { payment, amount: asked.amount, reference }
                }
                Authorization::Declined { reason } => Fact::Declined { payment, reason },
                Authorization::Pending => Fact::Pending { payment },
            }
        }
        (Call::Capture(asked), Said::Capture(CaptureOutcome::Captured)) => {
            Fact::Captured { payment: asked.payment.clone(), amount: asked.amount }
        }
        (Call::Capture(asked), Said::Capture(CaptureOutcome::Failed { reason })) => {
            Fact::CaptureFailed { payment: asked.payment.clone(), reason }
        }
        (Call::GiveBack(asked), Said::GivenBack) => Fact::GivenBack { refund: asked.refund.clone() },
        (call, said) => panic!("{said:?} does not answer {call:?}"),
    }
}
