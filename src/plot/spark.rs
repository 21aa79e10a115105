//! Sparklines: history in a terminal.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The values as bars of eight heights, from `least` to `most`, reduced to `width` characters by averaging. Unknown
/// values are spaces.
#[must_use]
pub fn line(values: &[Option<f64>], (least, most): (f64, f64), width: usize) -> String {
    let count = values.len().min(width.max(1));
    (0..count)
        .map(|at| {
            let part = &values[at * values.len() / count..(at + 1) * values.len() / count];
            let known: Vec<f64> = part.iter().flatten().copied().filter(|value| value.is_finite()).collect();
            if known.is_empty() {
                return ' ';
            }
            #[allow(clippy::cast_precision_loss, reason = "a few thousand values")]
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let share = if least < most { (mean - least) / (most - least) } else { 0.0 };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
            let level = (share.clamp(0.0, 1.0) * 7.0).round() as usize;
            LEVELS[level]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_heights() {
        let values = |list: &[f64]| list.iter().map(|value| Some(*value)).collect::<Vec<_>>();
        for (given, bounds, width, expected) in [
            (values(&[0.0, 0.5, 1.0]), (0.0, 1.0), 10, "▁▅█"),
            (values(&[0.0, 2.0, 4.0, 6.0]), (0.0, 6.0), 2, "▂▇"),
            (vec![None, Some(1.0), Some(f64::NAN)], (0.0, 1.0), 9, " █ "),
            (values(&[5.0, 5.0]), (5.0, 5.0), 9, "▁▁"),
            (values(&[9.0, -9.0]), (0.0, 1.0), 9, "█▁"),
            (Vec::new(), (0.0, 1.0), 9, ""),
            (values(&[1.0, 1.0]), (0.0, 1.0), 0, "█"),
        ] {
            assert_eq!(line(&given, bounds, width), expected);
        }
    }
}
