//! The payment provider of a process: what its settings mean, and what adapts it to the API's ports.

use crate::{clock::SystemClock, credentials, settings::Settings};
use anyhow::{Context as _, Result, ensure};
use command_api::{
    Card, CardTokenizer, NoticeError, PaymentNotice, PaymentWebhooks, SignedMessage, TokenizeError, TokenizeFuture,
};
use payments::{CardDetails, Courier, Provider, Sandbox, WebhookError, WebhookMessage, WebhookSecret, Webhooks};
use schemas::Clock;
use std::{sync::Arc, time::Duration};

/// Where a webhook of the payment provider is taken.
const PATH: &str = "/v1/webhooks/payments";

/// What the settings say of the provider.
pub struct ProviderPlan {
    /// The newest secret first; none = the deployment's own.
    secrets: Vec<WebhookSecret>,
    url: Option<String>,
    delay: Duration,
}

impl ProviderPlan {
    /// Checks its settings.
    pub fn of(settings: &Settings) -> Result<Self> {
        let secrets = secrets(settings)?;
        let url = settings.some("payment-webhook-url").map(str::to_owned);
        if let Some(url) = &url {
            Courier::new(url, WebhookSecret::derived(b"any"), Arc::new(SystemClock))
                .context("`payment-webhook-url`")?;
        }
        let delay = Duration::from_millis(settings.number("sandbox-delay-ms", 0, 86_400_000)?);
        Ok(Self { secrets, url, delay })
    }

    /// The sandbox. `deployment` is a secret that all processes of the deployment share; `own` is where this process
    /// listens, if it takes webhooks.
    pub fn sandbox(&self, deployment: &[u8], own: Option<&str>) -> Result<Sandbox> {
        let mut secrets = self.secrets.iter().cloned();
        let newest = secrets.next().unwrap_or_else(|| WebhookSecret::derived(deployment));
        let sandbox = Sandbox::new().taking(Webhooks::new(newest.clone(), secrets.next()));
        let own = own.map(|base| format!("{}{PATH}", reachable(base)));
        // Without one, nobody could be told: cards that it would decide later are declined.
        let Some(url) = self.url.clone().or(own) else { return Ok(sandbox) };
        let courier = Courier::new(&url, newest, Arc::new(SystemClock)).context("the sandbox's webhooks")?;
        Ok(sandbox.deciding_later(courier, self.delay))
    }
}

/// Where a process that listens on all addresses reaches itself.
fn reachable(base: &str) -> String {
    base.replacen("//0.0.0.0:", "//127.0.0.1:", 1).replacen("//[::]:", "//[::1]:", 1)
}

fn secrets(settings: &Settings) -> Result<Vec<WebhookSecret>> {
    const KEY: &str = "payment-webhook-secrets";
    let Some(text) = credentials::secret(settings, KEY)? else { return Ok(Vec::new()) };
    let texts = text.split([',', '\n', '\r']).map(str::trim).filter(|text| !text.is_empty());
    let secrets: Vec<_> = texts.map(WebhookSecret::parse).collect::<Result<_, _>>().context(format!("`{KEY}`"))?;
    let most = Webhooks::MOST_SECRETS;
    ensure!((1..=most).contains(&secrets.len()), "`{KEY}` names 1 to {most} secrets, the newest first");
    Ok(secrets)
}

/// Exchanges cards at the payment provider.
pub struct ProviderCards(pub Arc<dyn Provider>);

impl CardTokenizer for ProviderCards {
    fn tokenize(&self, card: Card) -> TokenizeFuture<'_> {
        let details = CardDetails { number: card.number, expiry: card.expiry, security_code: card.security_code };
        Box::pin(async move {
            self.0.tokenize(details).await.map_err(|error| TokenizeError::Unavailable(error.to_string()))
        })
    }
}

/// Has the payment provider check and read its webhooks, by the world's clock.
pub struct ProviderWebhooks(pub Arc<dyn Provider>);

impl PaymentWebhooks for ProviderWebhooks {
    fn read(&self, message: SignedMessage<'_>) -> Result<Option<PaymentNotice>, NoticeError> {
        let SignedMessage { id, timestamp, signatures, body } = message;
        let read = self.0.read_webhook(WebhookMessage { id, timestamp, signatures, body }, SystemClock.now());
        let notice = read.map_err(|error| {
            let detail = error.to_string();
            match error {
                WebhookError::Unsigned => NoticeError::Unverified { code: "signature_missing", detail },
                WebhookError::Stale => NoticeError::Unverified { code: "timestamp_out_of_window", detail },
                WebhookError::Forged => NoticeError::Unverified { code: "invalid_signature", detail },
                WebhookError::Unreadable(_) => NoticeError::Unreadable(detail),
            }
        })?;
        Ok(notice.map(|notice| PaymentNotice { order: notice.order, command: notice.command, before: notice.before }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "whsec_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    fn settings(pairs: &[(&'static str, &str)]) -> Settings {
        let mut settings = Settings::load(&crate::settings::SettingFlags::default()).expect("no file, no variables");
        pairs.iter().for_each(|(key, value)| settings.set(key, *value));
        settings
    }

    fn fault(pairs: &[(&'static str, &str)]) -> String {
        ProviderPlan::of(&settings(pairs)).err().map(|error| format!("{error:#}")).expect("it is refused")
    }

    #[test]
    fn one_secret_or_two_are_taken_from_the_setting_or_from_a_file() {
        let count = |pairs: &[(&'static str, &str)]| ProviderPlan::of(&settings(pairs)).expect("a plan").secrets.len();
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[("payment-webhook-secrets", ONE)]), 1);
        assert_eq!(count(&[("payment-webhook-secrets", &format!("{ONE}, {TWO}"))]), 2);
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("{ONE}\r\n{TWO}\n")).expect("written");
        assert_eq!(count(&[("payment-webhook-secrets-file", file.path().to_str().expect("UTF-8"))]), 2);
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_told() {
        let three = format!("{ONE},{TWO},{ONE}");
        assert!(fault(&[("payment-webhook-secrets", &three)]).contains("1 to 2 secrets"));
        assert!(fault(&[("payment-webhook-secrets", ",")]).contains("1 to 2 secrets"));
        let told = fault(&[("payment-webhook-secrets", "whsec_hunter2")]);
        assert!(told.contains("`payment-webhook-secrets`") && !told.contains("hunter2"), "{told}");
        let both = [("payment-webhook-secrets", ONE), ("payment-webhook-secrets-file", "x")];
        assert!(fault(&both).contains("both set"));
        assert!(fault(&[("payment-webhook-secrets-file", "/nowhere/at/all")]).contains("cannot read"));
    }

    #[test]
    fn a_url_that_takes_nothing_is_refused() {
        assert!(fault(&[("payment-webhook-url", "shop.example/hooks")]).contains("`payment-webhook-url`"));
        assert!(fault(&[("sandbox-delay-ms", "-1")]).contains("`sandbox-delay-ms`"));
    }

    #[test]
    fn who_listens_everywhere_is_reached_on_this_machine() {
        assert_eq!(reachable("http://0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(reachable("http://[::]:80"), "http://[::1]:80");
        assert_eq!(reachable("http://10.0.0.1:80"), "http://10.0.0.1:80");
    }
}
