//! Commands as one would type them again.

/// `facenet` and its arguments, quoted for a shell where that is needed.
pub(crate) fn command_line<S: AsRef<str>>(arguments: impl IntoIterator<Item = S>) -> String {
    let mut line = "facenet".to_owned();
    for argument in arguments {
        line.push(' ');
        line += &quoted(argument.as_ref());
    }
    line
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_take_apart_is_quoted() {
        let line = command_line(["eval", "pairs", "--images", "my photos/", "O'Brien", "", "a;b"]);
        assert_eq!(line, r"facenet eval pairs --images 'my photos/' 'O'\''Brien' '' 'a;b'");
    }
}
