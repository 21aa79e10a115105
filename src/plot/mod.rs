//! Plots of history, as images and as lines of text. Knows nothing of where the numbers come from.
//!
//! The rendering is this program's own: a crate such as `plotters` draws text with a font that it expects on the
//! system, which a static binary on a bare host does not have, and is many times larger than these few hundred lines.
//!
//! * [`png`] — images as PNG files.
//! * `canvas`, `font` — drawing and lettering.
//! * [`scale`] — round numbers for an axis, and numbers and times as text.
//! * [`spark`] — sparklines for a terminal.

pub(crate) mod canvas;
mod font;
pub mod png;
pub mod scale;
pub mod spark;

use canvas::{Canvas, Colour, LINE, Point, mix, width};
use png::Image;
use scale::Unit;

/// Several panels over the same time range, one below the other.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The title of the plot.
    pub title: String,
    /// The panels, from the top.
    pub panels: Vec<Panel>,
    /// Whether to draw light text on a dark background.
    pub dark: bool,
}

/// Values on one axis.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The title of the panel.
    pub title: String,
    /// The unit of the numbers.
    pub unit: Unit,
    /// The upper end of the axis, if the values have a maximum.
    pub top: Option<f64>,
    /// At most three series.
    pub series: Vec<Series>,
}

/// One line in a panel.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name of the series.
    pub name: String,
    /// Seconds since 1970, and the value; in chronological order.
    pub points: Vec<(f64, f64)>,
}

/// The width at which chats show images without shrinking them.
const WIDTH: usize = 720;
const MARGIN: usize = 12;
/// Room for the labels of an axis.
const LEFT: usize = 116;
/// The height of a panel's plot area.
const RISE: usize = 96;
/// A panel's title, its plot area, and the space below it.
const PANEL: usize = LINE + GAP + RISE + 20;
/// The space between a title and the plot area.
const GAP: usize = 16;

struct Look {
    ground: Colour,
    ink: Colour,
    faint: Colour,
    grid: Colour,
    lines: [Colour; 3],
}

const LIGHT: Look = Look {
    ground: [255, 255, 255],
    ink: [28, 28, 28],
    faint: [88, 88, 88],
    grid: [216, 216, 216],
    lines: [[37, 99, 201], [192, 86, 0], [26, 122, 58]],
};
const DARK: Look = Look {
    ground: [30, 31, 34],
    ink: [240, 240, 240],
    faint: [176, 176, 176],
    grid: [70, 71, 76],
    lines: [[127, 176, 255], [255, 170, 90], [110, 212, 139]],
};

impl Plot {
    /// Draws the plot.
    #[must_use]
    pub fn draw(&self) -> Image {
        let look = if self.dark { &DARK } else { &LIGHT };
        let height = MARGIN + LINE + 14 + self.panels.len() * PANEL + LINE + MARGIN;
        let mut canvas = Canvas::new(WIDTH, height, look.ground);
        canvas.text(MARGIN, MARGIN, &shortened(&self.title, WIDTH - 2 * MARGIN), look.ink);
        let times = self.panels.iter().flat_map(|panel| &panel.series).flat_map(|series| &series.points);
        let (from, to) = times.fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), (time, _)| {
            (from.min(*time), to.max(*time))
        });
        let mut y = MARGIN + LINE + 14;
        for panel in &self.panels {
            panel.draw(&mut canvas, look, y, (from, to));
            y += PANEL;
        }
        if from <= to {
            for (part, time) in [(0, from), (1, f64::midpoint(from, to)), (2, to)] {
                let label = scale::moment(time, to - from);
                let label = if part == 2 { label + " UTC" } else { label };
                let x = LEFT + (WIDTH - MARGIN - LEFT) * part / 2 - width(&label) * part / 2;
                canvas.text(x, y - 8, &label, look.faint);
            }
        }
        canvas.image
    }
}

