//! What is known of an order's money, whoever said it: the answer to a call, or a webhook.

use schemas::{
    Money, PaymentId, RefundId,
    order::{
        OrderCommand, RecordAuthorization, RecordCapture, RecordCaptureFailure, RecordDecline, RecordPending,
        SettleRefund,
    },
};

/// A fact about money. The order records it in whichever state it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The provider decides later.
    Pending { payment: PaymentId },
    /// The money is reserved.
    Authorized { payment: PaymentId, amount: Money, reference: String },
    /// It is not, for good.
    Declined { payment: PaymentId, reason: String },
    /// The money is taken.
    Captured { payment: PaymentId, amount: Money },
    /// It cannot be taken, for good.
    CaptureFailed { payment: PaymentId, reason: String },
    /// It was given back.
    GivenBack { refund: RefundId },
}

impl From<Fact> for OrderCommand {
    fn from(fact: Fact) -> Self {
        match fact {
            Fact::Pending { payment } => Self::RecordPending(RecordPending { payment_id: payment }),
            Fact::Authorized { payment, amount, reference } => Self::RecordAuthorization(RecordAuthorization {
                payment_id: payment,
                amount,
                provider_reference: reference,
            }),
            Fact::Declined { payment, reason } => Self::RecordDecline(RecordDecline { payment_id: payment, reason }),
            Fact::Captured { payment, amount } => Self::RecordCapture(RecordCapture { payment_id: payment, amount }),
            Fact::CaptureFailed { payment, reason } => {
                Self::RecordCaptureFailure(RecordCaptureFailure { payment_id: payment, reason })
            }
            Fact::GivenBack { refund } => Self::SettleRefund(SettleRefund { refund_id: refund }),
        }
    }
}
