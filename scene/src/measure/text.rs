//! Measured values as people read them.

use super::facts::{Fact, Quantity};

/// A length: millimetres below a metre, with digits that mean something for a machine.
pub fn length(metres: f64) -> String {
    if !metres.is_finite() {
        return "\u{2013}".to_owned();
    }
    let (in_mm, decimals) = digits(metres);
    if in_mm { format!("{} mm", fixed(metres * 1e3, decimals)) } else { format!("{} m", fixed(metres, decimals)) }
}

/// Whether a length is said in millimetres, and with how many decimals. What rounds to 1000 mm is said as a metre.
fn digits(metres: f64) -> (bool, usize) {
    match metres.abs() {
        m if m < 0.099_995 => (true, 2),
        m if m < 0.999_95 => (true, 1),
        m if m < 99.9995 => (false, 3),
        _ => (false, 2),
    }
}

/// An angle in degrees.
pub fn angle(radians: f64) -> String {
    if radians.is_finite() { format!("{}\u{b0}", fixed(radians.to_degrees(), 2)) } else { "\u{2013}".to_owned() }
}

/// Without a minus before nothing.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| matches!(b, b'0' | b'.')) => rest.to_owned(),
        _ => text,
    }
}

/// The value with its unit, and how far it may be off when that would show.
pub fn value(fact: &Fact) -> String {
    let say = if fact.quantity.is_angle() { angle } else { length };
    let text = say(fact.value);
    let last_digit = if fact.quantity.is_angle() {
        0.01f64.to_radians()
    } else {
        match digits(fact.value) {
            (true, decimals) => 1e-3 * 0.1f64.powi(i32::try_from(decimals).unwrap_or(0)),
            (false, decimals) => 0.1f64.powi(i32::try_from(decimals).unwrap_or(0)),
        }
    };
    match fact.error {
        Some(error) if error >= last_digit * 0.5 => format!("{text} \u{b1} {}", say(error)),
        _ => text,
    }
}

/// What stands in the picture: short, with the sign that drawings use.
pub fn label(fact: &Fact) -> String {
    let say = if fact.quantity.is_angle() { angle } else { length };
    let text = say(fact.value);
    match fact.quantity {
        Quantity::Diameter => format!("\u{d8} {text}"),
        Quantity::Radius => format!("R {text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_the_digits_that_matter() {
        let cases = [
            (0.0, "0.00 mm"),
            (-1e-9, "0.00 mm"),
            (0.000_012, "0.01 mm"),
            (0.012_345_6, "12.35 mm"),
            (0.099_996, "100.0 mm"),
            (0.450_04, "450.0 mm"),
            (0.999_96, "1.000 m"),
            (-2.5, "-2.500 m"),
            (12.345_678, "12.346 m"),
            (123.456_78, "123.46 m"),
            (f64::NAN, "\u{2013}"),
        ];
        for (metres, text) in cases {
            assert_eq!(length(metres), text, "{metres}");
        }
        assert_eq!(angle(std::f64::consts::FRAC_PI_2), "90.00\u{b0}");
    }

    #[test]
    fn an_error_is_said_only_when_it_would_show() {
        let fact = |error| Fact { quantity: Quantity::Radius, value: 0.02, error };
        assert_eq!(value(&fact(Some(1e-7))), "20.00 mm");
        assert_eq!(value(&fact(Some(3e-5))), "20.00 mm \u{b1} 0.03 mm");
        let large = Fact { quantity: Quantity::Diameter, value: 3.5, error: Some(1e-5) };
        assert_eq!(value(&large), "3.500 m");
        let turned = Fact { quantity: Quantity::Angle, value: 1.0, error: Some(0.001) };
        assert_eq!(value(&turned), "57.30\u{b0} \u{b1} 0.06\u{b0}");
        assert_eq!(label(&fact(Some(3e-5))), "R 20.00 mm");
        assert_eq!(label(&Fact { quantity: Quantity::Diameter, value: 0.04, error: None }), "\u{d8} 40.00 mm");
    }
}
