//! Each operation as requests, and what its answers mean.

use super::{Failure, Placed, Player};
use crate::replay::{
    book::{Book, Cancel},
    client::{Answer, As, Call, Kind},
    plan::{Cancellation, Correction, MAX_UNITS, Operation, Sale, Stock, Way},
};
use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// The one location of the replay.
const LOCATION: &str = "main";
/// The sandbox provider authorizes this card.
const CARD: &str = "4242424242424242";

/// What the engine said to an order.
enum Outcome {
    Granted(Placed),
    Refused,
}

fn money(pence: i64) -> Value {
    json!({ "amount": pence, "currency": "GBP" })
}

/// `answer`, if it is a success; else what to write down.
fn done(call: &Call<'_>, answer: Result<Answer>) -> Result<Answer, Failure> {
    let asked = || format!("{} {}", call.method, call.path);
    match answer {
        Ok(answer) if answer.status.is_success() => Ok(answer),
        Ok(answer) => Err(Failure { asked: asked(), came: format!("{} {}", answer.status, answer.body) }),
        Err(error) => Err(Failure { asked: asked(), came: format!("{error:#}") }),
    }
}

fn unexpected(call: &Call<'_>, answer: &Answer, missing: &str) -> Failure {
    Failure {
        asked: format!("{} {}", call.method, call.path),
        came: format!("{missing}: {} {}", answer.status, answer.body),
    }
}

