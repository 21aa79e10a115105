//! PNG: images of few colours with a palette, all others in true colour. Written here, because it only takes a few
//! chunks around what flate2, which the program contains anyway, compresses. Knows nothing of what is shown.

use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write;

/// An image: red, green, blue; row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Three bytes per pixel.
    pub rgb: Vec<u8>,
}

impl Image {
    /// The image as a PNG file.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        let palette = Palette::of(&self.rgb);
        let (kind, depth) = palette.as_ref().map_or((2, 8), |palette| (3, palette.depth()));
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut head = Vec::with_capacity(13);
        for length in [self.width, self.height] {
            head.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
        head.extend([depth, kind, 0, 0, 0]);
        chunk(&mut file, *b"IHDR", &head);
        let lines = match &palette {
            Some(palette) => {
                chunk(&mut file, *b"PLTE", palette.colours.as_flattened());
                palette.lines(self)
            }
            None => self.lines(),
        };
        chunk(&mut file, *b"IDAT", &packed(&lines));
        chunk(&mut file, *b"IEND", &[]);
        file
    }

    /// The image as a PNG file, halved in width and height as often as it takes to stay within that many bytes, and the
    /// factor by which it was reduced.
    #[must_use]
    pub fn png_within(&self, most: usize) -> (Vec<u8>, usize) {
        let (mut file, mut scale) = (self.png(), 1);
        let mut smaller = None;
        while most < file.len() {
            let image = smaller.as_ref().unwrap_or(self);
            if image.width < 2 || image.height < 2 {
                break;
            }
            let half = image.halved();
            (file, scale) = (half.png(), scale * 2);
            smaller = Some(half);
        }
        (file, scale)
    }

    /// The image at half its width and height: each pixel is the average of four.
    fn halved(&self) -> Image {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                for part in 0..3 {
                    let at = |x: usize, y: usize| u32::from(self.rgb[(y * self.width + x) * 3 + part]);
                    let sum = at(2 * x, 2 * y)
                        + at(2 * x + 1, 2 * y)
                        + at(2 * x, 2 * y + 1)
                        + at(2 * x + 1, 2 * y + 1);
                    rgb.push(u8::try_from(sum / 4).unwrap_or(u8::MAX));
                }
            }
        }
        Image { width, height, rgb }
    }

    /// Rows in true colour, each with the filter that compresses it best.
    fn lines(&self) -> Vec<u8> {
        let length = self.width * 3;
        let mut out = Vec::with_capacity((length + 1) * self.height);
        let mut above = vec![0; length];
        for line in self.rgb.chunks_exact(length) {
            // Sub, Up and None: the content of a display repeats to the left or above.
            let sub: Vec<u8> = line
                .iter()
                .enumerate()
                .map(|(at, byte)| byte.wrapping_sub(if at < 3 { 0 } else { line[at - 3] }))
                .collect();
            let up: Vec<u8> =
                line.iter().zip(&above).map(|(byte, above)| byte.wrapping_sub(*above)).collect();
            let weight = |bytes: &[u8]| {
                bytes.iter().map(|byte| u64::from(byte.cast_signed().unsigned_abs())).sum::<u64>()
            };
            let filters = [(0, weight(line)), (1, weight(&sub)), (2, weight(&up))];
            let best = filters.iter().min_by_key(|(_, weight)| *weight).map_or(0, |(filter, _)| *filter);
            out.push(best);
            out.extend(match best {
                1 => &sub,
                2 => &up,
                _ => line,
            });
            above.copy_from_slice(line);
        }
        out
    }
}

/// The colours of an image that has at most 256.
struct Palette {
    colours: Vec<[u8; 3]>,
}

impl Palette {
    fn of(rgb: &[u8]) -> Option<Palette> {
        let mut colours: Vec<[u8; 3]> = Vec::new();
        let mut last = None;
        for pixel in rgb.as_chunks::<3>().0 {
            if last == Some(*pixel) {
                continue;
            }
            last = Some(*pixel);
            if let Err(place) = colours.binary_search(pixel) {
                if colours.len() == 256 {
                    return None;
                }
                colours.insert(place, *pixel);
            }
        }
        Some(Palette { colours })
    }

    /// Bits per pixel.
    fn depth(&self) -> u8 {
        match self.colours.len() {
            0..=2 => 1,
            3..=4 => 2,
            5..=16 => 4,
            _ => 8,
        }
    }

