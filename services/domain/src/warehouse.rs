//! The warehouse: where a location stands, and how gladly it ships.

use crate::{Answer, Context, Decided, Decision, Policy};
use schemas::{
    Caller, Event, LocationId, Rejection, ReplyBody, Role,
    warehouse::{
        PutWarehouse, WarehouseCommand, WarehouseEvent, WarehouseFacts, WarehouseRejection, WarehouseReply,
        WarehouseSet,
    },
};
use serde::{Deserialize, Serialize};

/// The state of a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warehouse {
    id: LocationId,
    /// 0 before it is made.
    version: u64,
    facts: Option<WarehouseFacts>,
}

impl Warehouse {
    /// A warehouse to which nothing has happened.
    #[must_use]
    pub fn new(id: LocationId) -> Self {
        Self { id, version: 0, facts: None }
    }

    /// Its own people, and who acts for the shop.
    fn is_open_to(&self, caller: &Caller) -> bool {
        match caller.role {
            Role::Service | Role::Operator | Role::Engine => true,
            Role::Warehouse => caller.location.as_ref() == Some(&self.id),
            Role::Shopper | Role::Store | Role::Supplier | Role::Analyst => false,
        }
    }
}

/// Decides a command.
pub fn decide(warehouse: &Warehouse, command: &WarehouseCommand, cx: Context<'_>) -> Decided {
    match command {
        WarehouseCommand::Put(command) => put(warehouse, command, cx),
    }
}

fn put(warehouse: &Warehouse, command: &PutWarehouse, cx: Context<'_>) -> Decided {
    if !warehouse.is_open_to(cx.caller) {
        return Err(Rejection::Warehouse(WarehouseRejection::WarehouseNotFound));
    }
    // From here it succeeds.
    let is_same = warehouse.facts.as_ref() == Some(&command.facts);
    let version = if is_same { warehouse.version } else { warehouse.version + 1 };
    let set = || WarehouseSet { effect: command.effect.clone(), version, facts: command.facts.clone() };
    let events = if is_same { Vec::new() } else { vec![Event::Warehouse(WarehouseEvent::from(set()))] };
    let reply = WarehouseReply { location: warehouse.id.clone(), version, created: version == 1 };
    Ok(Decision { events, sends: Vec::new(), answer: Answer::Now(ReplyBody::Warehouse(reply)) })
}

/// Applies an event. Never decides.
///
/// # Panics
/// If versions are not dense: that is a bug.
pub fn evolve(warehouse: &mut Warehouse, event: &WarehouseEvent, _policy: &Policy) {
    match event {
        WarehouseEvent::WarehouseSet(event) => {
            assert_eq!(event.version, warehouse.version + 1, "versions of a warehouse are dense");
            warehouse.version = event.version;
            warehouse.facts = Some(event.facts.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{CommandId, Digest, Effect, EffectId, SubjectId, Timestamp, order::Address, warehouse::Coordinates};

    fn put_with(priority: u32) -> WarehouseCommand {
        let address = Address {
            name: "Acme".to_owned(),
            lines: vec!["1 Dock".to_owned()],
            city: "Leeds".to_owned(),
            postal_code: None,
            region: None,
            country: "GB".to_owned(),
            phone: None,
            coordinates: None,
        };
        let coordinates = Coordinates { latitude_micro: 53_800_000, longitude_micro: -1_550_000 };
        let facts = WarehouseFacts { name: "North".to_owned(), address, coordinates, priority };
        let effect = Effect { id: EffectId::parse("w").expect("an id"), digest: Digest::default() };
        WarehouseCommand::Put(PutWarehouse { effect, facts })
    }

    fn caller(role: Role, location: Option<&str>) -> Caller {
        let location = location.map(|id| LocationId::parse(id).expect("an id"));
        Caller { role, subject: SubjectId::parse("s").expect("an id"), store: None, location }
    }

    fn north() -> Warehouse {
        Warehouse::new(LocationId::parse("north").expect("an id"))
    }

    fn decided(warehouse: &Warehouse, command: &WarehouseCommand, caller: &Caller) -> Decided {
        let (command_id, policy) = (CommandId::parse("c").expect("an id"), Policy::default());
        let cx = Context { now: Timestamp::from_millis(0), command_id: &command_id, caller, policy: &policy };
        decide(warehouse, command, cx)
    }

    /// Decides, applies what happened, and tells version, `created` and the number of events.
    fn put(warehouse: &mut Warehouse, priority: u32) -> (u64, bool, usize) {
        let decision = decided(warehouse, &put_with(priority), &caller(Role::Operator, None)).expect("done");
        for event in &decision.events {
            let Event::Warehouse(event) = event else { panic!("{event:?}") };
            evolve(warehouse, event, &Policy::default());
        }
        let Answer::Now(ReplyBody::Warehouse(reply)) = decision.answer else { panic!("an answer at once") };
        (reply.version, reply.created, decision.events.len())
    }

    #[test]
    fn put_makes_it_replaces_it_and_leaves_what_is_the_same() {
        let mut warehouse = north();
        assert_eq!(put(&mut warehouse, 1), (1, true, 1));
        assert_eq!(put(&mut warehouse, 1), (1, true, 0));
        assert_eq!(put(&mut warehouse, 2), (2, false, 1));
        assert_eq!(put(&mut warehouse, 2), (2, false, 0));
        assert_eq!(put(&mut warehouse, 1), (3, false, 1));
    }

    #[test]
    fn put_is_for_its_own_people_and_who_acts_for_the_shop() {
        let allowed = [(Role::Warehouse, Some("north")), (Role::Service, None), (Role::Operator, None)];
        for (role, location) in allowed {
            assert!(decided(&north(), &put_with(1), &caller(role, location)).is_ok(), "{role:?}");
        }
        let refused = [
            (Role::Warehouse, Some("south")),
            (Role::Warehouse, None),
            (Role::Shopper, None),
            (Role::Store, Some("north")),
            (Role::Supplier, None),
            (Role::Analyst, None),
        ];
        for (role, location) in refused {
            let decided = decided(&north(), &put_with(1), &caller(role, location));
            assert_eq!(decided, Err(Rejection::Warehouse(WarehouseRejection::WarehouseNotFound)), "{role:?}");
        }
    }
}
