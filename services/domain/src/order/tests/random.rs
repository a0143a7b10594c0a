//! Whatever comes in whatever order: the books agree, nothing happens twice, every hold ends.

use super::{
    random_fulfilment::{self, Fulfil},
    reckoning::Books,
    *,
};
use proptest::prelude::*;

/// What may happen to an order.
#[derive(Debug, Clone)]
enum Step {
    Place,
    Answer { item: usize, granted: bool, stale: bool },
    Start(usize),
    Authorize { payment: usize, percent: i64, foreign: bool },
    Decline(usize),
    Submit(usize),
    Cancel { key: usize, line: Option<usize>, units: u32 },
    Capture { payment: usize, percent: i64 },
    CaptureFailure(usize),
    Settle(usize),
    Refund { key: usize, percent: i64 },
    Fulfil(Fulfil),
    Pass(u32),
}

const ITEMS: [&str; 3] = ["tea", "cup", "book"];
/// The return window.
const MONTH: u32 = 30 * 24 * 3_600;
const LINES: [&str; 4] = ["l0", "l1", "l2", "l3"];

fn step() -> impl Strategy<Value = Step> {
    let percent = || prop_oneof![4 => Just(100i64), 1 => 1..250i64];
    prop_oneof![
        1 => Just(Step::Place),
        8 => (0..3usize, proptest::bool::weighted(0.93), proptest::bool::weighted(0.1))
            .prop_map(|(item, granted, stale)| Step::Answer { item, granted, stale }),
        3 => (0..3usize).prop_map(Step::Start),
        4 => (0..4usize, percent(), proptest::bool::weighted(0.05))
            .prop_map(|(payment, percent, foreign)| Step::Authorize { payment, percent, foreign }),
        1 => (0..3usize).prop_map(Step::Decline),
        4 => (0..2usize).prop_map(Step::Submit),
        3 => (0..6usize, proptest::option::weighted(0.8, 0..4usize), 1..4u32)
            .prop_map(|(key, line, units)| Step::Cancel { key, line, units }),
        2 => (0..4usize, percent()).prop_map(|(payment, percent)| Step::Capture { payment, percent }),
        1 => (0..4usize).prop_map(Step::CaptureFailure),
        3 => (0..8usize).prop_map(Step::Settle),
        1 => (0..3usize, 1..60i64).prop_map(|(key, percent)| Step::Refund { key, percent }),
        24 => random_fulfilment::step().prop_map(Step::Fulfil),
        1 => prop_oneof![6 => Just(1), 6 => Just(31), 6 => Just(361), 1 => Just(MONTH)].prop_map(Step::Pass),
    ]
}

fn placement() -> impl Strategy<Value = PlaceOrder> {
    let line = (0..3usize, 1..5u32, proptest::option::weighted(0.3, 0..3_000i64));
    let adjustment = (proptest::option::of(0..4usize), -1_500..1_500i64, proptest::bool::weighted(0.2));
    let adjustments = proptest::collection::vec(adjustment, 0..4);
    let modes = (proptest::bool::weighted(0.15), any::<bool>());
    (proptest::collection::vec(line, 1..5), adjustments, modes).prop_map(|(lines, adjustments, (external, auto))| {
        let lines: Vec<OrderLine> = lines
            .into_iter()
            .enumerate()
            .map(|(i, (of, units, price))| OrderLine { unit_price: price.map(eur), ..line_of(i, of, units) })
            .collect();
        let adjustments = adjustments
            .into_iter()
            .enumerate()
            .map(|(i, (of, amount, included))| {
                let of = of.map(|of| LINES[of % lines.len()]);
                Adjustment { included, ..adjustment_of(i, of, amount) }
            })
            .collect();
        PlaceOrder {
            adjustments,
            shopper: Some(alice().subject),
            payment: if external { PaymentMode::External } else { PaymentMode::Provider },
            submit: if auto { SubmitMode::Auto } else { SubmitMode::Explicit },
            ..place(lines)
        }
    })
}

fn line_of(index: usize, of: usize, units: u32) -> OrderLine {
    line(LINES[index], ITEMS[of], units)
}

fn adjustment_of(index: usize, of: Option<&str>, amount: i64) -> Adjustment {
    adjustment(&format!("a{index}"), of, amount)
}

/// How far an order is before anything may come:
/// not placed, placed, held, submitted, expired, holding again, confirmed, allocated, shipped.
fn prefix(far: usize) -> Vec<Step> {
    let answers = || (0..ITEMS.len()).map(|item| Step::Answer { item, granted: true, stale: false });
    let paid = Step::Authorize { payment: 0, percent: 100, foreign: false };
    let mut steps = vec![Step::Place];
    steps.extend(answers());
    steps.extend([Step::Start(0), Step::Submit(0)]);
    match far {
        0 => steps.clear(),
        1 => steps.truncate(1),
        2 => steps.truncate(4),
        3 => {}
        4 => steps.push(Step::Pass(361)),
        5 => steps.extend([Step::Pass(361), paid]),
        6 => steps.push(paid),
        _ => {
            steps.push(paid);
            steps.extend(random_fulfilment::allocated().into_iter().map(Step::Fulfil));
            let all = Fulfil::Ship { key: 255, nth: None, units: None, at: None };
            steps.extend((far > 8).then_some(Step::Fulfil(all)));
        }
    }
    steps
}

