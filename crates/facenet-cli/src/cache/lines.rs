//! A file of lines that only grows.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use fs_err::{File, OpenOptions};

/// A file of lines that only grows, also by several programs at a time.
pub(super) struct Lines {
    file: File,
}

impl Lines {
    /// Opens the file at `path`, or makes it, and gives every whole line with its place to `each`.
    pub(super) fn open(path: &Path, mut each: impl FnMut(&[u8], u64)) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;

        let mut reader = BufReader::new(&mut file);
        let (mut line, mut place) = (Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)? as u64;
            if length == 0 {
                break;
            }
            if line.pop_if(|last| *last == b'\n').is_some() {
                each(&line, place);
            } else {
                // Whoever wrote it was interrupted: what comes next begins a line of its own.
                file.write_all(b"\n")?;
                break;
            }
            place += length;
        }
        Ok(Self { file })
    }

    /// Adds a line in one step, and gives its place.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<u64> {
        let whole = [line, b"\n"].concat();
        self.file.write_all(&whole)?;
        // After a write at the end, wherever that was by then, the file stands behind it.
        Ok(self.file.stream_position()? - whole.len() as u64)
    }

    /// The line of this length at this place.
    pub(super) fn read(&mut self, place: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut line = vec![0; length];
        self.file.seek(SeekFrom::Start(place))?;
        self.file.read_exact(&mut line)?;
        Ok(line)
    }
}
