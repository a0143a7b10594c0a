//! The way of a message to its server. What a server says may name the address, so it is never logged: only its number is.

use super::letter::Letter;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{AsyncSmtpTransportBuilder, PoolConfig, extension::ClientId},
};
use schemas::{EffectId, Password, store::EmailAddress};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use thiserror::Error;

/// How long a server may take over a step.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Answers that speak of us and not of the address: who we are is not taken.
const ABOUT_US: [u16; 5] = [530, 534, 535, 538, 502];

/// Where mails are given, and in whose name.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// The server, with user and password: `smtps://user:password@host:465`, `smtp://host:587?tls=required`, `smtp://host:25`.
    pub url: Password,
    /// Whom they are from: `Shop <shop@example.com>`.
    pub from: String,
    /// A page where people set what they are told: of the header `List-Unsubscribe`.
    pub unsubscribe_url: Option<String>,
    /// Mails that are sent at once.
    pub most_at_once: usize,
}

/// Why mails cannot be sent so.
#[derive(Debug, Error)]
pub enum MailError {
    /// The server's URL is none.
    #[error("the SMTP server is a URL such as `smtps://user:password@host:465`")]
    Url,
    /// Whom mails are from is no address.
    #[error("`{0}` is no address to send from; it is like `Shop <shop@example.com>`")]
    From(String),
    /// The page is no URL.
    #[error("`{0}` is no http or https URL")]
    Unsubscribe(String),
}

/// Sends mails.
#[derive(Clone)]
pub struct Post {
    builder: AsyncSmtpTransportBuilder,
    /// Made by the first mail: its pool of connections needs a runtime.
    transport: Arc<OnceLock<AsyncSmtpTransport<Tokio1Executor>>>,
    from: Mailbox,
    unsubscribe: String,
    pub(crate) most_at_once: usize,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Untaken {
    /// It never will be; the server's number, where it said one.
    Refused(Option<u16>),
    /// It may be later; why.
    Failed(String),
}

#[derive(Clone)]
struct ListUnsubscribe(String);

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        // URLs in brackets: ASCII, and never folded.
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

impl Post {
    /// Checks the options. Connects to nothing.
    pub fn new(options: &MailOptions) -> Result<Self, MailError> {
        let from: Mailbox = options.from.parse().map_err(|_| MailError::From(options.from.clone()))?;
        let unsubscribe = match &options.unsubscribe_url {
            Some(url) if is_url(url) => format!("<{url}>"),
            Some(url) => return Err(MailError::Unsubscribe(url.clone())),
            None => format!("<mailto:{}?subject=unsubscribe>", from.email),
        };
        let most_at_once = options.most_at_once.max(1);
        // What is wrong with it may quote the password.
        let builder =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(options.url.expose()).map_err(|_| MailError::Url)?;
        let pool = PoolConfig::new().max_size(u32::try_from(most_at_once).unwrap_or(u32::MAX));
        let name = ClientId::Domain(from.email.domain().to_owned());
        let builder = builder.hello_name(name).timeout(Some(TIMEOUT)).pool_config(pool);
        Ok(Self { builder, transport: Arc::default(), from, unsubscribe, most_at_once })
    }

    /// Sends a message under that id.
    pub(crate) async fn send(&self, to: &EmailAddress, id: &EffectId, letter: Letter) -> Result<(), Untaken> {
        let to: Address = to.0.parse().map_err(|_| Untaken::Refused(None))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(ListUnsubscribe(self.unsubscribe.clone()))
            .subject(letter.subject)
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
            .map_err(|_| Untaken::Refused(None))?;
        let transport = self.transport.get_or_init(|| self.builder.clone().build());
        match transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(untaken(&error)),
        }
    }
}

fn untaken(error: &lettre::transport::smtp::Error) -> Untaken {
    match error.status().map(u16::from) {
        Some(code) if (500..600).contains(&code) && !ABOUT_US.contains(&code) => Untaken::Refused(Some(code)),
        Some(code) => Untaken::Failed(format!("the server answered {code}")),
        None => Untaken::Failed(error.to_string()),
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_sound = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b',' | b'"');
    rest.is_some_and(|rest| !rest.is_empty()) && text.bytes().all(is_sound)
}
