//! One line of an import: which command it is, and how its answer is told.

use crate::{
    CommandState, answer,
    asker::Asker,
    items::{DelistBody, ItemBody},
    roles,
    stock::{CountBody, MoveBody, ReceiptBody, SafetyBody},
};
use axum::http::StatusCode;
use edge::{
    Fields, FromFields, JsonBody, Problem, ProblemDocument,
    fields::{Node, Read as _, id},
};
use schemas::{
    Effect, EffectId, ItemId, PositionToken, ReplyBody,
    item::{ItemCommand, SetSafety},
};
use serde_json::{Value, json};

/// What a line asks for.
#[derive(Debug)]
enum Operation {
    List(Box<ItemBody>),
    Delist(DelistBody),
    Receive(ReceiptBody),
    Count(CountBody),
    Move(MoveBody),
    Safety(SafetyBody),
}

/// A line as it was read.
#[derive(Debug)]
pub(super) struct ImportLine {
    item: ItemId,
    operation: Operation,
}

/// The names of the operations, in the order of the enum.
const OPERATIONS: [&str; 6] = ["list", "delist", "receive", "count", "move", "safety"];

fn operation_name(node: &Node<'_>) -> Option<&'static str> {
    match OPERATIONS.into_iter().find(|name| node.value().as_str() == Some(name)) {
        Some(name) => Some(name),
        None => node.fault("invalid_value", format!("must be one of {}", OPERATIONS.join(", "))),
    }
}

impl ImportLine {
    /// Which item it is about.
    pub const fn item(&self) -> &ItemId {
        &self.item
    }
}

/// The item that a line names which cannot be read as a whole.
pub(super) fn item_of(line: &[u8]) -> Option<ItemId> {
    let line: Value = serde_json::from_slice(line).ok()?;
    ItemId::parse(line["itemId"].as_str()?).ok()
}

impl FromFields for ImportLine {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let item = fields.get("itemId", |node: &Node<'_>| id(ItemId::parse).read(node));
        let Some(name) = fields.get("op", operation_name) else {
            // Which fields are right depends on it: the others are not looked at.
            fields.whole();
            return None;
        };
        let operation = match name {
            "list" => ItemBody::read(fields).map(|body| Operation::List(Box::new(body))),
            "delist" => DelistBody::read(fields).map(Operation::Delist),
            "receive" => ReceiptBody::read(fields).map(Operation::Receive),
            "count" => CountBody::read(fields).map(Operation::Count),
            "move" => MoveBody::read(fields).map(Operation::Move),
            _ => SafetyBody::read(fields).map(Operation::Safety),
        };
        Some(Self { item: item?, operation: operation? })
    }
}

/// A command that a line became.
#[derive(Debug)]
pub(super) struct LineCommand {
    pub item: ItemId,
    pub command: ItemCommand,
    /// Whether its effect was derived from the request's key.
    pub derived: bool,
}

/// The command of line `number`: its effect is named by the line, or derived from the request's key and the number.
pub(super) fn command(
    state: &CommandState,
    asker: &Asker,
    number: u64,
    body: JsonBody<ImportLine>,
) -> Result<LineCommand, Problem> {
    let item = body.content.item.clone();
    if let Operation::Move(moved) = &body.content.operation
        && moved.to_location.is_some()
        && moved.move_id.is_none()
    {
        // A result has no room for an id, and without it nobody could receive what was sent.
        return Err(Problem::bad_request("missing_move_id", "a transfer in an import names its `moveId`"));
    }
    // The same operation as over its own call: a receipt that comes both ways takes effect once.
    let effect = |own: Option<&EffectId>, operation: &str| -> Result<Effect, Problem> {
        let operation = match own {
            Some(_) => format!("{operation} {item}"),
            None => format!("import {number} {operation} {item}"),
        };
        let content = without_op(&body);
        let effects = state.edge.effects();
        match own {
            Some(id) => Ok(effects.named(id.clone(), &operation, &content)),
            None => Ok(effects.derived(&asker.caller, &operation, asker.key.required()?, &content)),
        }
    };
    let effect = match &body.content.operation {
        Operation::Receive(receipt) => Some(effect(Some(&receipt.receipt_id), "receive")?),
        Operation::Count(count) => Some(effect(count.count_id.as_ref(), "count")?),
        Operation::Move(moved) => Some(effect(moved.move_id.as_ref(), "move")?),
        Operation::List(_) | Operation::Delist(_) | Operation::Safety(_) => None,
    };
    let derived = match &body.content.operation {
        Operation::Count(count) => count.count_id.is_none(),
        Operation::Move(moved) => moved.move_id.is_none(),
        Operation::List(_) | Operation::Delist(_) | Operation::Receive(_) | Operation::Safety(_) => false,
    };
    let caller = &asker.caller;
    let command = match (body.content.operation, effect) {
        (Operation::Receive(receipt), Some(effect)) => receipt.command(caller, effect)?,
        (Operation::Count(count), Some(effect)) => count.command(caller, effect)?,
        (Operation::Move(moved), Some(effect)) => moved.command(caller, effect)?,
        (Operation::List(facts), _) => facts.command(caller, None)?,
        (Operation::Delist(delist), _) => delist.command(caller)?,
        (Operation::Safety(safety), _) => {
            roles::catalog(caller)?;
            ItemCommand::SetSafety(SetSafety { quantity: safety.quantity })
        }
        (Operation::Receive(_) | Operation::Count(_) | Operation::Move(_), None) => {
            return Err(Problem::internal(&"a line that changes stock has no effect"));
        }
    };
    Ok(LineCommand { item, command, derived })
}

/// The canonical line as the body of its own call: without `op` and `itemId`, which stand in that call's path.
fn without_op(body: &JsonBody<ImportLine>) -> Vec<u8> {
    let canonical = body.canonical();
    match serde_json::from_slice(&canonical) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("op");
            fields.remove("itemId");
            edge::body::canonical(&Value::Object(fields))
        }
        Ok(_) | Err(_) => canonical,
    }
}

