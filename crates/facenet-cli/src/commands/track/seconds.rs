//! A span of time as an argument.

use std::str::FromStr;

/// A span of time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seconds(pub(super) f64);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(number), _) => (number, 1e-3),
            (None, Some(number)) => (number, 1.0),
            (None, None) => (text, 1.0),
        };
        match number.trim().parse::<f64>() {
            Ok(number) if number > 0.0 && number * unit <= 86400.0 => Ok(Self(number * unit)),
            _ => Err("expected a time above 0 and up to a day, for example `0.5s`, `200ms` or `2`".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_unit() {
        for (text, seconds) in [("0.5s", 0.5), ("200ms", 0.2), ("2", 2.0), ("86400s", 86400.0)] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
        }
        for wrong in ["", "s", "0", "-1s", "nan", "inf", "86401", "2m"] {
            assert!(wrong.parse::<Seconds>().is_err(), "{wrong}");
        }
    }
}
