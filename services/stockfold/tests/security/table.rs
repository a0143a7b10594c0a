//! What is allowed to whom, as the contract says it; nothing of it is taken from the code.

use super::targets::Kind;

/// Who calls, in the order of the columns below.
pub const CALLERS: [&str; 13] =
    ["nobody", "alice", "bob", "ann", "abe", "gil", "supplier", "main", "north", "erp", "wms", "analyst", "operator"];

/// How the callers are answered, a sign each, spaces apart: nobody, the shoppers `alice` and `bob`, the staff `ann` and
/// `abe` of the store `acme` and `gil` of another, a supplier, the warehouses `main` and `north`, the services `erp` and
/// `wms`, an analyst, an operator.
///
/// - `y`: it is done.
/// - `e`: it is done, and tells nothing of the target.
/// - `a`: of stock, no more than what is available.
/// - `l`: 401, whatever it names.
/// - `r`: 403, whatever it names.
/// - `h`: what does not exist is answered the same.
/// - `f`: 403: the item is no secret, and it is another's.
/// - `n`: 404: the order is theirs to see, and there is nothing of this kind in it.
/// - `w`: 409: lines of the order are theirs to sell, and nobody has bought them yet.
pub struct Row {
    pub operation: &'static str,
    pub of: Kind,
    pub answers: &'static str,
}

pub const fn row(operation: &'static str, of: Kind, answers: &'static str) -> Row {
    Row { operation, of, answers }
}

use Kind::{
    AllocatedOrder, CommittedHold, ConfirmedOrder, Drop, Hold, Item, LiveDrop, Order, PaidOrder, PaidStoreOrder,
    QueueingDrop, ReturnedOrder, ShippedOrder, Store, StoreOrder, Transfer, Warehouse,
};