/// The result of a line that was answered; `changed` says whether anything happened, where that can be told.
pub(super) fn result(
    number: u64,
    item: &ItemId,
    reply: ReplyBody,
    positions: &PositionToken,
    changed: Option<bool>,
) -> Result<Value, Problem> {
    use schemas::item::ItemReply;
    let told = |status: StatusCode, result: Value| {
        let mut told = json!({"line": number, "itemId": item, "status": status.as_u16(), "result": result,
            "position": positions.to_string()});
        if let Some(changed) = changed {
            told["changed"] = json!(changed);
        }
        told
    };
    match reply {
        reply @ ReplyBody::Item(ItemReply::Catalog { .. }) => {
            let (status, body) = answer::item(item.clone(), reply)?;
            Ok(told(status, json!(body)))
        }
        reply @ ReplyBody::Item(ItemReply::Stock { .. }) => {
            let (status, body) = answer::stock(reply)?;
            Ok(told(status, json!(body)))
        }
        reply @ ReplyBody::Item(ItemReply::Safety { .. }) => {
            let (status, body) = answer::safety(reply)?;
            Ok(told(status, json!(body)))
        }
        other @ (ReplyBody::Item(ItemReply::Hold(_) | ItemReply::Done)
        | ReplyBody::Order(_)
        | ReplyBody::Cart(_)
        | ReplyBody::Store(_)
        | ReplyBody::Warehouse(_)
        | ReplyBody::Drop(_)
        | ReplyBody::Follows(_)
        | ReplyBody::Shopper(_)) => Err(answer::unexpected(&other)),
    }
}

/// The result of a line that was checked only.
pub(super) fn checked(number: u64, item: &ItemId) -> Value {
    json!({"line": number, "itemId": item, "status": StatusCode::OK.as_u16(), "dryRun": true})
}

/// The result of a line that was refused.
pub(super) fn refused(number: u64, item: Option<&ItemId>, problem: ProblemDocument) -> Value {
    let mut result = json!({"line": number, "status": problem.status, "problem": problem});
    if let Some(item) = item {
        result["itemId"] = json!(item);
    }
    result
}

/// What comes instead of a result where the import ends before its body does.
pub(super) fn ended(number: u64, problem: Problem, trace_id: String) -> Value {
    let mut result = refused(number, None, problem.document(trace_id));
    result["ended"] = json!(true);
    result
}
