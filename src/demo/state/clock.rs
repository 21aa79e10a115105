//! The sample cluster's clock, which may run faster than real time. Knows no tasks and no tickets.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Seconds since 1970 on the sample cluster's clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    started: Instant,
    base: f64,
    speed: f64,
    skipped: f64,
}

impl Clock {
    /// A clock that starts at the current time and runs `speed` times as fast as real time.
    pub(crate) fn new(speed: f64) -> Clock {
        let base = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
        let speed = if speed.is_finite() && 0.0 < speed { speed } else { 1.0 };
        Clock { started: Instant::now(), base: base.floor(), speed, skipped: 0.0 }
    }

    /// The current time.
    pub(crate) fn now(&self) -> f64 {
        self.base + self.skipped + self.started.elapsed().as_secs_f64() * self.speed
    }

    /// The time at which the cluster was started, in whole seconds.
    pub(crate) fn base(&self) -> f64 {
        self.base
    }

    /// Moves the clock forward.
    pub(crate) fn skip(&mut self, seconds: f64) {
        self.skipped += seconds.max(0.0);
    }
}

/// Whole seconds, the API's format for times; a time before 1970 becomes 0.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, which is what is wanted"
)]
pub(crate) fn whole(seconds: f64) -> u64 {
    seconds.floor().max(0.0) as u64
}

/// A time in HTTP's format: `Sat, 21 Nov 2026 00:58:18 GMT`.
pub(crate) fn http_date(seconds: u64) -> String {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let (year, month, day, hour, minute, second) = civil(seconds);
    let weekday = days[usize::try_from(seconds / 86_400 % 7).unwrap_or(0)];
    let month = months[usize::try_from(month).unwrap_or(1).clamp(1, 12) - 1];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month, day, hour, minute and second of a time, in UTC.
pub(crate) fn civil(seconds: u64) -> (i64, u32, u32, u32, u32, u32) {
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = u32::try_from(day_of_year - (153 * shifted + 2) / 5 + 1).unwrap_or(1);
    let month = u32::try_from(if shifted < 10 { shifted + 3 } else { shifted - 9 }).unwrap_or(1);
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let rest = u32::try_from(seconds % 86_400).unwrap_or(0);
    (year, month, day, rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_out_of_seconds() {
        for (seconds, expected) in [
            (0, (1970, 1, 1, 0, 0, 0)),
            (951_782_400, (2000, 2, 29, 0, 0, 0)),
            (1_795_222_698, (2026, 11, 21, 0, 58, 18)),
        ] {
            assert_eq!(civil(seconds), expected);
        }
        assert_eq!(http_date(1_795_222_698), "Sat, 21 Nov 2026 00:58:18 GMT");
    }

    #[test]
    fn a_nonsense_speed_is_the_worlds_own() {
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let clock = Clock::new(speed);
            assert!(clock.now() - clock.base() < 60.0);
        }
    }
}
