//! Mails: when they are sent, what they say, and what a real server takes.

use crate::{
    core_tests::{NOW, record_at, subject},
    mail::{About, Effect, Letter, MailCore, MailError, MailOptions, Outcome, Post, Untaken},
};
use engines::Mailbox;
use read_model::Checkpoints;
use schemas::{
    EffectId, Event, Password, ShardCount, StoreId, Timestamp,
    shopper::{Channels, Notification, NotificationKind, ShopperEvent, ShopperNotified},
    store::EmailAddress,
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
};

fn notified(id: &str, email: bool) -> Event {
    let notification = Notification {
        notification_id: EffectId::parse(id).expect("an id"),
        kind: NotificationKind::DropScheduled,
        occurred_at: NOW,
        store: StoreId::parse("acme").ok(),
        drop: None,
        order_id: None,
    };
    Event::Shopper(ShopperEvent::from(ShopperNotified { notification, channels: Channels { in_app: true, email } }))
}

fn core(most_at_once: usize) -> MailCore {
    MailCore::new(ShardCount::new(1).expect("a count"), most_at_once, &Checkpoints::new())
}

fn take(core: &mut MailCore, seq: u64, email: bool, now: Timestamp) {
    core.take(&record_at("alice", seq, &notified(&format!("n-{seq}"), email), NOW), now).expect("taken");
}

fn ids(effects: &[Effect]) -> Vec<u64> {
    effects.iter().map(|effect| effect.job).collect()
}

fn seq(core: &MailCore) -> u64 {
    core.done().next().map_or(0, |(_, checkpoint)| checkpoint.seq)
}

#[test]
fn so_many_are_sent_at_once_and_what_is_told_otherwise_is_passed() {
    let mut core = core(2);
    for (number, email) in [(1, true), (2, false), (3, true), (4, true)] {
        take(&mut core, number, email, NOW);
    }
    let first = core.take_effects();
    assert_eq!((first.len(), core.open(), core.take_effects()), (2, 3, Vec::new()));
    assert_eq!((&first[0].shopper, first[1].notification.notification_id.as_str()), (&subject("alice"), "n-3"));
    core.sent(first[1].job, Outcome::Sent, NOW, 0);
    assert_eq!((core.take_effects().len(), seq(&core)), (1, 0), "the first one is still open");
    core.sent(first[0].job, Outcome::Refused, NOW, 0);
    assert_eq!(seq(&core), 3, "what is refused is done");
}

#[test]
fn what_was_not_taken_is_tried_again_later_and_later_for_a_day() {
    let mut core = core(1);
    take(&mut core, 1, true, NOW);
    let mut now_ms = 0;
    for delay in [1_000, 2_000, 4_000] {
        let effects = core.take_effects();
        assert!(!core.sent(effects[0].job, Outcome::Failed, NOW, now_ms));
        assert_eq!((core.next_due_ms(), seq(&core)), (Some(now_ms + delay), 0));
        now_ms += delay;
        core.tick(now_ms - 1);
        assert_eq!(core.take_effects(), []);
        core.tick(now_ms);
    }
    let effects = core.take_effects();
    assert!(core.sent(effects[0].job, Outcome::Failed, NOW.plus_seconds(24 * 3_600), now_ms), "it is given up");
    assert_eq!((core.open(), seq(&core), ids(&core.take_effects())), (0, 1, Vec::new()));
}

#[test]
fn without_a_server_and_of_what_is_old_nothing_is_sent() {
    for (most_at_once, now) in [(0, NOW), (1, NOW.plus_seconds(24 * 3_600))] {
        let mut core = core(most_at_once);
        take(&mut core, 1, true, now);
        assert_eq!((core.take_effects(), core.open(), seq(&core)), (Vec::new(), 0, 1));
    }
}

fn about() -> About {
    let starts_at = Timestamp::parse("2026-07-01T16:00:00Z").ok();
    let order = schemas::OrderId::parse("o-7").ok();
    About { store: Some("Müller & <Sons> {order}".to_owned()), title: Some("Sneaker".to_owned()), starts_at, order }
}

#[test]
fn it_is_written_in_the_language_and_the_time_of_who_reads_it() {
    let write = |locale, zone| Letter::write(NotificationKind::DropScheduled, &about(), NOW, locale, zone);
    let german = write(Some("de-CH"), Some("Europe/Zurich"));
    assert_eq!(german.subject, "Müller & <Sons> {order}: Sneaker");
    assert!(german.text.contains("Er beginnt am 01.07.2026, 18:00 Uhr (CEST)."), "{}", german.text);
    assert!(german.html.contains("lang=\"de\"") && german.html.contains("Müller &amp; &lt;Sons&gt; {order}"));
    for locale in [None, Some("fr"), Some("en-GB")] {
        let english = write(locale, Some("Nowhere/Land"));
        assert!(english.text.contains("It starts at 1 Jul 2026, 16:00 (UTC)."), "{}", english.text);
    }
}

