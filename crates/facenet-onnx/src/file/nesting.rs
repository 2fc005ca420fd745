//! How deep the messages of a file nest, found without recursion.
//!
//! Graphs lie in attributes of nodes of graphs. The reader of `rten-onnx` descends by recursion without a limit, so
//! that a file of a megabyte could overflow its stack.

/// Graphs within graphs that are allowed; exporters write one or two.
const MAX_DEPTH: usize = 8;

/// Messages that are looked at, at most: a bound on the time that a file can take here.
const MAX_MESSAGES: usize = 10_000_000;

/// The messages that may lie in each other without end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    ValueInfo,
    Type,
    Sequence,
}

/// Checks that every field ends within its message, and that nothing nests too deep.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut open = vec![(Kind::Model, bytes, 0)];
    let mut messages = 0;
    while let Some((kind, mut rest, depth)) = open.pop() {
        messages += 1;
        if depth > MAX_DEPTH || messages > MAX_MESSAGES {
            return Err(format!(
                "its graphs lie in each other more than {MAX_DEPTH} deep, or it has too many parts"
            ));
        }
        while !rest.is_empty() {
            let (number, value) = field(&mut rest)?;
            let Some(inner) = kind.inside(number) else { continue };
            let value = value.ok_or("a part is not of the type that the format gives it")?;
            let deeper = matches!(inner, Kind::Graph | Kind::Type);
            open.push((inner, value, depth + usize::from(deeper)));
        }
    }
    Ok(())
}

impl Kind {
    /// What lies in the field of that number, if it can nest.
    fn inside(self, number: u64) -> Option<Self> {
        match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Some(Self::Graph),
            (Self::Graph, 1) => Some(Self::Node),
            (Self::Node, 5) => Some(Self::Attribute),
            (Self::Graph, 11..=13) => Some(Self::ValueInfo),
            (Self::ValueInfo, 2) | (Self::Sequence, 1) => Some(Self::Type),
            (Self::Type, 4) => Some(Self::Sequence),
            _ => None,
        }
    }
}

/// Takes a field: its number, and its bytes if it has any of variable length.
fn field<'a>(rest: &mut &'a [u8]) -> Result<(u64, Option<&'a [u8]>), String> {
    let tag = varint(rest)?;
    let length = match tag & 7 {
        0 => {
            varint(rest)?;
            return Ok((tag >> 3, None));
        }
        1 => 8,
        2 => varint(rest)?,
        5 => 4,
        other => return Err(format!("a field has the wire type {other}, which ONNX does not use")),
    };
    if length > rest.len() as u64 {
        return Err(format!("a field claims {length} bytes, but {} are left", rest.len()));
    }
    let (value, after) = rest.split_at(length as usize);
    *rest = after;
    Ok((tag >> 3, (tag & 7 == 2).then_some(value)))
}

fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or("it ends in the middle of a number")?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number has more than ten bytes".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with one field of bytes.
    fn wrap(number: u8, inner: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        let mut length = inner.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(inner);
        bytes
    }

    fn graphs(depth: usize) -> Vec<u8> {
        let inner = (1..depth).fold(Vec::new(), |graph, _| wrap(1, &wrap(5, &wrap(6, &graph))));
        wrap(7, &inner)
    }

    #[test]
    fn graphs_may_lie_in_each_other_up_to_the_limit() {
        assert_eq!(check(&graphs(MAX_DEPTH)), Ok(()));
        for depth in [MAX_DEPTH + 1, 20_000] {
            assert!(check(&graphs(depth)).unwrap_err().contains("more than 8 deep"));
        }
    }

    #[test]
    fn types_may_lie_in_each_other_up_to_the_limit_too() {
        let kind = (0..20).fold(Vec::new(), |kind, _| wrap(4, &wrap(1, &kind)));
        assert!(check(&wrap(7, &wrap(11, &wrap(2, &kind)))).is_err());
    }

    #[test]
    fn a_field_that_claims_more_than_there_is_is_named_with_both_sizes() {
        // Two gigabytes, of which three bytes are there.
        let claim = [7 << 3 | 2, 0x80, 0x80, 0x80, 0x80, 0x08, 1, 2, 3];
        assert_eq!(check(&claim).unwrap_err(), "a field claims 2147483648 bytes, but 3 are left");
        assert_eq!(check(&[0x08, 0x80]).unwrap_err(), "it ends in the middle of a number");
        assert_eq!(check(&[0xff; 12]).unwrap_err(), "a number has more than ten bytes");
        assert!(check(&[0x0b]).unwrap_err().contains("wire type 3"));
    }

    #[test]
    fn a_graph_that_is_a_number_is_refused() {
        assert!(check(&[7 << 3, 1]).unwrap_err().contains("not of the type"));
    }
}
