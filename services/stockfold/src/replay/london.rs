//! Local time in London as UTC. Two rules of one zone do not need a time zone database.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta};

/// What a clock in London showed, as RFC 3339 in UTC.
///
/// Since 1996 (Directive 2000/84/EC and its forerunners) summer time, one hour ahead, begins and ends at 01:00 UTC on the
/// last Sunday of March and of October. The hour that is shown twice in October is read as winter time.
pub fn to_utc(local: NaiveDateTime) -> String {
    // In March clocks jump from 01:00 to 02:00. In October they fall from 02:00 to 01:00.
    let starts = last_sunday(local.year(), 3).and_then(|day| day.and_hms_opt(1, 0, 0));
    let ends = last_sunday(local.year(), 10).and_then(|day| day.and_hms_opt(1, 0, 0));
    let summer = starts.is_some_and(|at| local >= at) && ends.is_some_and(|at| local < at);
    let utc = if summer { local - TimeDelta::hours(1) } else { local };
    utc.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `month` must have 31 days.
fn last_sunday(year: i32, month: u32) -> Option<NaiveDate> {
    let end = NaiveDate::from_ymd_opt(year, month, 31)?;
    end.checked_sub_days(Days::new(end.weekday().num_days_from_sunday().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_an_hour_behind_in_summer_only() {
        let cases = [
            ("2010-12-01 08:26:00", "2010-12-01T08:26:00Z"),
            ("2011-03-27 00:59:00", "2011-03-27T00:59:00Z"),
            ("2011-03-27 02:00:00", "2011-03-27T01:00:00Z"),
            ("2011-06-26 10:59:00", "2011-06-26T09:59:00Z"),
            ("2011-10-30 00:59:00", "2011-10-29T23:59:00Z"),
            ("2011-10-30 02:00:00", "2011-10-30T02:00:00Z"),
        ];
        for (local, utc) in cases {
            let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M:%S").expect("a time");
            assert_eq!(to_utc(local), utc);
        }
    }
}
