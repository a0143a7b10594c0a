//! The clients: what they want, what they asked, what they were told, and what they ask again.
//!
//! A call ends as done, refused or unknown. Everything stands in the history that the checker reads.

use super::{
    Tally, bump,
    checker::{
        evidence::{Answer, Call, Positions, Read},
        token,
    },
    random::Random,
    swarm::Swarm,
};
use event_log::ReplySink;
use schemas::{
    Caller, Command, CommandEnvelope, CommandId, CorrelationId, PositionToken, Reply, ReplyAddress, Timestamp,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
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

/// One effect that a client wants.
#[derive(Debug, Clone)]
pub struct Wish {
    client: usize,
    pub caller: Caller,
    pub command: Command,
    answered: bool,
    /// Its client is gone for good.
    abandoned: bool,
}

/// All clients.
#[derive(Default)]
pub struct Clients {
    pub inbox: Arc<Inbox>,
    /// Under which the inbox is registered; another one after each crash.
    pub node: u32,
    wishes: Vec<Wish>,
    /// Who waits under which request.
    waiting: BTreeMap<u64, usize>,
    /// Requests whose command was sent twice: a second answer is no wonder.
    doubled: BTreeSet<u64>,
    /// Replies that a slow client has not looked at, and when it will.
    unread: Vec<(u64, Reply)>,
    next: u64,
    order: u64,
    tokens: BTreeMap<usize, Positions>,
    pub calls: Vec<Call>,
    pub answers: Vec<Answer>,
    pub reads: Vec<Read>,
}

impl Clients {
    /// A new wish of a client; its index.
    pub fn wish(&mut self, client: usize, caller: Caller, command: Command) -> usize {
        self.wishes.push(Wish { client, caller, command, answered: false, abandoned: false });
        self.wishes.len() - 1
    }

    /// The command that asks for a wish, under an id of its own.
    pub fn ask(&mut self, wish: usize, now: Timestamp) -> CommandEnvelope {
        let Wish { client, caller, command, .. } = self.wishes[wish].clone();
        let envelope = self.call(client, caller, command, now, true);
        self.waiting.insert(self.next, wish);
        envelope
    }

    /// A command that nobody waits for.
    pub fn tell(&mut self, caller: Caller, command: Command, now: Timestamp) -> CommandEnvelope {
        self.call(usize::MAX, caller, command, now, false)
    }

    fn call(
        &mut self,
        client: usize,
        caller: Caller,
        command: Command,
        now: Timestamp,
        waits: bool,
    ) -> CommandEnvelope {
        self.next += 1;
        self.order += 1;
        let id = format!("c{}", self.next);
        self.calls.push(Call {
            order: self.order,
            request: self.next,
            client,
            id: id.clone(),
            caller: serde_json::to_value(&caller).expect("plain data"),
            command: serde_json::to_value(&command).expect("plain data"),
            arrived: i64::MAX,
            waits,
        });
        CommandEnvelope {
            id: CommandId::parse(&id).expect("an id"),
            caller,
            correlation: CorrelationId::parse(&format!("r{}", self.next)).expect("an id"),
            reply_to: waits.then_some(ReplyAddress { node: self.node, request: self.next }),
            positions: PositionToken::default(),
            sent_at: now,
            traceparent: None,
            command,
        }
    }

    /// A command, or another copy of it, has arrived where it is decided.
    pub fn arrived(&mut self, envelope: &CommandEnvelope, at: i64) {
        let request: usize = envelope.id.as_str()[1..].parse().expect("a number of ours");
        self.calls[request - 1].arrived = at;
    }

    /// The command of a request is under way twice.
    pub fn doubled(&mut self, envelope: &CommandEnvelope) {
        self.doubled.extend(envelope.reply_to.map(|to| to.request));
    }

    /// Nobody waits for the answer of this one any more.
    pub fn vanish(&mut self, envelope: &CommandEnvelope, for_good: bool) {
        let wish = envelope.reply_to.and_then(|to| self.waiting.remove(&to.request));
        if let Some(wish) = wish {
            self.wishes[wish].abandoned |= for_good;
        }
    }

    /// A wish to ask for once more: one that was not answered, or now and then one that was.
    pub fn again(&self, random: &mut Random) -> Option<usize> {
        let any: Vec<_> = (0..self.wishes.len()).filter(|wish| !self.wishes[*wish].abandoned).collect();
        let open = self.unanswered();
        let from = if random.chance(70) { &open } else { &any };
        random.pick(from).copied()
    }

    /// The wishes that nobody has answered and whose clients still want to know.
    pub fn unanswered(&self) -> Vec<usize> {
        let open = |wish: &Wish| !wish.answered && !wish.abandoned;
        (0..self.wishes.len()).filter(|wish| open(&self.wishes[*wish])).collect()
    }

    /// A wish.
    pub fn wished(&self, wish: usize) -> &Wish {
        &self.wishes[wish]
    }

    /// How many wishes there were.
    pub fn wishes(&self) -> usize {
        self.wishes.len()
    }

    /// Clients look at the replies that arrived; slow ones later.
    pub fn hear(&mut self, step: u64, seen: &Positions, swarm: &Swarm, random: &mut Random, tally: &mut Tally) {
        let replies = std::mem::take(&mut *self.inbox.0.lock().expect("no panic holds it"));
        for reply in replies {
            let slow = random.per_mille(swarm.faults.slow);
            if slow {
                bump(tally, "fault: slow client");
            }
            self.unread.push((step + if slow { random.below(40) } else { 0 }, reply));
        }
        let (now, later) = std::mem::take(&mut self.unread).into_iter().partition(|(due, _)| *due <= step);
        self.unread = later;
        let now: Vec<_> = now;
        for (_, reply) in now {
            self.heard(&reply, seen, tally);
        }
    }

    fn heard(&mut self, reply: &Reply, seen: &Positions, tally: &mut Tally) {
        assert_eq!(reply.to.node, self.node, "one-answer: a reply for a node that is gone");
        let request = reply.to.request;
        let Some(wish) = self.waiting.remove(&request) else {
            bump(tally, "answers too late");
            // Whoever waits no more hears nothing; but a second answer to one command would be wrong.
            if self.doubled.contains(&request) || !self.answers.iter().any(|answer| answer.request == request) {
                return;
            }
            self.record(reply, seen);
            return;
        };
        let client = self.wishes[wish].client;
        self.wishes[wish].answered = true;
        let positions = self.record(reply, seen);
        self.learn(client, &positions);
        bump(tally, if reply.outcome.is_ok() { "answered" } else { "refused" });
        if let Err(refusal) = &reply.outcome {
            let code = serde_json::to_value(refusal).expect("plain data");
            bump(tally, &format!("refused: {}", code["code"].as_str().unwrap_or("?")));
        }
    }

    fn record(&mut self, reply: &Reply, seen: &Positions) -> Positions {
        self.order += 1;
        let (done, body) = match &reply.outcome {
            Ok(body) => (true, serde_json::to_value(body).expect("plain data")["reply"].take()),
            Err(refusal) => (false, serde_json::to_value(refusal).expect("plain data")),
        };
        let positions = token(&reply.positions.to_string());
        let (request, seen) = (reply.to.request, seen.clone());
        self.answers.push(Answer { order: self.order, request, done, body, positions: positions.clone(), seen });
        positions
    }

    /// A client's token takes in what it was told.
    fn learn(&mut self, client: usize, positions: &Positions) {
        let token = self.tokens.entry(client).or_default();
        for (place, seq) in positions {
            let known = token.entry(place.clone()).or_default();
            *known = (*known).max(*seq);
        }
    }

    /// What a client's token names of a partition.
    pub fn token(&self, client: usize, place: &str) -> u64 {
        self.tokens.get(&client).and_then(|token| token.get(place)).copied().unwrap_or(0)
    }

    /// A client has read a row.
    pub fn read(&mut self, mut read: Read, place: &str, row: Option<Value>) {
        self.order += 1;
        read.order = self.order;
        let seq = row.as_ref().map_or(0, super::invariants::views::seq_of_row);
        read.row = row;
        self.learn(read.client, &Positions::from([(place.to_owned(), seq)]));
        self.reads.push(read);
    }

    /// The process that they talked to is gone: nobody waits any longer.
    pub fn hang_up(&mut self) {
        self.waiting.clear();
        self.unread.clear();
        self.inbox.0.lock().expect("no panic holds it").clear();
    }
}
