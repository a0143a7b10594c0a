//! Carts of shoppers and guests: lines, checkouts in one tab or two, merges.

use super::{Asks, Made, MadeOrder, caller, price, shopper, some_item, units};
use crate::sim::{random::Random, swarm::Swarm};
use schemas::{
    Caller, Command, LineId, Metadata, OrderId, Role,
    cart::{AddUnits, CartCommand, Checkout, MergeCart, RemoveUnits, SetCartLine},
    order::{OrderLine, SubmitMode},
};

/// Who has the cart: a shopper, or a guest.
fn owner(random: &mut Random, swarm: &Swarm) -> Caller {
    if random.chance(75) { shopper(random, swarm) } else { guest(random) }
}

fn guest(random: &mut Random) -> Caller {
    caller(Role::Shopper, &format!("guest-{}", random.below(3)), None)
}

/// Something of a cart, mostly by who has it.
pub fn ask(made: &mut Made, random: &mut Random, swarm: &Swarm) -> Asks {
    let owner = owner(random, swarm);
    let caller = if random.per_mille(20) { super::anyone(random) } else { owner.clone() };
    let of_cart = |command| Command::Cart { shopper: owner.subject.clone(), command };
    let command = match random.below(20) {
        0..9 => change(made, random, swarm),
        9..11 => CartCommand::Merge(MergeCart { effect: made.effect("merge"), guest: guest(random).subject }),
        11..14 => {
            // A cart is filled and checked out at once, or nobody would.
            let first = change(made, random, swarm);
            let checkout = checkout(made, &owner, random, swarm);
            let asks = [first, checkout].map(|command| (caller.clone(), of_cart(command)));
            return asks.into_iter().collect();
        }
        _ => checkout(made, &owner, random, swarm),
    };
    vec![(caller, of_cart(command))]
}

fn change(made: &mut Made, random: &mut Random, swarm: &Swarm) -> CartCommand {
    let (effect, item_id) = (made.effect("line"), some_item(random, swarm));
    // What the view said when the edge looked, which may be long ago.
    let stock = made.floor.available(&item_id).filter(|_| random.chance(80)).or_else(|| Some(random.below(20)));
    let available = stock.filter(|_| item_id.as_str() != "ebook" && random.chance(90));
    match random.below(5) {
        0 | 1 => CartCommand::SetLine(SetCartLine {
            effect,
            item_id,
            quantity: random.chance(85).then(|| units(random, swarm, 4)),
            expected_unit_price: random.chance(6).then(|| price(random, swarm)),
            available,
        }),
        2 | 3 => CartCommand::AddUnits(AddUnits { effect, item_id, quantity: units(random, swarm, 3), available }),
        _ => CartCommand::RemoveUnits(RemoveUnits { effect, item_id, quantity: units(random, swarm, 3) }),
    }
}

/// Of the cart's own lines, or of those in the request.
fn checkout(made: &mut Made, owner: &Caller, random: &mut Random, swarm: &Swarm) -> CartCommand {
    let effect = made.effect("order");
    let order_id = OrderId::parse(effect.id.as_str()).expect("an id");
    let lines = random.chance(35).then(|| {
        let line = |n: u32| OrderLine {
            line_id: LineId::parse(&(n + 1).to_string()).expect("an id"),
            item_id: some_item(random, swarm),
            quantity: units(random, swarm, 3),
            unit_price: None,
            expected_unit_price: random.chance(4).then(|| price(random, swarm)),
            metadata: Metadata::default(),
        };
        (0..swarm.lines.min(2)).map(line).collect::<Vec<_>>()
    });
    let made_order = MadeOrder { id: order_id.clone(), owner: owner.clone(), lines: 2, of_cart: true };
    made.orders.push(made_order);
    let submit = if random.chance(40) { SubmitMode::Auto } else { SubmitMode::Explicit };
    CartCommand::Checkout(Checkout { effect, order_id, lines, submit, metadata: Metadata::default() })
}