#[test]
fn every_kind_says_something_of_its_own_in_every_language() {
    let mut subjects = std::collections::BTreeSet::new();
    for (kind, locale) in NotificationKind::ALL.into_iter().flat_map(|kind| [(kind, "en"), (kind, "de")]) {
        let letter = Letter::write(kind, &about(), NOW, Some(locale), None);
        let placeholders = letter.text.replace("{order}", "");
        assert!(!placeholders.contains(['{', '}']), "{}", letter.text);
        subjects.insert((locale, letter.text));
    }
    assert_eq!(subjects.len(), 16);
}

fn options(url: &str) -> MailOptions {
    MailOptions {
        url: Password::new(url.to_owned()),
        from: "Shop <shop@shop.example>".to_owned(),
        unsubscribe_url: None,
        most_at_once: 2,
    }
}

fn letter() -> Letter {
    Letter::write(NotificationKind::DropScheduled, &about(), NOW, Some("de"), Some("Europe/Berlin"))
}

fn id() -> EffectId {
    EffectId::parse("d7123d28-b52c-5bd8-b5b9-733d8997f74f").expect("an id")
}

#[tokio::test]
async fn a_real_server_takes_it_with_its_headers_and_both_parts() {
    let server = engines::mail();
    let mailbox: Mailbox = server.mailbox("ada@people.example");
    let url = "https://shop.example/settings".to_owned();
    let options = MailOptions { unsubscribe_url: Some(url), ..options(&format!("smtp://{}", server.smtp())) };
    let post = Post::new(&options).expect("it is sound");
    post.send(&EmailAddress("ada@people.example".to_owned()), &id(), letter()).await.expect("taken");
    let mails = mailbox.messages();
    assert_eq!(mails.len(), 1);
    for part in [
        "Message-ID: <d7123d28-b52c-5bd8-b5b9-733d8997f74f@shop.example>",
        "List-Unsubscribe: <https://shop.example/settings>",
        "From: \"Shop\" <shop@shop.example>",
        "To: ada@people.example",
        "Content-Type: multipart/alternative",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
    ] {
        assert!(mails[0].contains(part) || mails[0].contains(&part.replace('"', "")), "{part}: {}", mails[0]);
    }
}

/// A server that greets, takes a sender and answers the first recipient so.
fn scripted(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let say = |line: &str| (&stream).write_all(format!("{line}\r\n").as_bytes());
        say("220 hello")?;
        while let Some(Ok(line)) = lines.next() {
            say(if line.starts_with("RCPT") { answer } else { "250 well" })?;
        }
        Ok::<_, std::io::Error>(())
    });
    address
}

#[tokio::test]
async fn an_address_that_is_refused_for_good_is_told_from_a_server_that_is_busy_or_away() {
    let ask = async |answer: Option<&'static str>, to: &str| {
        let address = answer.map_or_else(|| "127.0.0.1:1".to_owned(), |answer| scripted(answer).to_string());
        let post = Post::new(&options(&format!("smtp://{address}"))).expect("it is sound");
        post.send(&EmailAddress(to.to_owned()), &id(), letter()).await.expect_err("not taken")
    };
    let to = "nobody@people.example";
    assert_eq!(ask(Some("550 5.1.1 <nobody@people.example> unknown"), to).await, Untaken::Refused(Some(550)));
    assert_eq!(ask(Some("550 unknown"), "no address").await, Untaken::Refused(None));
    for answer in [Some("450 4.2.1 <nobody@people.example> later"), Some("530 log in first"), None] {
        let untaken = ask(answer, to).await;
        let Untaken::Failed(reason) = &untaken else { panic!("{answer:?}: {untaken:?}") };
        assert!(!reason.contains("nobody"), "{reason}");
    }
}

#[test]
fn what_cannot_be_is_refused_without_telling_the_password() {
    let fault = |change: fn(&mut MailOptions)| {
        let mut options = options("smtp://127.0.0.1:25");
        change(&mut options);
        Post::new(&options).err()
    };
    assert!(fault(|_| {}).is_none());
    let url = fault(|options| options.url = Password::new("ftp://user:hunter2@host".to_owned()));
    assert!(matches!(&url, Some(error @ MailError::Url) if !error.to_string().contains("hunter2")));
    assert!(matches!(fault(|options| options.from = "nobody".to_owned()), Some(MailError::From(_))));
    let page = |options: &mut MailOptions| options.unsubscribe_url = Some("javascript:1".to_owned());
    assert!(matches!(fault(page), Some(MailError::Unsubscribe(_))));
}
