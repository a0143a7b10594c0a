//! The words of messages, by language. What is not in a language is in English.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use schemas::{Timestamp, shopper::NotificationKind};

/// A language that messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
}

/// What a message says, with `{store}`, `{title}`, `{time}` and `{order}` to be filled in.
pub(crate) struct Words {
    pub subject: &'static str,
    pub body: &'static str,
}

const fn words(subject: &'static str, body: &'static str) -> Words {
    Words { subject, body }
}

impl Language {
    /// Of a BCP 47 tag.
    pub fn of(locale: Option<&str>) -> Self {
        let primary = locale.and_then(|tag| tag.split('-').next()).unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") { Self::German } else { Self::English }
    }

    /// Its tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// A time as people write it in that language, in their zone.
    pub fn time(self, time: Timestamp, zone: Tz) -> String {
        let time = DateTime::<Utc>::from_timestamp_millis(time.millis()).unwrap_or_default().with_timezone(&zone);
        match self {
            Self::English => time.format("%-d %b %Y, %H:%M (%Z)").to_string(),
            Self::German => time.format("%d.%m.%Y, %H:%M Uhr (%Z)").to_string(),
        }
    }

    /// What stands for a store or a drop whose name is not known.
    pub const fn nameless(self) -> (&'static str, &'static str) {
        match self {
            Self::English => ("A store that you follow", "a drop"),
            Self::German => ("Ein Store, dem Sie folgen,", "ein Drop"),
        }
    }

    /// Why this message came, and how to end that.
    pub const fn farewell(self) -> &'static str {
        match self {
            Self::English => "You set this address for such messages. You can change that in your settings.",
            Self::German => {
                "Sie haben diese Adresse für solche Nachrichten angegeben. In Ihren Einstellungen können Sie das ändern."
            }
        }
    }

    /// What a kind of message says.
    pub const fn words(self, kind: NotificationKind) -> Words {
        match self {
            Self::English => english(kind),
            Self::German => german(kind),
        }
    }
}

const fn english(kind: NotificationKind) -> Words {
    match kind {
        NotificationKind::DropScheduled => {
            words("{store}: {title}", "{store} has a drop coming: {title}. It starts at {time}.")
        }
        NotificationKind::DropChanged => {
            words("Changed: {title}", "{store} has changed a drop: {title}. It starts at {time}.")
        }
        NotificationKind::DropCancelled => words("Called off: {title}", "{store} has called off a drop: {title}."),
        NotificationKind::DropAdmitted => {
            words("It is your turn: {title}", "It is your turn in the waiting room of {title}. Your turn passes soon.")
        }
        NotificationKind::OrderConfirmed => {
            words("Order {order} is confirmed", "Thank you. Your order {order} is paid and confirmed.")
        }
        NotificationKind::PaymentFailed => words(
            "A payment of order {order} was declined",
            "A payment of your order {order} was declined. You can pay it in another way while it is held for you.",
        ),
        NotificationKind::OrderShipped => {
            words("Order {order} is on its way", "Items of your order {order} have been shipped.")
        }
        NotificationKind::OrderRefunded => {
            words("A refund of order {order}", "Money of your order {order} has been given back.")
        }
    }
}

const fn german(kind: NotificationKind) -> Words {
    match kind {
        NotificationKind::DropScheduled => {
            words("{store}: {title}", "{store} kündigt einen Drop an: {title}. Er beginnt am {time}.")
        }
        NotificationKind::DropChanged => {
            words("Geändert: {title}", "{store} hat einen Drop geändert: {title}. Er beginnt am {time}.")
        }
        NotificationKind::DropCancelled => words("Abgesagt: {title}", "{store} hat einen Drop abgesagt: {title}."),
        NotificationKind::DropAdmitted => words(
            "Sie sind an der Reihe: {title}",
            "Sie sind im Warteraum von {title} an der Reihe. Bitte greifen Sie bald zu.",
        ),
        NotificationKind::OrderConfirmed => {
            words("Bestellung {order} ist bestätigt", "Vielen Dank. Ihre Bestellung {order} ist bezahlt und bestätigt.")
        }
        NotificationKind::PaymentFailed => words(
            "Eine Zahlung der Bestellung {order} wurde abgelehnt",
            "Eine Zahlung Ihrer Bestellung {order} wurde abgelehnt. Solange sie für Sie reserviert ist, können Sie anders bezahlen.",
        ),
        NotificationKind::OrderShipped => {
            words("Bestellung {order} ist unterwegs", "Artikel Ihrer Bestellung {order} wurden verschickt.")
        }
        NotificationKind::OrderRefunded => {
            words("Eine Erstattung der Bestellung {order}", "Geld Ihrer Bestellung {order} wurde erstattet.")
        }
    }
}
