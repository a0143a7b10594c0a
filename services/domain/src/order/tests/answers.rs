use super::*;

#[test]
fn records_an_answer_while_others_are_missing() {
    let mut world = World::placed(vec![line("l1", "tea", 2), line("l2", "cup", 1)]);
    let decision = world.grant("tea", 1_000, ItemKind::Physical);
    assert_eq!(names(&decision), ["item-held"]);
    assert_eq!(decision.answer, Answer::Nobody);
    assert_eq!(world.status(), OrderStatus::Holding);
}

#[test]
fn the_last_grant_awaits_payment_until_the_deadline_and_the_grace() {
    let mut world = World::placed(vec![line("l1", "tea", 2), line("l2", "cup", 1)]);
    world.grant("tea", 1_000, ItemKind::Physical);
    world.now = START.plus_seconds(3);
    let decision = world.grant("cup", 50, ItemKind::Physical);
    assert_eq!(names(&decision), ["item-held", "holds-granted"]);
    assert!(decision.sends.is_empty());
    let reply = super::super::answer::reply(&world.order);
    assert_eq!((reply.total, reply.expires_at), (Some(eur(2_050)), Some(START.plus_seconds(303))));
    assert_eq!(world.order.due(), Some(START.plus_seconds(363)));
    assert_eq!(world.status(), OrderStatus::AwaitingPayment);
}

#[test]
fn a_lines_own_price_and_adjustments_make_the_total_but_included_ones_do_not() {
    let included = Adjustment { included: true, ..adjustment("a3", None, 400) };
    let command = PlaceOrder {
        adjustments: vec![adjustment("a1", Some("l1"), -5), adjustment("a2", None, 390), included],
        ..place(vec![OrderLine { unit_price: Some(eur(7)), ..line("l1", "tea", 2) }, line("l2", "tea", 1)])
    };
    let world = World::of(command).granted();
    assert_eq!(world.order.total, Some(eur(2 * 7 + 1_000 - 5 + 390)));
}

#[test]
fn a_refusal_waits_for_the_others_then_rejects_with_all_and_releases_every_item() {
    let mut world = World::placed(vec![line("l1", "tea", 2), line("l2", "cup", 1), line("l3", "pot", 1)]);
    assert_eq!(names(&world.short("tea")), ["item-refused"]);
    world.grant("cup", 50, ItemKind::Physical);
    let attempt = world.order.attempt;
    let decision = world.answered("pot", attempt, HoldAnswer::Refused { refusal: HoldRefusal::ItemUnavailable });
    assert_eq!(names(&decision), ["item-refused", "order-rejected"]);
    assert_eq!(asked(&decision), ["release cup", "release pot", "release tea"]);
    let refusals = vec![
        OrderRefusal::Item { item_id: item("pot"), refusal: HoldRefusal::ItemUnavailable },
        OrderRefusal::Item { item_id: item("tea"), refusal: short() },
    ];
    let told = answer(&world.order, &OrderWait::Placed);
    assert_eq!(told, Some(Err(Rejection::Order(OrderRejection::OrderRejected { refusals }))));
    assert_eq!((world.status(), world.order.due()), (OrderStatus::Rejected, None));
    assert!(world.order.is_finished());
}

#[test]
fn an_answer_again_to_another_attempt_or_of_another_item_is_ignored() {
    let mut world = World::placed(vec![line("l1", "tea", 2), line("l2", "cup", 1)]);
    world.grant("tea", 1_000, ItemKind::Physical);
    let granted = HoldAnswer::Granted { unit_price: eur(1), kind: ItemKind::Physical, file: None, store: None };
    for (of, attempt) in [("tea", 1), ("cup", 2), ("cup", 0), ("pot", 1)] {
        let decision = world.answered(of, attempt, granted.clone());
        assert!(decision.events.is_empty() && decision.sends.is_empty(), "{of} {attempt}");
    }
}

#[test]
fn an_answer_in_another_state_is_ignored() {
    let cancelled = |mut world: World| {
        world.cancel("x1", None).expect("it is cancelled");
        world
    };
    let mut worlds = [
        World::new(),
        World::tea(),
        World::confirmed(),
        cancelled(World::tea()),
        cancelled(World::placed(vec![line("l1", "tea", 2)])),
    ];
    for world in &mut worlds {
        let decision = world.answered("tea", 1, HoldAnswer::Refused { refusal: short() });
        assert!(decision.events.is_empty() && decision.sends.is_empty());
    }
}

