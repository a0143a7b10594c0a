//! What a cart that asks is answered: an internal refusal would not reach the client, so it goes by way of the wait.

use super::*;

fn of_cart(content: u8) -> OrderCommand {
    let command = PlaceOrder { from_cart: true, ..place(vec![line("l1", "tea", 2)]) };
    OrderCommand::Place(PlaceOrder { effect: effect("place", content), ..command })
}

fn placed() -> World {
    let mut world = World::new();
    world.by(&alice(), of_cart(1)).expect("it is placed");
    world
}

#[test]
fn again_while_it_holds_joins_the_wait() {
    let mut world = placed();
    let again = world.by(&alice(), of_cart(1));
    assert_eq!(
        again,
        Ok(Decision { events: vec![], sends: vec![], answer: Answer::Later(Wait::Order(OrderWait::Placed)) })
    );
    let mut world = world.granted();
    let held = world.by(&alice(), of_cart(1));
    assert_eq!(world.reply(&held).status, OrderStatus::AwaitingPayment);
    assert_eq!(asked(&held.expect("it is the same")), Vec::<String>::new(), "it has not ended");
}

#[test]
fn again_after_a_rejection_is_told_it_and_the_cart_that_it_is_over() {
    let mut world = placed();
    world.short("tea");
    let again = world.by(&alice(), of_cart(1));
    let refusals = vec![OrderRefusal::Item { item_id: item("tea"), refusal: short() }];
    assert_eq!(world.told(&again), Some(Err(Rejection::Order(OrderRejection::OrderRejected { refusals }))));
    assert_eq!(asked(&again.expect("told by the wait")), ["tell alice cancelled"]);
}

#[test]
fn again_after_its_end_is_told_the_order_as_it_is() {
    let mut world = placed().granted();
    world.pay("p1", 2_000);
    world.submit("s1").expect("it is paid");
    let again = world.by(&alice(), of_cart(1));
    assert_eq!(world.reply(&again).status, OrderStatus::Confirmed);
    assert_eq!(asked(&again.expect("told by the wait")), ["tell alice cancelled"], "nothing new comes of the checkout");
}

#[test]
fn other_content_is_refused_by_the_wait_and_the_cart_told_that_it_is_over() {
    let mut world = placed().granted();
    let other = world.by(&alice(), of_cart(2));
    assert_eq!(world.told(&other), Some(Err(Rejection::Order(OrderRejection::ExistsWithDifferentContent))));
    assert_eq!(asked(&other.expect("told by the wait")), ["tell alice cancelled"]);
    let foreign = world.by(&caller(Role::Shopper, "eve"), of_cart(1));
    assert_eq!(world.told(&foreign), Some(Err(Rejection::Order(OrderRejection::OrderNotFound))));
}
