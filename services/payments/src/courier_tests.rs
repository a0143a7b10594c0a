//! The sandbox's webhooks on a real socket: what is sent, and that it is sent until it is taken.

use crate::{
    courier::Courier,
    provider::{Authorization, Authorize, Notice, Provider as _, WebhookMessage},
    sandbox::Sandbox,
    signature::WebhookSecret,
    webhook::Webhooks,
};
use schemas::{Clock, Currency, Money, OrderId, PaymentId, Timestamp, order::OrderCommand};
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, mpsc},
    time::Duration,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A request that came in: its headers and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Received {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Received {
    fn notice(&self, webhooks: &Webhooks) -> Notice {
        let header = |name: &str| self.headers.get(name).map_or("", String::as_str);
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        let message = WebhookMessage { id, timestamp, signatures: header("webhook-signature"), body: &self.body };
        webhooks.read(message, NOW).expect("it is signed").expect("it says something")
    }
}

/// Takes requests and answers them with these statuses, one after the other; the connection of a 0 is closed.
fn receiver(statuses: Vec<u16>) -> (String, mpsc::Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/hooks?a=b", listener.local_addr().expect("bound"));
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("the same connection"));
            let mut lines = reader.by_ref().lines().map(|line| line.expect("a line"));
            assert_eq!(lines.next().as_deref(), Some("POST /hooks?a=b HTTP/1.1"));
            let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_lowercase(), value.trim().to_owned()))
            });
            let headers: BTreeMap<String, String> = headers.collect();
            let mut body = vec![0; headers["content-length"].parse().expect("a length")];
            reader.read_exact(&mut body).expect("a whole body");
            if status != 0 {
                let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).expect("sent");
            }
            // Whoever looks may have seen enough.
            let _ = sender.send(Received { headers, body });
        }
    });
    (url, received)
}

fn authorize(method_token: &str) -> Authorize {
    Authorize {
        order: OrderId::parse("o-1").expect("an id"),
        payment: PaymentId::parse("p.1").expect("an id"),
        method_token: method_token.to_owned(),
        amount: Money::new(500, Currency::parse("EUR").expect("a currency")).expect("an amount"),
    }
}

fn secret() -> WebhookSecret {
    WebhookSecret::derived(b"a deployment")
}

fn sandbox(url: &str) -> Sandbox {
    let courier = Courier::new(url, secret(), Arc::new(Stopped)).expect("a courier");
    Sandbox::new().deciding_later(courier, Duration::from_millis(1))
}

async fn next(received: mpsc::Receiver<Received>) -> (Received, mpsc::Receiver<Received>) {
    let waited = tokio::task::spawn_blocking(move || {
        let next = received.recv_timeout(Duration::from_secs(60)).expect("a webhook");
        (next, received)
    });
    waited.await.expect("it waits")
}

#[tokio::test]
async fn a_payment_that_is_decided_later_is_told_once_and_the_money_is_there() {
    let (url, received) = receiver(vec![204]);
    let sandbox = sandbox(&url);
    let asked = authorize("tok_authorized_later");
    for _ in 0..3 {
        assert_eq!(sandbox.authorize(asked.clone()).await, Ok(Authorization::Pending));
    }
    let (told, received) = next(received).await;
    let notice = told.notice(&Webhooks::new(secret(), None));
    assert_eq!(notice.order, asked.order);
    let OrderCommand::RecordAuthorization(command) = notice.command else { panic!("{notice:?}") };
    assert_eq!((command.payment_id, command.amount), (asked.payment.clone(), asked.amount));
    assert_eq!(sandbox.account(&asked.payment).expect("an account").authorized, Some(500));
    // The receiver has ended, and was sent nothing more.
    assert!(tokio::task::spawn_blocking(move || received.recv()).await.expect("it waits").is_err());
    assert_eq!(sandbox.authorize(asked).await, Ok(Authorization::Pending), "a repeat gives the first answer");
}

#[tokio::test]
async fn a_webhook_is_sent_again_with_the_same_id_until_it_is_taken() {
    let (url, mut received) = receiver(vec![503, 0, 302, 401, 200]);
    let sandbox = sandbox(&url);
    let asked = authorize("tok_declined_later");
    assert_eq!(sandbox.authorize(asked.clone()).await, Ok(Authorization::Pending));
    let mut all = Vec::new();
    for _ in 0..5 {
        let (told, rest) = next(received).await;
        all.push(told);
        received = rest;
    }
    assert!(all.iter().all(|told| told.body == all[0].body));
    assert!(all.iter().all(|told| told.headers["webhook-id"] == all[0].headers["webhook-id"]));
    let notice = all[4].notice(&Webhooks::new(secret(), None));
    assert!(matches!(notice.command, OrderCommand::RecordDecline(command) if command.reason == "card_declined"));
    assert_eq!(sandbox.account(&asked.payment), None);
}

#[test]
fn only_a_place_on_the_web_can_be_told() {
    for bad in ["", "localhost:8080", "ftp://a/b", "/v1/webhooks/payments", "http://", "file:///etc/passwd"] {
        assert!(Courier::new(bad, secret(), Arc::new(Stopped)).is_err(), "{bad:?}");
    }
}
