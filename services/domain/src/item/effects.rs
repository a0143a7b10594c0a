//! The effects that an item remembers, so that the same id changes it once.

use super::transfers::TransferKey;
use schemas::{
    AllotmentId, CancellationId, Digest, Effect, EffectId, Timestamp,
    item::{HoldId, ItemRejection, ItemReply},
};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// What an effect is remembered by. Ids of different operations never meet, nor those of different holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EffectKey {
    Patch(EffectId),
    /// A supplier's statement.
    Supply(EffectId),
    Receive(EffectId),
    Count(EffectId),
    Move(EffectId),
    ReceiveTransfer(TransferKey, EffectId),
    ReturnAllotment(EffectId),
    Ship(HoldId, EffectId),
    Restock(HoldId, EffectId),
    Uncommit(HoldId, CancellationId),
}

/// What the command was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// The catalog version.
    Catalog(u64),
    /// Available and on hand.
    Stock(i64, u64),
    /// Nothing: another aggregate asked, or a repeat is told what is now.
    Done,
}

/// An effect that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recorded {
    #[serde(rename = "d")]
    pub digest: Digest,
    /// What a repeat is held against first; a count's is what was counted.
    #[serde(rename = "q")]
    pub quantity: u64,
    #[serde(rename = "o")]
    pub outcome: Outcome,
    #[serde(rename = "t")]
    pub at: Timestamp,
}

impl Recorded {
    /// What a repeat of the same effect is answered; a refusal where it says something else.
    pub fn again(&self, effect: &Effect, quantity: u64) -> Result<Outcome, ItemRejection> {
        if self.digest == effect.digest {
            return Ok(self.outcome);
        }
        Err(differs(self.quantity, quantity))
    }
}

/// The refusal of an id that exists with other content.
pub(super) fn differs(recorded: u64, asked: u64) -> ItemRejection {
    match u32::try_from(recorded) {
        Ok(quantity) if recorded != asked => ItemRejection::ExistsWithDifferentQuantity { quantity },
        _ => ItemRejection::ExistsWithDifferentContent,
    }
}

impl Outcome {
    /// The reply to a stock command.
    pub const fn stock_reply(self) -> ItemReply {
        match self {
            Self::Stock(available, on_hand) => ItemReply::Stock { available, on_hand },
            Self::Catalog(_) | Self::Done => ItemReply::Done,
        }
    }
}

/// Something that is over, and leaves when the retention has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Over {
    Effect(EffectKey),
    Hold(HoldId),
    Transfer(TransferKey),
    /// An allotment that was asked back before it was lent.
    Voided(AllotmentId),
}

/// How many things may leave with one event: more than one event can bring, so that the queue never grows for good.
const LEAVE_AT_ONCE: usize = 4;

/// The effects by key, and what leaves when: effects, holds and transfers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Effects {
    #[serde(with = "super::sorted")]
    by_key: HashMap<EffectKey, Recorded>,
    /// In the order of time. Stored as it is: a restored item must forget the same things at the same events.
    leaving: VecDeque<(Timestamp, Over)>,
}

impl Effects {
    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The effect of that key, if it is remembered.
    pub fn get(&self, key: &EffectKey) -> Option<&Recorded> {
        self.by_key.get(key)
    }

    /// Remembers an effect.
    pub fn insert(&mut self, key: EffectKey, recorded: Recorded) {
        self.leaving.push_back((recorded.at, Over::Effect(key.clone())));
        self.by_key.insert(key, recorded);
    }

    /// Remembers that a hold has been over since `time`.
    pub fn hold_is_over(&mut self, id: &HoldId, time: Timestamp) {
        self.leaving.push_back((time, Over::Hold(id.clone())));
    }

    /// Remembers that nothing of a transfer has been on the way since `time`.
    pub fn transfer_is_over(&mut self, key: &TransferKey, time: Timestamp) {
        self.leaving.push_back((time, Over::Transfer(key.clone())));
    }

    /// Remembers that an allotment will not be lent.
    pub fn allotment_is_void(&mut self, id: &AllotmentId, time: Timestamp) {
        self.leaving.push_back((time, Over::Voided(id.clone())));
    }

    /// Forgets some of what has been over since `before`, by the time of the events; answers what is kept elsewhere.
    pub fn forget(&mut self, before: Timestamp, mut elsewhere: impl FnMut(&Over, Timestamp)) {
        for _ in 0..LEAVE_AT_ONCE {
            let Some((at, over)) = self.leaving.pop_front_if(|(at, _)| *at <= before) else { return };
            match &over {
                Over::Hold(_) | Over::Transfer(_) | Over::Voided(_) => elsewhere(&over, at),
                Over::Effect(key) => {
                    // The same id may have come again, when another retention held.
                    if self.by_key.get(key).is_some_and(|recorded| recorded.at == at) {
                        self.by_key.remove(key);
                    }
                }
            }
        }
    }
}
