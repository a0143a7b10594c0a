//! Given events, when a command, then events: by outcome, in the order of what can be asked of a drop.

mod bought;
mod cancel;
mod change;
mod claim;
mod clock;
mod draw;
mod join;
mod ownership;
mod pause;
mod random;
mod random_check;
mod schedule;
mod snapshot;

use super::{Drop, answer, decide, evolve, on_clock};
use crate::{Answer, Context, Decided, Decision, Policy, Wait};
use schemas::{
    Caller, CancellationId, ClaimId, Command, CommandId, Currency, Digest, DropId, Effect, EffectId, Event, ItemId,
    Metadata, Money, OrderId, Quantity, Rejection, ReplyBody, Role, StoreId, SubjectId, Timestamp,
    drop::*,
    item::{HoldId, ItemCommand, Uncommit},
    order::{OrderCommand, SubmitMode},
};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// When the waiting room opens, when the drop starts and when it ends, in seconds from [`NOW`].
pub(super) const OPENS: u32 = 600;
pub(super) const STARTS: u32 = 1_200;
pub(super) const ENDS: u32 = 4_800;
/// How long who is admitted may claim.
pub(super) const ADMISSION: u32 = 120;

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").expect("a currency")).expect("in range")
}

pub(super) fn item(id: &str) -> ItemId {
    ItemId::parse(id).expect("an id")
}

pub(super) fn store(id: &str) -> StoreId {
    StoreId::parse(id).expect("an id")
}

pub(super) fn subject(id: &str) -> SubjectId {
    SubjectId::parse(id).expect("an id")
}

pub(super) fn claim_id(id: &str) -> ClaimId {
    ClaimId::parse(id).expect("an id")
}

pub(super) fn quantity(units: u32) -> Quantity {
    Quantity::new(units).expect("in range")
}

/// An effect whose digest says `content`.
pub(super) fn effect(id: &str, content: u8) -> Effect {
    Effect { id: EffectId::parse(id).expect("an id"), digest: Digest::new([content; 16]) }
}

pub(super) fn shopper(id: &str) -> Caller {
    Caller { role: Role::Shopper, subject: subject(id), store: None, location: None }
}

/// Who acts for the store of the drop.
pub(super) fn sam() -> Caller {
    Caller { role: Role::Store, subject: subject("sam"), store: Some(store("own")), location: None }
}

/// What one item lends.
pub(super) fn offered(id: &str, units: u32) -> DropItem {
    DropItem { item_id: item(id), quantity: quantity(units), price: eur(1_000) }
}

/// Without a waiting room; two units for a shopper.
pub(super) fn plain(items: Vec<DropItem>) -> DropTerms {
    DropTerms {
        title: None,
        items,
        starts_at: NOW.plus_seconds(STARTS),
        ends_at: NOW.plus_seconds(ENDS),
        limit_per_shopper: quantity(2),
        queue_opens_at: None,
        admit_at_once: None,
    }
}

/// With a waiting room.
pub(super) fn queued(items: Vec<DropItem>) -> DropTerms {
    DropTerms { queue_opens_at: Some(NOW.plus_seconds(OPENS)), ..plain(items) }
}

pub(super) fn schedule(terms: DropTerms) -> ScheduleDrop {
    ScheduleDrop { effect: effect("drop", 1), store: store("own"), terms, metadata: Metadata::default() }
}

pub(super) fn claim(id: &str, of: Option<&str>, units: u32) -> ClaimUnits {
    ClaimUnits {
        effect: effect(id, 1),
        claim: claim_id(id),
        order_id: OrderId::parse(&format!("order-{id}")).expect("an id"),
        item_id: of.map(item),
        quantity: quantity(units),
        place: None,
        submit: SubmitMode::Explicit,
        metadata: Metadata::default(),
    }
}

pub(super) fn uncommit(cancellation: &str, of: &str, units: u32) -> DropCommand {
    let uncommit = Uncommit {
        cancellation: CancellationId::parse(cancellation).expect("an id"),
        hold: hold(of),
        quantity: quantity(units),
        from: Vec::new(),
        forwarded: Vec::new(),
        into: None,
    };
    DropCommand::UncommitClaim(UncommitClaim { claim: claim_id(of), uncommit })
}

pub(super) fn hold(of: &str) -> HoldId {
    HoldId::Drop { drop: drop_id(), claim: claim_id(of) }
}

pub(super) fn drop_id() -> DropId {
    DropId::parse("drop-1").expect("an id")
}

