//! Sends the sandbox's webhooks, again and again until each is taken.

use crate::{provider::ProviderError, signature::WebhookSecret};
use read_model::backoff::delay_ms;
use reqwest::{Client, Url, redirect::Policy};
use schemas::Clock;
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{sync::Semaphore, time::sleep};

/// Delays between tries to deliver.
const BACKOFF_MS: (u64, u64) = (100, 30_000);
/// How long the receiver may take.
const WITHIN: Duration = Duration::from_secs(20);
/// Messages that may wait; more payments are not taken until some are delivered.
const MOST_WAITING: usize = 10_000;
/// Messages sent at once.
const MOST_AT_ONCE: usize = 32;

/// Why nothing can be sent there.
#[derive(Debug, Error)]
pub enum CourierError {
    /// Not a place that takes webhooks.
    #[error("`{0}` is no http or https URL")]
    Url(String),
    /// The client cannot be made.
    #[error("no client for webhooks: {0}")]
    Client(#[from] reqwest::Error),
}

/// A message: its id is the same however often it is sent.
pub(crate) struct Parcel {
    pub id: String,
    pub body: Vec<u8>,
}

/// Signs messages and delivers them at least once.
#[derive(Clone)]
pub struct Courier(Arc<Round>);

struct Round {
    url: Url,
    secret: WebhookSecret,
    clock: Arc<dyn Clock>,
    client: Client,
    waiting: Arc<Semaphore>,
    at_once: Semaphore,
}

impl Courier {
    /// Delivers to `url`, signed with `secret`; `clock` is the world's.
    pub fn new(url: &str, secret: WebhookSecret, clock: Arc<dyn Clock>) -> Result<Self, CourierError> {
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let parsed = parsed.ok_or_else(|| CourierError::Url(url.to_owned()))?;
        let client = Client::builder().timeout(WITHIN).redirect(Policy::none()).no_proxy().build()?;
        let (waiting, at_once) = (Arc::new(Semaphore::new(MOST_WAITING)), Semaphore::new(MOST_AT_ONCE));
        Ok(Self(Arc::new(Round { url: parsed, secret, clock, client, waiting, at_once })))
    }

    /// Sends in a while what `parcel` makes then. Needs a tokio runtime, and ends with it.
    pub(crate) fn send(
        &self,
        after: Duration,
        parcel: impl FnOnce() -> Parcel + Send + 'static,
    ) -> Result<(), ProviderError> {
        let Ok(place) = Arc::clone(&self.0.waiting).try_acquire_owned() else {
            return Err(ProviderError::Unavailable("too many payments are undecided".to_owned()));
        };
        let round = Arc::clone(&self.0);
        tokio::spawn(async move {
            sleep(after).await;
            round.deliver(&parcel()).await;
            drop(place);
        });
        Ok(())
    }

    /// The time of the world.
    pub(crate) fn now(&self) -> schemas::Timestamp {
        self.0.clock.now()
    }
}

impl Round {
    async fn deliver(&self, parcel: &Parcel) {
        for tries in 0_u32.. {
            match self.try_once(parcel).await {
                Ok(()) => return,
                Err(reason) if tries == 0 => {
                    tracing::warn!(reason, id = parcel.id, "a webhook was not taken; trying again")
                }
                Err(reason) => tracing::debug!(reason, tries, id = parcel.id, "a webhook was not taken"),
            }
            sleep(Duration::from_millis(delay_ms(tries, BACKOFF_MS.0, BACKOFF_MS.1))).await;
        }
    }

    /// Sends it once, dated and signed anew.
    async fn try_once(&self, parcel: &Parcel) -> Result<(), String> {
        let _turn = self.at_once.acquire().await.map_err(|error| error.to_string())?;
        let seconds = self.clock.now().millis().div_euclid(1_000);
        let sent = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &parcel.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", self.secret.sign(&parcel.id, seconds, &parcel.body))
            .body(parcel.body.clone())
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it was answered {}", answer.status())),
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}
