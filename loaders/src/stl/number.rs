//! Decimal numbers in ASCII STL, most of which take a fast and still exact path.

/// The number at the start of `text`, rounded to the nearest `f32`, and its length; `nan` and `inf` are numbers too.
/// White space or the end follows it.
#[inline]
pub(super) fn parse(text: &[u8]) -> Option<(f32, usize)> {
    fast(text).or_else(|| slow(text))
}

#[cold]
fn slow(text: &[u8]) -> Option<(f32, usize)> {
    let token = &text[..text.iter().position(|b| is_space(*b)).unwrap_or(text.len())];
    Some((std::str::from_utf8(token).ok()?.parse().ok()?, token.len()))
}

/// White space as C has it. The vertical tab is not white space to Rust.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The fast path of W. D. Clinger, How to Read Floating Point Numbers Accurately (1990): integer and power of ten are
/// exact as `f64`, so their product is rounded once. Rounding it again to `f32` is right unless it lies just between
/// two of them. `None` means: ask somebody else.
#[inline]
fn fast(text: &[u8]) -> Option<(f32, usize)> {
    let mut rest = text;
    let negative = match rest.first()? {
        b'-' => {
            rest = &rest[1..];
            true
        }
        b'+' => {
            rest = &rest[1..];
            false
        }
        _ => false,
    };
    let mut mantissa = 0u64;
    let mut digits = 0;
    let mut exponent = 0i32;
    let mut take_digits = |rest: &mut &[u8]| {
        let before = rest.len();
        while let Some((digit @ b'0'..=b'9', tail)) = rest.split_first() {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            *rest = tail;
        }
        before - rest.len()
    };
    digits += take_digits(&mut rest);
    if let Some((b'.', tail)) = rest.split_first() {
        rest = tail;
        let decimals = take_digits(&mut rest);
        digits += decimals;
        exponent -= i32::try_from(decimals).ok()?;
    }
    // 19 digits always fit into 64 bits.
    if digits == 0 || digits > 19 {
        return None;
    }
    if let Some((b'e' | b'E', tail)) = rest.split_first() {
        let (sign, mut tail) = match tail.split_first()? {
            (b'-', tail) => (-1, tail),
            (b'+', tail) => (1, tail),
            _ => (1, tail),
        };
        let mut power = 0;
        let mut power_digits = 0;
        while let Some((digit @ b'0'..=b'9', more)) = tail.split_first() {
            power_digits += 1;
            if power_digits > 4 {
                return None;
            }
            power = power * 10 + i32::from(digit - b'0');
            tail = more;
        }
        if power_digits == 0 {
            return None;
        }
        exponent += sign * power;
        rest = tail;
    }
    if rest.first().is_some_and(|b| !is_space(*b)) {
        return None;
    }
    let value = if mantissa == 0 {
        0.0
    } else {
        if mantissa >= 1 << 53 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
        let exact = mantissa as f64;
        let power = *POWERS.get(exponent.unsigned_abs() as usize)?;
        let product = if exponent < 0 { exact / power } else { exact * power };
        let is_midway = product.to_bits() & 0x1FFF_FFFF == 0x1000_0000;
        if is_midway || product < f64::from(f32::MIN_POSITIVE) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "that is the rounding meant above")]
        let value = product as f32;
        value
    };
    Some((if negative { -value } else { value }, text.len() - rest.len()))
}

/// The powers of ten that `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_exact(text: &str) {
        let expected: f32 = text.parse().unwrap();
        let (found, length) = parse(text.as_bytes()).unwrap();
        assert_eq!(length, text.len());
        assert_eq!(found.to_bits(), expected.to_bits(), "{text}: {found} instead of {expected}");
    }

    #[test]
    fn equals_the_standard_library_to_the_last_bit() {
        for text in [
            "0",
            "-0.0",
            "1",
            "+1.5",
            ".5",
            "5.",
            "-3.25e2",
            "1E+05",
            "7e-3",
            "16777217",
            "16777219",
            "1.175494e-38",
            "1e-45",
            "5.724931e-046",
            "3.4028235e38",
            "3.5e38",
            "-1e39",
            "0.1",
            "123456789012345678901234567890",
            "0.000000000000000000000000000000000000001",
            "9007199254740993",
            "8388608.5",
            "8388609.5",
        ] {
            assert_exact(text);
        }
        let mut state = 7u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = f32::from_bits((state >> 32) as u32);
            if value.is_finite() {
                assert_exact(&format!("{value:e}"));
                assert_exact(&format!("{value:.5e}"));
                assert_exact(&format!("{:.6}", value % 1000.0));
            }
        }
    }

    #[test]
    fn knows_what_is_no_number() {
        for text in ["", "-", ".", "e5", "1e", "1e+", "1,5", "1.2.3", "0x10", "1f", "--1", "1.#QNAN", "\u{fe}"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert!(parse(b"NaN").unwrap().0.is_nan());
        assert_eq!(parse(b"-inf\n"), Some((f32::NEG_INFINITY, 4)));
        assert_eq!(parse(b"12 34"), Some((12.0, 2)));
    }
}
