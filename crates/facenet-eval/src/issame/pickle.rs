//! The few codes of Python's pickle that lists of bytes and booleans are written with, protocols 2 to 5.

use std::ops::Range;

/// Why a pickle was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// The file ends too early.
    #[error("the pickle ends at byte {at}, inside of something")]
    CutOff {
        /// Where.
        at: usize,
    },
    /// A code that sets do not need: a class, a function, a number beyond 255.
    #[error("found pickle code 0x{code:02x} at byte {at}, expected only lists of byte strings and booleans")]
    Code {
        /// The code.
        code: u8,
        /// Where.
        at: usize,
    },
    /// Codes in an order that makes no `(images, issame)`.
    #[error("the pickle is not of the form `(images, issame)`: {found} at byte {at}")]
    Form {
        /// What was found.
        found: &'static str,
        /// Where.
        at: usize,
    },
}

/// The two lists of a set; images as ranges of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    pub(super) images: Vec<Range<usize>>,
    pub(super) same: Vec<bool>,
}

/// What stands on the machine's stack.
#[derive(Debug, Clone)]
enum Value {
    Mark,
    Bytes(Range<usize>),
    Bool(bool),
    /// An index into the machine's lists: a list that was remembered is the same list.
    List(usize),
    Pair(usize, usize),
}

/// Runs the pickle.
pub(super) fn read(bytes: &[u8]) -> Result<Lists, PickleError> {
    Machine { bytes, at: 0, stack: Vec::new(), lists: Vec::new(), memo: Vec::new() }.run()
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    lists: Vec<Vec<Value>>,
    /// Remembered values under their numbers, which run from 0: no longer than the file.
    memo: Vec<Option<Value>>,
}

impl Machine<'_> {
    fn run(mut self) -> Result<Lists, PickleError> {
        loop {
            let (at, code) = (self.at, self.number(1)? as u8);
            match code {
                0x80 => drop(self.number(1)?),        // PROTO
                0x95 => drop(self.number(8)?),        // FRAME
                b'(' => self.stack.push(Value::Mark), // MARK
                b']' => {
                    self.stack.push(Value::List(self.lists.len())); // EMPTY_LIST
                    self.lists.push(Vec::new());
                }
                b'U' | b'C' => self.byte_string(1)?, // SHORT_BINSTRING (Python 2), SHORT_BINBYTES
                b'T' | b'B' => self.byte_string(4)?, // BINSTRING (Python 2), BINBYTES
                0x8e => self.byte_string(8)?,        // BINBYTES8
                0x88 => self.stack.push(Value::Bool(true)), // NEWTRUE
                0x89 => self.stack.push(Value::Bool(false)), // NEWFALSE
                b'K' => {
                    // BININT1: some sets have 1 and 0 for booleans.
                    let value = match self.number(1)? {
                        0 => Value::Bool(false),
                        1 => Value::Bool(true),
                        _ => return Err(PickleError::Form { found: "a number that is no label", at }),
                    };
                    self.stack.push(value);
                }
                b'q' => self.remember(1)?, // BINPUT
                b'r' => self.remember(4)?, // LONG_BINPUT
                0x94 => {
                    let top = self.stack.last().cloned();
                    self.memo.push(top); // MEMOIZE
                }
                b'h' => self.recall(1)?, // BINGET
                b'j' => self.recall(4)?, // LONG_BINGET
                b'a' => {
                    let value = self.pop()?; // APPEND
                    self.append(vec![value])?;
                }
                b'e' => {
                    let values = self.pop_to_mark()?; // APPENDS
                    self.append(values)?;
                }
                0x86 => {
                    let (second, first) = (self.pop()?, self.pop()?); // TUPLE2
                    self.tuple(&[first, second])?;
                }
                b't' => {
                    let values = self.pop_to_mark()?; // TUPLE
                    self.tuple(&values)?;
                }
                b'.' => return self.finish(), // STOP
                _ => return Err(PickleError::Code { code, at }),
            }
        }
    }

    /// The next `width` bytes as a little-endian number.
    fn number(&mut self, width: usize) -> Result<u64, PickleError> {
        let bytes = self.take(width)?;
        Ok(self.bytes[bytes].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn take(&mut self, len: usize) -> Result<Range<usize>, PickleError> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or(PickleError::CutOff { at: self.bytes.len() })?;
        let start = std::mem::replace(&mut self.at, end);
        Ok(start..end)
    }

    fn byte_string(&mut self, width: usize) -> Result<(), PickleError> {
        let len = usize::try_from(self.number(width)?).unwrap_or(usize::MAX);
        let bytes = self.take(len)?;
        self.stack.push(Value::Bytes(bytes));
        Ok(())
    }

    fn remember(&mut self, width: usize) -> Result<(), PickleError> {
        let place = self.number(width)? as usize;
        let top = self.stack.last().cloned();
        // Python numbers what it remembers from 0 on; a file that does not would only make the memo long.
        match place {
            _ if place < self.memo.len() => self.memo[place] = top,
            _ if place == self.memo.len() => self.memo.push(top),
            _ => return Err(self.form("a memo number out of order")),
        }
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), PickleError> {
        let place = self.number(width)? as usize;
        let value = self.memo.get(place).cloned().flatten();
        let value = value.ok_or_else(|| self.form("a memo number that was never set"))?;
        self.stack.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<Value, PickleError> {
        self.stack.pop().ok_or_else(|| self.form("an empty stack"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, PickleError> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark));
        let mark = mark.ok_or_else(|| self.form("no mark"))?;
        let values = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(values)
    }

    fn append(&mut self, values: Vec<Value>) -> Result<(), PickleError> {
        let Some(&Value::List(list)) = self.stack.last() else { return Err(self.form("no list")) };
        self.lists[list].extend(values);
        Ok(())
    }

    fn tuple(&mut self, values: &[Value]) -> Result<(), PickleError> {
        let [Value::List(images), Value::List(same)] = values else {
            return Err(self.form("a tuple of something else"));
        };
        self.stack.push(Value::Pair(*images, *same));
        Ok(())
    }

    fn finish(mut self) -> Result<Lists, PickleError> {
        let Some(Value::Pair(images, same)) = self.stack.pop() else {
            return Err(self.form("something else as the whole"));
        };
        let mut lists = Lists::default();
        for value in &self.lists[images] {
            match value {
                Value::Bytes(range) => lists.images.push(range.clone()),
                _ => return Err(self.form("an image that is no byte string")),
            }
        }
        for value in &self.lists[same] {
            match value {
                Value::Bool(same) => lists.same.push(*same),
                _ => return Err(self.form("a label that is no boolean")),
            }
        }
        Ok(lists)
    }

    fn form(&self, found: &'static str) -> PickleError {
        PickleError::Form { found, at: self.at }
    }
}
