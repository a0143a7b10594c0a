//! The money rule of an order: what it keeps, and what is due back.
//!
//! Σ RefundDue = max(0, Σ authorized − kept), and it never falls: what was promised back stays promised. All amounts are
//! minor units of the order's currency; a payment in another one is due back whole.

use super::{Order, PaymentState, Phase};
use schemas::{
    Money, PaymentId, RefundId,
    money::MAX_EXACT,
    order::{Adjustment, OrderLine, OrderRefusal, RefundDue},
};
use uuid::Uuid;

/// The namespace of refund ids whose payment's id is too long to stand in them.
const REFUND_IDS: Uuid = Uuid::from_u128(0x3c1d_7f0a_52e4_4e86_9b1f_60a7_c2d8_e915);

/// What a line is worth before adjustments of the whole order are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineWorth {
    /// Units ordered, above zero.
    pub quantity: u32,
    /// Minor units for one, zero or more.
    pub unit_price: i64,
    /// The line's own adjustments, signed minor units.
    pub adjustment: i64,
}

impl LineWorth {
    fn value(self) -> i128 {
        if planted::bug!("wrapping-total") {
            return i128::from(i64::from(self.quantity).wrapping_mul(self.unit_price));
        }
        i128::from(self.quantity) * i128::from(self.unit_price)
    }
}

/// What each line counts in the total: its value, its adjustments, and its part of the order's.
///
/// The parts are never negative and sum to the total, which must not be negative. Adjustments of the whole order are
/// spread by value (by units, where all values are zero) with cumulative rounding. Where that would leave a line below
/// zero (a discount on it beyond its value), the total is spread instead, by what each line is worth after its own
/// adjustments: a cancelled line must never raise what the others count.
#[must_use]
pub fn line_amounts(lines: &[LineWorth], order_adjustment: i64) -> Vec<i64> {
    let by_value: Vec<i128> = lines.iter().map(|line| line.value()).collect();
    let parts = spread(i128::from(order_adjustment), &by_value, lines);
    let amounts: Vec<i128> =
        lines.iter().zip(&parts).map(|(line, part)| line.value() + i128::from(line.adjustment) + part).collect();
    let amounts = if amounts.iter().all(|amount| *amount >= 0) {
        amounts
    } else {
        let worth: Vec<i128> = lines.iter().map(|line| (line.value() + i128::from(line.adjustment)).max(0)).collect();
        spread(amounts.iter().sum(), &worth, lines)
    };
    amounts.into_iter().map(|amount| i64::try_from(amount).expect("a part is at most the total")).collect()
}

/// Splits `whole` by weight with cumulative rounding, so that the parts sum to it; by units where no weight is left.
fn spread(whole: i128, weights: &[i128], lines: &[LineWorth]) -> Vec<i128> {
    let by_units: Vec<i128> = lines.iter().map(|line| i128::from(line.quantity)).collect();
    let weights = if weights.iter().sum::<i128>() == 0 { &by_units } else { weights };
    let all: i128 = weights.iter().sum();
    let (mut weight_so_far, mut so_far) = (0, 0);
    let parts = weights.iter().map(|weight| {
        weight_so_far += weight;
        let upto = (whole * weight_so_far).div_euclid(all);
        let part = upto - so_far;
        so_far = upto;
        part
    });
    parts.collect()
}

/// The part of a line's `amount` that `units` of its `ordered` units count, by cumulative rounding downwards.
///
/// So of all cancellations of a line the parts sum to the part of all their units, and all units count the whole.
#[must_use]
pub fn part(amount: i64, units: u32, ordered: u32) -> i64 {
    let part = i128::from(amount) * i128::from(units) / i128::from(ordered);
    i64::try_from(part).expect("a part is at most the whole")
}

/// The total of priced lines and adjustments, and what each line counts in it.
pub(super) fn total(
    lines: &[(OrderLine, Money)],
    adjustments: &[Adjustment],
) -> Result<(Money, Vec<i64>), OrderRefusal> {
    let currency = lines.first().map(|(_, price)| price.currency()).ok_or(OrderRefusal::TotalNegative)?;
    let amounts = lines.iter().map(|(_, price)| *price).chain(adjustments.iter().map(|adjustment| adjustment.amount));
    if amounts.into_iter().any(|amount| amount.currency() != currency) {
        return Err(OrderRefusal::MixedCurrencies);
    }
    if lines.iter().any(|(_, price)| price.minor() < 0) {
        return Err(OrderRefusal::TotalNegative);
    }
    // At most a hundred adjustments below 2^53: the sums of them fit.
    let counted = || adjustments.iter().filter(|adjustment| !adjustment.included);
    let of_line = |line: &OrderLine| {
        counted().filter(|a| a.line_id.as_ref() == Some(&line.line_id)).map(|a| a.amount.minor()).sum::<i64>()
    };
    let of_order: i64 = counted().filter(|a| a.line_id.is_none()).map(|a| a.amount.minor()).sum();
    let worth: Vec<LineWorth> = lines
        .iter()
        .map(|(line, price)| LineWorth {
            quantity: line.quantity.get(),
            unit_price: price.minor(),
            adjustment: of_line(line),
        })
        .collect();
    let gross: i128 = worth.iter().map(|line| line.value()).sum();
    let total = gross + worth.iter().map(|line| i128::from(line.adjustment)).sum::<i128>() + i128::from(of_order);
    if total < 0 {
        return Err(OrderRefusal::TotalNegative);
    }
    // The gross too: a reader of the log adds the lines up before it takes a discount off.
    if gross.max(total) > i128::from(MAX_EXACT) {
        return Err(OrderRefusal::TotalTooLarge);
    }
    let minor = i64::try_from(total).expect("it was checked against 2^53");
    let total = Money::new(minor, currency).expect("it was checked against 2^53");
    Ok((total, line_amounts(&worth, of_order)))
}

