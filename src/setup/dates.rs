//! Formats times for people, in UTC. Knows no time zones and no clock.

/// The date of a Unix time in seconds: `2026-11-21`.
#[must_use]
pub fn day(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The date and time of a Unix time in seconds: `2026-11-21 00:58:18`.
#[must_use]
pub fn moment(seconds: u64) -> String {
    let rest = seconds % 86_400;
    format!("{} {:02}:{:02}:{:02}", day(seconds), rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a number of days since 1970, computed with years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let civil_month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(civil_month <= 2), civil_month, day - (153 * month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_795_222_698, "2026-11-21 00:58:18"),
            (4_102_444_799, "2099-12-31 23:59:59"),
        ] {
            assert_eq!(moment(seconds), expected);
        }
    }
}
