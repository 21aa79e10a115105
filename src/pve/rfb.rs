//! A minimal VNC client (RFB, RFC 6143) that takes one screenshot and sends no key or pointer events.
//!
//! Requests only the encodings Raw and CopyRect, and to be notified of size changes. Works over any stream, which is
//! responsible for timeouts; the amount of data is limited here.

use super::des::vnc_response;
use crate::websocket::wrong;
use std::io::{self, Read, Write};

/// The largest screen, in pixels, as the whole picture is held in memory (somewhat more than 4K UHD).
const MAX_PIXELS: usize = 10_000_000;
/// The longest desktop name or reason, in bytes.
const MAX_TEXT: u32 = 64 * 1024;
/// How much other data, such as clipboard text, is skipped in all, in bytes and messages.
const MAX_ASIDE: u64 = 4 * 1024 * 1024;
/// How many updates may be incomplete, or change the size of the screen, before the client gives up.
const MAX_TURNS: usize = 16;

const RAW: i32 = 0;
const COPY_RECT: i32 = 1;
const DESKTOP_SIZE: i32 = -223;
const LAST_RECT: i32 = -224;

/// A screenshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The width in pixels.
    pub width: usize,
    /// The height in pixels.
    pub height: usize,
    /// Red, green and blue bytes of each pixel, row by row.
    pub rgb: Vec<u8>,
}

/// Does the handshake, requests the whole screen and returns it.
///
/// # Errors
/// The connection ends, or the server violates the protocol or the limits. The message is a clause.
pub(super) fn picture<S: Read + Write>(stream: S, password: &[u8]) -> io::Result<Picture> {
    let mut talk = RfbClient { stream };
    talk.greet(password)?;
    let mut screen = talk.begin()?;
    let mut aside = 0;
    for _ in 0..MAX_TURNS {
        talk.ask(&screen)?;
        talk.update(&mut screen, &mut aside)?;
        if screen.missing == 0 {
            return Ok(Picture { width: screen.width, height: screen.height, rgb: screen.rgb });
        }
    }
    Err(wrong(&format!(
        "its display sent {MAX_TURNS} updates, but {} of {} pixels are still missing",
        screen.missing,
        screen.width * screen.height
    )))
}

/// The part of the picture received so far.
struct Screen {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    seen: Vec<bool>,
    missing: usize,
}

impl Screen {
    fn new(width: usize, height: usize) -> io::Result<Screen> {
        let pixels = width * height;
        if pixels == 0 {
            return Err(wrong("its display currently has no size"));
        }
        if MAX_PIXELS < pixels {
            return Err(wrong(&format!(
                "its display has {width} × {height} pixels, more than the limit of {MAX_PIXELS}"
            )));
        }
        Ok(Screen { width, height, rgb: vec![0; pixels * 3], seen: vec![false; pixels], missing: pixels })
    }

    fn row(&mut self, x: usize, y: usize, pixels: &[[u8; 3]]) {
        let from = y * self.width + x;
        self.rgb[from * 3..][..pixels.len() * 3].copy_from_slice(pixels.as_flattened());
        for seen in &mut self.seen[from..][..pixels.len()] {
            self.missing -= usize::from(!*seen);
            *seen = true;
        }
    }
}

struct Rect {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Rect {
    fn check(&self, screen: &Screen) -> io::Result<()> {
        if self.x + self.width <= screen.width && self.y + self.height <= screen.height {
            return Ok(());
        }
        Err(wrong(&format!(
            "its display sent a part of {} × {} pixels at {}, {}, outside of its {} × {}",
            self.width, self.height, self.x, self.y, screen.width, screen.height
        )))
    }
}

struct RfbClient<S> {
    stream: S,
}

impl<S: Read + Write> RfbClient<S> {
    /// Negotiates the version and authenticates.
    fn greet(&mut self, password: &[u8]) -> io::Result<()> {
        let version: [u8; 12] = self.array()?;
        let minor = std::str::from_utf8(&version)
            .ok()
            .and_then(|text| text.strip_prefix("RFB 003.")?.strip_suffix('\n')?.parse::<u32>().ok())
            .ok_or_else(|| wrong("its display did not start with a VNC greeting"))?;
        // Some servers report other numbers; anything except 3.7 and 3.8 is treated as 3.3 (section 7.1.1).
        let minor = match minor {
            8.. => 8,
            7 => 7,
            _ => 3,
        };
        self.stream.write_all(format!("RFB 003.{minor:03}\n").as_bytes())?;
        let kind = if minor == 3 { self.u32()? } else { self.choose()? };
        match kind {
            1 => {}
            2 => {
                let challenge = self.array()?;
                self.stream.write_all(&vnc_response(password, challenge))?;
            }
            0 => return Err(self.refusal()),
            other => {
                return Err(wrong(&format!(
                    "its display requires VNC security type {other}, which is not supported"
                )));
            }
        }
        if (kind == 2 || minor == 8) && self.u32()? != 0 {
            return Err(if minor == 8 { self.refusal() } else { wrong("its display refused the password") });
        }
        Ok(())
    }

