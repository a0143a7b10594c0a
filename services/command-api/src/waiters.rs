//! Who waits for an answer: register, deliver, cancel, time out.
//!
//! [`Table`] is sans-IO: time is an argument, and a waiter is whatever the caller puts in. [`Waiters`] is what the log
//! delivers to: sixteen tables, so that a thread that delivers and one that registers seldom meet.

use event_log::ReplySink;
use parking_lot::Mutex;
use schemas::Reply;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::sync::oneshot;

/// Tables; a power of two.
const TABLES: u64 = 16;

/// Waiters by request.
#[derive(Debug)]
pub(crate) struct Table<W> {
    waiting: HashMap<u64, (u64, W)>,
}

impl<W> Default for Table<W> {
    fn default() -> Self {
        Self { waiting: HashMap::new() }
    }
}

impl<W> Table<W> {
    /// Notes a waiter that gives up at `deadline_ms`.
    ///
    /// # Panics
    /// If the request waits already: requests are numbered once.
    pub fn register(&mut self, request: u64, deadline_ms: u64, waiter: W) {
        let before = self.waiting.insert(request, (deadline_ms, waiter));
        assert!(before.is_none(), "request {request} waits twice");
    }

    /// The waiter of a request, which waits no more; `None` where nobody waits (any more).
    pub fn take(&mut self, request: u64) -> Option<W> {
        self.waiting.remove(&request).map(|(_, waiter)| waiter)
    }

    /// Everybody whose deadline has come, who wait no more.
    pub fn expire(&mut self, now_ms: u64) -> Vec<W> {
        self.waiting.extract_if(|_, (deadline_ms, _)| *deadline_ms <= now_ms).map(|(_, (_, waiter))| waiter).collect()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// Takes the answers of this node to whoever waits for them.
pub(crate) struct Waiters {
    tables: [Mutex<Table<oneshot::Sender<Reply>>>; TABLES as usize],
    next: AtomicU64,
    /// Answers for which nobody waited any more.
    late: AtomicUsize,
}

impl Default for Waiters {
    fn default() -> Self {
        Self { tables: std::array::from_fn(|_| Mutex::default()), next: AtomicU64::new(1), late: AtomicUsize::new(0) }
    }
}

impl Waiters {
    fn table(&self, request: u64) -> &Mutex<Table<oneshot::Sender<Reply>>> {
        // Below TABLES, so it fits.
        &self.tables[(request % TABLES) as usize]
    }

    /// Waits for an answer from now on; dropping the ticket cancels.
    pub fn wait(self: &Arc<Self>, deadline_ms: u64) -> Ticket {
        let request = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.table(request).lock().register(request, deadline_ms, sender);
        Ticket { waiters: Arc::clone(self), request, receiver, registered: true }
    }

    /// Ends the wait of everybody whose deadline has come.
    pub fn expire(&self, now_ms: u64) {
        for table in &self.tables {
            // Dropped outside of the lock: that wakes them.
            let expired = table.lock().expire(now_ms);
            drop(expired);
        }
    }

    /// How many wait, and how many answers came too late.
    pub fn counts(&self) -> (usize, usize) {
        (self.tables.iter().map(|table| table.lock().len()).sum(), self.late.load(Ordering::Relaxed))
    }
}

impl ReplySink for Waiters {
    fn deliver(&self, replies: Vec<Reply>) {
        for reply in replies {
            let waiter = self.table(reply.to.request).lock().take(reply.to.request);
            if waiter.is_none_or(|waiter| waiter.send(reply).is_err()) {
                self.late.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A place among the waiters.
pub(crate) struct Ticket {
    waiters: Arc<Waiters>,
    request: u64,
    receiver: oneshot::Receiver<Reply>,
    registered: bool,
}

impl Ticket {
    /// The number of the request.
    pub const fn request(&self) -> u64 {
        self.request
    }

    /// The answer; `None` when the deadline came first.
    pub async fn answer(mut self) -> Option<Reply> {
        let answer = (&mut self.receiver).await.ok();
        // Whoever answered or gave up took it out of the table.
        self.registered = false;
        answer
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.registered {
            self.waiters.table(self.request).lock().take(self.request);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{PositionToken, ReplyAddress, ReplyBody, item::ItemReply};

    #[test]
    fn a_waiter_is_taken_once() {
        let mut table = Table::default();
        table.register(7, 100, "ada");
        assert_eq!(table.take(8), None);
        assert_eq!(table.take(7), Some("ada"));
        assert_eq!(table.take(7), None);
    }

    #[test]
    fn only_those_whose_deadline_has_come_expire() {
        let mut table = Table::default();
        table.register(1, 100, "early");
        table.register(2, 101, "late");
        assert_eq!(table.expire(99), Vec::<&str>::new());
        assert_eq!(table.expire(100), vec!["early"]);
        assert_eq!(table.len(), 1);
        assert_eq!(table.take(2), Some("late"));
    }

    fn reply(request: u64) -> Reply {
        Reply {
            to: ReplyAddress { node: 0, request },
            positions: PositionToken::default(),
            outcome: Ok(ReplyBody::Item(ItemReply::Done)),
        }
    }

    #[tokio::test]
    async fn an_answer_reaches_its_waiter_alone() {
        let waiters = Arc::new(Waiters::default());
        let (one, two) = (waiters.wait(100), waiters.wait(100));
        let (first, second) = (one.request(), two.request());
        waiters.deliver(vec![reply(second), reply(first), reply(99)]);
        assert_eq!(one.answer().await, Some(reply(first)));
        assert_eq!(two.answer().await, Some(reply(second)));
        assert_eq!(waiters.counts(), (0, 1));
    }

    #[tokio::test]
    async fn a_deadline_ends_the_wait() {
        let waiters = Arc::new(Waiters::default());
        let ticket = waiters.wait(100);
        waiters.expire(100);
        assert_eq!(ticket.answer().await, None);
        assert_eq!(waiters.counts(), (0, 0));
    }

    #[test]
    fn a_client_that_vanishes_leaves_the_table() {
        let waiters = Arc::new(Waiters::default());
        let ticket = waiters.wait(100);
        assert_eq!(waiters.counts().0, 1);
        drop(ticket);
        assert_eq!(waiters.counts().0, 0);
    }
}
