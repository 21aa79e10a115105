//! Time-based one-time passwords (RFC 6238 with HMAC-SHA-1). Pure functions.

use ring::hmac;

/// The code for `secret` at `unix` seconds since 1970.
///
/// `secret` is base 32 (blanks, dashes and padding allowed), an `otpauth:` URL, or a code of six to eight digits,
/// which is returned unchanged.
///
/// # Errors
/// `secret` is none of these. The message does not show the secret.
pub(super) fn code(secret: &str, unix: u64) -> Result<String, String> {
    let secret = secret.trim();
    if is_code(secret) {
        return Ok(secret.to_owned());
    }
    let (key, digits, period) = match secret.strip_prefix("otpauth://") {
        Some(url) => from_url(url)?,
        None => (secret, 6, 30),
    };
    let key = base32(key).filter(|key| !key.is_empty()).ok_or(
        "The TOTP secret is not base 32, an `otpauth:` URL or a code of six digits; correct `totp` in the configuration.",
    )?;
    Ok(hotp(&key, unix / period, digits))
}

/// Whether a source returned a current code instead of a secret; such a value must not be kept.
pub(super) fn is_code(secret: &str) -> bool {
    let secret = secret.trim();
    (6..=8).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_digit())
}

fn from_url(url: &str) -> Result<(&str, u32, u64), String> {
    let (mut key, mut digits, mut period) = ("", 6, 30);
    for pair in url.split_once('?').map_or("", |(_, query)| query).split('&') {
        match pair.split_once('=') {
            Some(("secret", value)) => key = value,
            Some(("digits", value)) => digits = value.parse().unwrap_or(0),
            Some(("period", value)) => period = value.parse().unwrap_or(0),
            Some(("algorithm", value)) if !value.eq_ignore_ascii_case("SHA1") => {
                return Err(format!("The TOTP algorithm `{value}` is not supported, only SHA1 is."));
            }
            _ => {}
        }
    }
    if !(6..=8).contains(&digits) || period == 0 {
        return Err("The `otpauth:` URL has an invalid number of digits or period; correct `totp`.".into());
    }
    Ok((key, digits, period))
}

fn hotp(key: &[u8], counter: u64, digits: u32) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    let number = tag[offset..offset + 4].iter().fold(0u32, |number, &byte| number << 8 | u32::from(byte));
    format!("{:0width$}", (number & 0x7fff_ffff) % 10u32.pow(digits), width = digits as usize)
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for letter in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b'=')) {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        held = (held << 5 | u32::from(value)) & 0xfff;
        bits += 5;
        if 8 <= bits {
            bits -= 8;
            bytes.push(((held >> bits) & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238 appendix B, SHA-1: the secret is the ASCII text 12345678901234567890.
        let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let eight = format!("otpauth://totp/x?secret={key}&digits=8&issuer=y");
        for (unix, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(code(&eight, unix).unwrap(), expected);
            assert_eq!(code(&format!(" {} \n", key.to_lowercase()), unix).unwrap(), expected[2..]);
        }
        assert_eq!(code("123456\n", 0).unwrap(), "123456");
    }

    #[test]
    fn bad_secrets_are_refused_without_being_shown() {
        for secret in [
            "",
            "not!base32",
            "otpauth://totp/x",
            "otpauth://totp/x?secret=AAAA&digits=99",
            "otpauth://x?secret=AAAA&period=0",
            "otpauth://x?secret=AAAA&algorithm=SHA256",
        ] {
            let error = code(secret, 0).unwrap_err();
            assert!(!error.contains("AAAA") && !error.contains("base32!"), "{error}");
        }
    }
}
