//! Orders: placed, paid, submitted, cancelled, refunded.

use super::{Asks, Made, MadeOrder, amount, euros, price, service, shopper, some_item, units};
use crate::sim::{random::Random, swarm::Swarm};
use schemas::{
    AdjustmentId, Caller, Command, ItemId, LineId, Metadata, OrderId, PaymentId, Personal, Quantity, Role,
    money::MAX_EXACT,
    order::{
        Address, Adjustment, AdjustmentKind, CancelOrder, LineQuantity, OrderCommand, OrderLine, PaymentMode,
        PlaceOrder, RecordAuthorization, RefundByOperator, StartPayment, SubmitMode, SubmitOrder,
    },
};
use serde_json::json;

fn line_id(n: u64) -> LineId {
    LineId::parse(&format!("l{n}")).expect("an id")
}

/// A line of an order that is there, and now and then one that is not.
fn its_line(random: &mut Random, order: &MadeOrder) -> LineId {
    let line = some_line(random, order.lines.max(1));
    if !order.of_cart {
        return line;
    }
    let number: u64 = line.as_str()[1..].parse().expect("a number of ours");
    LineId::parse(&(number + 1).to_string()).expect("an id")
}

/// A line of an order, and now and then one that there is not.
fn some_line(random: &mut Random, lines: u64) -> LineId {
    let beyond = u64::from(random.per_mille(40));
    line_id(random.below(lines + beyond))
}

/// A new order.
pub fn place(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let own = random.chance(if swarm.shop { 30 } else { 60 });
    let caller = if own { shopper(random, swarm) } else { service() };
    let effect = made.effect("order");
    let order = OrderId::parse(effect.id.as_str()).expect("an id");
    let count = if swarm.shop { random.between(1, 3) } else { random.between(1, swarm.lines) };
    let mut lines: Vec<OrderLine> = Vec::new();
    for n in 0..u64::from(count) {
        let before = lines.last().map(|line| line.item_id.clone());
        let again = before.filter(|_| random.chance(swarm.duplicate_lines));
        let item_id = again.unwrap_or_else(|| some_item(random, swarm));
        lines.push(line(n, item_id, own, random, swarm));
    }
    let adjustments = if own { Vec::new() } else { adjustments(random, swarm, u64::from(count)) };
    let made_order = MadeOrder { id: order.clone(), owner: caller.clone(), lines: u64::from(count), of_cart: false };
    made.orders.push(made_order);
    let foreign = own && random.per_mille(10);
    let place = PlaceOrder {
        from_cart: false,
        effect,
        shopper: (foreign || (!own && random.chance(30))).then(|| shopper(random, swarm).subject),
        channel: random.chance(20).then(|| "web".to_owned()),
        ordered_at: None,
        lines,
        adjustments,
        payment: if own { PaymentMode::Provider } else { PaymentMode::External },
        submit: if random.chance(if swarm.shop { 75 } else { 30 }) { SubmitMode::Auto } else { SubmitMode::Explicit },
        expires_in_seconds: random.chance(50).then(|| random.between(10, 100)),
        metadata: Metadata::default(),
    };
    vec![(caller, Command::Order { order, command: OrderCommand::Place(place) })]
}

fn line(n: u64, item_id: ItemId, own: bool, random: &mut Random, swarm: &Swarm) -> OrderLine {
    // More than any number holds: as many as there may be, at the highest price, of what is never sold out.
    let huge = !own && random.chance(swarm.extremes / 2);
    let unit_price = (!own && random.chance(40)).then(|| price(random, swarm));
    OrderLine {
        line_id: line_id(n),
        item_id: if huge { ItemId::parse("ebook").expect("an id") } else { item_id },
        quantity: if huge {
            Quantity::new(Quantity::MAX).expect("in range")
        } else {
            units(random, swarm, if swarm.shop { 5 } else { 3 })
        },
        unit_price: if huge { Some(euros(MAX_EXACT - i64::from(random.between(0, 9)))) } else { unit_price },
        expected_unit_price: random.chance(if swarm.shop { 2 } else { 6 }).then(|| price(random, swarm)),
        metadata: Metadata::default(),
    }
}

fn adjustments(random: &mut Random, swarm: &Swarm, lines: u64) -> Vec<Adjustment> {
    let adjustment = |n: u64, random: &mut Random| Adjustment {
        adjustment_id: AdjustmentId::parse(&format!("a{n}")).expect("an id"),
        kind: AdjustmentKind::Fee,
        line_id: random.chance(40).then(|| some_line(random, lines)),
        amount: if random.chance(swarm.extremes) {
            amount(-900, "EUR")
        } else {
            euros(i64::from(random.between(0, 160)) - 60)
        },
        included: random.chance(20),
        label: "fee".to_owned(),
    };
    (0..random.below(4)).map(|n| adjustment(n, random)).collect()
}

