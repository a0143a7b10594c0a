use super::{fulfilment::operator, *};

fn of_cart() -> World {
    World::of(PlaceOrder { from_cart: true, ..place(vec![line("l1", "tea", 2)]) })
}

fn supersede(world: &mut World) -> Decision {
    let by = OrderId::parse("o-2").expect("an id");
    world.by(&alice(), OrderCommand::Supersede(SupersedeOrder { by })).expect("a question is never refused")
}

#[test]
fn the_cart_hears_once_how_its_order_ended() {
    let mut confirmed = of_cart().granted();
    confirmed.pay("p1", 2_000);
    let decision = confirmed.submit("s1").expect("it is paid");
    assert_eq!(asked(&decision), ["commit tea", "tell alice confirmed"]);
    let cancelled = confirmed.cancel("x1", None).expect("nothing has shipped");
    assert_eq!(asked(&cancelled), ["uncommit tea 2"], "for the cart it had ended before");
    assert_eq!(asked(&of_cart().short("tea")), ["release tea", "tell alice rejected"]);
    assert_eq!(asked(&of_cart().granted().pass(360)), ["release tea", "tell alice expired"]);
    for mut world in [of_cart(), of_cart().granted()] {
        let decision = world.cancel("x1", None).expect("it is a checkout");
        assert_eq!(asked(&decision), ["release tea", "tell alice cancelled"]);
    }
    assert_eq!(asked(&World::tea().pass(360)), ["release tea"], "no cart placed this one");
}

#[test]
fn a_late_payment_that_comes_to_nothing_is_not_told_again() {
    let mut world = of_cart().granted();
    world.start("p1").expect("it can be paid");
    world.submit("s1").expect("it waits");
    assert_eq!(asked(&world.pass(360)), ["release tea", "tell alice expired"]);
    let mut brought_back = World { order: world.order.clone(), events: Vec::new(), sends: Vec::new(), now: world.now };
    world.authorize("p1", eur(2_000)).expect("it is recorded");
    assert_eq!(asked(&world.short("tea")), ["release tea"]);
    brought_back.authorize("p1", eur(2_000)).expect("it is recorded");
    let decision = brought_back.grant("tea", 1_000, ItemKind::Physical);
    assert_eq!(asked(&decision), ["commit tea", "tell alice confirmed"]);
}

#[test]
fn a_checkout_makes_way_for_a_newer_one() {
    for mut world in [of_cart(), of_cart().granted()] {
        let decision = supersede(&mut world);
        assert_eq!(names(&decision), ["order-cancelled"]);
        assert_eq!(asked(&decision), ["release tea", "tell alice cancelled", "answer alice o-2"]);
        let again = supersede(&mut world);
        assert!(again.events.is_empty());
        assert_eq!(asked(&again), ["answer alice o-2"], "who asks is answered");
    }
}

#[test]
fn a_checkout_that_is_paid_for_goes_on() {
    let mut pending = of_cart().granted();
    pending.start("p1").expect("it can be paid");
    let mut paid = of_cart().granted();
    paid.pay("p1", 2_000);
    for world in [&mut pending, &mut paid] {
        let decision = supersede(world);
        assert!(decision.events.is_empty());
        assert_eq!(asked(&decision), ["answer alice o-2"]);
    }
    pending.decline("p1").expect("it is recorded");
    assert_eq!(names(&supersede(&mut pending)), ["order-cancelled"]);
}

#[test]
fn what_has_ended_or_is_confirmed_only_answers() {
    let mut expired = of_cart().granted();
    expired.pass(360);
    let mut confirmed = of_cart().granted();
    confirmed.pay("p1", 2_000);
    confirmed.submit("s1").expect("it is paid");
    for world in [&mut World::new(), &mut expired, &mut confirmed] {
        let decision = supersede(world);
        assert!(decision.events.is_empty());
        assert_eq!(asked(&decision), ["answer alice o-2"]);
    }
    assert_eq!(refusal(&expired.ship(&operator(), "k1", None, None)), OrderRejection::CheckoutExpired);
}