/// The command of a step, and who sends it; none where only time passes.
fn command(world: &World, books: &Books, placement: &PlaceOrder, step: &Step) -> Option<(Caller, OrderCommand)> {
    let total = world.order.total.unwrap_or(eur(1_234)).minor();
    let part = |percent: i64| eur((total * percent / 100).max(1));
    let id = |payment: &usize| payment_id(&format!("p{payment}"));
    let engine = Caller::engine();
    Some(match step {
        Step::Place => (caller(Role::Service, "shop"), OrderCommand::Place(placement.clone())),
        Step::Answer { item, granted, stale } => (alice(), answered(world, *item, *granted, *stale)),
        Step::Start(payment) => {
            let payment_id = id(payment);
            let effect = effect(payment_id.as_str(), 1);
            let method_token = "tok".to_owned();
            (
                alice(),
                OrderCommand::StartPayment(StartPayment { effect, payment_id, method_token, shipping_address: None }),
            )
        }
        Step::Authorize { payment, percent, foreign } => {
            let amount = if *foreign { usd(part(*percent).minor()) } else { part(*percent) };
            let provider_reference = format!("r{payment}");
            (
                engine,
                OrderCommand::RecordAuthorization(RecordAuthorization {
                    payment_id: id(payment),
                    amount,
                    provider_reference,
                }),
            )
        }
        Step::Decline(payment) => {
            (engine, OrderCommand::RecordDecline(RecordDecline { payment_id: id(payment), reason: "no".to_owned() }))
        }
        Step::Submit(key) => (alice(), OrderCommand::Submit(SubmitOrder { effect: effect(&format!("s{key}"), 1) })),
        Step::Cancel { key, line, units } => {
            let lines = line.map(|line| vec![line_quantity(LINES[line], *units)]);
            let content =
                line.map_or(0, |line| u8::try_from(line).expect("small") * 8) + u8::try_from(*units).expect("small");
            (
                alice(),
                OrderCommand::Cancel(CancelOrder { effect: effect(&format!("x{key}"), content), lines, reason: None }),
            )
        }
        Step::Capture { payment, percent } => {
            (engine, OrderCommand::RecordCapture(RecordCapture { payment_id: id(payment), amount: part(*percent) }))
        }
        Step::CaptureFailure(payment) => {
            let command = RecordCaptureFailure { payment_id: id(payment), reason: "closed".to_owned() };
            (engine, OrderCommand::RecordCaptureFailure(command))
        }
        Step::Settle(nth) => {
            let refund = books.refunds().into_iter().nth(*nth)?;
            let refund_id = schemas::RefundId::parse(&refund).expect("an id");
            (engine, OrderCommand::SettleRefund(SettleRefund { refund_id }))
        }
        Step::Refund { key, percent } => {
            let effect = effect(&format!("f{key}"), u8::try_from(*percent).expect("small"));
            let command = RefundByOperator { effect, amount: part(*percent), reason: String::new() };
            (caller(Role::Operator, "olga"), OrderCommand::RefundByOperator(command))
        }
        Step::Fulfil(step) => return random_fulfilment::command(world, step),
        Step::Pass(_) => return None,
    })
}

/// What an item says; a stale answer is to the attempt before.
fn answered(world: &World, of: usize, granted: bool, stale: bool) -> OrderCommand {
    let kind = if ITEMS[of] == "book" { ItemKind::Digital } else { ItemKind::Physical };
    let unit_price = eur(700 + 100 * i64::try_from(of).expect("small"));
    let answer = if granted {
        HoldAnswer::Granted { unit_price, kind, file: None, store: None }
    } else {
        HoldAnswer::Refused { refusal: short() }
    };
    let attempt = world.order.attempt - u32::from(stale && world.order.attempt > 0);
    OrderCommand::ItemAnswered(ItemAnswered { attempt, item_id: item(ITEMS[of]), answer })
}

fn enter(world: &World, books: &mut Books, from: (usize, usize)) {
    world.events[from.0..].iter().for_each(|event| books.enter(event));
    world.sends[from.1..].iter().for_each(|send| books.sent(send));
    books.check();
}

/// Does a step, checks the books, and does it again.
fn run(world: &mut World, books: &mut Books, placement: &PlaceOrder, step: &Step) {
    let before = (world.events.len(), world.sends.len());
    let Some((by, command)) = command(world, books, placement, step) else {
        if let Step::Pass(seconds) = step {
            world.pass(*seconds);
            enter(world, books, before);
            assert!(world.pass(0).events.is_empty(), "what is due is due once");
            assert!(world.order.due().is_none_or(|due| due > world.now), "nothing is left due");
        }
        return;
    };
    let first = world.by(&by, command.clone());
    enter(world, books, before);
    let told = world.told(&first);
    let after = world.order.clone();
    let again = world.by(&by, command);
    if let Ok(decision) = &again {
        // Who asks an order to make way is answered each time.
        let sends = if matches!(step, Step::Fulfil(Fulfil::Supersede)) { 1 } else { 0 };
        assert!(decision.events.is_empty() && decision.sends.len() == sends, "again = no event: {step:?}");
    }
    assert_eq!(world.order, after);
    assert_eq!(world.told(&again), told, "again = the same answer: {step:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_books_agree_whatever_comes(
        placement in placement(),
        far in 0..12usize,
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let (mut world, mut books) = (World::new(), Books::default());
        for step in prefix(far).iter().chain(&steps) {
            run(&mut world, &mut books, &placement, step);
            let json = serde_json::to_string(&world.order).expect("it is data");
            prop_assert_eq!(&serde_json::from_str::<Order>(&json).expect("it is its own form"), &world.order);
        }
        // Left alone, it comes to rest: nothing due, every hold released or committed.
        for seconds in [400, 400, MONTH] {
            run(&mut world, &mut books, &placement, &Step::Pass(seconds));
        }
        prop_assert_eq!(world.order.due(), None);
        let mut replayed = World::new().order;
        for event in &world.events {
            evolve(&mut replayed, event, START, &Policy::default());
        }
        prop_assert_eq!(super::super::status(&replayed), world.status());
    }
}
