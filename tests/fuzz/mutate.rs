//! Random mutations of inputs, the same for the same seed: bits, bytes, dictionary words, pieces of other inputs.

/// Inputs are limited to this many bytes; failures that only length causes are tested by separate seeds.
const LONGEST: usize = 4096;

/// Bytes with a special meaning in some format.
const BYTES: &[u8] =
    b"\0\x01\t\n\r\x1b \"#$%&'()*+,-./019:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\xbf\xc3\xe2\xef\xf0\xff";

/// xorshift64*: fast, and the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let high = self.next() >> 32;
        usize::try_from((high * bound as u64) >> 32).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[5]
    }
}

/// Creates a new input from the existing ones.
pub fn mutate(random: &mut Random, corpus: &[Vec<u8>], words: &[&str], out: &mut Vec<u8>) {
    out.clear();
    // New inputs are at the end and are tried more often than old ones.
    let place = random.below(corpus.len());
    let place = if random.below(3) == 0 { corpus.len() - 1 - place / 8 } else { place };
    out.extend_from_slice(&corpus[place]);
    for _ in 0..=random.below(6) {
        change(random, corpus, words, out);
    }
    out.truncate(LONGEST);
}

fn change(random: &mut Random, corpus: &[Vec<u8>], words: &[&str], out: &mut Vec<u8>) {
    let length = out.len();
    let at = random.below(length + 1);
    match random.below(12) {
        0 if at < length => out[at] ^= 1 << random.below(8),
        1 if at < length => out[at] = random.byte(),
        2 if at < length => out[at] = BYTES[random.below(BYTES.len())],
        3 => {
            let few: Vec<u8> = (0..=random.below(8)).map(|_| random.byte()).collect();
            insert(out, at, &few);
        }
        4 if at < length => {
            let end = (at + 1 + random.below(16)).min(length);
            out.drain(at..end);
        }
        5 if at < length => {
            let end = (at + 1 + random.below(64)).min(length);
            let piece = out[at..end].to_vec();
            let to = random.below(length + 1);
            for _ in 0..=random.below(4) {
                insert(out, to, &piece);
            }
        }
        6 => {
            // The beginning of this one and the end of another.
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            out.truncate(at);
            out.extend_from_slice(&other[from..]);
        }
        7 if at < length => {
            let byte = out[at];
            let run = vec![byte; 1 + random.below(200)];
            insert(out, at, &run);
        }
        8 if at < length && out[at].is_ascii_digit() => {
            let numbers = [
                "0",
                "-1",
                "4294967296",
                "9223372036854775808",
                "1e999",
                "0.5",
                "00",
                "99999999999999999999",
            ];
            let number = numbers[random.below(numbers.len())];
            out.splice(at..=at, number.bytes());
        }
        9 if at < length && !words.is_empty() => {
            let word = words[random.below(words.len())].as_bytes();
            let end = (at + word.len()).min(length);
            out.splice(at..end, word.iter().copied());
        }
        _ if !words.is_empty() => {
            let word = words[random.below(words.len())].as_bytes();
            insert(out, at, word);
        }
        _ => out.push(random.byte()),
    }
}

fn insert(out: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if out.len() + piece.len() <= LONGEST {
        out.splice(at..at, piece.iter().copied());
    }
}
