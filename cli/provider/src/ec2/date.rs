//! The two forms of a date that AWS speaks: `20150830T123600Z` in signatures, ISO 8601 in answers.

use rr_fleet::Time;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{OffsetDateTime, PrimitiveDateTime};

/// `20150830T123600Z`.
pub fn stamp(at: Time) -> String {
    iso(at).replace(['-', ':'], "")
}

/// `2015-08-30T12:36:00Z`.
pub fn iso(at: Time) -> String {
    let date = i64::try_from(at.0 / 1_000).ok().and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
    // Later than the year 9999 is no date for AWS either.
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_default()
}

/// From `2026-11-22T13:14:00Z`, with fractions of a second or another offset; without one it is UTC.
pub fn parse(text: &str) -> Option<Time> {
    let utc = || Some(PrimitiveDateTime::parse(text, &Iso8601::DEFAULT).ok()?.assume_utc());
    let date = OffsetDateTime::parse(text, &Iso8601::DEFAULT).ok().or_else(utc)?;
    Some(Time(u64::try_from(date.unix_timestamp()).ok()? * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_and_read_back() {
        for (text, secs) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2015-08-30T12:36:00Z", 1_440_938_160),
            ("2100-03-01T00:00:01Z", 4_107_542_401),
        ] {
            assert_eq!(parse(text), Some(Time(secs * 1_000)), "{text}");
            let stamp = stamp(Time(secs * 1_000));
            assert_eq!(stamp, text.replace(['-', ':'], ""));
        }
        assert_eq!(parse("2015-08-30T12:36:00.123Z"), parse("2015-08-30T12:36:00+00:00"));
        assert_eq!(parse("2015-08-30T14:36:00+02:00"), parse("2015-08-30T12:36:00Z"));
        assert_eq!(parse("2015-08-30T12:36:00+0000"), parse("2015-08-30T12:36:00Z"));
        assert_eq!(parse("2015-08-30T12:36:00"), parse("2015-08-30T12:36:00Z"));
        for wrong in ["", "yesterday", "2015-13-30T12:36:00Z", "1969-08-30T12:36:00Z", "2015-08-30"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