/// Every operation of the contract.
pub const TABLE: &[Row] = &[
    row("PUT /v1/items/{itemId}", Item, "l rr yyf y rr rr r y"),
    row("PATCH /v1/items/{itemId}", Item, "l rr yyf y rr rr r y"),
    row("DELETE /v1/items/{itemId}", Item, "l rr yyf y rr rr r y"),
    row("PUT /v1/items/{itemId}/safety", Item, "l rr yyf y rr rr r y"),
    row("POST /v1/items/{itemId}/receipts", Item, "l rr yyf y yr rr r y"),
    row("POST /v1/items/{itemId}/counts", Item, "l rr yyf y yr rr r y"),
    row("POST /v1/items/{itemId}/moves", Item, "l rr yyf y yr rr r y"),
    row("POST /v1/items/{itemId}/moves/{moveId}/receive", Transfer, "l rr yyf y fy rr r y"),
    row("POST /v1/items:import", Item, "l rr yyf y yr rr r y"),
    row("POST /v1/supplier-events", Item, "l rr rrr y rr yy r y"),
    row("POST /v1/items/{itemId}/holds", Item, "l rr yyf r rr yy r y"),
    row("POST /v1/items/{itemId}/holds/{holdId}/commit", Hold, "l rr hhr r rr yh r h"),
    row("POST /v1/items/{itemId}/holds/{holdId}/release", Hold, "l rr hhr r rr yh r h"),
    row("POST /v1/items/{itemId}/holds/{holdId}/ship", CommittedHold, "l rr hhr r rr yh r h"),
    row("GET /v1/items/{itemId}/holds/{holdId}", Hold, "l rr hhh r rr yh r h"),
    row("PUT /v1/cart/lines/{itemId}", Item, "l yy rrr r rr rr r r"),
    row("PATCH /v1/cart?op=ADD", Item, "l yy rrr r rr rr r r"),
    row("PATCH /v1/cart?op=REMOVE", Item, "l yy rrr r rr rr r r"),
    row("GET /v1/cart", Item, "l yy rrr r rr rr r r"),
    row("POST /v1/cart/merge", Item, "l yy rrr r rr rr r r"),
    row("POST /v1/guests", Item, "y yy yyy y yy yy y y"),
    row("PUT /v1/stores/{storeId}", Store, "l rr yyh r rr yy r y"),
    row("GET /v1/stores/{storeId}", Store, "y yy yyy y yy yy y y"),
    row("PUT /v1/follows/{storeId}", Store, "l yy rrr r rr rr r r"),
    row("DELETE /v1/follows/{storeId}", Store, "l yy rrr r rr rr r r"),
    row("GET /v1/follows", Store, "l yy rrr r rr rr r r"),
    row("PUT /v1/me", Store, "l yy rrr r rr rr r r"),
    row("GET /v1/me", Store, "l yy rrr r rr rr r r"),
    row("GET /v1/notifications", Store, "l yy rrr r rr rr r r"),
    row("POST /v1/drops", Item, "l rr yyf r rr yy r y"),
    row("PATCH /v1/drops/{dropId}", Drop, "l rr yyh r rr yy r y"),
    row("POST /v1/drops/{dropId}/pause", Drop, "l rr yyh r rr yy r y"),
    row("POST /v1/drops/{dropId}/resume", Drop, "l rr yyh r rr yy r y"),
    row("POST /v1/drops/{dropId}/cancel", Drop, "l rr yyh r rr yy r y"),
    row("POST /v1/drops/{dropId}/queue", QueueingDrop, "l yy rrr r rr rr r r"),
    row("POST /v1/drops/{dropId}/claims", LiveDrop, "l yy rrr r rr rr r r"),
    row("GET /v1/drops/{dropId}/queue/{ticket}", QueueingDrop, "l yh rrr r rr rr r r"),
    row("GET /v1/drops/{dropId}", Drop, "y yy yyy y yy yy y y"),
    row("GET /v1/drops?store=acme", Drop, "y yy yyy y yy yy y y"),
    row("PUT /v1/warehouses/{location}", Warehouse, "l rr rrr r yh yy r y"),
    row("GET /v1/warehouses/{location}", Warehouse, "l rr rrr r yh yy r y"),
    row("GET /v1/warehouses/{location}/orders", Warehouse, "l rr rrr r yh yy r y"),
    row("POST /v1/checkout?op=BEGIN", Item, "l yy rrr r rr rr r r"),
    row("POST /v1/checkout?op=SUBMIT", PaidOrder, "l yh hhh r rr yy r y"),
    row("POST /v1/checkout?op=SUBMIT", PaidStoreOrder, "l hh yyh r rr yy r y"),
    row("POST /v1/checkout?op=CANCEL", Order, "l yh wwh r rr yy r y"),
    row("POST /v1/checkout?op=CANCEL", StoreOrder, "l hh yyh r rr yy r y"),
    row("POST /v1/orders", Item, "l rr yyh r rr yy r y"),
    row("POST /v1/orders/{orderId}/submit", PaidOrder, "l yh hhh r rr yy r y"),
    row("POST /v1/orders/{orderId}/submit", PaidStoreOrder, "l hh yyh r rr yy r y"),
    row("POST /v1/orders/{orderId}/cancel", ConfirmedOrder, "l yh yyh r rr yy r y"),
    row("POST /v1/orders/{orderId}/payments", Order, "l yh hhh r rr yy r y"),
    row("POST /v1/orders/{orderId}/payments", StoreOrder, "l hh yyh r rr yy r y"),
    // The signature says who it is, and the token nothing.
    row("POST /v1/webhooks/payments", Order, "y yy yyy y yy yy y y"),
    row("POST /v1/orders/{orderId}/refunds", ConfirmedOrder, "l rr rrr r rr rr r y"),
    row("POST /v1/orders/{orderId}/shipments", AllocatedOrder, "l rr rrr r yh yy r y"),
    // It goes to the customer: nobody receives it to ship it on.
    row("POST /v1/orders/{orderId}/shipments/{shipmentId}/receive", ShippedOrder, "l rr rrr r nh nn r n"),
    row("POST /v1/orders/{orderId}/deliveries", ShippedOrder, "l rr rrr r yh yy r y"),
    row("POST /v1/orders/{orderId}/returns", ShippedOrder, "l yh hhh r rr yy r y"),
    row("POST /v1/orders/{orderId}/returns/{returnId}/receipts", ReturnedOrder, "l rr rrr r yr yy r y"),
    row("GET /v1/orders/{orderId}", Order, "l yh yyh h hh yy h y"),
    row("GET /v1/orders/{orderId}", StoreOrder, "l hh yyh h hh yy h y"),
    row("GET /v1/orders?limit=200", Order, "l ye yye e ee ee e e"),
    row("GET /v1/orders?limit=200", StoreOrder, "l ee yye e ee ee e e"),
    row("GET /v1/orders?limit=200&shopper=alice", Order, "l rr rrr r rr yy r y"),
    row("GET /v1/items", Item, "y yy yyy y yy yy y y"),
    row("GET /v1/items/{itemId}", Item, "y yy yyy y yy yy y y"),
    row("GET /v1/stock?items={items}", Item, "a aa yya y yy yy a y"),
    row("GET /v1/items/{itemId}/stock", Item, "a aa yya y yy yy a y"),
    row("GET /v1/items/{itemId}/stock?asOf=2100-01-01T00:00:00Z", Item, "l rr yyr y yy yy r y"),
    row("GET /v1/items/{itemId}/ledger", Item, "l rr yyr y yy yy r y"),
    // Staff too see no more here than everybody does.
    row("GET /v1/live/stock?items={items}&follow=false", Item, "a aa aaa a aa aa a a"),
    row("GET /v1/live/drops/{dropId}", Drop, "y yy yyy y yy yy y y"),
    row("GET /v1/live/notifications?follow=false", Item, "l yy rrr r rr rr r r"),
    row("POST /v1/live/tickets", Item, "l yy yyy y yy yy y y"),
    row("GET /v1/log/{topic}?follow=false", Item, "l rr rrr r rr rr y y"),
    row("GET /v1/analytics/most-bought", Item, "y yy yyy y yy yy y y"),
    row("GET /v1/items/{itemId}/bought-together", Item, "y yy yyy y yy yy y y"),
    row("GET /v1/analytics/turnover", Store, "l rr yyy r rr rr y y"),
    row("GET /v1/subjects?sub=alice", Store, "l rr rrr r rr rr r y"),
    row("GET /v1/subjects/{subject}/keys", Store, "l rr rrr r rr rr r y"),
    // They never had such a key.
    row("GET /v1/subjects/{subject}/keys/{keyId}", Store, "l rr rrr r rr rr r n"),
    row("POST /v1/subjects/{subject}/forget", Store, "l rr rrr r rr rr r y"),
    row("GET /v1/dead-letters", Store, "l rr rrr r rr rr r y"),
    // There is no such letter.
    row("GET /v1/dead-letters/{letterId}", Store, "l rr rrr r rr rr r n"),
    row("POST /v1/dead-letters/{letterId}/redrive", Store, "l rr rrr r rr rr r n"),
    row("POST /v1/dead-letters:redrive", Store, "l rr rrr r rr rr r y"),
    row("GET /v1/status", Item, "l rr rrr r rr rr r y"),
    row("POST /v1/test-clock/advance", Item, "l rr rrr r rr rr r y"),
    row("GET /livez", Item, "y yy yyy y yy yy y y"),
    row("GET /readyz", Item, "y yy yyy y yy yy y y"),
    row("GET /metrics", Item, "y yy yyy y yy yy y y"),
];