/// A drop, the time, and all that was decided so far.
#[derive(Clone)]
pub(super) struct World {
    pub drop: Drop,
    pub now: Timestamp,
    pub policy: Policy,
    pub events: Vec<DropEvent>,
    pub sends: Vec<Command>,
}

impl World {
    pub fn new() -> Self {
        let policy = Policy { draw_secret: super::DrawSecret::of(b"a secret of tests"), ..Policy::default() };
        Self { drop: Drop::new(drop_id()), now: NOW, policy, events: Vec::new(), sends: Vec::new() }
    }

    /// Its items are asked.
    pub fn drafted(terms: DropTerms) -> Self {
        let mut world = Self::new();
        world.by(&sam(), DropCommand::Schedule(schedule(terms))).expect("it is drafted");
        world
    }

    /// All of them lend.
    pub fn scheduled(terms: DropTerms) -> Self {
        let mut world = Self::drafted(terms);
        for index in 0..world.drop.terms().items.len() {
            world.answered(index, None);
        }
        world
    }

    /// Its waiting room is open.
    pub fn queueing(terms: DropTerms) -> Self {
        let mut world = Self::scheduled(terms);
        world.pass_to(OPENS);
        world
    }

    /// It has started; whoever is named has joined before.
    pub fn live(terms: DropTerms, early: &[&str]) -> Self {
        let mut world = Self::scheduled(terms);
        world.pass_to(OPENS);
        for who in early {
            world.join(who).expect("it is open");
        }
        world.pass_to(STARTS);
        world
    }

    /// Decides and applies.
    pub fn by(&mut self, caller: &Caller, command: DropCommand) -> Decided {
        let command_id = CommandId::parse("c-1").expect("an id");
        let cx = Context { now: self.now, command_id: &command_id, caller, policy: &self.policy };
        let decided = decide(&self.drop, &command, cx);
        if let Ok(decision) = &decided {
            self.apply(decision);
        }
        decided
    }

    /// What another aggregate asks, in a chain that somebody began.
    pub fn internal(&mut self, command: DropCommand) -> Decision {
        self.by(&Caller::engine(), command).expect("what is internal is not refused")
    }

    fn apply(&mut self, decision: &Decision) {
        for event in &decision.events {
            let Event::Drop(event) = event else { panic!("a drop decides drops' events") };
            evolve(&mut self.drop, event, self.now, &self.policy);
            self.events.push(event.clone());
        }
        self.sends.extend(decision.sends.iter().cloned());
    }

    pub fn answered(&mut self, index: usize, refusal: Option<AllotRefusal>) -> Decision {
        let item_id = self.drop.terms().items[index].item_id.clone();
        let allotment = allotment_of(&drop_id(), index);
        self.internal(DropCommand::AllotAnswered(AllotAnswered { item_id, allotment, refusal }))
    }

    pub fn join(&mut self, who: &str) -> Decided {
        self.join_as(who, &format!("join-{who}"))
    }

    pub fn join_as(&mut self, who: &str, id: &str) -> Decided {
        self.by(&shopper(who), DropCommand::Join(JoinQueue { effect: effect(id, 1) }))
    }

    pub fn claim(&mut self, who: &str, id: &str, units: u32) -> Decided {
        self.by(&shopper(who), DropCommand::Claim(claim(id, None, units)))
    }

    pub fn commit(&mut self, id: &str) -> Decision {
        self.internal(DropCommand::CommitClaim(CommitClaim { claim: claim_id(id) }))
    }

    pub fn release(&mut self, id: &str) -> Decision {
        self.internal(DropCommand::ReleaseClaim(ReleaseClaim { claim: claim_id(id) }))
    }

    pub fn pause(&mut self, id: &str) -> Decided {
        self.by(&sam(), DropCommand::Pause(PauseDrop { effect: effect(id, 1), reason: None }))
    }

    pub fn resume(&mut self, id: &str) -> Decided {
        self.by(&sam(), DropCommand::Resume(ResumeDrop { effect: effect(id, 1) }))
    }

    pub fn cancel(&mut self, id: &str) -> Decided {
        self.by(&sam(), DropCommand::Cancel(CancelDrop { effect: effect(id, 1), reason: None }))
    }

