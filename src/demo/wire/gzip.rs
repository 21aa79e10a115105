//! Gzip without compression (RFC 1951, stored blocks), so that clients meet the encoding of a real server and no
//! compressor is needed here.

/// The bytes as a gzip file.
pub(crate) fn wrap(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    if blocks.peek().is_none() {
        out.extend_from_slice(&[1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("a block is cut to what fits in 16 bits");
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&crc32(bytes).to_le_bytes());
    // The size is kept modulo 2^32.
    let size = u64::try_from(bytes.len()).unwrap_or(0).to_le_bytes();
    out.extend_from_slice(&size[..4]);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn long_bodies_take_several_blocks() {
        for (size, blocks) in [(0, 1), (1, 1), (65_535, 1), (65_536, 2), (200_000, 4)] {
            assert_eq!(wrap(&vec![b'x'; size]).len(), 10 + 5 * blocks + size + 8);
        }
    }
}
