//! Round numbers for an axis, and numbers and times as short text.

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A fraction of one, shown in per cent.
    Share,
    /// Shown in KiB, MiB, ….
    Bytes,
    /// Shown in KiB/s, MiB/s, ….
    BytesPerSecond,
    /// A plain number.
    Number,
}

impl Unit {
    /// A number as text with its unit.
    #[must_use]
    pub fn words(self, number: f64) -> String {
        match self {
            Unit::Share => format!("{}%", short(100.0 * number)),
            Unit::Bytes => bytes(number),
            Unit::BytesPerSecond => bytes(number) + "/s",
            Unit::Number => short(number),
        }
    }
}

fn bytes(number: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut number, mut unit) = (number, 0);
    while 1024.0 <= number && unit + 1 < units.len() {
        (number, unit) = (number / 1024.0, unit + 1);
    }
    format!("{} {}", short(number), units[unit])
}

/// Three digits, or all those before the decimal point.
fn short(number: f64) -> String {
    let size = number.abs();
    let text = if 100.0 <= size {
        format!("{number:.0}")
    } else if 10.0 <= size {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A round number at or above `most`.
#[must_use]
pub fn ceiling(most: f64, unit: Unit) -> f64 {
    if !(0.0 < most && most.is_finite()) {
        return 1.0;
    }
    let binary = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
    let decimal = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    let (base, steps) = match unit {
        Unit::Bytes | Unit::BytesPerSecond => (1024_f64, binary.as_slice()),
        Unit::Share | Unit::Number => (10.0, decimal.as_slice()),
    };
    let power = base.powf(most.log(base).floor());
    steps.iter().map(|step| step * power).find(|round| most <= *round).unwrap_or(base * power)
}

/// A time in UTC, as precise as suits a range of `over` seconds: hour and minute, date and time, date, or month and
/// year.
#[must_use]
pub fn moment(seconds: f64, over: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "times are far inside the range")]
    let seconds = seconds as i64;
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        [usize::try_from(month - 1).unwrap_or(0)];
    let clock = format!("{:02}:{:02}", rest / 3600, rest / 60 % 60);
    match over {
        over if over < 1.5 * 86_400.0 => clock,
        over if over < 10.0 * 86_400.0 => format!("{name} {day}, {clock}"),
        over if over < 100.0 * 86_400.0 => format!("{name} {day}"),
        _ => format!("{name} {year}"),
    }
}

/// Year, month and day from a number of days since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that a leap day is the last of its year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year, month + 3);
    if month <= 12 { (year, month, date) } else { (year + 1, month - 12, date) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (unit, number, expected) in [
            (Unit::Share, 0.0, "0%"),
            (Unit::Share, 0.1234, "12.3%"),
            (Unit::Share, 1.0, "100%"),
            (Unit::Bytes, 0.0, "0 B"),
            (Unit::Bytes, 1536.0, "1.5 KiB"),
            (Unit::Bytes, 17_179_869_184.0, "16 GiB"),
            (Unit::BytesPerSecond, 2_000_000.0, "1.91 MiB/s"),
            (Unit::Number, 1234.4, "1234"),
            (Unit::Number, 20.0, "20"),
        ] {
            assert_eq!(unit.words(number), expected);
        }
    }

    #[test]
    fn an_axis_ends_at_a_round_number() {
        for (unit, most, expected) in [
            (Unit::Share, 0.37, 0.4),
            (Unit::Share, 0.031, 0.04),
            (Unit::Number, 10.0, 10.0),
            (Unit::Number, 11.0, 20.0),
            (Unit::Bytes, 1025.0, 2048.0),
            (Unit::Bytes, 1_000_000.0, 1_048_576.0),
            (Unit::Bytes, 5.0 * 1024.0 * 1024.0, 8.0 * 1024.0 * 1024.0),
            (Unit::Number, 0.0, 1.0),
            (Unit::Number, f64::NAN, 1.0),
            (Unit::Number, f64::INFINITY, 1.0),
        ] {
            assert!(
                (ceiling(most, unit) - expected).abs() < expected * 1e-9,
                "{most} {}",
                ceiling(most, unit)
            );
        }
    }

    #[test]
    fn times_say_no_more_than_their_span_needs() {
        let day = 86_400.0;
        for (seconds, over, expected) in [
            (1_790_000_000.0, 3600.0, "14:13"),
            (1_790_000_000.0, 7.0 * day, "Sep 21, 14:13"),
            (1_790_000_000.0, 30.0 * day, "Sep 21"),
            (1_790_000_000.0, 365.0 * day, "Sep 2026"),
            (0.0, 30.0 * day, "Jan 1"),
            (951_782_400.0, 30.0 * day, "Feb 29"),
            (-1.0, 3600.0, "23:59"),
        ] {
            assert_eq!(moment(seconds, over), expected);
        }
    }
}
