//! Tickets of live routes: not forged, not used twice, not used elsewhere, and nowhere to be read.

use super::engine::{Ask, Engine, engine, token};

fn issue(engine: &Engine, token: &str) -> String {
    let made = engine.done(&Ask::new("POST", "/v1/live/tickets").by(token));
    assert_eq!(made.header("cache-control"), "private, no-store");
    made.body["ticket"].as_str().expect("a ticket").to_owned()
}

/// The inbox of whose ticket it is.
fn inbox(ticket: &str) -> Ask {
    Ask::get(format!("/v1/live/notifications?follow=false&ticket={ticket}"))
}

#[test]
fn a_ticket_opens_one_live_stream_and_nothing_else() {
    let (engine, alice, operator) = (engine(), token("shopper", "alice"), token("operator", "operator"));
    let ticket = issue(&engine, &alice);
    assert_eq!(engine.send(&inbox(&ticket)).status, 200);
    let again = engine.send(&inbox(&ticket));
    assert_eq!((again.status, again.code(), again.fault()), (401, "invalid_ticket", None));
    // It grants what the token grants.
    assert_eq!(engine.send(&inbox(&issue(&engine, &operator))).status, 403);
    for path in
        ["/v1/cart", "/v1/orders", "/v1/me", "/v1/notifications", "/v1/follows", "/v1/status", "/v1/stock?items=a"]
    {
        let (ticket, sign) = (issue(&engine, &operator), if path.contains('?') { '&' } else { '?' });
        let answer = engine.send(&Ask::get(format!("{path}{sign}ticket={ticket}")));
        assert!(matches!(answer.status, 400 | 401), "{path}: {answer:?}");
        let answer = engine.send(&Ask::get("/v1/orders").by(&ticket));
        assert_eq!((answer.status, answer.fault()), (401, None), "as a token: {answer:?}");
    }
    let told = engine.said() + &engine.send(&Ask::get("/metrics")).body.to_string();
    assert!(!told.contains(&ticket), "it stands in the log or in a label");
    engine.assert_unharmed();
}

#[test]
fn a_ticket_that_was_changed_or_made_up_is_none() {
    let (engine, alice) = (engine(), token("shopper", "alice"));
    let ticket = issue(&engine, &alice);
    for at in (0..ticket.len()).step_by(7) {
        let other = if &ticket[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &ticket[..at], &ticket[at + 1..]);
        let answer = engine.send(&inbox(&changed));
        assert_eq!((answer.status, answer.code(), answer.fault()), (401, "invalid_ticket", None), "{at}");
    }
    for made_up in ["", "AQ", &alice, &"A".repeat(3_000), "%00", "%ff"] {
        let answer = engine.send(&inbox(made_up));
        assert!(matches!(answer.status, 400 | 401), "{made_up}: {answer:?}");
        assert_eq!(answer.fault(), None, "{made_up}");
    }
    assert_eq!(engine.send(&inbox(&ticket)).status, 200, "none of that used it up");
}
