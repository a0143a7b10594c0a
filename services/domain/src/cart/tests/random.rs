//! Whatever a shopper and a guest do, and in whatever order the orders answer: no line grows too large, a locked cart does
//! not change, nothing is merged twice, and each checkout ends.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

const ITEMS: [&str; 3] = ["cup", "pot", "tea"];

#[derive(Debug, Clone)]
enum Step {
    Set {
        key: u8,
        item: usize,
        units: u32,
    },
    Add {
        key: u8,
        item: usize,
        units: u32,
    },
    Remove {
        key: u8,
        item: usize,
        units: u32,
    },
    Stored {
        key: u8,
    },
    Lines {
        key: u8,
        items: Vec<usize>,
    },
    Merge {
        key: u8,
    },
    GuestAdds {
        key: u8,
        item: usize,
    },
    /// The first command on the way to one of the orders or carts arrives.
    Deliver {
        way: usize,
    },
    /// An order ends by itself.
    End {
        order: usize,
        how: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let item = 0..ITEMS.len();
    let units = prop_oneof![0..5u32, Just(700_000)];
    prop_oneof![
        2 => (0..12u8, item.clone(), units.clone()).prop_map(|(key, item, units)| Step::Set { key, item, units }),
        2 => (0..12u8, item.clone(), units).prop_map(|(key, item, units)| Step::Add { key, item, units: units.max(1) }),
        1 => (0..12u8, item.clone(), 1..4u32).prop_map(|(key, item, units)| Step::Remove { key, item, units }),
        2 => (0..6u8).prop_map(|key| Step::Stored { key }),
        2 => (0..6u8, proptest::collection::vec(item.clone(), 1..3)).prop_map(|(key, items)| Step::Lines { key, items }),
        1 => (0..3u8).prop_map(|key| Step::Merge { key }),
        1 => (0..12u8, item).prop_map(|(key, item)| Step::GuestAdds { key, item }),
        12 => any::<usize>().prop_map(|way| Step::Deliver { way }),
        2 => (any::<usize>(), 0..4u8).prop_map(|(order, how)| Step::End { order, how }),
    ]
}

/// Both carts, the orders as far as a cart sees them, and what is on its way: in order between two of them.
struct Shop {
    alices: World,
    guests: World,
    /// Whether each order that was placed has ended.
    orders: BTreeMap<OrderId, bool>,
    ways: BTreeMap<(String, String), VecDeque<Command>>,
}

impl Shop {
    fn send(&mut self, from: &str, commands: Vec<Command>) {
        for command in commands {
            let way = (from.to_owned(), command.key().to_owned());
            self.ways.entry(way).or_default().push_back(command);
        }
    }

    fn ask(&mut self, command: CartCommand) {
        let locked = self.alices.cart.locked_by().cloned();
        let before = self.alices.lines();
        let is_change = !matches!(command, CartCommand::Checkout(_));
        let Ok(decision) = self.alices.ask(command) else {
            assert_eq!(self.alices.lines(), before, "refused is unchanged");
            return;
        };
        if locked.is_some() && is_change {
            assert_eq!(self.alices.lines(), before, "a locked cart does not change");
        }
        self.send("alice", decision.sends);
    }

    fn deliver(&mut self, way: usize) {
        let Some(key) = self.ways.keys().nth(way % self.ways.len().max(1)).cloned() else { return };
        let queue = self.ways.get_mut(&key).expect("it has the way");
        let command = queue.pop_front().expect("a way is not empty");
        if queue.is_empty() {
            self.ways.remove(&key);
        }
        let (to, answers) = match command {
            Command::Cart { shopper, command } => {
                let world = if shopper.as_str() == "alice" { &mut self.alices } else { &mut self.guests };
                (shopper.to_string(), world.done(command).sends)
            }
            Command::Order { order, command } => (order.to_string(), self.order(order, command)),
            other => panic!("not sent by a cart: {other:?}"),
        };
        self.send(&to, answers);
    }

