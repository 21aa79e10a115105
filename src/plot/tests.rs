//! Checks the content of drawn plots by its colours.

use super::*;

fn series(name: &str, points: &[(f64, f64)]) -> Series {
    Series { name: name.into(), points: points.to_vec() }
}

fn plot(panels: Vec<Panel>, dark: bool) -> Plot {
    Plot { title: "VM 101 (web), last day".into(), panels, dark }
}

fn panel(list: Vec<Series>) -> Panel {
    Panel { title: "CPU".into(), unit: Unit::Share, top: Some(1.0), series: list }
}

/// The pixels of that colour, as `(x, y)`.
fn pixels(image: &Image, colour: Colour) -> Vec<(usize, usize)> {
    let all = image.rgb.as_chunks::<3>().0.iter().enumerate();
    all.filter(|(_, pixel)| **pixel == colour).map(|(at, _)| (at % image.width, at / image.width)).collect()
}

/// The vertical positions of a line's pixels in a column.
fn heights(image: &Image, colour: Colour, column: usize) -> Vec<usize> {
    // The legend is further up.
    let top = MARGIN + LINE + 14 + LINE + 5;
    pixels(image, colour).into_iter().filter(|(x, y)| *x == column && top < *y).map(|(_, y)| y).collect()
}

#[test]
fn a_line_runs_where_its_values_are() {
    let top = MARGIN + LINE + 14 + LINE + GAP;
    for (value, expected) in [(0.0, top + RISE), (0.25, top + RISE * 3 / 4), (1.0, top)] {
        let image =
            plot(vec![panel(vec![series("used", &[(0.0, value), (60.0, value), (120.0, value)])])], false)
                .draw();
        let at = heights(&image, LIGHT.lines[0], 400);
        assert!(at.contains(&expected), "{value}: {at:?} without {expected}");
        assert!(at.iter().all(|y| y.abs_diff(expected) <= 1), "{at:?}");
    }
}

#[test]
fn a_gap_stays_a_gap() {
    let points: Vec<(f64, f64)> =
        (0..100).filter(|at| !(40..60).contains(at)).map(|at| (f64::from(at) * 60.0, 0.5)).collect();
    let image = plot(vec![panel(vec![series("used", &points)])], true).draw();
    let middle = LEFT + (WIDTH - MARGIN - LEFT) / 2;
    assert!(heights(&image, DARK.lines[0], middle).is_empty());
    assert!(!heights(&image, DARK.lines[0], LEFT + 40).is_empty());
    assert!(!heights(&image, DARK.lines[0], WIDTH - 40).is_empty());
}

#[test]
fn strange_values_are_drawn_somehow() {
    for points in [
        &[][..],
        &[(5.0, 0.3)],
        &[(5.0, 0.3), (5.0, 0.4)],
        &[(0.0, -5.0), (60.0, 1e300), (120.0, f64::MAX)],
        &[(0.0, f64::NAN), (60.0, f64::INFINITY)],
        &[(9.0, 1.0), (3.0, 0.5)],
    ] {
        for top in [None, Some(0.0), Some(1.0)] {
            let image =
                plot(vec![Panel { top, ..panel(vec![series("a", points), series("b", points)]) }], false)
                    .draw();
            assert_eq!(image.rgb.len(), image.width * image.height * 3);
        }
    }
    assert_eq!(plot(Vec::new(), false).draw().width, WIDTH);
}

#[test]
fn a_full_day_of_four_panels_is_small_in_both_looks() {
    let wave = |phase: f64, size: f64| -> Vec<(f64, f64)> {
        let noise = |at: u32| f64::from(at.wrapping_mul(2_654_435_761) >> 20) / 4096.0;
        (0..1440u32)
            .map(|at| {
                (
                    1.79e9 + f64::from(at) * 60.0,
                    size * ((f64::from(at) / 90.0 + phase).sin() + 1.2 + noise(at)),
                )
            })
            .collect()
    };
    let panels = || {
        vec![
            panel(vec![series("used", &wave(0.0, 0.3))]),
            Panel {
                title: "Memory".into(),
                unit: Unit::Bytes,
                top: Some(17_179_869_184.0),
                series: vec![series("used", &wave(1.0, 4e9))],
            },
            Panel {
                title: "Network".into(),
                unit: Unit::BytesPerSecond,
                top: None,
                series: vec![series("in", &wave(2.0, 2e6)), series("out", &wave(3.0, 8e5))],
            },
            Panel {
                title: "Disk".into(),
                unit: Unit::BytesPerSecond,
                top: None,
                series: vec![series("read", &wave(4.0, 4e6)), series("written", &wave(5.0, 3e6))],
            },
        ]
    };
    for dark in [false, true] {
        let file = plot(panels(), dark).draw().png();
        assert!(file.len() <= 40 * 1024, "{} bytes", file.len());
    }
}
