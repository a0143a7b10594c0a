//! Every operation of the contract × every caller, held against the table of what is allowed to whom.

use super::{
    answer::{Answer, difference},
    asks::ask,
    engine::{Ask, Engine, claims, engine, signed, token},
    table::{CALLERS, Row, TABLE, row},
    targets::{
        Kind::{self, AllocatedOrder, ConfirmedOrder, Order, PaidOrder, ReturnedOrder, ShippedOrder, StoreOrder},
        Maker, Target, number, staff,
    },
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

impl Row {
    /// Caller and sign, for each column.
    fn cells(&self) -> Vec<(&'static str, char)> {
        let signs: Vec<char> = self.answers.chars().filter(|sign| !sign.is_whitespace()).collect();
        assert_eq!(signs.len(), CALLERS.len(), "{}: a sign for each caller", self.operation);
        CALLERS.into_iter().zip(signs).collect()
    }

    fn is_import(&self) -> bool {
        self.operation == "POST /v1/items:import"
    }
}

/// The token of a caller of the table.
fn token_of(caller: &str) -> Option<String> {
    let role = match caller {
        "nobody" => return None,
        "alice" | "bob" => "shopper",
        "ann" | "abe" => return Some(staff(caller, "acme")),
        "gil" => return Some(staff(caller, "globex")),
        "main" | "north" => {
            let mut claims = claims("warehouse", caller);
            claims["location"] = json!(caller);
            return Some(signed(&claims));
        }
        "erp" | "wms" => "service",
        other => other,
    };
    Some(token(role, caller))
}

/// The operations of a contract, as `METHOD /path`.
fn operations(contract: &Value) -> BTreeSet<String> {
    let paths = contract["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
        let methods = methods.filter(|method| !matches!(method.as_str(), "PARAMETERS" | "SUMMARY" | "DESCRIPTION"));
        methods.map(move |method| format!("{method} {path}"))
    });
    all.collect()
}

/// Operations that the table lacks, and those of the table that the contract lacks.
fn uncovered(contract: &Value, table: &[Row]) -> Vec<String> {
    let of_table: BTreeSet<String> =
        table.iter().map(|row| row.operation.split('?').next().unwrap_or_default().to_owned()).collect();
    operations(contract).symmetric_difference(&of_table).cloned().collect()
}

/// Whether an answer holds more of an item's stock than anybody may know.
fn tells_stock(body: &Value) -> bool {
    let text = body.to_string();
    ["onHand", "held", "committed", "allotted", "safety", "locations", "position"]
        .iter()
        .any(|field| text.contains(&format!("\"{field}\"")))
}

struct Matrix {
    engine: Arc<Engine>,
    maker: Maker,
    faults: Vec<String>,
}

impl Matrix {
    /// How `caller` is answered about `target`.
    fn answer(&self, row: &Row, caller: &str, target: &Target) -> Answer {
        let mut ask = ask(row.operation, target, number());
        ask.token = token_of(caller);
        if ask.method == reqwest::Method::GET && !target.position.is_empty() {
            ask = ask.header("stockfold-at-least", &target.position);
        }
        let answer = self.engine.send(&ask);
        if row.is_import() { answer.of_line() } else { answer }
    }

    /// What is wrong with how a caller to whom it is not allowed is answered.
    fn denied(&self, row: &Row, caller: &str, sign: char, target: &Target) -> Option<String> {
        let answer = self.answer(row, caller, target);
        let expected = match sign {
            'l' => 401,
            'r' | 'f' => 403,
            'w' => 409,
            _ => 404,
        };
        // What another store's items would be sold for is told as of an item that does not exist: the order is refused.
        let is_refused_order = sign == 'h' && row.operation == "POST /v1/orders" && answer.status == 409;
        if answer.status != expected && !is_refused_order {
            return Some(format!("{expected} was expected, not {answer:?}"));
        }
        if let Some(fault) = answer.fault().filter(|_| !row.is_import()) {
            return Some(fault);
        }
        if matches!(sign, 'f' | 'n' | 'w') {
            return None;
        }
        let mut head = ask(row.operation, target, number());
        if head.method == reqwest::Method::GET {
            (head.method, head.token) = (reqwest::Method::HEAD, token_of(caller));
            let status = self.engine.send(&head).status;
            if status != answer.status {
                return Some(format!("HEAD was answered {status}, and GET {answer:?}"));
            }
        }
        let nothing = self.maker.nothing(target);
        let of_nothing = self.answer(row, caller, &nothing);
        difference((&answer, &ids(target)), (&of_nothing, &ids(&nothing)))
    }

