//! DES (FIPS PUB 46-3), used only for VNC's password check: the cipher is broken, and the VNC connection runs inside
//! TLS. Implemented from the standard's tables, as two blocks of it do not justify a dependency.

/// Initial permutation; bits are counted from 1 at the left, as in the standard.
const IP: [u8; 64] = [
    58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48,
    40, 32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21,
    13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
];
/// Its inverse.
const FP: [u8; 64] = [
    40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45,
    13, 53, 21, 61, 29, 36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18,
    58, 26, 33, 1, 41, 9, 49, 17, 57, 25,
];
/// Expansion of half a block.
const E: [u8; 48] = [
    32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19, 20,
    21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
];
/// Permutation after the S-boxes.
const P: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6,
    22, 11, 4, 25,
];
/// Permuted choice 1: the key without its parity bits.
const PC1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44,
    36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20,
    12, 4,
];
/// Permuted choice 2: the key of a round.
const PC2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37,
    47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
/// How far both halves of the key are rotated before each round.
const SHIFTS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
/// The S-boxes: four rows of sixteen hexadecimal digits each.
const S: [[u8; 64]; 8] = [
    *b"e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
    *b"f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
    *b"a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
    *b"7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
    *b"2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
    *b"c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
    *b"4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
    *b"d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
];

/// The response to a VNC challenge: the challenge, encrypted with the first eight bytes of the password (RFC 6143
/// section 7.2.2). The bits of each key byte are in reverse order compared with the DES standard.
pub(crate) fn vnc_response(password: &[u8], challenge: [u8; 16]) -> [u8; 16] {
    let mut key = [0; 8];
    key.iter_mut().zip(password).for_each(|(byte, letter)| *byte = letter.reverse_bits());
    let mut response = [0; 16];
    for (from, to) in challenge.chunks_exact(8).zip(response.chunks_exact_mut(8)) {
        let mut block = [0; 8];
        block.copy_from_slice(from);
        to.copy_from_slice(&encrypt(key, block));
    }
    response
}

/// Encrypts one block.
fn encrypt(key: [u8; 8], block: [u8; 8]) -> [u8; 8] {
    let halves = permute(u64::from_be_bytes(key), 64, &PC1);
    let (mut c, mut d) = (halves >> 28, halves & 0x0fff_ffff);
    let turn = |half: u64, by: u32| (half << by | half >> (28 - by)) & 0x0fff_ffff;
    let block = permute(u64::from_be_bytes(block), 64, &IP);
    let (mut left, mut right) = (block >> 32, block & 0xffff_ffff);
    for by in SHIFTS {
        (c, d) = (turn(c, by), turn(d, by));
        let key = permute(c << 28 | d, 56, &PC2);
        (left, right) = (right, left ^ round(right, key));
    }
    permute(right << 32 | left, 64, &FP).to_be_bytes()
}

fn round(half: u64, key: u64) -> u64 {
    let mixed = permute(half, 32, &E) ^ key;
    let chosen = S.iter().enumerate().fold(0, |chosen, (at, table)| {
        let six = usize::try_from(mixed >> (42 - 6 * at) & 0x3f).unwrap_or(0);
        // The outer bits choose the row, the inner ones the column.
        let digit = table[(six & 0x20 | (six & 1) << 4) | (six >> 1 & 0x0f)];
        chosen << 4 | u64::from(if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 })
    });
    permute(chosen, 32, &P)
}

/// Selects the bits that `table` lists from a value that is `width` bits wide.
fn permute(value: u64, width: u32, table: &[u8]) -> u64 {
    table.iter().fold(0, |bits, &place| bits << 1 | (value >> (width - u32::from(place)) & 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_encrypted_as_the_published_vectors_are() {
        // NBS Special Publication 500-20 and the worked example that textbooks use.
        for (key, plain, coded) in [
            (0x1334_5779_9BBC_DFF1_u64, 0x0123_4567_89AB_CDEF_u64, 0x85E8_1354_0F0A_B405_u64),
            (0x0101_0101_0101_0101, 0x8000_0000_0000_0000, 0x95F8_A5E5_DD31_D900),
            (0x8001_0101_0101_0101, 0, 0x95A8_D728_13DA_A94D),
            (0x7CA1_1045_4A1A_6E57, 0x01A1_D6D0_3977_6742, 0x690F_5B0D_9A26_939B),
            (0x0131_D961_9DC1_376E, 0x5CD5_4CA8_3DEF_57DA, 0x7A38_9D10_354B_D271),
            (0x07A1_133E_4A0B_2686, 0x0248_D438_06F6_7172, 0x868E_BB51_CAB4_599A),
        ] {
            assert_eq!(u64::from_be_bytes(encrypt(key.to_be_bytes(), plain.to_be_bytes())), coded, "{key:x}");
        }
    }

    #[test]
    fn only_eight_bytes_of_a_password_count() {
        let challenge = *b"0123456789abcdef";
        assert_eq!(vnc_response(b"PVEVNC:6A", challenge), vnc_response(b"PVEVNC:6B", challenge));
        assert_ne!(vnc_response(b"PVEVNC:6", challenge), vnc_response(b"PVEVNC:7", challenge));
        assert_ne!(vnc_response(b"", challenge), vnc_response(b"a", challenge));
    }
}
