//! Numbers as people read them, and the one that everything is drawn from.

/// The seed of everything that is drawn, unless another is given.
pub(crate) const SEED: u64 = 0;

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count as the paper's tables print it: `9K`, `115M`, `1.6B`, rounded.
pub(crate) fn short(number: usize) -> String {
    let scaled = |unit: f64, name: &str| match number as f64 / unit {
        value if value < 9.95 => format!("{value:.1}{name}"),
        value => format!("{value:.0}{name}"),
    };
    match number {
        0..1_000 => number.to_string(),
        1_000..999_500 => scaled(1e3, "K"),
        999_500..999_500_000 => scaled(1e6, "M"),
        _ => scaled(1e9, "B"),
    }
}

/// `1 image`, `2 images`.
pub(crate) fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { more })
}

/// A share as a percentage with the digits that a small rate needs: `0.1 %`, `12 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let decimals = if percent == 0.0 { 0 } else { (1 - percent.log10().floor() as i32).clamp(0, 9) as usize };
    let text = format!("{percent:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0, 999, 1_000, 1_741_152].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,741,152"]);
    }

    #[test]
    fn counts_are_short_at_every_border() {
        let texts = [0, 999, 1_000, 9_408, 9_960, 999_499, 999_500, 114_950_000, 999_500_000, 1_600_000_000]
            .map(short);
        assert_eq!(texts, ["0", "999", "1.0K", "9.4K", "10K", "999K", "1.0M", "115M", "1.0B", "1.6B"]);
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "face", "faces")), ["0 faces", "1 face", "2 faces"]);
    }

    #[test]
    fn percentages_keep_two_digits_that_count() {
        let texts = [0.0, 1e-6, 0.000_98, 1e-3, 0.0123, 0.1, 0.125, 1.0].map(percent);
        assert_eq!(texts, ["0 %", "0.0001 %", "0.098 %", "0.1 %", "1.2 %", "10 %", "12 %", "100 %"]);
    }
}