#[test]
fn submit_auto_without_anything_to_pay_confirms_with_the_last_grant() {
    let external = PlaceOrder {
        payment: PaymentMode::External,
        submit: SubmitMode::Auto,
        ..place(vec![line("l1", "tea", 2), line("l2", "cup", 1)])
    };
    let free = PlaceOrder {
        submit: SubmitMode::Auto,
        adjustments: vec![adjustment("a1", None, -3_000)],
        ..place(vec![line("l1", "tea", 2), line("l2", "cup", 1)])
    };
    for command in [external, free] {
        let mut world = World::of(command);
        world.grant("tea", 1_000, ItemKind::Physical);
        let decision = world.grant("cup", 1_000, ItemKind::Physical);
        assert_eq!(
            names(&decision),
            ["item-held", "holds-granted", "order-submitted", "order-confirmed", "shipments-due"]
        );
        assert_eq!(asked(&decision), ["commit cup", "commit tea"]);
        assert_eq!((world.status(), world.order.due()), (OrderStatus::Confirmed, None));
        let told = answer(&world.order, &OrderWait::Placed);
        assert!(matches!(told, Some(Ok(ReplyBody::Order(reply))) if reply.status == OrderStatus::Confirmed));
    }
}

#[test]
fn submit_auto_waits_for_the_money() {
    let mut world = World::of(PlaceOrder { submit: SubmitMode::Auto, ..place(vec![line("l1", "tea", 2)]) });
    let decision = world.grant("tea", 1_000, ItemKind::Physical);
    assert_eq!(names(&decision), ["item-held", "holds-granted", "order-submitted"]);
    assert_eq!(world.status(), OrderStatus::AwaitingPayment);
}

/// What is wrong with the money at the last grant rejects by name and releases.
fn rejected_for(lines: Vec<OrderLine>, adjustments: Vec<Adjustment>, price: i64) -> OrderRefusal {
    let mut world = World::of(PlaceOrder { adjustments, ..place(lines) });
    let decision = world.grant("tea", price, ItemKind::Physical);
    assert_eq!(names(&decision), ["item-held", "order-rejected"]);
    assert_eq!(asked(&decision), ["release tea"]);
    world.order.refusals[0].clone()
}

#[test]
fn mixed_currencies_reject() {
    let lines = vec![OrderLine { unit_price: Some(usd(5)), ..line("l1", "tea", 1) }, line("l2", "tea", 1)];
    assert_eq!(rejected_for(lines, vec![], 100), OrderRefusal::MixedCurrencies);
    let fee = Adjustment { amount: usd(1), included: true, ..adjustment("a1", None, 1) };
    assert_eq!(rejected_for(vec![line("l1", "tea", 1)], vec![fee], 100), OrderRefusal::MixedCurrencies);
}

#[test]
fn a_negative_total_rejects() {
    let discount = adjustment("a1", None, -201);
    assert_eq!(rejected_for(vec![line("l1", "tea", 2)], vec![discount], 100), OrderRefusal::TotalNegative);
}

#[test]
fn a_total_beyond_exact_numbers_rejects() {
    let max = schemas::money::MAX_EXACT;
    assert_eq!(rejected_for(vec![line("l1", "tea", 2)], vec![], max), OrderRefusal::TotalTooLarge);
    let discount = adjustment("a1", None, -max);
    assert_eq!(rejected_for(vec![line("l1", "tea", 2)], vec![discount], max), OrderRefusal::TotalTooLarge);
    let fee = adjustment("a1", None, 1);
    assert_eq!(rejected_for(vec![line("l1", "tea", 1)], vec![fee], max), OrderRefusal::TotalTooLarge);
    // In 64 bits this product would wrap to a price that looks sound.
    let wraps = (1 << 45) + 1;
    assert_eq!(rejected_for(vec![line("l1", "tea", 1 << 19)], vec![], wraps), OrderRefusal::TotalTooLarge);
}

#[test]
fn a_price_below_zero_rejects_by_name() {
    let mut world = World::placed(vec![line("l1", "tea", 1_000), line("l2", "cup", 1)]);
    world.grant("tea", -1_000, ItemKind::Physical);
    let decision = world.grant("cup", 1_000_001, ItemKind::Physical);
    assert_eq!(names(&decision), ["item-held", "order-rejected"]);
    assert_eq!(world.order.refusals, [OrderRefusal::TotalNegative]);
    assert_eq!(asked(&decision), ["release cup", "release tea"]);
}
