//! Who may do what to an item. No view decides it.

use super::Item;
use schemas::{
    Caller, LocationId, Role, StoreId,
    item::{HoldId, ItemRejection},
};

/// Whether the caller may change the stock: a store its own items', the shop's people and systems any.
///
/// It stands before the search for a repeat, or a stranger could learn from the answer which ids exist.
pub(super) fn stock(item: &Item, caller: &Caller) -> Result<(), ItemRejection> {
    match caller.role {
        Role::Supplier | Role::Warehouse | Role::Service | Role::Operator | Role::Engine => Ok(()),
        Role::Store => own_store(item.catalog.as_ref().map(|catalog| catalog.store.as_ref()), caller),
        Role::Shopper | Role::Analyst => Err(ItemRejection::ItemNotFound),
    }
}

/// Whether the caller may say what arrived at a location: a warehouse only at its own.
pub(super) fn arrival(location: &LocationId, caller: &Caller) -> Result<(), ItemRejection> {
    if caller.role == Role::Warehouse && caller.location.as_ref() != Some(location) {
        return Err(ItemRejection::TransferElsewhere { location: location.clone() });
    }
    Ok(())
}

/// Whether the caller may change catalog facts and price.
pub(super) fn catalog(item: &Item, caller: &Caller) -> Result<(), ItemRejection> {
    match caller.role {
        Role::Warehouse => Err(ItemRejection::ItemNotFound),
        Role::Supplier
        | Role::Service
        | Role::Operator
        | Role::Engine
        | Role::Store
        | Role::Shopper
        | Role::Analyst => stock(item, caller),
    }
}

/// Whether a store may give the item this owner: only itself.
pub(super) fn owner(store: Option<&StoreId>, caller: &Caller) -> Result<(), ItemRejection> {
    if caller.role == Role::Store { own_store(Some(store), caller) } else { Ok(()) }
}

fn own_store(store: Option<Option<&StoreId>>, caller: &Caller) -> Result<(), ItemRejection> {
    match store {
        // Not listed yet: nobody's.
        None => Ok(()),
        Some(Some(store)) if caller.store.as_ref() == Some(store) => Ok(()),
        Some(_) => Err(ItemRejection::ItemOfAnotherStore),
    }
}

/// Whether a free hold is the caller's own; another's looks as if it did not exist.
pub(super) fn hold(hold: &HoldId, caller: &Caller) -> Result<(), ItemRejection> {
    match hold {
        HoldId::Free { .. } if planted::bug!("hold-of-another") => Ok(()),
        HoldId::Free { caller: owner, .. } if *owner != caller.subject => Err(ItemRejection::HoldNotFound),
        HoldId::Free { .. } | HoldId::Order { .. } | HoldId::Drop { .. } => Ok(()),
    }
}
