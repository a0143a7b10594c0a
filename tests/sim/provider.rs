//! A payment provider: it hears of payments, captures and refunds from the log and answers when it likes.

use super::{audit::Audit, random::Random};
use schemas::{
    Command, Money, OrderId, PaymentId, RefundId,
    order::{OrderCommand, RecordAuthorization, RecordCapture, RecordCaptureFailure, RecordDecline, SettleRefund},
};

/// Something of one order that the provider owes an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Open {
    /// A payment that was started.
    Payment(String),
    /// Money to be taken of a payment.
    Capture(String),
    /// Money to be given back.
    Refund(String),
}

/// An answer to something that is open; `None` where nothing is. What it decides of a payment never changes.
pub fn answer(audit: &Audit, random: &mut Random) -> Option<Command> {
    let open = audit.open_at_provider();
    let (order, open, minor) = random.pick(&open)?.clone();
    let money: Money = super::asks::euros(minor);
    let id = |text: &str| PaymentId::parse(text).expect("an id of the log");
    let decides = |text: &str| text.bytes().map(u64::from).sum::<u64>() % 10;
    let command = match &open {
        Open::Payment(payment) if decides(payment) < 3 => {
            OrderCommand::RecordDecline(RecordDecline { payment_id: id(payment), reason: "no funds".to_owned() })
        }
        Open::Payment(payment) => OrderCommand::RecordAuthorization(RecordAuthorization {
            payment_id: id(payment),
            amount: money,
            provider_reference: format!("ref-{payment}"),
        }),
        Open::Capture(payment) if decides(payment) == 9 => {
            let reason = "account closed".to_owned();
            OrderCommand::RecordCaptureFailure(RecordCaptureFailure { payment_id: id(payment), reason })
        }
        Open::Capture(payment) => OrderCommand::RecordCapture(RecordCapture { payment_id: id(payment), amount: money }),
        Open::Refund(refund) => {
            OrderCommand::SettleRefund(SettleRefund { refund_id: RefundId::parse(refund).expect("an id of the log") })
        }
    };
    Some(Command::Order { order: OrderId::parse(&order).expect("an id of the log"), command })
}