    /// Chooses the security type, preferably the one without a password.
    fn choose(&mut self) -> io::Result<u32> {
        let count = self.array::<1>()?[0];
        let mut kinds = vec![0; usize::from(count)];
        self.stream.read_exact(&mut kinds)?;
        let known = [1, 2].into_iter().find(|kind| kinds.contains(kind));
        match known {
            Some(kind) => {
                self.stream.write_all(&[kind])?;
                Ok(kind.into())
            }
            None => Ok(kinds.first().copied().unwrap_or(0).into()),
        }
    }

    fn refusal(&mut self) -> io::Error {
        match self.text() {
            Ok(reason) => wrong(&format!(
                "its display refused: {}",
                reason.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0').escape_debug()
            )),
            Err(error) => error,
        }
    }

    /// Reads the initial size and sets the pixel format and encodings.
    fn begin(&mut self) -> io::Result<Screen> {
        // Share the session with other clients.
        self.stream.write_all(&[1])?;
        let size: [u8; 4] = self.array()?;
        let _their_format: [u8; 16] = self.array()?;
        let _name = self.text()?;
        let mut wishes = vec![0, 0, 0, 0];
        // 32 bits per pixel, depth 24, little-endian, true colour: blue, green, red, unused.
        wishes.extend([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
        let encodings = [RAW, COPY_RECT, DESKTOP_SIZE, LAST_RECT];
        wishes.extend([2, 0, 0, 4]);
        encodings.iter().for_each(|encoding| wishes.extend(encoding.to_be_bytes()));
        self.stream.write_all(&wishes)?;
        Screen::new(pair(&size[..2]), pair(&size[2..]))
    }

    /// Requests the whole screen.
    fn ask(&mut self, screen: &Screen) -> io::Result<()> {
        let mut request = vec![3, 0, 0, 0, 0, 0];
        for length in [screen.width, screen.height] {
            request.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        }
        self.stream.write_all(&request)
    }

    /// Reads messages up to the end of an update.
    fn update(&mut self, screen: &mut Screen, aside: &mut u64) -> io::Result<()> {
        loop {
            match self.array::<1>()?[0] {
                0 => return self.rectangles(screen),
                // Colour map entries, which were not requested.
                1 => {
                    let head: [u8; 5] = self.array()?;
                    self.skip(6 * pair(&head[3..]) as u64, aside)?;
                }
                2 => {}
                3 => {
                    let head: [u8; 7] = self.array()?;
                    let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
                    self.skip(length.into(), aside)?;
                }
                other => {
                    return Err(wrong(&format!("its display sent a VNC message of unknown type {other}")));
                }
            }
            count(aside, 1)?;
        }
    }

    fn rectangles(&mut self, screen: &mut Screen) -> io::Result<()> {
        let head: [u8; 3] = self.array()?;
        for _ in 0..pair(&head[1..]) {
            let head: [u8; 12] = self.array()?;
            let rect = Rect {
                x: pair(&head[..2]),
                y: pair(&head[2..4]),
                width: pair(&head[4..6]),
                height: pair(&head[6..8]),
            };
            match i32::from_be_bytes([head[8], head[9], head[10], head[11]]) {
                RAW => self.raw(screen, &rect)?,
                COPY_RECT => self.copy(screen, &rect)?,
                DESKTOP_SIZE => *screen = Screen::new(rect.width, rect.height)?,
                LAST_RECT => break,
                other => {
                    return Err(wrong(&format!(
                        "its display sent pixels in the encoding {other}, which was not requested"
                    )));
                }
            }
        }
        Ok(())
    }

    fn raw(&mut self, screen: &mut Screen, rect: &Rect) -> io::Result<()> {
        rect.check(screen)?;
        let mut line = vec![0; rect.width * 4];
        for y in rect.y..rect.y + rect.height {
            self.stream.read_exact(&mut line)?;
            let pixels: Vec<[u8; 3]> =
                line.chunks_exact(4).map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
            screen.row(rect.x, y, &pixels);
        }
        Ok(())
    }

    fn copy(&mut self, screen: &mut Screen, rect: &Rect) -> io::Result<()> {
        let from: [u8; 4] = self.array()?;
        let source = Rect { x: pair(&from[..2]), y: pair(&from[2..]), ..*rect };
        rect.check(screen)?;
        source.check(screen)?;
        let rows: Vec<Vec<[u8; 3]>> = (source.y..source.y + source.height)
            .map(|y| {
                let from = (y * screen.width + source.x) * 3;
                screen.rgb[from..][..source.width * 3].as_chunks().0.to_vec()
            })
            .collect();
        rows.iter().enumerate().for_each(|(at, row)| screen.row(rect.x, rect.y + at, row));
        Ok(())
    }

    /// Reads a length-prefixed string.
    fn text(&mut self) -> io::Result<String> {
        let length = self.u32()?;
        if MAX_TEXT < length {
            return Err(wrong("its display sent a name or reason that is too long"));
        }
        let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
        self.stream.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn skip(&mut self, length: u64, aside: &mut u64) -> io::Result<()> {
        count(aside, length)?;
        let passed = io::copy(&mut (&mut self.stream).take(length), &mut io::sink())?;
        if passed == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn u32(&mut self) -> io::Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Counts skipped bytes and messages against the limit.
fn count(aside: &mut u64, more: u64) -> io::Result<()> {
    *aside = aside.saturating_add(more);
    if MAX_ASIDE < *aside { Err(wrong("its display keeps sending other data than pixels")) } else { Ok(()) }
}

/// Reads two bytes as a big-endian number.
fn pair(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests;
