//! Tickets for what cannot send a header: `EventSource` and `WebSocket` of a browser. A ticket stands in the URL, so it
//! holds for half a minute, once, and on live routes only.
//!
//! It says whose it is under a MAC, so every node of a deployment takes it and none need ask another. Which were used is
//! known to the node alone that took them: on `n` nodes a ticket that was stolen within its half minute opens at most `n`
//! streams, each of which shows what its owner may read, and none of which can write.

use crate::{
    auth::{MaybeSession, Session},
    edge::Edge,
    mac::{MacKey, same},
    params::Params,
    problem::Problem,
};
use axum::http::{HeaderValue, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use schemas::{Caller, Clock, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, sync::Arc};
use uuid::Uuid;

/// How long a ticket holds.
const LIFE_SECONDS: u32 = 30;
/// How far the clocks of two nodes may be apart.
const SKEW_MS: i64 = 5_000;
/// The first byte of a ticket: another format gets another number.
const VERSION: u8 = 1;
/// The longest ticket that is read.
const MAX_TEXT: usize = 1_024;
const TAG: usize = 16;
/// Used tickets of one generation that are kept. Beyond it none is taken any more: none is ever forgotten too early.
const GENERATION: usize = 1 << 18;

/// What a ticket says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(rename = "c")]
    caller: Caller,
    /// The end of the token that it was taken with.
    #[serde(rename = "u")]
    until: Timestamp,
    /// Its own end.
    #[serde(rename = "e")]
    expires_at: Timestamp,
    /// No two are alike.
    #[serde(rename = "n")]
    nonce: Uuid,
}

/// Tickets that were used: those that end before `turn` and, in `young`, those that end after it.
struct Used {
    old: HashSet<Uuid>,
    young: HashSet<Uuid>,
    turn: Timestamp,
}

/// Makes and redeems tickets.
pub struct Tickets {
    key: MacKey,
    used: Mutex<Used>,
    /// When this process began to remember: a ticket that is older may have been used before.
    since: Timestamp,
    wall: Arc<dyn Clock>,
}

impl Tickets {
    pub(crate) fn new(key: MacKey, wall: Arc<dyn Clock>) -> Self {
        let since = wall.now();
        let used = Used { old: HashSet::new(), young: HashSet::new(), turn: since };
        Self { key, used: Mutex::new(used), since, wall }
    }

    /// A ticket for the holder of a token, and when it ends.
    ///
    /// # Panics
    /// Never: a caller is plain data.
    #[must_use]
    pub fn issue(&self, session: &Session) -> (String, Timestamp) {
        let expires_at = self.wall.now().plus_seconds(LIFE_SECONDS);
        let Session { caller, until } = session.clone();
        let content = Content { caller, until, expires_at, nonce: Uuid::new_v4() };
        let content = serde_json::to_vec(&content).expect("a caller is plain data");
        let mut bytes = Vec::with_capacity(1 + TAG + content.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.key.digest16(&[&[VERSION], &content]));
        bytes.extend_from_slice(&content);
        (URL_SAFE_NO_PAD.encode(bytes), expires_at)
    }

    /// Whose ticket it is; 401 `invalid_ticket` for one that was never made, has ended, or was used.
    pub fn redeem(&self, ticket: &str) -> Result<Session, Problem> {
        let content = self.open(ticket).ok_or_else(refused)?;
        let now = self.wall.now();
        let issued = content.expires_at.millis() - i64::from(LIFE_SECONDS) * 1_000;
        let holds = now < content.expires_at && now < content.until && issued >= self.since.millis() - SKEW_MS;
        if !holds {
            return Err(refused());
        }
        self.use_up(content.nonce, now)?;
        Ok(Session { caller: content.caller, until: content.until })
    }

    fn open(&self, ticket: &str) -> Option<Content> {
        let bytes = Some(ticket).filter(|text| text.len() <= MAX_TEXT)?;
        let bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?;
        let (version, rest) = bytes.split_first().filter(|(version, _)| **version == VERSION)?;
        let (tag, content) = rest.split_at_checked(TAG)?;
        if !same(tag, &self.key.digest16(&[&[*version], content])) {
            return None;
        }
        serde_json::from_slice(content).ok()
    }

    fn use_up(&self, nonce: Uuid, now: Timestamp) -> Result<(), Problem> {
        let mut used = self.used.lock();
        if now >= used.turn {
            // What was used before the last turn has ended by now.
            used.old = std::mem::take(&mut used.young);
            used.turn = now.plus_seconds(LIFE_SECONDS).plus_millis(SKEW_MS);
        }
        if used.young.contains(&nonce) || used.old.contains(&nonce) {
            return Err(refused());
        }
        if used.young.len() >= GENERATION {
            return Err(Problem::unavailable("too_many_tickets", "too many tickets were used just now"));
        }
        used.young.insert(nonce);
        Ok(())
    }
}

