//! A message as it is sent: subject, text and HTML, in the shopper's language and zone.

use super::words::Language;
use chrono_tz::Tz;
use schemas::{OrderId, Timestamp, shopper::NotificationKind};

/// What a message is about, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// What the store is called.
    pub store: Option<String>,
    /// What the drop is called.
    pub title: Option<String>,
    /// When it starts.
    pub starts_at: Option<Timestamp>,
    /// The order.
    pub order: Option<OrderId>,
}

/// A message without its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Letter {
    /// Writes a message of that kind. An unknown locale is English, an unknown zone UTC.
    pub fn write(
        kind: NotificationKind,
        about: &About,
        occurred_at: Timestamp,
        locale: Option<&str>,
        zone: Option<&str>,
    ) -> Self {
        let language = Language::of(locale);
        let zone: Tz = zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
        let words = language.words(kind);
        let (nameless_store, nameless_drop) = language.nameless();
        let time = language.time(about.starts_at.unwrap_or(occurred_at), zone);
        let fill = |words: &str| {
            let order = about.order.as_ref().map_or("", OrderId::as_str);
            // One pass: a name that holds a placeholder stays as it is.
            filled(words, |name| match name {
                "store" => about.store.as_deref().unwrap_or(nameless_store),
                "title" => about.title.as_deref().unwrap_or(nameless_drop),
                "time" => &time,
                "order" => order,
                _ => "",
            })
        };
        let (subject, body, farewell) = (fill(words.subject), fill(words.body), language.farewell());
        let html = format!(
            "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><body><p>{}</p><p><small>{}</small></p></body></html>\r\n",
            language.tag(),
            escaped(&body),
            escaped(farewell)
        );
        Self { subject, text: format!("{body}\r\n\r\n{farewell}\r\n"), html }
    }
}

/// The words with every `{name}` replaced.
fn filled<'v>(words: &str, value: impl Fn(&str) -> &'v str) -> String {
    let mut parts = words.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or(("", part));
        text.push_str(value(name));
        text.push_str(rest);
    }
    text
}

/// As text of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