impl Panel {
    fn draw(&self, canvas: &mut Canvas, look: &Look, y: usize, (from, to): (f64, f64)) {
        canvas.text(MARGIN, y, &shortened(&self.title, LEFT + 120), look.ink);
        self.legend(canvas, look, y);
        let ground = y + LINE + GAP + RISE;
        let values = || self.series.iter().flat_map(|series| &series.points).map(|(_, value)| *value);
        let most = values().fold(0.0, f64::max);
        let top = self
            .top
            .filter(|top| most <= *top && 0.0 < *top)
            .unwrap_or_else(|| scale::ceiling(most, self.unit));
        for part in 0..=2 {
            let at = ground - RISE * part / 2;
            canvas.fill([LEFT, at, WIDTH - MARGIN - LEFT, 1], look.grid);
            #[allow(clippy::cast_precision_loss, reason = "0, 1 and 2")]
            let label = self.unit.words(top * part as f64 / 2.0);
            canvas.text(LEFT - 8 - width(&label).min(LEFT - 8), at - LINE / 2, &label, look.faint);
        }
        if values().next().is_none() {
            canvas.text(LEFT + 20, ground - RISE / 2 - LINE - 4, "no values", look.faint);
        }
        #[allow(clippy::cast_precision_loss, reason = "pixels")]
        let place = |(time, value): &(f64, f64)| -> Point {
            let (left, right) = (LEFT as f64, (WIDTH - MARGIN - 2) as f64);
            let share = if from < to { (time - from) / (to - from) } else { 1.0 };
            (left + share * (right - left), ground as f64 - (value / top).clamp(0.0, 1.0) * RISE as f64)
        };
        for (series, colour) in self.series.iter().zip(look.lines) {
            let lines: Vec<Vec<Point>> =
                unbroken(&series.points).map(|part| part.iter().map(place).collect()).collect();
            if self.series.len() == 1 {
                lines.iter().for_each(|line| shade(canvas, line, ground, look, colour));
            }
            lines.iter().for_each(|line| canvas.line(line, colour));
        }
    }

    /// Draws names and last values, from right to left.
    fn legend(&self, canvas: &mut Canvas, look: &Look, y: usize) {
        let mut right = WIDTH - MARGIN;
        for (series, colour) in self.series.iter().zip(look.lines).rev() {
            let last =
                series.points.last().map_or("no value".to_owned(), |(_, value)| self.unit.words(*value));
            let label = if self.series.len() == 1 { last } else { format!("{} {last}", series.name) };
            right = right.saturating_sub(width(&label));
            canvas.text(right, y, &label, look.faint);
            right = right.saturating_sub(22);
            canvas.fill([right, y + LINE / 2 - 1, 16, 3], colour);
            right = right.saturating_sub(18);
        }
    }
}

/// Fills the area below a line with a light tint.
fn shade(canvas: &mut Canvas, line: &[Point], ground: usize, look: &Look, colour: Colour) {
    let mut tint = look.ground;
    tint.iter_mut().zip(colour).for_each(|(byte, ink)| *byte = mix(*byte, ink, 0.15));
    for pair in line.windows(2) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels of the sheet")]
        for x in pair[0].0 as usize..=pair[1].0 as usize {
            #[allow(clippy::cast_precision_loss, reason = "pixels")]
            let share = ((x as f64 - pair[0].0) / (pair[1].0 - pair[0].0).max(1e-9)).clamp(0.0, 1.0);
            let top = (pair[0].1 + share * (pair[1].1 - pair[0].1)) as usize;
            canvas.fill([x, top, 1, ground.saturating_sub(top)], tint);
        }
    }
}

/// Splits a line at gaps: a step of more than 2.5 times the median step is a gap.
fn unbroken(points: &[(f64, f64)]) -> impl Iterator<Item = &[(f64, f64)]> {
    let mut steps: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    steps.sort_by(f64::total_cmp);
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(f64::INFINITY);
    points.chunk_by(move |one, next| next.0 - one.0 <= 2.5 * usual)
}

/// The text, shortened to that many pixels.
fn shortened(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if room < width(&short) + width("...") {
            break;
        }
    }
    short + "..."
}

#[cfg(test)]
mod tests;
