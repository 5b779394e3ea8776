//! The two forms of a date that AWS speaks: `20150830T123600Z` in signatures, ISO 8601 in answers.

use rr_fleet::Time;

/// `20150830T123600Z`.
pub fn stamp(at: Time) -> String {
    iso(at).replace(['-', ':'], "")
}

/// `2015-08-30T12:36:00Z`.
pub fn iso(at: Time) -> String {
    let secs = at.0 / 1_000;
    let (year, month, day) = civil(secs / 86_400);
    let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// From `2026-11-22T13:14:00Z`, `2026-11-22T13:14:00.000Z` or `2026-11-22T13:14:00+00:00`.
pub fn parse(text: &str) -> Option<Time> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let separators = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    if separators.iter().any(|(at, wanted)| text.get(*at..at + 1) != Some(wanted)) {
        return None;
    }
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let rest = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let fits = (1_970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !matches!(rest, "Z" | "+00:00" | "+0000" | "") || !fits || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(Time((days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000))
}

/// Days since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month, day (the same source, `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
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
        for wrong in ["", "yesterday", "2015-13-30T12:36:00Z", "2015-08-30T12:36:00+02:00", "2015-08-30"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
