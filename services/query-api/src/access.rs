//! What a role may see.

use edge::Problem;
use read_model::views::item::ItemRow;
use schemas::{Caller, Role, StoreId, order::OrderOwner};

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

/// Whether the caller may see an order, by the rule by which the order itself lets them touch it: its shopper, the staff
/// of the store that placed it, and who acts for the shop as a whole.
pub(crate) fn sees_order(caller: &Caller, owner: Option<&OrderOwner>) -> bool {
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
