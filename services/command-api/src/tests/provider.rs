//! The sandbox as these tests have it: its line can be cut, and what it decides later a test says for it.

use crate::{
    Card, CardTokenizer, NoticeError, PaymentNotice, PaymentWebhooks, SignedMessage, TokenizeError, TokenizeFuture,
};
use payments::{
    Authorization, Authorize, Capture, CaptureOutcome, CardDetails, Courier, GiveBack, Notice, Provider, ProviderError,
    ProviderFuture, Sandbox, VoidOutcome, WebhookError, WebhookMessage, WebhookSecret, Webhooks,
};
use schemas::{Clock, Timestamp};
use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// The secret that webhooks are signed with.
pub fn secret() -> WebhookSecret {
    WebhookSecret::derived(b"of these tests")
}

/// The one before, which still counts.
pub fn older_secret() -> WebhookSecret {
    WebhookSecret::derived(b"of these tests, before")
}

/// The sandbox behind a line that can be cut.
pub struct Line {
    pub sandbox: Sandbox,
    is_cut: AtomicBool,
    failed: AtomicU64,
}

impl Line {
    /// A whole line to an empty sandbox. What it decides later it tells nobody: a test does.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let nowhere = Courier::new("http://127.0.0.1:9/", secret(), clock).expect("a courier");
        let sandbox = Sandbox::new().taking(Webhooks::new(secret(), Some(older_secret())));
        let sandbox = sandbox.deciding_later(nowhere, Duration::from_secs(86_400));
        Arc::new(Self { sandbox, is_cut: AtomicBool::new(false), failed: AtomicU64::new(0) })
    }

    /// From here on every call fails.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    /// From here on calls are answered again.
    pub fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }

    /// Calls that have failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }

    fn through<'a, T: Send + 'a>(&'a self, answer: impl FnOnce() -> ProviderFuture<'a, T>) -> ProviderFuture<'a, T> {
        if !self.is_cut.load(Ordering::SeqCst) {
            return answer();
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        Box::pin(ready(Err(ProviderError::Unavailable("the line is cut".to_owned()))))
    }
}

impl Provider for Line {
    // Cards are exchanged elsewhere, and still are.
    fn tokenize(&self, card: CardDetails) -> ProviderFuture<'_, String> {
        self.sandbox.tokenize(card)
    }

    fn authorize(&self, request: Authorize) -> ProviderFuture<'_, Authorization> {
        self.through(|| self.sandbox.authorize(request))
    }

    fn capture(&self, request: Capture) -> ProviderFuture<'_, CaptureOutcome> {
        self.through(|| self.sandbox.capture(request))
    }

    fn void(&self, request: GiveBack) -> ProviderFuture<'_, VoidOutcome> {
        self.through(|| self.sandbox.void(request))
    }

    fn refund(&self, request: GiveBack) -> ProviderFuture<'_, ()> {
        self.through(|| self.sandbox.refund(request))
    }

    fn read_webhook(&self, message: WebhookMessage<'_>, now: Timestamp) -> Result<Option<Notice>, WebhookError> {
        self.sandbox.read_webhook(message, now)
    }
}

/// Exchanges cards there.
pub struct Cards(pub Arc<Line>);

impl CardTokenizer for Cards {
    fn tokenize(&self, card: Card) -> TokenizeFuture<'_> {
        let details = CardDetails { number: card.number, expiry: card.expiry, security_code: card.security_code };
        Box::pin(async move {
            self.0.tokenize(details).await.map_err(|error| TokenizeError::Unavailable(error.to_string()))
        })
    }
}

/// Reads webhooks there.
pub struct Told(pub Arc<Line>, pub Arc<dyn Clock>);

impl PaymentWebhooks for Told {
    fn read(&self, message: SignedMessage<'_>) -> Result<Option<PaymentNotice>, NoticeError> {
        let SignedMessage { id, timestamp, signatures, body } = message;
        match self.0.read_webhook(WebhookMessage { id, timestamp, signatures, body }, self.1.now()) {
            Ok(Some(Notice { order, command, before })) => Ok(Some(PaymentNotice { order, command, before })),
            Ok(None) => Ok(None),
            Err(WebhookError::Unreadable(why)) => Err(NoticeError::Unreadable(why)),
            Err(error) => {
                let code = match error {
                    WebhookError::Unsigned => "signature_missing",
                    WebhookError::Stale => "timestamp_out_of_window",
                    _ => "invalid_signature",
                };
                Err(NoticeError::Unverified { code, detail: error.to_string() })
            }
        }
    }
}