/// Whether the order was refused for want of stock, and the refusal says of which item, truly.
fn is_refusal(answer: &Answer) -> bool {
    let short = |line: &Value| match (line["asked"].as_i64(), line["available"].as_i64()) {
        (Some(asked), Some(available)) => available < asked,
        _ => false,
    };
    let lines = answer.body["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = !lines.is_empty() && lines.iter().all(short);
    answer.status == StatusCode::CONFLICT && answer.code() == "insufficient_stock" && named
}

impl Player {
    async fn send(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        done(call, self.client.send(call).await)
    }

    fn fail(&self, failure: Failure) {
        self.played.lock().failures.push(failure);
    }

    fn free(&self, product: usize, units: i64) {
        self.free.lock()[product] += units;
    }

    /// Lists a product and receives its opening stock.
    pub(super) async fn stock_product(&self, place: usize) {
        let product = &self.plan.products[place];
        let body = json!({ "name": product.name, "kind": "physical", "price": money(product.price) });
        let path = format!("/v1/items/{}", product.item_id);
        let (kind, method, caller, body) = (Kind::List, Method::PUT, As::Supplier, Some(body));
        let list = Call { kind, method, path, caller, key: None, at_least: None, body };
        if let Err(failure) = self.send(&list).await {
            return self.fail(failure);
        }
        let (mut left, mut part) = (product.opening(self.stock), 0);
        while left > 0 {
            let quantity = left.min(MAX_UNITS);
            (left, part) = (left - quantity, part + 1);
            // Not the product's code: a receipt id is the engine's, and a code may be 64 characters long.
            let receipt = format!("opening-{place}-{part}");
            if let Err(failure) = self.receive(place, &receipt, quantity, "opening stock", None).await {
                return self.fail(failure);
            }
        }
    }

    async fn receive(
        &self,
        place: usize,
        id: &str,
        quantity: i64,
        document: &str,
        at: Option<&str>,
    ) -> Result<(), Failure> {
        let mut body = json!({ "receiptId": id, "location": LOCATION, "quantity": quantity, "document": document });
        if let Some(at) = at {
            body["occurredAt"] = at.into();
        }
        let path = format!("/v1/items/{}/receipts", self.plan.products[place].item_id);
        self.send(&Call::post(Kind::Receive, path, As::Supplier, id, body)).await.map(|_| ())
    }

    /// Performs one operation of the plan and hands on the customer's book.
    pub(super) async fn perform(&self, place: usize, mut book: Book) -> Book {
        let result = match &self.plan.operations[place] {
            Operation::Sale(sale) => self.sale(sale, &mut book).await,
            Operation::Cancellation(cancellation) => self.cancellation(cancellation, &mut book).await,
            Operation::Damaged(correction) => self.damaged(correction).await,
            Operation::Found(correction) => self.found(correction).await,
        };
        if let Err(failure) = result {
            self.fail(failure);
        }
        self.played.lock().performed += 1;
        book
    }

    async fn sale(&self, sale: &Sale, book: &mut Book) -> Result<(), Failure> {
        let outcome = match sale.way {
            Way::Shopper => self.checkout(sale, sale.customer.as_deref().unwrap_or_default()).await?,
            Way::External => self.place(sale).await?,
        };
        let mut played = self.played.lock();
        match outcome {
            Outcome::Granted(placed) => {
                book.enter(&sale.invoice, &placed.order_id, placed.way, &sale.lines);
                played.placed.insert(sale.invoice.clone(), placed);
                drop(played);
                sale.lines.iter().for_each(|line| self.free(line.product, -line.quantity));
            }
            Outcome::Refused => {
                played.refused.invoices.insert(sale.invoice.clone());
                *played.refused_by_way.entry(sale.way).or_default() += 1;
                for line in &sale.lines {
                    *played.refused_units.entry(line.product).or_default() += line.quantity;
                }
            }
        }
        Ok(())
    }

    /// BEGIN, pay, SUBMIT.
    async fn checkout(&self, sale: &Sale, customer: &str) -> Result<Outcome, Failure> {
        let caller = As::Shopper(customer);
        let cart: Vec<Value> = sale
            .lines
            .iter()
            .map(|line| {
                let item = &self.plan.products[line.product].item_id;
                let price = money(line.unit_price);
                json!({ "lineId": line.line_id, "itemId": item, "quantity": line.quantity, "expectedUnitPrice": price })
            })
            .collect();
        let key = format!("begin-{}", sale.order_id);
        let begin = Call::post(Kind::Begin, "/v1/checkout?op=BEGIN", caller, key, json!({ "cart": cart }));
        let answer = self.client.send(&begin).await;
        if answer.as_ref().is_ok_and(is_refusal) {
            return Ok(Outcome::Refused);
        }
        let begun = done(&begin, answer)?;
        let text = |name: &str| begun.body[name].as_str().ok_or_else(|| unexpected(&begin, &begun, name));
        let (order_id, pay_at) = (text("orderId")?, text("paymentInputUrl")?);

        // The file has no addresses; the engine wants one, as it would of a real shopper.
        let address =
            json!({ "name": "Retail Customer", "lines": ["1 High Street"], "city": "London", "country": "GB" });
        let body = json!({ "paymentDetails": { "card": CARD }, "shippingAddress": address });
        let pay = Call::post(Kind::Pay, pay_at, caller, format!("pay-{}", sale.order_id), body);
        let paid = self.send(&pay).await?;
        if paid.body["status"] != "authorized" {
            return Err(unexpected(&pay, &paid, "not authorized"));
        }
        let (path, key) = (format!("/v1/orders/{order_id}/submit"), format!("submit-{}", sale.order_id));
        let submit = Call::post(Kind::Submit, path, caller, key, json!({}));
        let submitted = self.send(&submit).await?;
        if submitted.body["status"] != "confirmed" {
            return Err(unexpected(&submit, &submitted, "not confirmed"));
        }
        let order_id = order_id.to_owned();
        Ok(Outcome::Granted(Placed { order_id, way: Way::Shopper, position: submitted.position }))
    }

    /// `POST /orders`, paid outside.
    async fn place(&self, sale: &Sale) -> Result<Outcome, Failure> {
        let call =
            Call::post(Kind::Place, "/v1/orders", As::Service, format!("order-{}", sale.order_id), self.order(sale));
        let answer = self.client.send(&call).await;
        if answer.as_ref().is_ok_and(is_refusal) {
            return Ok(Outcome::Refused);
        }
        let placed = done(&call, answer)?;
        if placed.body["status"] != "confirmed" {
            return Err(unexpected(&call, &placed, "not confirmed"));
        }
        let order_id = sale.order_id.clone();
        Ok(Outcome::Granted(Placed { order_id, way: Way::External, position: placed.position }))
    }

    fn order(&self, sale: &Sale) -> Value {
        let line = |line: &crate::replay::plan::Line| {
            let item = &self.plan.products[line.product].item_id;
            let price = money(line.unit_price);
            json!({ "lineId": line.line_id, "itemId": item, "quantity": line.quantity, "unitPrice": price })
        };
        let adjustment = |a: &crate::replay::plan::Adjustment| {
            let (kind, amount) = (a.kind.as_str(), money(a.amount));
            json!({ "adjustmentId": a.adjustment_id, "kind": kind, "amount": amount, "label": a.label })
        };
        let mut order = json!({
            "orderId": sale.order_id,
            "orderedAt": sale.ordered_at,
            "lines": sale.lines.iter().map(line).collect::<Vec<_>>(),
            "payment": "external",
            "submit": "auto",
            "metadata": { "country": sale.country },
        });
        if let Some(customer) = &sale.customer {
            order["shopper"] = customer.as_str().into();
        }
        if !sale.adjustments.is_empty() {
            order["adjustments"] = sale.adjustments.iter().map(adjustment).collect();
        }
        order
    }

    async fn cancellation(&self, cancellation: &Cancellation, book: &mut Book) -> Result<(), Failure> {
        let matched = book.take(&cancellation.wanted);
        {
            let mut played = self.played.lock();
            for (wanted, found) in cancellation.wanted.iter().zip(&matched.found) {
                let which = if *found == wanted.quantity { 0 } else { 1 + usize::from(*found == 0) };
                played.matched_rows[which] += 1;
                played.matched_units[0] += found;
                played.matched_units[1] += wanted.quantity - found;
            }
        }
        for cancel in &matched.cancels {
            self.cancel(cancel, cancellation).await?;
        }
        Ok(())
    }

    async fn cancel(&self, cancel: &Cancel, cancellation: &Cancellation) -> Result<(), Failure> {
        let line = |(line_id, units): &(String, crate::replay::plan::Units)| json!({ "lineId": line_id, "quantity": units.quantity });
        let lines: Vec<Value> = cancel.lines.iter().map(line).collect();
        let body = json!({ "lines": lines, "reason": format!("credit note {}", cancellation.invoice) });
        let caller = match cancel.way {
            Way::Shopper => As::Shopper(&cancellation.customer),
            Way::External => As::Service,
        };
        // By invoices and not by the order's id, which is another one in each replay.
        let key = format!("cancel-{}-{}", cancellation.invoice, cancel.invoice);
        let call = Call::post(Kind::Cancel, format!("/v1/orders/{}/cancel", cancel.order_id), caller, key, body);
        let answer = self.send(&call).await?;
        let mut played = self.played.lock();
        played.cancels += 1;
        played.cancelled_orders.insert(cancel.invoice.clone());
        if let (Some(placed), Some(_)) = (played.placed.get_mut(&cancel.invoice), &answer.position) {
            placed.position = answer.position;
        }
        drop(played);
        cancel.lines.iter().for_each(|(_, units)| self.free(units.product, units.quantity));
        Ok(())
    }

    async fn damaged(&self, correction: &Correction) -> Result<(), Failure> {
        let units = correction.units;
        if self.stock == Stock::Tight {
            // Nothing else is under way, so this number is exact.
            let mut free = self.free.lock();
            if free[units.product] < units.quantity {
                drop(free);
                self.played.lock().refused.rows.insert(correction.row);
                return Ok(());
            }
            free[units.product] -= units.quantity;
        }
        let body = json!({
            "moveId": correction.id, "location": LOCATION, "from": "sellable", "to": "damaged",
            "quantity": units.quantity, "reason": correction.reason, "reference": correction.reference,
        });
        let path = format!("/v1/items/{}/moves", self.plan.products[units.product].item_id);
        self.send(&Call::post(Kind::Move, path, As::Operator, correction.id.as_str(), body)).await?;
        self.played.lock().moves += 1;
        Ok(())
    }

    async fn found(&self, correction: &Correction) -> Result<(), Failure> {
        let (units, at) = (correction.units, Some(correction.occurred_at.as_str()));
        let document = format!("{}: {}", correction.reference, correction.reason);
        self.receive(units.product, &correction.id, units.quantity, &document, at).await?;
        self.free(units.product, units.quantity);
        self.played.lock().finds += 1;
        Ok(())
    }
}