    fn order(&mut self, order: OrderId, command: OrderCommand) -> Vec<Command> {
        let alice = |command| Command::Cart { shopper: subject("alice"), command };
        match command {
            OrderCommand::Place(_) => {
                self.orders.entry(order).or_insert(false);
                Vec::new()
            }
            OrderCommand::Supersede(by) => {
                let mut answers = Vec::new();
                if self.orders.get(&order) == Some(&false) {
                    self.orders.insert(order.clone(), true);
                    answers.push(alice(ended(order.as_str(), CartOutcome::Cancelled)));
                }
                answers.push(alice(gave_way(order.as_str(), by.by.as_str())));
                answers
            }
            other => panic!("not sent by a cart: {other:?}"),
        }
    }

    fn end(&mut self, which: usize, how: u8) {
        let open: Vec<OrderId> = self.orders.iter().filter(|(_, ended)| !**ended).map(|(id, _)| id.clone()).collect();
        let Some(order) = open.get(which % open.len().max(1)) else { return };
        self.orders.insert(order.clone(), true);
        let outcome = match how {
            0 => CartOutcome::Confirmed,
            1 => CartOutcome::Expired,
            2 => CartOutcome::Cancelled,
            _ => short("tea"),
        };
        let tell = Command::Cart { shopper: subject("alice"), command: ended(order.as_str(), outcome) };
        self.send(order.as_str(), vec![tell]);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Set { key, item, units } => {
                self.ask(CartCommand::SetLine(set(&format!("s{key}"), ITEMS[item], units)))
            }
            Step::Add { key, item, units } => {
                self.ask(CartCommand::AddUnits(add(&format!("a{key}"), ITEMS[item], units)))
            }
            Step::Remove { key, item, units } => {
                self.ask(CartCommand::RemoveUnits(remove(&format!("r{key}"), ITEMS[item], units)));
            }
            Step::Stored { key } => self.ask(CartCommand::Checkout(stored(&format!("c{key}")))),
            Step::Lines { key, items } => {
                let lines: Vec<(&str, u32)> = items.iter().map(|item| (ITEMS[*item], 1)).collect();
                self.ask(CartCommand::Checkout(of_lines(&format!("l{key}"), &lines)));
            }
            Step::Merge { key } => {
                let merge = MergeCart { effect: effect(&format!("m{key}"), 1), guest: subject("guest") };
                self.ask(CartCommand::Merge(merge));
            }
            Step::GuestAdds { key, item } => {
                let add = CartCommand::AddUnits(add(&format!("g{key}"), ITEMS[item], 1));
                _ = self.guests.by(&caller(Role::Shopper, "guest"), add);
            }
            Step::Deliver { way } => self.deliver(way),
            Step::End { order, how } => self.end(order, how),
        }
        for line in self.alices.cart.lines.values().chain(self.guests.cart.lines.values()) {
            assert!(line.quantity.get() <= Quantity::MAX);
        }
        let of_cart = self.alices.cart.open().filter(|(_, checkout)| checkout.of_cart).count();
        assert!(of_cart <= 1, "one checkout locks a cart");
    }

    /// Everything arrives, and every order ends.
    fn settle(&mut self) {
        loop {
            while !self.ways.is_empty() {
                self.deliver(0);
            }
            if self.orders.values().all(|ended| *ended) {
                break;
            }
            self.end(0, 1);
        }
        assert_eq!(self.alices.cart.open().count(), 0, "each checkout ends");
        assert_eq!(self.alices.cart.merges, [], "each merge ends");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn every_checkout_ends_and_a_locked_cart_does_not_change(steps in proptest::collection::vec(step(), 1..60)) {
        let (alices, guests) = (World::new(), World::of("guest"));
        let mut shop = Shop { alices, guests, orders: BTreeMap::new(), ways: BTreeMap::new() };
        for step in steps {
            shop.step(step);
        }
        shop.settle();
    }
}
