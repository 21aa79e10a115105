//! The progress lines in the logs of long tasks, in the wording that was recorded.

/// The log line of a task of that kind at a share, from 0 to 1, of its time; `None` for kinds that log no progress.
pub(crate) fn line(kind: &str, share: f64) -> Option<String> {
    let percent = share * 100.0;
    let done = share * 32.0;
    let whole = (percent.floor(), (done * 10.0).floor() / 10.0);
    Some(match kind {
        "qmclone" | "qmmove" => format!("transferred {:.1} GiB of 32.0 GiB ({percent:.2}%)", whole.1),
        "vzdump" => format!(
            "INFO:  {:.0}% ({:.1} GiB of 32.0 GiB) in {:.0}s, read: 1.1 GiB/s, write: 210.4 MiB/s",
            whole.0,
            whole.1,
            share * 29.0
        ),
        "qmrestore" => format!(
            "progress {:.0}% (read {:.0} bytes, duration {:.0} sec)",
            whole.0,
            share * 34_359_738_368.0,
            share * 29.0
        ),
        "qmigrate" => format!(
            "mirror-scsi0: transferred {:.1} GiB of 32.0 GiB ({percent:.2}%) in {:.0}s",
            whole.1,
            share * 29.0
        ),
        "download" => format!(
            "{:.0}K .......... .......... .......... .......... .......... {:.0}% 1.1G 0s",
            share * 760_000.0,
            whole.0
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn only_what_takes_long_tells_how_far_it_is() {
        assert_eq!(line("qmstart", 0.5), None);
        assert_eq!(line("qmclone", 0.5).unwrap(), "transferred 16.0 GiB of 32.0 GiB (50.00%)");
        assert!(line("vzdump", 0.12).unwrap().starts_with("INFO:  12% (3.8 GiB of 32.0 GiB)"));
    }
}
