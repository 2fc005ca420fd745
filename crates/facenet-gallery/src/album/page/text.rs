//! Text for people, safe inside HTML.

use std::path::Path;

/// `text` as HTML, for content and for attributes in quotes. Control characters, which no page can show, become U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            control if control.is_control() => html.push(char::REPLACEMENT_CHARACTER),
            other => html.push(other),
        }
    }
    html
}

/// The last part of a path, or all of it when it has none.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A count and its noun, as in `1 face` and `1,024 faces`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A number with commas between the thousands.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in `[0, 1]` as percent of at most three digits that count, as in `0.1 %`.
pub(super) fn share(share: f64) -> String {
    let percent = 100.0 * share;
    // Through the text with an exponent: it is the one that counts digits from the first that is not zero.
    let rounded = format!("{percent:.2e}").parse::<f64>().unwrap_or(percent);
    format!("{rounded} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
        let hostile = "<script>alert('x')</script>\"&\u{0}\n.jpg";
        assert_eq!(
            escaped(hostile),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\u{fffd}\u{fffd}.jpg"
        );
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(counted(1, "face", "faces"), "1 face");
        assert_eq!(counted(0, "face", "faces"), "0 faces");
    }

    #[test]
    fn shares_are_rounded_to_three_digits_that_count() {
        for (number, text) in [
            (0.0, "0 %"),
            (1e-3, "0.1 %"),
            (7e-4, "0.07 %"),
            (1.0 / 3.0, "33.3 %"),
            (1e-6, "0.0001 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(share(number), text);
        }
    }
}
