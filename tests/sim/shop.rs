//! The clients: what they asked, what they were told, and what they ask again.

use super::{Tally, random::Random};
use event_log::ReplySink;
use schemas::{
    Caller, Command, CommandEnvelope, CommandId, CorrelationId, PositionToken, Rejection, Reply, ReplyAddress,
    Timestamp,
    item::{ItemCommand, ItemRejection},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Replies that arrived and have not been looked at.
#[derive(Default)]
pub struct Inbox(Mutex<Vec<Reply>>);

impl ReplySink for Inbox {
    fn deliver(&self, replies: Vec<Reply>) {
        self.0.lock().expect("no panic holds it").extend(replies);
    }
}

/// One effect that somebody wants.
#[derive(Debug, Clone)]
pub struct Wish {
    pub caller: Caller,
    pub command: Command,
    /// It was answered at least once.
    pub answered: bool,
}

/// The id of the command that was sent with a request.
pub fn command_of(request: u64) -> CommandId {
    CommandId::parse(&format!("c{request}")).expect("an id")
}

/// What a refused shipment is counted as.
fn refused_shipment(wish: &Wish, reply: &Reply) -> Option<&'static str> {
    let Command::Item { command: ItemCommand::Ship(_), .. } = &wish.command else { return None };
    match &reply.outcome {
        Err(Rejection::Item(ItemRejection::LocationNotFound { .. })) => Some("unknown location refused"),
        Err(Rejection::Item(ItemRejection::InsufficientAtLocation { .. })) => Some("short location refused"),
        Err(Rejection::Item(ItemRejection::HoldNotCommitted)) => Some("uncommitted shipment refused"),
        Ok(_) | Err(_) => None,
    }
}

/// All clients.
#[derive(Default)]
pub struct Shop {
    pub inbox: Arc<Inbox>,
    /// Under which the inbox is registered; another one after each crash.
    pub node: u32,
    wishes: Vec<Wish>,
    /// Which wish waits under which request.
    requests: BTreeMap<u64, usize>,
    next: u64,
}

impl Shop {
    /// A new wish; its index.
    pub fn wish(&mut self, caller: Caller, command: Command) -> usize {
        self.wishes.push(Wish { caller, command, answered: false });
        self.wishes.len() - 1
    }

    /// The command that asks for a wish, under an id of its own.
    pub fn ask(&mut self, wish: usize, now: Timestamp) -> CommandEnvelope {
        self.next += 1;
        self.requests.insert(self.next, wish);
        let Wish { caller, command, .. } = self.wishes[wish].clone();
        CommandEnvelope {
            id: command_of(self.next),
            caller,
            correlation: CorrelationId::parse(&format!("r{}", self.next)).expect("an id"),
            reply_to: Some(ReplyAddress { node: self.node, request: self.next }),
            positions: PositionToken::default(),
            sent_at: now,
            traceparent: None,
            command,
        }
    }

    /// A wish to ask for once more: one that was not answered, or now and then one that was.
    pub fn again(&self, random: &mut Random) -> Option<usize> {
        let open: Vec<_> = self.unanswered();
        let any: Vec<_> = (0..self.wishes.len()).collect();
        let from = if random.chance(70) { &open } else { &any };
        random.pick(from).copied()
    }

    /// The wishes that nobody has answered.
    pub fn unanswered(&self) -> Vec<usize> {
        (0..self.wishes.len()).filter(|wish| !self.wishes[*wish].answered).collect()
    }

    /// A wish.
    pub fn wished(&self, wish: usize) -> &Wish {
        &self.wishes[wish]
    }

    /// Takes the replies that arrived, each with the wish that it answers. A request is answered once.
    pub fn hear(&mut self, tally: &mut Tally) -> Vec<(Wish, Reply)> {
        let replies = std::mem::take(&mut *self.inbox.0.lock().expect("no panic holds it"));
        let mut heard = Vec::new();
        for reply in replies {
            assert_eq!(reply.to.node, self.node, "a reply for a node that is gone");
            let wish = self.requests.remove(&reply.to.request).expect("one answer to a request, and only to one");
            self.wishes[wish].answered = true;
            *tally.entry(if reply.outcome.is_ok() { "answered" } else { "refused" }).or_default() += 1;
            if let Some(refused) = refused_shipment(&self.wishes[wish], &reply) {
                *tally.entry(refused).or_default() += 1;
            }
            heard.push((self.wishes[wish].clone(), reply));
        }
        heard
    }

    /// The process that they talked to is gone: nobody waits any longer.
    pub fn hang_up(&mut self) {
        self.requests.clear();
        self.inbox.0.lock().expect("no panic holds it").clear();
    }
}