/// Something of an order that is there.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    if (swarm.shop || swarm.drops)
        && random.chance(60)
        && let Some((order, owner)) = made.floor.waiting(random)
    {
        return buy(made, order, owner, random);
    }
    // Mostly of the newest: the others have ended.
    let recent = if random.chance(85) { made.orders.len().saturating_sub(4) } else { 0 };
    let Some(known) = random.pick(&made.orders[recent..]).cloned() else {
        return place(made, random, swarm);
    };
    let MadeOrder { id: order, owner, .. } = known.clone();
    let caller = if random.chance(4) { stranger(random) } else { owner };
    let of_order = |command| Command::Order { order: order.clone(), command };
    match random.below(40) {
        0..19 => {
            let effect = made.effect("payment");
            let payment_id = PaymentId::parse(effect.id.as_str()).expect("an id");
            made.payments.push((order.clone(), payment_id.to_string()));
            let method_token = "tok".to_owned();
            let pay = StartPayment { effect, payment_id, method_token, shipping_address: address(random, &order) };
            let mut asks = vec![(caller.clone(), of_order(OrderCommand::StartPayment(pay)))];
            // Who pays means to buy.
            if random.chance(60) {
                asks.push((caller, of_order(OrderCommand::Submit(SubmitOrder { effect: made.effect("submit") }))));
            }
            asks
        }
        19..30 => vec![(caller, of_order(OrderCommand::Submit(SubmitOrder { effect: made.effect("submit") })))],
        // By whose it is, or by a store that may have sold lines of it.
        30..37 => {
            let seller = || super::caller(Role::Store, "seller-a", Some("store-a"));
            let caller = if random.chance(25) { seller() } else { caller };
            vec![(caller, of_order(cancel(made, random, swarm, &known)))]
        }
        37 => vec![(service(), stray_money(made, random, order))],
        _ => {
            let effect = made.effect("refund");
            let refund = RefundByOperator { effect, amount: price(random, swarm), reason: "kind".to_owned() };
            let caller = if random.chance(90) { super::caller(Role::Operator, "ops", None) } else { caller };
            vec![(caller, of_order(OrderCommand::RefundByOperator(refund)))]
        }
    }
}

/// Where an order goes, sealed as it is stored; mostly nobody says.
fn address(random: &mut Random, order: &OrderId) -> Option<Personal<Address>> {
    let sealed = json!({
        "subject": "shopper-0", "keyId": "00000000-0000-4000-8000-000000000000", "sealed": format!("way-{order}"),
    });
    random.chance(20).then(|| serde_json::from_value(sealed).expect("as it is stored"))
}

/// Who has all in hand pays, and says the last word.
fn buy(made: &mut Made, order: OrderId, owner: Caller, random: &mut Random) -> Asks {
    let of_order = |command| Command::Order { order: order.clone(), command };
    let mut asks = Asks::new();
    if owner.role == Role::Shopper {
        let effect = made.effect("payment");
        let payment_id = PaymentId::parse(effect.id.as_str()).expect("an id");
        made.payments.push((order.clone(), payment_id.to_string()));
        let pay = StartPayment {
            effect,
            payment_id,
            method_token: "tok".to_owned(),
            shipping_address: address(random, &order),
        };
        asks.push((owner.clone(), of_order(OrderCommand::StartPayment(pay))));
    }
    if random.chance(80) {
        asks.push((owner, of_order(OrderCommand::Submit(SubmitOrder { effect: made.effect("submit") }))));
    }
    asks
}

/// Who may know nothing of the order.
fn stranger(random: &mut Random) -> Caller {
    match random.below(3) {
        0 => super::caller(Role::Shopper, "stranger", None),
        1 => super::caller(Role::Store, "seller-a", Some("store-a")),
        _ => super::warehouse("berlin"),
    }
}

fn cancel(made: &mut Made, random: &mut Random, swarm: &Swarm, order: &MadeOrder) -> OrderCommand {
    let some = random.chance(70).then(|| {
        let line_id = its_line(random, order);
        vec![LineQuantity { line_id, quantity: units(random, swarm, 2) }]
    });
    OrderCommand::Cancel(CancelOrder { effect: made.effect("cancel"), lines: some, reason: None })
}

/// An authorization that no order asked for, or that comes under an id of another provider reference.
fn stray_money(made: &mut Made, random: &mut Random, order: OrderId) -> Command {
    let known = random.pick(&made.payments).cloned().filter(|_| random.chance(30));
    let (order, payment) = known.unwrap_or_else(|| {
        let unknown = OrderId::parse(made.effect("unplaced").id.as_str()).expect("an id");
        let order = if random.chance(50) { order } else { unknown };
        (order, made.effect("stray").id.to_string())
    });
    // Now and then of nothing at all, which is money too.
    let minor = if random.chance(30) { 0 } else { random.between(1, 900) };
    let authorize = RecordAuthorization {
        payment_id: PaymentId::parse(&payment).expect("an id"),
        amount: euros(i64::from(minor)),
        provider_reference: "stray".to_owned(),
    };
    Command::Order { order, command: OrderCommand::RecordAuthorization(authorize) }
}
