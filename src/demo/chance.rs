//! Repeatable randomness: the random choices in an answer follow from a seed, the request line, and how often that line
//! was requested before, so requests of other connections in between change nothing. Knows no API.

use crate::sync::lock;
use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::Mutex,
};

/// How many different request lines are counted; beyond that, counting starts over.
const LINES: usize = 20_000;

/// The source of randomness for a whole server.
#[derive(Debug)]
pub(crate) struct RandomSource {
    seed: u64,
    asked: Mutex<BTreeMap<u64, u64>>,
}

impl RandomSource {
    /// Creates a source of randomness with this seed.
    pub(crate) fn new(seed: u64) -> RandomSource {
        RandomSource { seed, asked: Mutex::default() }
    }

    /// The seed.
    pub(crate) fn number(&self) -> u64 {
        self.seed
    }

    /// The random numbers for the next answer to a request line.
    pub(crate) fn next(&self, line: &str) -> Rng {
        // A hasher without random keys: the same line gets the same number in every process.
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        let line = hasher.finish();
        let mut asked = lock(&self.asked);
        if LINES <= asked.len() {
            asked.clear();
        }
        let count = asked.entry(line).or_default();
        *count += 1;
        let mut chance = Rng(self.seed ^ line.rotate_left(17));
        chance.0 = chance.number() ^ *count;
        chance
    }
}

/// A pseudo-random number generator (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The next number.
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Shuffles items; every order is equally likely.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
            // The modulo bias is far too small for any test to notice.
            items.swap(last, usize::try_from(self.number() % bound).unwrap_or(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(seed: u64, line: &str, times: usize) -> Vec<Vec<u8>> {
        let seed = RandomSource::new(seed);
        let once = |_| {
            let mut items: Vec<u8> = (0..8).collect();
            seed.next(line).shuffle(&mut items);
            items
        };
        (0..times).map(once).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_orders_and_another_one_others() {
        assert_eq!(orders(1, "GET /nodes", 5), orders(1, "GET /nodes", 5));
        assert_ne!(orders(1, "GET /nodes", 5), orders(2, "GET /nodes", 5));
        assert_ne!(orders(1, "GET /nodes", 5), orders(1, "GET /pools", 5));
    }

    #[test]
    fn every_item_comes_to_every_place() {
        let all = orders(7, "x", 500);
        for place in 0..8 {
            for item in 0..8 {
                assert!(all.iter().any(|order| order[place] == item), "{item} never came to {place}");
            }
        }
        assert!(all.iter().all(|order| order.iter().map(|item| 1 << item).sum::<u16>() == 255));
    }
}
