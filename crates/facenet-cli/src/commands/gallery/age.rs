//! An age, as it is given to an option.

use std::str::FromStr;

/// An age in seconds, above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age(pub(super) i64);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "expected a whole number of hours, days or weeks, for example `365d`, `12h` or `2w`".to_owned()
        };
        let unit = match text.chars().last() {
            Some('h') => 3600,
            Some('d') => 24 * 3600,
            Some('w') => 7 * 24 * 3600,
            _ => return Err(wrong()),
        };
        let number: i64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        let seconds = number.checked_mul(unit).filter(|seconds| *seconds > 0);
        seconds.map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_unit_and_is_above_zero() {
        assert_eq!("365d".parse(), Ok(Age(365 * 86_400)));
        assert_eq!(("12h".parse(), "2w".parse()), (Ok(Age(43_200)), Ok(Age(1_209_600))));
        for text in ["", "d", "365", "0d", "-1d", "1.5d", "1y", "9223372036854775807w", "1é"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
