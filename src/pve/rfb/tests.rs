//! Screenshots from scripted servers, correct and faulty ones.

use super::*;
use std::io::ErrorKind;

/// A server that plays back fixed bytes and records what it receives.
struct Server {
    says: io::Cursor<Vec<u8>>,
    heard: Vec<u8>,
}

impl Read for Server {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.says.read(place)
    }
}

impl Write for Server {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn server(parts: &[&[u8]]) -> Server {
    Server { says: io::Cursor::new(parts.concat()), heard: Vec::new() }
}

const NO_PASSWORD: &[u8] = b"RFB 003.008\n\x01\x01\0\0\0\0";

fn size(width: u16, height: u16) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[0; 16], &[0, 0, 0, 2], b"vm"].concat()
}

fn rect(place: [u16; 4], encoding: i32, data: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = place.iter().flat_map(|number| number.to_be_bytes()).collect();
    bytes.extend(encoding.to_be_bytes());
    bytes.extend(data);
    bytes
}

fn update(rects: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(rects.len()).unwrap();
    [&[0, 0][..], &count.to_be_bytes(), &rects.concat()].concat()
}

/// A pixel as it is sent.
fn pixel(red: u8, green: u8, blue: u8) -> [u8; 4] {
    [blue, green, red, 0]
}

#[track_caller]
fn fails(parts: &[&[u8]], expected: &str) {
    let error = picture(&mut server(parts), b"secret").unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn a_picture_is_put_together_from_its_parts() {
    let pixels = [pixel(1, 2, 3), pixel(4, 5, 6), pixel(7, 8, 9)].concat();
    let parts = update(&[rect([0, 0, 3, 1], RAW, &pixels), rect([1, 1, 2, 1], COPY_RECT, &[0, 0, 0, 0])]);
    let rest = update(&[rect([0, 1, 1, 1], RAW, &pixel(9, 9, 9)), rect([0; 4], LAST_RECT, b"")]);
    let mut server = server(&[
        NO_PASSWORD,
        &size(3, 2),
        b"\x02",
        b"\x03\0\0\0\0\0\0\x04clip",
        &parts,
        b"\x01\0\0\0\0\x01abcdef",
        &rest,
    ]);
    let seen = picture(&mut server, b"").unwrap();
    assert_eq!((seen.width, seen.height), (3, 2));
    assert_eq!(seen.rgb, [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 1, 2, 3, 4, 5, 6]);
    // Version, security type, shared flag, then only pixel format, encodings and update requests: no key, no pointer.
    let heard = &server.heard;
    assert!(heard.starts_with(b"RFB 003.008\n\x01\x01\0\0\0\0\x20\x18"));
    let requests = &heard[12 + 1 + 1 + 20 + 20..];
    assert_eq!(requests, [[3, 0, 0, 0, 0, 0, 0, 3, 0, 2]; 2].concat());
}

#[test]
fn a_new_size_begins_anew() {
    let resized = update(&[rect([0, 0, 1, 1], RAW, &pixel(1, 1, 1)), rect([0, 0, 1, 2], DESKTOP_SIZE, b"")]);
    let whole = update(&[rect([0, 0, 1, 2], RAW, &[pixel(2, 2, 2), pixel(3, 3, 3)].concat())]);
    let seen = picture(&mut server(&[NO_PASSWORD, &size(1, 1), &resized, &whole]), b"").unwrap();
    assert_eq!((seen.width, seen.height, &*seen.rgb), (1, 2, &[2, 2, 2, 3, 3, 3][..]));
}

#[test]
fn passwords_are_given_in_every_version() {
    let rest = [size(1, 1), update(&[rect([0, 0, 1, 1], RAW, &[0; 4])])].concat();
    let challenge = *b"0123456789abcdef";
    for (greeting, before) in [
        (&b"RFB 003.008\n\x02\x13\x02"[..], 13),
        (b"RFB 003.007\n\x01\x02", 13),
        (b"RFB 003.003\n\0\0\0\x02", 12),
        (b"RFB 003.005\n\0\0\0\x02", 12),
    ] {
        let mut server = server(&[greeting, &challenge, b"\0\0\0\0", &rest]);
        picture(&mut server, b"secret").unwrap();
        assert_eq!(server.heard[before..before + 16], vnc_response(b"secret", challenge));
    }
    fails(&[b"RFB 003.008\n\x01\x02", &challenge, b"\0\0\0\x01\0\0\0\x05wrong"], "refused: wrong");
    fails(&[b"RFB 003.003\n\0\0\0\x02", &challenge, b"\0\0\0\x01"], "refused the password");
    fails(&[b"RFB 003.008\n\0\0\0\0\x08too many"], "refused: too many");
    fails(&[b"RFB 003.008\n\x01\x13"], "type 19");
}

#[test]
fn servers_that_break_the_rules_or_the_bounds_are_left() {
    fails(&[b"HTTP/1.1 400"], "VNC greeting");
    fails(&[NO_PASSWORD, &size(0, 5)], "no size");
    fails(&[NO_PASSWORD, &size(65535, 65535)], "65535 × 65535");
    fails(&[NO_PASSWORD, b"\0\x01\0\x01", &[0; 16], b"\xff\xff\xff\xff"], "too long");
    let start = [NO_PASSWORD, &size(2, 2)].concat();
    fails(&[&start, &update(&[rect([1, 0, 2, 1], RAW, &[0; 8])])], "outside");
    fails(&[&start, &update(&[rect([0, 0, 1, 1], COPY_RECT, &[0, 2, 0, 0])])], "outside");
    fails(&[&start, &update(&[rect([0, 0, 1, 1], 16, b"")])], "encoding 16");
    fails(&[&start, b"\x07"], "type 7");
    fails(&[&start, b"\x03\0\0\0\xff\xff\xff\xff"], "other data than pixels");
    fails(&[&start, &update(&[]).repeat(MAX_TURNS)], "4 of 4 pixels");
    let bells = vec![2; usize::try_from(MAX_ASIDE).unwrap() + 10];
    fails(&[&start, &bells], "other data than pixels");
    for cut in 0..start.len() {
        let error = picture(&mut server(&[&start[..cut]]), b"").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{cut}");
    }
}