fn refused() -> Problem {
    let detail = "the ticket does not hold: it is good for one use within 30 seconds";
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_ticket", detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"stockfold\""))
}

impl Edge {
    /// Makes and redeems tickets.
    #[must_use]
    pub fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    /// Who calls a live route: by the token, or by `ticket` of the query.
    pub fn session_of(&self, session: MaybeSession, params: &mut Params) -> Result<Option<Session>, Problem> {
        let Some(ticket) = params.raw("ticket") else { return Ok(session.0) };
        if session.0.is_some() {
            return Err(Problem::bad_request("two_credentials", "send a token or a ticket, not both"));
        }
        self.tickets().redeem(&ticket).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{Role, SubjectId};
    use std::sync::atomic::{AtomicI64, Ordering};

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    fn session() -> Session {
        let subject = SubjectId::parse("ada").expect("an id");
        let caller = Caller { role: Role::Shopper, subject, store: None, location: None };
        Session { caller, until: Timestamp::from_millis(3_600_000) }
    }

    fn tickets(clock: &Arc<Hand>) -> Tickets {
        Tickets::new(MacKey::new(b"secret"), clock.clone())
    }

    fn code(refused: Result<Session, Problem>) -> String {
        refused.expect_err("refused").code().to_owned()
    }

    #[test]
    fn a_ticket_is_its_owners_once() {
        let clock = Arc::new(Hand::default());
        let tickets = tickets(&clock);
        let (ticket, expires_at) = tickets.issue(&session());
        assert_eq!(expires_at, Timestamp::from_millis(30_000));
        assert_eq!(tickets.redeem(&ticket).expect("it holds"), session());
        assert_eq!(code(tickets.redeem(&ticket)), "invalid_ticket");
        assert_ne!(tickets.issue(&session()).0, ticket);
    }

    #[test]
    fn another_node_takes_it_and_one_that_began_later_does_not() {
        let clock = Arc::new(Hand::default());
        let (here, there) = (tickets(&clock), tickets(&clock));
        let (ticket, _) = here.issue(&session());
        clock.0.store(29_999, Ordering::Relaxed);
        assert!(there.redeem(&ticket).is_ok());
        // It may have been used before that process began.
        assert_eq!(code(tickets(&clock).redeem(&ticket)), "invalid_ticket");
    }

    #[test]
    fn it_ends_with_its_time_and_with_its_token() {
        let clock = Arc::new(Hand::default());
        let tickets = tickets(&clock);
        let (ticket, _) = tickets.issue(&session());
        clock.0.store(30_000, Ordering::Relaxed);
        assert_eq!(code(tickets.redeem(&ticket)), "invalid_ticket");
        let short = Session { until: Timestamp::from_millis(31_000), ..session() };
        let (ticket, _) = tickets.issue(&short);
        clock.0.store(31_000, Ordering::Relaxed);
        assert_eq!(code(tickets.redeem(&ticket)), "invalid_ticket");
    }

    #[test]
    fn a_changed_ticket_is_none() {
        let clock = Arc::new(Hand::default());
        let tickets = tickets(&clock);
        let (ticket, _) = tickets.issue(&session());
        let bytes = URL_SAFE_NO_PAD.decode(&ticket).expect("base64");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(code(tickets.redeem(&URL_SAFE_NO_PAD.encode(changed))), "invalid_ticket", "byte {at}");
        }
        for other in ["", "x", "AQ", &"A".repeat(2_000)] {
            assert_eq!(code(tickets.redeem(other)), "invalid_ticket", "{other}");
        }
        let stranger = Tickets::new(MacKey::new(b"another"), clock.clone());
        assert_eq!(code(stranger.redeem(&ticket)), "invalid_ticket");
        assert!(tickets.redeem(&ticket).is_ok(), "none of that used it up");
    }

    #[test]
    fn what_was_used_is_remembered_for_as_long_as_it_holds_and_no_longer() {
        let clock = Arc::new(Hand::default());
        let tickets = tickets(&clock);
        for second in 0..200 {
            clock.0.store(second * 1_000, Ordering::Relaxed);
            let (ticket, _) = tickets.issue(&session());
            assert!(tickets.redeem(&ticket).is_ok());
            clock.0.store(second * 1_000 + 999, Ordering::Relaxed);
            assert_eq!(code(tickets.redeem(&ticket)), "invalid_ticket");
        }
        let used = tickets.used.lock();
        assert!(used.young.len() + used.old.len() <= 80, "{}", used.young.len() + used.old.len());
    }
}