    /// One tick of the clock.
    pub fn tick(&mut self) -> Decision {
        let (command_id, engine) = (CommandId::parse("clock").expect("an id"), Caller::engine());
        let due = self.drop.due();
        let cx = Context { now: self.now, command_id: &command_id, caller: &engine, policy: &self.policy };
        let decision = on_clock(&self.drop, cx);
        self.apply(&decision);
        if due.is_some_and(|due| due <= self.now) {
            assert_ne!(self.drop.due(), due, "a deadline that stays makes the clock stand still");
        }
        decision
    }

    /// The clock goes to that time, in seconds from [`NOW`], and a little further until nothing is due any more.
    pub fn pass_to(&mut self, seconds: u32) {
        let until = NOW.plus_seconds(seconds);
        while let Some(due) = self.drop.due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.tick();
        }
        self.now = self.now.max(until);
        while let Some(due) = self.drop.due().filter(|due| *due <= self.now.plus_millis(1)) {
            self.now = self.now.max(due);
            self.tick();
        }
    }

    pub fn pass(&mut self, seconds: u32) {
        let since = u32::try_from((self.now.millis() - NOW.millis()) / 1_000).expect("small");
        self.pass_to(since + seconds);
    }

    pub fn status(&self) -> DropStatus {
        super::status(self.drop.phase, self.drop.paused, &self.drop.pools)
    }

    /// An item's units: remaining, held and sold.
    pub fn levels(&self, index: usize) -> [u32; 3] {
        let PoolLevels { remaining, held, sold } = self.drop.pools[index].levels;
        [remaining, held, sold]
    }

    /// Everybody who was admitted so far, in order.
    pub fn admitted(&self) -> Vec<String> {
        let admitted = self.events.iter().filter_map(|event| match event {
            DropEvent::ShoppersAdmitted(event) => Some(&event.shoppers),
            _ => None,
        });
        admitted.flatten().map(ToString::to_string).collect()
    }

    /// What a caller that was told `decided` hears in the end, if anything yet.
    pub fn told(&self, decided: &Decided) -> Option<Result<ReplyBody, Rejection>> {
        match decided {
            Err(rejection) => Some(Err(rejection.clone())),
            Ok(Decision { answer: Answer::Now(body), .. }) => Some(Ok(body.clone())),
            Ok(Decision { answer: Answer::Later(Wait::Drop(wait)), .. }) => answer(&self.drop, wait),
            Ok(Decision { answer: Answer::Nobody | Answer::Later(Wait::Cart(_) | Wait::Order(_)), .. }) => None,
        }
    }
}

/// The drop that a caller is told.
pub(super) fn state(decided: &Decided) -> DropState {
    match decided {
        Ok(Decision { answer: Answer::Now(ReplyBody::Drop(DropReply::Drop(state))), .. }) => (**state).clone(),
        other => panic!("no drop was answered: {other:?}"),
    }
}

/// The place that a caller is told.
pub(super) fn place(decided: &Decided) -> PlaceReply {
    match decided {
        Ok(Decision { answer: Answer::Now(ReplyBody::Drop(DropReply::Place(place))), .. }) => place.clone(),
        other => panic!("no place was answered: {other:?}"),
    }
}

/// The refusal of a decision.
pub(super) fn refusal(decided: &Decided) -> DropRejection {
    match decided {
        Err(Rejection::Drop(rejection)) => rejection.clone(),
        other => panic!("it was not refused: {other:?}"),
    }
}

/// The short names of the events of a decision.
pub(super) fn names(decision: &Decision) -> Vec<&'static str> {
    let name = |event: &Event| event.event_type().split('.').nth(2).expect("a stored type has four parts");
    decision.events.iter().map(name).collect()
}

/// What others are asked, in short.
pub(super) fn asked(decision: &Decision) -> Vec<String> {
    let text = |command: &Command| match command {
        Command::Item { item, command: ItemCommand::Allot(c) } => format!("allot {item} {}", c.quantity),
        Command::Item { item, command: ItemCommand::ReturnAllotment(c) } => format!("return {item} {}", c.quantity),
        Command::Item { item, command: ItemCommand::CommitAllotted(c) } => format!("commit {item} {}", c.quantity),
        Command::Item { item, command: ItemCommand::Uncommit(c) } => {
            let into = if c.into.is_some() { " into the allotment" } else { "" };
            format!("uncommit {item} {}{into}", c.quantity)
        }
        Command::Order { order, command: OrderCommand::Open(c) } => format!("open {order} {}", c.claim.quantity),
        other => panic!("a drop does not ask {other:?}"),
    };
    decision.sends.iter().map(text).collect()
}
