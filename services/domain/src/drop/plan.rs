//! A decision in the making: its events so far, and the few numbers of the state as they are after them.

use super::{Drop, MOST_AT_ONCE, MOST_IN_EVENT, Phase, answer, pools, pools::Pool, status};
use crate::{Answer, Context, Decided, Decision};
use schemas::{
    Command, Digest, Effect, EffectId, Event, Quantity, ReplyBody, SubjectId, Timestamp,
    drop::{
        DropEvent, DropReply, DropStatus, DropStatusChanged, DropTerms, ItemPool, QueueLevels, ShoppersAdmitted,
        allotment_of,
    },
    item::{ItemCommand, ReturnAllotment},
};
use std::borrow::Cow;
use uuid::Uuid;

/// The namespace of the ids under which units go back to their items. Changing it changes ids that are decided again.
const RETURNS: Uuid = Uuid::from_u128(0x8f2e_61b4_0d3a_4c57_a2c9_5b07_e4f1_936d);

/// Events and sends so far, and what they change of the state.
pub(super) struct Plan<'a> {
    pub drop: &'a Drop,
    pub cx: Context<'a>,
    pub phase: Phase,
    pub paused: bool,
    /// Changed before the start.
    pub terms: Cow<'a, DropTerms>,
    pub pools: Vec<Pool>,
    pub queue: QueueLevels,
    /// Who joins with this decision, and has a rank.
    pub joined: Option<(u64, SubjectId)>,
    /// The end of admissions that this decision makes.
    pub admitted_until: Option<Timestamp>,
    events: Vec<Event>,
    sends: Vec<Command>,
}

impl<'a> Plan<'a> {
    pub fn new(drop: &'a Drop, cx: Context<'a>) -> Self {
        let terms = drop.offer.as_ref().map_or_else(|| Cow::Owned(super::terms::none()), |it| Cow::Borrowed(&it.terms));
        Self {
            drop,
            cx,
            phase: drop.phase,
            paused: drop.paused,
            terms,
            pools: drop.pools.clone(),
            queue: drop.room.levels,
            joined: None,
            admitted_until: None,
            events: Vec::new(),
            sends: Vec::new(),
        }
    }

    /// Something happens. Whoever records it has changed the numbers before.
    pub fn record(&mut self, event: impl Into<DropEvent>) {
        self.events.push(Event::Drop(event.into()));
    }

    /// Asks another aggregate for something.
    pub fn ask(&mut self, command: Command) {
        self.sends.push(command);
    }

    /// Asks an item, named by its place in the terms, for something.
    pub fn send(&mut self, index: usize, command: ItemCommand) {
        let item = self.terms.items[index].item_id.clone();
        self.ask(Command::Item { item, command });
    }

    /// Gives units back to their item, once under what names the reason.
    pub fn give_back(&mut self, index: usize, quantity: Quantity, reason: &str) {
        let name = format!("{}/{index}/{reason}", self.drop.id);
        let id = EffectId::parse(&Uuid::new_v5(&RETURNS, name.as_bytes()).to_string()).expect("a UUID is an id");
        let effect = Effect { id, digest: Digest::default() };
        let allotment = allotment_of(&self.drop.id, index);
        self.send(index, ItemCommand::ReturnAllotment(ReturnAllotment { effect, allotment, quantity }));
    }

    /// Gives back all that nobody has claimed: the drop is over.
    pub fn give_back_all(&mut self) {
        for index in 0..self.pools.len() {
            if let Some(units) = self.pools[index].give_back() {
                self.give_back(index, units, "over");
                if planted::bug!("allotment-returned-twice") {
                    self.give_back(index, units, "over again");
                }
            }
        }
    }

    /// The status that is shown.
    pub fn status(&self) -> DropStatus {
        status(self.phase, self.paused, &self.pools)
    }

    /// An item's units.
    pub fn pool(&self, index: usize) -> ItemPool {
        ItemPool { item_id: self.terms.items[index].item_id.clone(), levels: self.pools[index].levels }
    }

    /// The units of all items.
    pub fn all_pools(&self) -> Vec<ItemPool> {
        pools::shown(&self.terms, &self.pools)
    }

    /// Whether units come back to the drop, or to their items.
    pub fn is_over(&self) -> bool {
        self.drop.is_over()
    }

    /// How many more may be admitted now.
    pub fn room_to_admit(&self) -> u64 {
        let runs = self.phase == Phase::Open && !self.paused && self.terms.queue_opens_at.is_some();
        if !runs || self.drop.room.is_drawing() {
            return 0;
        }
        let free = pools::free(&self.pools) + u64::from(planted::bug!("admits-more-than-free"));
        let most = free.min(self.terms.admit_at_once.map_or(u64::MAX, u64::from));
        most.saturating_sub(self.queue.admitted)
    }

    /// Admits the next in rank, as many as there is room for.
    fn admit(&mut self) {
        let most = usize::try_from(self.room_to_admit()).unwrap_or(usize::MAX).min(MOST_AT_ONCE);
        let joined = self.joined.as_ref().map(|(rank, shopper)| (*rank, shopper));
        let next = self.drop.room.waiting(self.queue.next_rank).chain(joined).take(most);
        let next: Vec<(u64, SubjectId)> = next.map(|(rank, shopper)| (rank, shopper.clone())).collect();
        let until = self.cx.now.plus_seconds(self.cx.policy.admission_seconds);
        let stood_still_ms = self.drop.room.stood_still_ms(self.cx.now);
        for some in next.chunks(MOST_IN_EVENT) {
            let (rank, _) = some.last().expect("a chunk is not empty");
            self.queue.next_rank = rank + 1;
            self.queue.admitted += some.len() as u64;
            self.admitted_until = Some(until);
            let shoppers = some.iter().map(|(_, shopper)| shopper.clone()).collect();
            self.record(ShoppersAdmitted { shoppers, until, stood_still_ms, queue: self.queue });
        }
    }

    /// What follows from every decision.
    fn settle(&mut self) {
        let (before, after) = (status(self.drop.phase, self.drop.paused, &self.drop.pools), self.status());
        // What opens, pauses and ends it says the status itself.
        let by_units = |status| matches!(status, DropStatus::Live | DropStatus::AllHeld | DropStatus::SoldOut);
        let reopens = before != DropStatus::SoldOut || !planted::bug!("sold-out-for-ever");
        if before != after && by_units(before) && by_units(after) && reopens {
            self.record(DropStatusChanged { status: after });
        }
        self.admit();
    }

    /// Ends with the drop as it stands now.
    pub fn done(mut self) -> Decided {
        self.settle();
        let reply = answer::state(&self);
        Ok(self.finish(Answer::Now(ReplyBody::Drop(DropReply::Drop(Box::new(reply))))))
    }

    /// Ends with nobody to tell.
    pub fn silent(mut self) -> Decision {
        self.settle();
        self.finish(Answer::Nobody)
    }

    /// Ends with a shopper's place as it is now.
    pub fn place(mut self, shopper: &SubjectId) -> Decided {
        self.settle();
        let reply = answer::place(&self, shopper);
        Ok(self.finish(Answer::Now(ReplyBody::Drop(DropReply::Place(reply)))))
    }

    /// Ends as it is, with that answer.
    pub fn finish(self, answer: Answer) -> Decision {
        Decision { events: self.events, sends: self.sends, answer }
    }
}
