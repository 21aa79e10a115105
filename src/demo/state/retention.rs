//! Backup retention: `prune-backups`, evaluated as Proxmox does it (PVE::Storage).

use crate::demo::state::clock::civil;
use std::collections::BTreeSet;

/// How many backups are kept, by kind of rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    all: bool,
    last: u64,
    hourly: u64,
    daily: u64,
    weekly: u64,
    monthly: u64,
    yearly: u64,
}

/// Returns the period that a time lies in.
type Period = fn(u64) -> (i64, u64);

/// Names and values of a property string.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').filter_map(|part| part.split_once('='))
}

impl Keep {
    /// Parses a retention setting such as `keep-last=3,keep-daily=7`.
    ///
    /// # Errors
    /// Proxmox's message for an unknown option or a value that is not a number.
    pub(crate) fn parse(text: &str) -> Result<Keep, String> {
        let mut keep = Keep::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let wrong = || {
                format!(
                    "invalid format - format error\n{name}: type check ('integer') failed - got '{value}'"
                )
            };
            let number = || value.parse().map_err(|_| wrong());
            match name {
                "keep-all" => keep.all = matches!(value, "1" | "yes" | "on" | "true"),
                "keep-last" => keep.last = number()?,
                "keep-hourly" => keep.hourly = number()?,
                "keep-daily" => keep.daily = number()?,
                "keep-weekly" => keep.weekly = number()?,
                "keep-monthly" => keep.monthly = number()?,
                "keep-yearly" => keep.yearly = number()?,
                _ => {
                    return Err(format!(
                        "invalid format - format error\n{name}: property is not defined in schema and the schema \
                         does not allow additional properties"
                    ));
                }
            }
        }
        Ok(keep)
    }

    /// Whether nothing is removed: `keep-all` is set, or no rule is given.
    pub(crate) fn keeps_all(&self) -> bool {
        self.all || *self == Keep::default()
    }

    /// Which of one guest's backups are to be removed, given their times. Each rule keeps the newest backup of each of
    /// its periods, and skips periods in which an earlier rule keeps one.
    pub(crate) fn removed(&self, times: &[u64]) -> Vec<bool> {
        let mut keeps = vec![None; times.len()];
        if self.keeps_all() {
            return vec![false; times.len()];
        }
        let mut newest_first: Vec<usize> = (0..times.len()).collect();
        newest_first.sort_by(|one, other| times[*other].cmp(&times[*one]));
        let rules: [(u64, Period); 6] = [
            (self.last, |time| (0, time)),
            (self.hourly, |time| (1, time / 3600)),
            (self.daily, |time| (2, time / 86_400)),
            // 1970-01-01 was a Thursday, and weeks begin with Monday.
            (self.weekly, |time| (3, (time / 86_400 + 3) / 7)),
            (self.monthly, |time| (civil(time).0, u64::from(civil(time).1))),
            (self.yearly, |time| (civil(time).0, 0)),
        ];
        for (count, period) in rules.into_iter().filter(|(count, _)| *count != 0) {
            let mut before = BTreeSet::new();
            before.extend(
                newest_first.iter().filter(|at| keeps[**at] == Some(true)).map(|at| period(times[*at])),
            );
            let mut now = BTreeSet::new();
            for at in &newest_first {
                let period = period(times[*at]);
                if keeps[*at].is_some() || before.contains(&period) {
                    continue;
                }
                if now.contains(&period) {
                    keeps[*at] = Some(false);
                    continue;
                }
                if count <= u64::try_from(now.len()).unwrap_or(u64::MAX) {
                    break;
                }
                now.insert(period);
                keeps[*at] = Some(true);
            }
        }
        keeps.into_iter().map(|keep| keep != Some(true)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;
    const DAY: u64 = 24 * HOUR;

    /// The indices of the backups that stay.
    fn kept(text: &str, times: &[u64]) -> Vec<usize> {
        let removed = Keep::parse(text).unwrap().removed(times);
        removed.iter().enumerate().filter(|(_, gone)| !**gone).map(|(at, _)| at).collect()
    }

    #[test]
    fn each_rule_keeps_the_newest_of_its_periods() {
        let now = 20_000 * DAY + 12 * HOUR + 1800;
        let times =
            [now, now - HOUR, now - HOUR - 60, now - DAY, now - DAY - HOUR, now - 9 * DAY, now - 400 * DAY];
        for (text, expected) in [
            ("keep-last=2", &[0, 1][..]),
            ("keep-last=1", &[0]),
            ("keep-all=1", &[0, 1, 2, 3, 4, 5, 6]),
            ("", &[0, 1, 2, 3, 4, 5, 6]),
            ("keep-last=0", &[0, 1, 2, 3, 4, 5, 6]),
            ("keep-hourly=3", &[0, 1, 3]),
            ("keep-daily=2", &[0, 3]),
            ("keep-weekly=2", &[0, 5]),
            ("keep-yearly=2", &[0, 6]),
            // The day of the backup that the first rule keeps is skipped.
            ("keep-last=1,keep-daily=1", &[0, 3]),
        ] {
            assert_eq!(kept(text, &times), expected, "{text}");
        }
        assert!(Keep::parse("keep-last=x").is_err());
        assert!(Keep::parse("keep=1").unwrap_err().contains("keep: property is not defined"));
    }
}
