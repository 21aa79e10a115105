//! The screen of a VNC server (RFB, RFC 6143): one whole picture, and nothing typed or moved.
//!
//! Asks for plain pixels only (Raw, and CopyRect where a server insists) and to be told of another size. Works over
//! any stream; how long it may take is the stream's business, how much it may send is bounded here.

use super::des::vnc_response;
use crate::websocket::wrong;
use std::io::{self, Read, Write};

/// Larger screens are refused: that many pixels are read into memory as a whole (4K UHD and somewhat more).
const MAX_PIXELS: usize = 10_000_000;
/// A name or a reason is no longer.
const MAX_TEXT: u32 = 64 * 1024;
/// What servers put into a clipboard is passed over, up to that much in all.
const MAX_ASIDE: u64 = 4 * 1024 * 1024;
/// So often may the screen change its size, or an update leave something out, before it is given up.
const MAX_TURNS: usize = 16;

const RAW: i32 = 0;
const COPY_RECT: i32 = 1;
const DESKTOP_SIZE: i32 = -223;
const LAST_RECT: i32 = -224;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Red, green, blue; row by row.
    pub rgb: Vec<u8>,
}

/// Shakes hands, asks for everything, and gives it.
///
/// # Errors
/// The connection ended, or what came breaks the rules or the bounds; a clause.
pub(super) fn picture<S: Read + Write>(stream: S, password: &[u8]) -> io::Result<Picture> {
    let mut talk = Talk { stream };
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
        "its display sent {MAX_TURNS} updates and still left {} of {} pixels out",
        screen.missing,
        screen.width * screen.height
    )))
}

/// What has arrived of the picture.
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
            return Err(wrong("its display has no size at present"));
        }
        if MAX_PIXELS < pixels {
            return Err(wrong(&format!(
                "its display has {width} × {height} pixels, and more than {MAX_PIXELS} are not read"
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

struct Talk<S> {
    stream: S,
}

impl<S: Read + Write> Talk<S> {
    /// Version and password.
    fn greet(&mut self, password: &[u8]) -> io::Result<()> {
        let version: [u8; 12] = self.array()?;
        let minor = std::str::from_utf8(&version)
            .ok()
            .and_then(|text| text.strip_prefix("RFB 003.")?.strip_suffix('\n')?.parse::<u32>().ok())
            .ok_or_else(|| wrong("what its display said first is no VNC"))?;
        // Servers name odd numbers; what is not 3.7 or 3.8 speaks 3.3 (section 7.1.1).
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
                    "its display asks for a login of kind {other}, which is not known"
                )));
            }
        }
        if (kind == 2 || minor == 8) && self.u32()? != 0 {
            return Err(if minor == 8 { self.refusal() } else { wrong("its display refused the password") });
        }
        Ok(())
    }

    /// The kind of login, the one without a password first.
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

    /// The first size, and in which form pixels are to come.
    fn begin(&mut self) -> io::Result<Screen> {
        // Others may look at the same time.
        self.stream.write_all(&[1])?;
        let size: [u8; 4] = self.array()?;
        let _their_format: [u8; 16] = self.array()?;
        let _name = self.text()?;
        let mut wishes = vec![0, 0, 0, 0];
        // 32 bits in a pixel, 24 of them used, little end first, true colour; blue, green, red, nothing.
        wishes.extend([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
        let encodings = [RAW, COPY_RECT, DESKTOP_SIZE, LAST_RECT];
        wishes.extend([2, 0, 0, 4]);
        encodings.iter().for_each(|encoding| wishes.extend(encoding.to_be_bytes()));
        self.stream.write_all(&wishes)?;
        Screen::new(pair(&size[..2]), pair(&size[2..]))
    }

    /// Asks for the whole screen.
    fn ask(&mut self, screen: &Screen) -> io::Result<()> {
        let mut request = vec![3, 0, 0, 0, 0, 0];
        for length in [screen.width, screen.height] {
            request.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        }
        self.stream.write_all(&request)
    }

    /// Takes messages up to the end of an update.
    fn update(&mut self, screen: &mut Screen, aside: &mut u64) -> io::Result<()> {
        loop {
            match self.array::<1>()?[0] {
                0 => return self.rectangles(screen),
                // Colours of a palette that was not asked for.
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
                    return Err(wrong(&format!(
                        "its display sent a message of kind {other}, which is not known"
                    )));
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
                        "its display sent pixels in a form ({other}) that was not asked for"
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

    /// Text with its length before it.
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

/// Counts what was passed over, in bytes and in messages.
fn count(aside: &mut u64, more: u64) -> io::Result<()> {
    *aside = aside.saturating_add(more);
    if MAX_ASIDE < *aside { Err(wrong("its display sends without end what is no picture")) } else { Ok(()) }
}

/// Two bytes as a number.
fn pair(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests;
