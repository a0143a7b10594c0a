//! Which roles may send what. Whose item or order it is, the item or order decides.

use edge::{FieldError, Problem, require};
use schemas::{Caller, LocationId, Rejection, Role, StoreId, store::StoreRejection, warehouse::WarehouseRejection};

/// Catalog facts and prices.
pub(crate) fn catalog(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Supplier, Role::Operator, Role::Store])
}

/// Stock of a location: also the warehouse there.
pub(crate) fn stock(caller: &Caller, location: &LocationId) -> Result<(), Problem> {
    require(caller, &[Role::Supplier, Role::Operator, Role::Store, Role::Warehouse])?;
    if caller.role == Role::Warehouse && caller.location.as_ref() != Some(location) {
        return Err(Problem::forbidden("a warehouse changes the stock of its own location only"));
    }
    Ok(())
}

/// What arrives of transfers; a warehouse only where it stands, which the item looks at.
pub(crate) fn arrivals(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Supplier, Role::Operator, Role::Store, Role::Warehouse])
}

/// Free holds.
pub(crate) fn holds(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Service, Role::Store, Role::Operator])
}

/// A shopper's own checkout.
pub(crate) fn checkout(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Shopper])
}

/// A shopper's or guest's own cart.
pub(crate) fn cart(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Shopper])
}

/// What shoppers say of themselves, and whom they follow.
pub(crate) fn person(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Shopper])
}

/// What a store says of itself. Another store's is not found, as the store itself answers.
pub(crate) fn store(caller: &Caller, store: &StoreId) -> Result<(), Problem> {
    require(caller, &[Role::Store, Role::Service, Role::Operator])?;
    if caller.role == Role::Store && caller.store.as_ref() != Some(store) {
        return Err(Rejection::Store(StoreRejection::StoreNotFound).into());
    }
    Ok(())
}

/// What a store offers for a while. Whose drop it is, the drop decides.
pub(crate) fn drops(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Store, Role::Service, Role::Operator])
}

/// The store whose drop the caller schedules: a store's own, whatever it says, or what who acts for the shop says.
pub(crate) fn drop_store(caller: &Caller, named: Option<StoreId>) -> Result<StoreId, Problem> {
    match (&caller.store, named) {
        (Some(own), Some(named)) if *own != named => {
            Err(Problem::forbidden("a store schedules its own drops only").with("store", own.as_str()))
        }
        (Some(own), _) => Ok(own.clone()),
        (None, Some(named)) => Ok(named),
        (None, None) => {
            let (pointer, code) = ("/store".to_owned(), "missing".into());
            let detail = "is required of who acts for the shop".to_owned();
            Err(Problem::faults("invalid_body", vec![FieldError { pointer, code, detail }]))
        }
    }
}

/// What is known of a warehouse. Another location's is not found, as the warehouse itself answers.
pub(crate) fn warehouse(caller: &Caller, location: &LocationId) -> Result<(), Problem> {
    require(caller, &[Role::Warehouse, Role::Service, Role::Operator])?;
    if caller.role == Role::Warehouse && caller.location.as_ref() != Some(location) {
        return Err(Rejection::Warehouse(WarehouseRejection::WarehouseNotFound).into());
    }
    Ok(())
}

/// Orders that other systems place.
pub(crate) fn place_order(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Service, Role::Operator, Role::Store])
}

/// What happens to an order later: its shopper, the store that placed it or sells lines of it, and the shop itself.
pub(crate) fn order(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Shopper, Role::Service, Role::Operator, Role::Store])
}

/// Shipments and deliveries: a warehouse's of its own location, which the order looks at.
pub(crate) fn parcels(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Warehouse, Role::Service, Role::Operator])
}

/// What comes back to a location.
pub(crate) fn parcels_at(caller: &Caller, location: &LocationId) -> Result<(), Problem> {
    parcels(caller)?;
    if caller.role == Role::Warehouse && caller.location.as_ref() != Some(location) {
        return Err(Problem::forbidden("a warehouse receives at its own location only"));
    }
    Ok(())
}

/// What only the operator does.
pub(crate) fn operator(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Operator])
}

/// The store of an item that the caller lists: a store's own, whatever it says, or what a trusted caller says.
pub(crate) fn listed_store(caller: &Caller, named: Option<StoreId>) -> Result<Option<StoreId>, Problem> {
    match (&caller.store, named) {
        (Some(own), Some(named)) if *own != named => {
            Err(Problem::forbidden("a store lists its own items only").with("store", own.as_str()))
        }
        (Some(own), _) => Ok(Some(own.clone())),
        (None, named) => Ok(named),
    }
}

/// What suppliers' systems say, published for them.
pub(crate) fn supplier_events(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Supplier, Role::Service, Role::Operator])
}

/// Imports; each line is checked as the call that it stands for.
pub(crate) fn import(caller: &Caller) -> Result<(), Problem> {
    require(caller, &[Role::Supplier, Role::Operator, Role::Store, Role::Warehouse])
}