impl PaymentState {
    /// What came in: a capture beyond the authorization is money too.
    pub(super) fn received(&self) -> i64 {
        self.shown.authorized.max(self.shown.captured)
    }

    /// What came in and is not due back.
    pub(super) fn unrefunded(&self) -> i64 {
        self.received() - self.shown.refund_due
    }
}

/// Minor units that came in, in the order's currency, and are not due back. Of another currency nothing ever counts.
pub(super) fn unrefunded(order: &Order) -> i128 {
    own_payments(order).map(|payment| i128::from(payment.unrefunded())).sum()
}

/// Whether nothing is left to be paid.
pub(super) fn is_paid(order: &Order) -> bool {
    order.is_external() || order.total.is_some_and(|total| unrefunded(order) >= i128::from(total.minor()))
}

fn own_payments(order: &Order) -> impl DoubleEndedIterator<Item = &PaymentState> {
    let currency = order.currency();
    order.payments.iter().filter(move |payment| Some(payment.shown.amount.currency()) == currency)
}

/// Minor units of the payments that the order keeps; `None` while its total is not known: then all of it.
///
/// The total until it is confirmed; then the share that is neither cancelled nor returned, less what an operator
/// refunded; nothing of an order that ended, and nothing where another system takes the money.
#[must_use]
pub fn kept(order: &Order) -> Option<i64> {
    if order.is_external() {
        return Some(0);
    }
    match order.phase {
        Phase::New | Phase::Rejected | Phase::Expired | Phase::Cancelled => Some(0),
        Phase::Holding | Phase::AwaitingPayment | Phase::Reholding => order.total.map(Money::minor),
        Phase::Confirmed => Some((share(order) - order.operator_refunded).max(0)),
    }
}

/// What the units that are neither cancelled nor returned count in the total.
fn share(order: &Order) -> i64 {
    let terms = order.terms.as_ref().expect("a confirmed order was placed");
    let of_line = |(index, line): (usize, &super::Line)| {
        let amount = line.priced.expect("a confirmed order has prices").amount;
        amount - part(amount, line.cancelled + line.returned, terms.lines[index].quantity.get())
    };
    order.lines.iter().enumerate().map(of_line).sum()
}

/// What becomes due back by the money rule, as events; none where the rule holds already.
pub(super) fn refunds(order: &Order) -> Vec<RefundDue> {
    let Some(kept) = kept(order) else { return Vec::new() };
    let currency = order.currency();
    let mut due: Vec<i64> = order.payments.iter().map(|_| 0).collect();
    for (payment, due) in order.payments.iter().zip(&mut due) {
        if currency != Some(payment.shown.amount.currency()) {
            *due = payment.unrefunded();
        }
    }
    // Newest first, and first what nobody was asked to take: a void costs less than a refund.
    let twice = planted::bug!("refund-twice");
    let came_in = || own_payments(order).map(|payment| i128::from(payment.received())).sum();
    let mut owed = if twice { came_in() } else { unrefunded(order) } - i128::from(kept);
    let uncaptured = |payment: &PaymentState| payment.unrefunded() - payment.capture_due;
    for limit in [&uncaptured as &dyn Fn(&PaymentState) -> i64, &PaymentState::unrefunded] {
        for (payment, due) in order.payments.iter().zip(&mut due).rev() {
            if owed > 0 && currency == Some(payment.shown.amount.currency()) {
                let left = (limit(payment) - *due).max(0);
                let taken = i64::try_from(owed).unwrap_or(i64::MAX).min(left);
                *due += taken;
                owed -= i128::from(taken);
            }
        }
    }
    let owing = order.payments.iter().zip(due).filter(|(_, due)| *due > 0);
    owing.map(|(payment, due)| refund_due(order, payment, due)).collect()
}

fn refund_due(order: &Order, payment: &PaymentState, minor: i64) -> RefundDue {
    let payment_id = payment.shown.payment_id.clone();
    let before = order.refunds.iter().filter(|refund| refund.payment_id == payment_id).count();
    RefundDue {
        refund_id: refund_id(&payment_id, before + 1),
        payment_id,
        amount: Money::new(minor, payment.shown.amount.currency()).expect("at most what came in"),
    }
}

/// The id of the `ordinal`-th refund of a payment: the same whenever it is decided again.
#[must_use]
pub(super) fn refund_id(payment: &PaymentId, ordinal: usize) -> RefundId {
    let readable = format!("{payment}-r{ordinal}");
    RefundId::parse(&readable).unwrap_or_else(|_| {
        // The payment's id leaves no room for the suffix.
        let id = Uuid::new_v5(&REFUND_IDS, readable.as_bytes());
        RefundId::parse(&id.to_string()).expect("a UUID is an id")
    })
}