    fn lines(&self, image: &Image) -> Vec<u8> {
        let depth = usize::from(self.depth());
        let mut out = Vec::with_capacity((image.width * depth / 8 + 2) * image.height);
        for line in image.rgb.chunks_exact(image.width * 3) {
            out.push(0);
            for pixels in line.chunks(8 / depth * 3) {
                let byte = pixels.as_chunks::<3>().0.iter().enumerate().fold(0, |byte, (at, pixel)| {
                    let index = self.colours.binary_search(pixel).unwrap_or(0);
                    byte | index << (8 - depth * (at + 1))
                });
                out.push(u8::try_from(byte).unwrap_or(0));
            }
        }
        out
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::new(6));
    packer.write_all(bytes).and_then(|()| packer.finish()).expect("memory takes what is written to it")
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    file.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(data);
    file.extend(kind);
    file.extend(data);
    file.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::ZlibDecoder;
    use std::io::Read;

    /// Decodes a file that was written here; it understands only what the writer can produce.
    fn decode(file: &[u8]) -> Image {
        let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n").unwrap();
        let (mut head, mut palette, mut data) = (Vec::new(), Vec::new(), Vec::new());
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
            let (kind, body) = (&rest[4..8], &rest[8..8 + length]);
            let mut sum = Crc::new();
            sum.update(&rest[4..8 + length]);
            assert_eq!(sum.sum().to_be_bytes(), rest[8 + length..12 + length]);
            match kind {
                b"IHDR" => head = body.to_vec(),
                b"PLTE" => palette = body.as_chunks::<3>().0.to_vec(),
                b"IDAT" => data.extend(body),
                b"IEND" => {}
                other => panic!("{other:?}"),
            }
            rest = &rest[12 + length..];
        }
        let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap()) as usize;
        let (width, height, depth, kind) = (number(0), number(4), usize::from(head[8]), head[9]);
        let mut lines = Vec::new();
        ZlibDecoder::new(&*data).read_to_end(&mut lines).unwrap();
        let length = if kind == 2 { width * 3 } else { (width * depth).div_ceil(8) };
        let mut above = vec![0u8; length];
        let mut rgb = Vec::new();
        for line in lines.chunks_exact(length + 1) {
            let mut line_out = line[1..].to_vec();
            for at in 0..length {
                let more = match line[0] {
                    0 => 0,
                    1 => {
                        if at < 3 {
                            0
                        } else {
                            line_out[at - 3]
                        }
                    }
                    2 => above[at],
                    other => panic!("{other}"),
                };
                line_out[at] = line_out[at].wrapping_add(more);
            }
            above.clone_from(&line_out);
            if kind == 2 {
                rgb.extend(&line_out);
            } else {
                for x in 0..width {
                    let bit = x * depth;
                    let index = line_out[bit / 8] >> (8 - depth - bit % 8)
                        & u8::try_from((1u16 << depth) - 1).unwrap();
                    rgb.extend(palette[usize::from(index)]);
                }
            }
        }
        Image { width, height, rgb }
    }

    /// An image with that many colours.
    fn colourful(width: usize, height: usize, colours: usize) -> Image {
        let rgb = (0..width * height).flat_map(|at| {
            let colour = at * 7 % colours;
            [(colour % 256).to_le_bytes()[0], (colour / 256).to_le_bytes()[0], 5]
        });
        Image { width, height, rgb: rgb.collect() }
    }

    #[test]
    fn every_depth_comes_back_as_it_was() {
        for (width, height) in [(1, 1), (7, 3), (8, 2), (33, 20)] {
            for colours in [1, 2, 3, 5, 17, 256, 257, 600] {
                let image = colourful(width, height, colours);
                assert_eq!(decode(&image.png()), image, "{width} {height} {colours}");
            }
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_halved_until_it_fits() {
        let mut state = 1u32;
        let rgb = (0..200 * 100 * 3).map(|_| {
            // Xorshift: its output cannot be compressed.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        });
        let rgb = rgb.collect();
        let noise = Image { width: 200, height: 100, rgb };
        let (file, scale) = noise.png_within(20_000);
        assert!(file.len() <= 20_000 && 1 < scale, "{} {scale}", file.len());
        let small = decode(&file);
        assert_eq!((small.width, small.height), (200 / scale, 100 / scale));
        let (file, scale) = colourful(64, 64, 2).png_within(20_000);
        assert_eq!((scale, decode(&file)), (1, colourful(64, 64, 2)));
        assert_eq!(colourful(1, 1, 1).png_within(3).1, 1);
    }
}
