//! What is published: every type with its schema, and whom a change of it would break.

use schemars::{JsonSchema, Schema, schema_for};
use schemas::{
    Event,
    cart::{CartCommand, CartEvent, CartRejection},
    dead_letter::DeadLetterData,
    drop::{DropCommand, DropEvent, DropRejection},
    follows::{FollowsCommand, FollowsEvent, FollowsRejection},
    item::{ItemCommand, ItemEvent, ItemRejection},
    order::{OrderCommand, OrderEvent, OrderRejection},
    shopper::{ShopperCommand, ShopperEvent, ShopperRejection},
    state::{ItemState, OrderState, StockState},
    store::{StoreCommand, StoreEvent, StoreRejection},
    supplier::{ItemDelistedData, ItemListedData, PriceChangedData, StockReceivedData, StockReportedData},
    warehouse::{WarehouseCommand, WarehouseEvent, WarehouseRejection},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};

/// Who is on the other side of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// We write it anew each time, others read it: answers.
    Told,
    /// Others write it, we read it: requests, what suppliers publish.
    Taken,
    /// It is kept: old ones are read for as long, by us and by others, beside new ones.
    Stored,
}

/// A published type.
pub struct Published {
    pub schema: Schema,
    pub side: Side,
    /// What is written of it when it was read; the error says why it cannot be.
    pub read_and_written: fn(&str, &Value) -> Result<Value, String>,
}

/// A type with a schema that is read and written.
trait Data: JsonSchema + Serialize + DeserializeOwned {}

impl<T: JsonSchema + Serialize + DeserializeOwned> Data for T {}

fn published<T: Data>(name: &str, side: Side) -> (String, Published) {
    let read_and_written = |_: &str, value: &Value| {
        let read: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        serde_json::to_value(read).map_err(|error| error.to_string())
    };
    (name.to_owned(), Published { schema: schema_for!(T), side, read_and_written })
}

fn event((name, schema): (&str, Schema)) -> (String, Published) {
    let read_and_written = |name: &str, value: &Value| {
        let read = Event::read(name, value.to_string().as_bytes()).map_err(|error| error.to_string())?;
        serde_json::to_value(read).map_err(|error| error.to_string())
    };
    (name.to_owned(), Published { schema, side: Side::Stored, read_and_written })
}

fn told<T: Data>(name: &str) -> (String, Published) {
    published::<T>(name, Side::Told)
}

fn taken<T: Data>(name: &str) -> (String, Published) {
    published::<T>(name, Side::Taken)
}

fn stored<T: Data>(name: &str) -> (String, Published) {
    published::<T>(name, Side::Stored)
}

/// Every published type but the events, a line each.
fn others() -> Vec<(String, Published)> {
    vec![
        stored::<ItemCommand>("stockfold.inventory.commands.v1"),
        stored::<OrderCommand>("stockfold.orders.commands.v1"),
        stored::<CartCommand>("stockfold.carts.commands.v1"),
        stored::<StoreCommand>("stockfold.stores.commands.v1"),
        stored::<WarehouseCommand>("stockfold.warehouses.commands.v1"),
        stored::<DropCommand>("stockfold.drops.commands.v1"),
        stored::<FollowsCommand>("stockfold.follows.commands.v1"),
        stored::<ShopperCommand>("stockfold.shoppers.commands.v1"),
        told::<ItemRejection>("stockfold.inventory.rejections.v1"),
        told::<OrderRejection>("stockfold.orders.rejections.v1"),
        told::<CartRejection>("stockfold.carts.rejections.v1"),
        told::<StoreRejection>("stockfold.stores.rejections.v1"),
        told::<WarehouseRejection>("stockfold.warehouses.rejections.v1"),
        told::<DropRejection>("stockfold.drops.rejections.v1"),
        told::<FollowsRejection>("stockfold.follows.rejections.v1"),
        told::<ShopperRejection>("stockfold.shoppers.rejections.v1"),
        stored::<ItemState>("stockfold.items.item-state.v1"),
        stored::<StockState>("stockfold.stock.stock-state.v1"),
        stored::<OrderState>("stockfold.orders.order-state.v1"),
        stored::<DeadLetterData>("stockfold.dead-letter.v1"),
        taken::<ItemListedData>("stockfold.supplier.item-listed.v1"),
        taken::<PriceChangedData>("stockfold.supplier.price-changed.v1"),
        taken::<ItemDelistedData>("stockfold.supplier.item-delisted.v1"),
        taken::<StockReportedData>("stockfold.supplier.stock-reported.v1"),
        taken::<StockReceivedData>("stockfold.supplier.stock-received.v1"),
    ]
}

/// Every published type, by its name.
pub fn all() -> &'static BTreeMap<String, Published> {
    static ALL: LazyLock<BTreeMap<String, Published>> = LazyLock::new(|| {
        let events = [
            ItemEvent::schemas(),
            OrderEvent::schemas(),
            CartEvent::schemas(),
            StoreEvent::schemas(),
            WarehouseEvent::schemas(),
            DropEvent::schemas(),
            FollowsEvent::schemas(),
            ShopperEvent::schemas(),
        ];
        let events = events.into_iter().flatten().map(event);
        let all: Vec<_> = events.chain(others()).collect();
        let count = all.len();
        let by_name: BTreeMap<_, _> = all.into_iter().collect();
        assert_eq!(by_name.len(), count, "a name is published twice");
        by_name
    });
    &ALL
}
