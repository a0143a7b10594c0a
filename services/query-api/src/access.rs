//! What a role may see.

use edge::Problem;
use read_model::views::{drop::DropRow, item::ItemRow, order::OrderRow};
use schemas::{Caller, Role, StoreId, drop::DropStatus, order::OrderOwner};

/// How much of an item's stock a caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StockSight {
    /// What is available, as everybody does.
    Available,
    /// All of it.
    Full,
}

/// What a caller sees of the stock of an item of that store.
pub(crate) fn stock_sight(caller: Option<&Caller>, owner: Option<&StoreId>) -> StockSight {
    let Some(caller) = caller else { return StockSight::Available };
    let full = match caller.role {
        Role::Supplier | Role::Service | Role::Operator | Role::Warehouse | Role::Engine => true,
        Role::Store => owner.is_some() && caller.store.as_ref() == owner,
        Role::Shopper | Role::Analyst => false,
    };
    if full { StockSight::Full } else { StockSight::Available }
}

/// Whether the caller sees where the file of a digital item of that store is: who may edit it, and the shop's systems.
pub(crate) fn sees_file(caller: Option<&Caller>, owner: Option<&StoreId>) -> bool {
    caller.is_some_and(|caller| match caller.role {
        Role::Supplier | Role::Service | Role::Operator | Role::Engine => true,
        Role::Store => owner.is_some() && caller.store.as_ref() == owner,
        Role::Shopper | Role::Warehouse | Role::Analyst => false,
    })
}

/// 401 or 403 unless the caller sees all of the stock.
pub(crate) fn require_full(caller: Option<&Caller>, owner: Option<&StoreId>) -> Result<(), Problem> {
    match (stock_sight(caller, owner), caller) {
        (StockSight::Full, _) => Ok(()),
        (StockSight::Available, Some(_)) => Err(Problem::forbidden(
            "this takes the role supplier, service, operator, warehouse, or store for its own items",
        )),
        (StockSight::Available, None) => Err(Problem::unauthenticated("this takes a token", false)),
    }
}

/// The store that owns an item.
pub(crate) fn owner(item: Option<&ItemRow>) -> Option<&StoreId> {
    item?.catalog.as_ref()?.store.as_ref()
}

/// What the caller may see of an order: all of it, or as the staff of a store that sells lines of it no more than these.
pub(crate) fn seen_of_order(caller: &Caller, row: OrderRow) -> Option<OrderRow> {
    if sees_order(caller, row.owner.as_ref()) {
        return Some(row);
    }
    let store = caller.store.as_ref().filter(|_| caller.role == Role::Store)?;
    if planted::bug!("sellers-see-all") && row.lines.iter().any(|line| line.store.as_ref() == Some(store)) {
        return Some(row);
    }
    row.of_store(store)
}

/// Whether the caller may know of a drop: everybody once it is scheduled, before that and where it never was its own store and
/// who acts for the shop.
pub(crate) fn sees_drop(caller: Option<&Caller>, row: &DropRow) -> bool {
    match row.status {
        DropStatus::Scheduled
        | DropStatus::Queueing
        | DropStatus::Live
        | DropStatus::AllHeld
        | DropStatus::Paused
        | DropStatus::SoldOut
        | DropStatus::Ended
        | DropStatus::Cancelled => true,
        DropStatus::Draft | DropStatus::Rejected => caller.is_some_and(|caller| match caller.role {
            Role::Service | Role::Operator | Role::Engine => true,
            Role::Store => caller.store.as_ref() == Some(&row.store),
            Role::Shopper | Role::Supplier | Role::Warehouse | Role::Analyst => false,
        }),
    }
}

/// Whether the caller may see all of an order, by the rule by which the order itself lets them touch it: its shopper, the staff
/// of the store that placed it, and who acts for the shop as a whole.
fn sees_order(caller: &Caller, owner: Option<&OrderOwner>) -> bool {
    if planted::bug!("order-shown-to-anyone") {
        return true;
    }
    let placed_by = owner.map(|owner| &owner.placed_by);
    match caller.role {
        Role::Service | Role::Operator | Role::Engine => true,
        Role::Shopper => owner.and_then(|owner| owner.shopper.as_ref()) == Some(&caller.subject),
        Role::Store => {
            placed_by.is_some_and(|by| by.role == Role::Store && by.store.is_some() && by.store == caller.store)
        }
        Role::Supplier | Role::Warehouse | Role::Analyst => false,
    }
}
