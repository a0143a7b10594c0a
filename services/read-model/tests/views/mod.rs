mod hold;
mod item;
mod item_list;
mod ledger;
mod order;
mod orders_by_shopper;
mod stock;
