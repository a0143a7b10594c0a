//! Time as data: milliseconds since 1970, written as RFC 3339 in UTC.

use crate::text::ParseError;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// A point in time, in milliseconds since the Unix epoch; RFC 3339 UTC with milliseconds in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest time that RFC 3339 writes with four digits of year.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 with any offset; [`ParseError::Time`] otherwise.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if let Some(time) = stored::read(text) {
            return Ok(time);
        }
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| ParseError::Time)?;
        Ok(Self(time.timestamp_millis()))
    }

    /// This time and `millis` more.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// This time and `seconds` more.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u32) -> Self {
        self.plus_millis(seconds as i64 * 1_000)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_millis())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = stored::write(*self) {
            return f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?);
        }
        let time = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

/// Where the time comes from: the system's clock, one that is moved by hand, or a simulation's.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The form in which times are stored, `2026-01-31T12:00:00.000Z`, by hand: every event has some.
///
/// Between days and dates it goes by Howard Hinnant's `days_from_civil` and `civil_from_days`.
mod stored {
    use super::Timestamp;

    const DAY: i64 = 86_400_000;
    const PATTERN: &[u8; 24] = b"0000-00-00T00:00:00.000Z";

    /// `None` before 1970 and after 9999.
    pub(super) fn write(time: Timestamp) -> Option<[u8; 24]> {
        if !(0..=Timestamp::MAX.0).contains(&time.0) {
            return None;
        }
        let (days, millis) = (time.0 / DAY, time.0 % DAY);
        // Days since 0000-03-01, in eras of 400 years; years begin in March, so that a leap day is the last of one.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (year, month) = (year + era * 400, if month < 10 { month + 3 } else { month - 9 });
        let year = if month <= 2 { year + 1 } else { year };
        let mut text = *PATTERN;
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        digits(&mut text[11..13], millis / 3_600_000);
        digits(&mut text[14..16], millis / 60_000 % 60);
        digits(&mut text[17..19], millis / 1_000 % 60);
        digits(&mut text[20..23], millis % 1_000);
        Some(text)
    }

    fn digits(text: &mut [u8], mut number: i64) {
        for digit in text.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }

    /// `None` for any other form of a time, and for what is none.
    pub(super) fn read(text: &str) -> Option<Timestamp> {
        let text: &[u8; 24] = text.as_bytes().try_into().ok()?;
        let fits = |(byte, pattern): (&u8, &u8)| if *pattern == b'0' { byte.is_ascii_digit() } else { byte == pattern };
        if !text.iter().zip(PATTERN).all(fits) {
            return None;
        }
        let number = |range: std::ops::Range<usize>| text[range].iter().fold(0, |n, d| n * 10 + i64::from(d - b'0'));
        let (year, month, day) = (number(0..4), number(5..7), number(8..10));
        let (hour, minute, second) = (number(11..13), number(14..16), number(17..19));
        // 29 February and leap seconds are left to the full parser.
        let last = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let in_month =
            last.get(usize::try_from(month).ok()?.checked_sub(1)?).is_some_and(|last| (1..=*last).contains(&day));
        if year < 1970 || !in_month || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let year = if month <= 2 { year - 1 } else { year };
        let (era, year) = (year / 400, year % 400);
        let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
        let days = era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468;
        Some(Timestamp(days * DAY + hour * 3_600_000 + minute * 60_000 + second * 1_000 + number(20..23)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chrono is the judge.
    #[test]
    fn the_stored_form_is_what_chrono_writes_and_reads() {
        // A step that is prime to the day visits every hour, minute and day of the month.
        let times = (0..=Timestamp::MAX.millis()).step_by(9_999_999_967).chain([0, Timestamp::MAX.millis()]);
        let leap = Timestamp::parse("2024-02-29T23:59:59.999Z").expect("a leap day");
        for millis in times.chain([leap.millis(), leap.millis() + 1]) {
            let judge = DateTime::<Utc>::from_timestamp_millis(millis).expect("in range");
            let text = Timestamp(millis).to_string();
            assert_eq!(text, judge.to_rfc3339_opts(SecondsFormat::Millis, true));
            assert_eq!(Timestamp::parse(&text), Ok(Timestamp(millis)));
        }
    }

    #[test]
    fn times_outside_of_the_stored_range_and_form_are_read_too() {
        for text in ["1969-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z"] {
            assert_eq!(Timestamp::parse(text).expect("a time").to_string(), text);
        }
        let noon = Timestamp::parse("2026-01-31T12:00:00.000Z");
        assert_eq!(Timestamp::parse("2026-01-31T12:00:00Z"), noon);
        assert_eq!(Timestamp::parse("2026-01-31T13:00:00+01:00"), noon);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let wrong = [
            "2026-02-29T12:00:00.000Z",
            "2026-04-31T12:00:00.000Z",
            "2026-00-10T12:00:00.000Z",
            "2026-13-10T12:00:00.000Z",
            "2026-01-00T12:00:00.000Z",
            "2026-01-31T24:00:00.000Z",
            "2026-01-31T12:60:00.000Z",
            "2026-01-31T12:00:00.000z0",
            "2026-01-31",
            "",
        ];
        for text in wrong {
            assert_eq!(Timestamp::parse(text), Err(ParseError::Time), "{text}");
        }
    }
}
