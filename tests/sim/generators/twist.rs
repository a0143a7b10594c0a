//! The same id with other content: what a client with a bug asks for.

use super::digest;
use schemas::{
    Command, Effect, Quantity,
    cart::CartCommand,
    follows::FollowsCommand,
    item::{ItemCommand, Supply},
    order::OrderCommand,
};

/// The command with another digest, and where it has one with another quantity too; `None` where it has no effect id.
pub fn twist(command: &Command, number: u64) -> Option<Command> {
    let mut command = command.clone();
    let other = |effect: &mut Effect| effect.digest = digest(1_000_000 + number);
    let more = |quantity: &mut Quantity| {
        if number.is_multiple_of(2) {
            *quantity = Quantity::new(quantity.get() % 1_000 + 1).expect("above zero");
        }
    };
    match &mut command {
        Command::Item { command, .. } => match command {
            ItemCommand::Receive(c) => {
                other(&mut c.effect);
                more(&mut c.quantity);
            }
            ItemCommand::Count(c) => {
                other(&mut c.effect);
                c.counted += number % 2;
            }
            ItemCommand::Move(c) => {
                other(&mut c.effect);
                more(&mut c.quantity);
            }
            ItemCommand::PlaceHold(c) => {
                c.effect.as_mut().map(other)?;
                more(&mut c.quantity);
            }
            ItemCommand::Transfer(c) => {
                other(&mut c.effect);
                more(&mut c.quantity);
            }
            ItemCommand::ReceiveTransfer(c) => other(&mut c.effect),
            ItemCommand::Ship(c) => other(&mut c.effect),
            ItemCommand::Patch(c) => c.effect.as_mut().map(other)?,
            // Its digest is that of what it says.
            ItemCommand::Supply(c) => {
                *c = Supply::new(c.source.clone(), c.sequence, c.at.plus_millis(1), c.said.clone())
            }
            _ => return None,
        },
        Command::Order { command, .. } => match command {
            OrderCommand::Place(c) => other(&mut c.effect),
            OrderCommand::StartPayment(c) => other(&mut c.effect),
            OrderCommand::Submit(c) => other(&mut c.effect),
            OrderCommand::Cancel(c) => other(&mut c.effect),
            OrderCommand::RefundByOperator(c) => other(&mut c.effect),
            OrderCommand::Ship(c) => other(&mut c.effect),
            OrderCommand::ReceiveShipment(c) => other(&mut c.effect),
            OrderCommand::Deliver(c) => other(&mut c.effect),
            OrderCommand::RequestReturn(c) => other(&mut c.effect),
            OrderCommand::ReceiveReturn(c) => other(&mut c.effect),
            _ => return None,
        },
        Command::Cart { command, .. } => match command {
            CartCommand::SetLine(c) => other(&mut c.effect),
            CartCommand::AddUnits(c) => other(&mut c.effect),
            CartCommand::RemoveUnits(c) => other(&mut c.effect),
            CartCommand::Checkout(c) => other(&mut c.effect),
            CartCommand::Merge(c) => other(&mut c.effect),
            _ => return None,
        },
        Command::Drop { command, .. } => super::drops::effect_of(command).map(other)?,
        Command::Follows { command, .. } => match command {
            FollowsCommand::Follow(c) => other(&mut c.effect),
            FollowsCommand::Unfollow(c) => other(&mut c.effect),
        },
        Command::Store { .. } | Command::Warehouse { .. } | Command::Shopper { .. } => return None,
    }
    Some(command)
}