    /// What is wrong with how a caller to whom it is allowed is answered.
    fn allowed(&self, row: &Row, caller: &str, sign: char, target: &Target) -> Option<String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let answer = loop {
            let answer = self.answer(row, caller, target);
            // Money is taken after the order is confirmed, and the clock waits for an engine at rest.
            let is_early = answer.code() == "refund_too_large" || answer.body["retryable"] == json!(true);
            // A cart asks the view what there is, and the item is new.
            let unseen = ["item_not_found", "insufficient_stock"].contains(&answer.code());
            let is_early = is_early || unseen && row.operation.contains("/v1/cart");
            // Another test has moved the clock since the time was asked for.
            let is_early = is_early || answer.code() == "clock_moves_forward_only";
            if !is_early || Instant::now() > deadline {
                break answer;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        if !answer.is_success() {
            return Some(format!("it is allowed, and was answered {answer:?}"));
        }
        let text = answer.body.to_string();
        let is_stock = row.operation.contains("/stock");
        let is_wrong = match sign {
            'e' => text.contains(&target.order),
            'a' => tells_stock(&answer.body) || !text.contains("available"),
            _ if is_stock => !tells_stock(&answer.body),
            _ => row.operation.starts_with("GET /v1/orders") && !text.contains(&target.order),
        };
        is_wrong.then(|| format!("it tells too much or too little: {answer:?}"))
    }

    /// All that can be read of a target.
    fn snapshot(&self, target: &Target) -> Vec<Value> {
        let Target { item, hold, order, parcel: _, drop, ticket: _, position } = target;
        let (operator, erp) = (token("operator", "operator"), token("service", "erp"));
        let mut asks = vec![
            Ask::get(format!("/v1/items/{item}")).by(&operator),
            Ask::get(format!("/v1/items/{item}/stock")).by(&operator),
        ];
        if !hold.is_empty() {
            asks.push(Ask::get(format!("/v1/items/{item}/holds/{hold}")).by(&erp));
        }
        if !order.is_empty() {
            // The item is shared by all orders: only the order is this target's own.
            asks = vec![Ask::get(format!("/v1/orders/{order}")).by(&operator)];
        }
        if !drop.is_empty() {
            asks.push(Ask::get(format!("/v1/drops/{drop}")).by(&operator));
        }
        let read = asks.into_iter().map(|ask| {
            let mut body = self.engine.done(&ask.header("stockfold-at-least", position)).body;
            // An order that the item refused gives back what it never had: an event, and no change.
            for field in ["position", "asOf"].into_iter().filter(|_| order.is_empty()) {
                body.as_object_mut().map(|body| body.remove(field));
            }
            body
        });
        read.collect()
    }

    /// Asks as everybody who is not allowed to, of one target; what it looked like before.
    fn deny(&mut self, row: &Row, target: &Target) -> Vec<Value> {
        let before = self.snapshot(target);
        for (caller, sign) in row.cells().into_iter().filter(|(_, sign)| "lrhfnw".contains(*sign)) {
            let fault = self.denied(row, caller, sign, target);
            self.faults.extend(fault.map(|fault| format!("{} of {:?} by {caller}: {fault}", row.operation, row.of)));
        }
        before
    }

    /// Asks as everybody who may, each of a target of its own.
    fn allow(&mut self, row: &Row) {
        for (caller, sign) in row.cells().into_iter().filter(|(_, sign)| "yea".contains(*sign)) {
            let target = self.maker.make(row.of);
            let fault = self.allowed(row, caller, sign, &target);
            self.faults.extend(fault.map(|fault| format!("{} of {:?} by {caller}: {fault}", row.operation, row.of)));
        }
    }
}

fn ids(target: &Target) -> Vec<&str> {
    [target.item.as_str(), &target.hold, &target.order, &target.drop].into_iter().filter(|id| !id.is_empty()).collect()
}

#[test]
fn everybody_gets_what_is_theirs_and_nothing_else() {
    let engine = engine();
    let contract = engine.done(&Ask::get("/openapi.json")).body;
    assert_eq!(uncovered(&contract, TABLE), Vec::<String>::new(), "the table of this test and the contract differ");
    let mut matrix = Matrix { maker: Maker::new(&engine), engine, faults: Vec::new() };
    let denied: Vec<_> = TABLE
        .iter()
        .map(|row| {
            let target = matrix.maker.make(row.of);
            let before = matrix.deny(row, &target);
            (row, target, before)
        })
        .collect();
    TABLE.iter().for_each(|row| matrix.allow(row));
    // By now the views show what a refused call may have done all the same.
    for (row, target, before) in denied {
        let after = matrix.snapshot(&target);
        // The money of a confirmed order is taken later, and it is planned later, by the engine itself.
        let moves = matches!(row.of, ConfirmedOrder | AllocatedOrder | ShippedOrder | ReturnedOrder);
        if after != before && !moves {
            matrix
                .faults
                .push(format!("{}: somebody changed what is not theirs: {before:?}\nto {after:?}", row.operation));
        }
    }
    assert!(matrix.faults.is_empty(), "{} faults:\n{}", matrix.faults.len(), matrix.faults.join("\n"));
    matrix.engine.assert_unharmed();
}

#[test]
fn an_id_that_somebody_took_tells_nothing_of_what_it_names() {
    let engine = engine();
    let maker = Maker::new(&engine);
    let gil = staff("gil", "globex");
    let place = |target: &Target| {
        let line = json!({"lineId": "1", "itemId": target.item, "quantity": 1});
        let body = json!({"orderId": target.order, "lines": [line], "payment": "provider", "shopper": "carol"});
        engine.send(&Ask::new("POST", "/v1/orders").by(&gil).json(&body))
    };
    // The second has the very content that is sent.
    let targets = [maker.make(Order), maker.make(StoreOrder), maker.make(PaidOrder)];
    let answers = targets.each_ref().map(place);
    assert_eq!((answers[0].status, answers[0].code()), (404, "order_not_found"), "{:?}", answers[0]);
    for (answer, target) in answers.iter().zip(&targets) {
        assert_eq!(difference((answer, &ids(target)), (&answers[0], &ids(&targets[0]))), None);
    }
}

#[test]
fn the_contract_says_where_a_token_is_needed() {
    let contract = engine().done(&Ask::get("/openapi.json")).body;
    for row in TABLE.iter().filter(|row| !row.operation.contains("asOf")) {
        let (method, path) = row.operation.split_once(' ').expect("a method and a path");
        let path = path.split('?').next().unwrap_or_default();
        let operation = &contract["paths"][path][method.to_lowercase()];
        let schemes = operation["security"].as_array().cloned().unwrap_or_default();
        let is_needed = !schemes.is_empty() && !schemes.contains(&json!({}));
        assert_eq!(is_needed, row.answers.starts_with('l'), "{}: {schemes:?}", row.operation);
    }
}

#[test]
fn a_route_that_the_table_lacks_is_found() {
    let contract = |path: &str| json!({"paths": {"/a": {"get": {}}, path: {"post": {}, "parameters": []}}});
    let table = [row("GET /a?x=1", Kind::Item, ""), row("POST /b", Kind::Item, "")];
    assert_eq!(uncovered(&contract("/b"), &table), Vec::<String>::new());
    assert_eq!(uncovered(&contract("/c"), &table), ["POST /b", "POST /c"]);
}
