//! The runner when a commit does not end well: its state is thrown away, and the log says what happened.

use super::{HandClock, PATIENCE, Sink, envelope, hold, list, receive};
use domain::Policy;
use event_log::{
    EventLog, MAX_RECORD_BYTES,
    simulated::{Fate, Profile, SimulatedLog, SimulatedOptions},
};
use processor::{Processor, ProcessorOptions};
use schemas::{
    Command, Rejection, Reply, ReplyBody, ShardCount, Topic,
    item::{ItemCommand, ItemReply},
    reply::Undecidable,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

/// One shard on a log of a cluster whose second commit ends as it is told.
struct Unlucky {
    log: Arc<SimulatedLog>,
    clock: Arc<HandClock>,
    processor: Processor,
    commits: Arc<AtomicUsize>,
    node: u32,
    replies: Receiver<Reply>,
    sent: u64,
}

impl Unlucky {
    /// The second commit ends so; commands come in memory or by the log.
    fn start(second: Fate, has_shortcut: bool) -> Self {
        let options = SimulatedOptions::new(Profile::Cluster, ShardCount::new(1).expect("one"));
        let log = SimulatedLog::new(SimulatedOptions { has_shortcut, ..options });
        let commits = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&commits);
        log.on_commit(Box::new(
            move |_| {
                if count.fetch_add(1, Ordering::AcqRel) == 1 { second } else { Fate::Committed }
            },
        ));
        let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000_000)));
        let options = ProcessorOptions::new(log.clone(), clock.clone(), Policy::default());
        let processor = Processor::start(options).expect("threads");
        let (sender, replies) = channel();
        let node = log.register(Arc::new(Sink(sender)));
        Self { log, clock, processor, commits, node, replies, sent: 0 }
    }

    fn send(&mut self, command: Command) {
        self.sent += 1;
        self.log.submit(envelope(self.node, self.sent, &self.clock, command)).expect("the log takes commands");
    }

    /// Waits for something that a shard which goes on brings.
    fn wait<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            self.log.deliver_replies(usize::MAX);
            if let Some(found) = look() {
                return found;
            }
            let goes_on = !self.processor.has_stopped() && since.elapsed() < PATIENCE;
            assert!(goes_on, "{:?}", self.processor.status());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn hear(&self) -> (u64, ReplyBody) {
        let reply = self.wait(|| self.replies.try_recv().ok());
        (reply.to.request, reply.outcome.expect("nothing here is refused"))
    }

    /// Lists an item, and receives five units of it by the commit that ends badly.
    fn receive_five(&mut self) {
        self.send(list("a"));
        assert_eq!(self.hear().0, 1);
        self.send(receive("a", 5));
        self.wait(|| (self.commits.load(Ordering::Acquire) > 1).then_some(()));
    }

    /// Whatever became of it: of the five units one is held, and the log tells each thing once.
    fn one_of_five_is_held(&mut self, request: u64) {
        let (heard, ReplyBody::Item(ItemReply::Hold(reply))) = self.hear() else { panic!("the answer to a hold") };
        assert_eq!((heard, reply.available), (request, Some(4)));
        let events = self.log.records(Topic::InventoryEvents, 0);
        let envelopes = events.iter().map(|event| event.envelope.as_ref().expect("events have attributes"));
        let types: Vec<_> = envelopes.map(|envelope| envelope.event_type.rsplit('.').nth(1).unwrap_or("")).collect();
        assert_eq!(types, ["item-listed", "price-changed", "stock-received", "hold-granted"]);
    }
}

fn what_was_not_written_is_decided_again(second: Fate, ways: &[bool]) {
    for &has_shortcut in ways {
        let mut shop = Unlucky::start(second, has_shortcut);
        shop.receive_five();
        shop.send(hold("a", "h"));
        assert_eq!(shop.hear().0, 2, "the receipt");
        shop.one_of_five_is_held(3);
    }
}

#[test]
fn what_an_abort_took_is_decided_again() {
    what_was_not_written_is_decided_again(Fate::Aborted, &[false, true]);
}

#[test]
fn what_an_indefinite_commit_did_not_write_is_decided_again() {
    // What came in memory is not: nobody can know, and its client asks again.
    what_was_not_written_is_decided_again(Fate::Indefinite { committed: false }, &[false]);
}

#[test]
fn what_became_of_an_indefinite_commit_is_learnt_from_the_log() {
    for (committed, has_shortcut) in [(true, false), (true, true), (false, true)] {
        let mut shop = Unlucky::start(Fate::Indefinite { committed }, has_shortcut);
        shop.receive_five();
        // Nobody answered the receipt. The same one again is told that it took effect, or does.
        shop.send(receive("a", 5));
        assert_eq!(shop.hear().0, 3);
        shop.send(hold("a", "h"));
        shop.one_of_five_is_held(4);
    }
}

#[test]
fn what_no_record_holds_is_refused_once_and_the_shard_goes_on() {
    let mut shop = Unlucky::start(Fate::Committed, true);
    let Command::Item { item, command: ItemCommand::List(mut large) } = list("a") else { panic!("a listing") };
    large.catalog.description = Some("x".repeat(MAX_RECORD_BYTES as usize));
    shop.send(Command::Item { item, command: ItemCommand::List(large) });
    let reply = shop.wait(|| shop.replies.try_recv().ok());
    assert_eq!(reply.outcome, Err(Rejection::Undecidable(Undecidable::TooLarge)));
    shop.send(list("b"));
    assert_eq!(shop.hear().0, 2);
    let (letters, status) = (shop.log.records(Topic::DeadLetters, 0), shop.processor.status());
    assert_eq!((letters.len(), status[0].epoch), (1, 1), "{status:?}");
}
