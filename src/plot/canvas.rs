//! An image to draw on: filled rectangles, text, anti-aliased lines.

use super::{
    font::{self, ADVANCE, HEIGHT},
    png::Image,
};

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// How many pixels wide and high each point of a letter is.
const SCALE: usize = 2;
/// The height of a line of text in pixels.
pub(crate) const LINE: usize = HEIGHT * SCALE;
/// The number of shades between a line's colour and the background: few, so that the file stays small.
const STEPS: f64 = 4.0;

/// An image to draw on.
pub(crate) struct Canvas {
    pub(crate) image: Image,
}

/// A position in pixels from the top left.
pub(crate) type Point = (f64, f64);

impl Canvas {
    pub(crate) fn new(width: usize, height: usize, colour: Colour) -> Canvas {
        Canvas { image: Image { width, height, rgb: colour.repeat(width * height) } }
    }

    fn pixel(&mut self, x: usize, y: usize) -> Option<&mut [u8]> {
        let at = (y * self.image.width + x) * 3;
        if x < self.image.width { self.image.rgb.get_mut(at..at + 3) } else { None }
    }

    pub(crate) fn fill(&mut self, [x, y, width, height]: [usize; 4], colour: Colour) {
        for y in y..y + height {
            for x in x..x + width {
                if let Some(pixel) = self.pixel(x, y) {
                    pixel.copy_from_slice(&colour);
                }
            }
        }
    }

    /// Draws text to the right of that position.
    pub(crate) fn text(&mut self, x: usize, y: usize, text: &str, colour: Colour) {
        for (place, letter) in text.chars().enumerate() {
            for (column, bits) in font::letter(letter).into_iter().enumerate() {
                for row in (0..8).filter(|row| bits >> row & 1 == 1) {
                    let x = x + (place * ADVANCE + column) * SCALE;
                    self.fill([x, y + row * SCALE, SCALE, SCALE], colour);
                }
            }
        }
    }

    /// Draws an anti-aliased line through the points, 2 pixels wide.
    pub(crate) fn line(&mut self, points: &[Point], colour: Colour) {
        let (width, height) = (self.image.width, self.image.height);
        let mut cover = vec![0u8; width * height];
        let single = [points.first().copied(), points.first().copied()];
        let alone: Vec<Point> = single.into_iter().flatten().collect();
        let points = if points.len() == 1 { &alone } else { points };
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            for y in span(from.1, to.1, height) {
                for x in span(from.0, to.0, width) {
                    let far = distance((x as f64, y as f64), from, to);
                    let part = ((1.5 - far).clamp(0.0, 1.0) * STEPS).round();
                    let place = &mut cover[y * width + x];
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to STEPS")]
                    let part = part as u8;
                    *place = part.max(*place);
                }
            }
        }
        for (pixel, part) in self.image.rgb.chunks_exact_mut(3).zip(cover).filter(|(_, part)| 0 < *part) {
            for (byte, ink) in pixel.iter_mut().zip(colour) {
                *byte = mix(*byte, ink, f64::from(part) / STEPS);
            }
        }
    }
}

/// The width of a text in pixels.
pub(crate) fn width(text: &str) -> usize {
    (text.chars().count() * ADVANCE).saturating_sub(1) * SCALE
}

/// Mixes two colour values.
pub(crate) fn mix(below: u8, ink: u8, part: f64) -> u8 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
    let mixed = (f64::from(below) + (f64::from(ink) - f64::from(below)) * part).round() as u8;
    mixed
}

/// The pixels that a line between these coordinates may touch, on one axis.
fn span(from: f64, to: f64, end: usize) -> std::ops::Range<usize> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "floats below zero become 0")]
    let place = |number: f64| (number.max(0.0) as usize).min(end);
    place(from.min(to) - 2.0)..place(from.max(to) + 3.0)
}

/// The distance of a point from the line between two others.
fn distance(point: Point, from: Point, to: Point) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx * dx + dy * dy;
    let along =
        if length == 0.0 { 0.0 } else { ((point.0 - from.0) * dx + (point.1 - from.1) * dy) / length };
    let along = along.clamp(0.0, 1.0);
    (point.0 - from.0 - along * dx).hypot(point.1 - from.1 - along * dy)
}
