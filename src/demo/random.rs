//! Random numbers from the operating system.

use ring::rand::{SecureRandom, SystemRandom};

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has random numbers, or TLS would not work either");
    bytes
}

/// A new random UUID, the format of token secrets.
pub(crate) fn uuid() -> String {
    let hex: String = bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
