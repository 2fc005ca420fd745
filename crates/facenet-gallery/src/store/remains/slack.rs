//! The unused parts of an SQLite file: free pages, gaps within pages, ends of overflow chains.
//!
//! The layout is <https://www.sqlite.org/fileformat2.html>. If every unused byte is zero, the file holds nothing but
//! what its tables show.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use fs_err::File;

/// The number of bytes that are not zero in unused parts of the SQLite file at `path`, whose tables and indexes begin
/// at the pages `roots`. Stretches of fewer than eight bytes are passed over, and so are places in the file that lists held
/// before they became shorter.
///
/// # Errors
/// When the file cannot be read, or is not laid out as its own numbers say.
pub(in crate::store) fn unused_bytes(path: &Path, roots: &[u32]) -> io::Result<u64> {
    let mut file = Pages::open(path)?;
    file.free_pages()?;
    for root in std::iter::once(&1).chain(roots) {
        file.tree(*root)?;
    }
    // Pages that nothing refers to.
    for page in 1..=file.count {
        if !file.seen.contains(&page) {
            let bytes = file.page(page)?;
            file.count_in(&bytes);
            file.seen.insert(page);
        }
    }
    Ok(file.unused)
}

/// Shorter stretches are no rows: when SQLite spreads rows over new pages, it leaves lengths and numbers of pages in gaps,
/// of up to six bytes, also where everything was just written anew.
const SHORTEST: usize = 8;

struct Pages {
    file: File,
    size: usize,
    /// Bytes of a page that are used: less what an extension reserves at its end.
    usable: usize,
    count: u32,
    seen: HashSet<u32>,
    unused: u64,
}

impl Pages {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut header = [0; 100];
        file.read_exact(&mut header)?;
        let size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        if !size.is_power_of_two() || size < 512 {
            return Err(wrong("its page size"));
        }
        let count = file.metadata()?.len() / size as u64;
        let count = count.try_into().map_err(|_| wrong("its length"))?;
        let usable = size - usize::from(header[20]);
        Ok(Self { file, size, usable, count, seen: HashSet::new(), unused: 0 })
    }

    /// The bytes of a page, numbered from 1.
    fn page(&mut self, number: u32) -> io::Result<Vec<u8>> {
        let index = number.checked_sub(1).filter(|_| number <= self.count).ok_or(wrong("a page number"))?;
        let mut bytes = vec![0; self.size];
        self.file.seek(SeekFrom::Start(u64::from(index) * self.size as u64))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The bytes of a page that no other place may refer to.
    fn page_once(&mut self, number: u32) -> io::Result<Vec<u8>> {
        if !self.seen.insert(number) {
            return Err(wrong("a page that two places refer to"));
        }
        self.page(number)
    }

    fn count_in(&mut self, bytes: &[u8]) {
        self.unused += remains(bytes);
    }

    /// The list of free pages: trunks that name leaves.
    fn free_pages(&mut self) -> io::Result<()> {
        let mut trunk = be32(&self.page(1)?, 32)?;
        while trunk != 0 {
            let bytes = self.page_once(trunk)?;
            let leaves = be32(&bytes, 4)? as usize;
            for leaf in 0..leaves {
                let leaf = self.page_once(be32(&bytes, 8 + 4 * leaf)?)?;
                self.count_in(&leaf);
            }
            let rest = bytes.get(8 + 4 * leaves..).ok_or(wrong("a list of free pages"))?;
            let count = self.count;
            self.count_in(after_places(rest, |place| (1..=count).contains(&u32::from_be_bytes(place))));
            trunk = be32(&bytes, 0)?;
        }
        Ok(())
    }

    /// The pages of a table or index.
    fn tree(&mut self, root: u32) -> io::Result<()> {
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            let bytes = self.page_once(number)?;
            let header = if number == 1 { 100 } else { 0 };
            let kind = bytes[header];
            let is_interior = matches!(kind, 2 | 5);
            if !matches!(kind, 2 | 5 | 10 | 13) {
                return Err(wrong("a page's kind"));
            }
            let cells = usize::from(be16(&bytes, header + 3)?);
            let pointers = header + if is_interior { 12 } else { 8 };
            if is_interior {
                waiting.push(be32(&bytes, header + 8)?);
            }
            self.gaps(&bytes, header, pointers + 2 * cells)?;
            for cell in 0..cells {
                let cell = usize::from(be16(&bytes, pointers + 2 * cell)?);
                if is_interior {
                    waiting.push(be32(&bytes, cell)?);
                }
                self.overflow(&bytes, cell, kind)?;
            }
        }
        Ok(())
    }

    /// What lies between the pointers and the cells, and in blocks that were freed between cells.
    fn gaps(&mut self, bytes: &[u8], header: usize, pointers_end: usize) -> io::Result<()> {
        let content = match be16(bytes, header + 5)? {
            0 => 65_536,
            start => usize::from(start),
        };
        let gap = bytes.get(pointers_end..content).ok_or(wrong("where a page's cells begin"))?;
        let cells = pointers_end..self.usable;
        self.count_in(after_places(gap, |place| cells.contains(&u16::from_be_bytes(place).into())));
        let mut block = usize::from(be16(bytes, header + 1)?);
        while block != 0 {
            let length = usize::from(be16(bytes, block + 2)?);
            // The first four bytes are the next block and the length.
            self.count_in(bytes.get(block + 4..block + length).ok_or(wrong("a free block"))?);
            let next = usize::from(be16(bytes, block)?);
            if next != 0 && next <= block {
                return Err(wrong("a free block"));
            }
            block = next;
        }
        Ok(())
    }

    /// The pages that a cell which does not fit goes on in; the last one has an unused end.
    fn overflow(&mut self, bytes: &[u8], cell: usize, kind: u8) -> io::Result<()> {
        let mut at = cell + if matches!(kind, 2 | 5) { 4 } else { 0 };
        if kind == 5 {
            return Ok(()); // no payload
        }
        let payload = varint(bytes, &mut at)? as usize;
        if kind == 13 {
            varint(bytes, &mut at)?; // the row's identifier
        }
        let usable = self.usable;
        let most = if kind == 13 { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
        if payload <= most {
            return Ok(());
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let wanted = least + (payload - least) % (usable - 4);
        let local = if wanted <= most { wanted } else { least };
        let mut left = payload - local;
        let mut next = be32(bytes, at + local)?;
        while next != 0 {
            let page = self.page_once(next)?;
            let here = left.min(usable - 4);
            self.count_in(&page[4 + here..usable]);
            left -= here;
            next = be32(&page, 0)?;
        }
        if left == 0 { Ok(()) } else { Err(wrong("a chain of pages")) }
    }
}

/// The bytes of all stretches that are long enough to be remains of a row; two zeros end one.
fn remains(bytes: &[u8]) -> u64 {
    let long = |stretch: &Range<usize>| if stretch.len() >= SHORTEST { stretch.len() as u64 } else { 0 };
    let (mut total, mut stretch) = (0, 0..0);
    for (place, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        if stretch.is_empty() || place > stretch.end + 1 {
            total += long(&stretch);
            stretch.start = place;
        }
        stretch.end = place + 1;
    }
    total + long(&stretch)
}

/// The rest of `bytes` after what a list that was longer has left at their beginning: places of `N` bytes that are ones.
fn after_places<const N: usize>(bytes: &[u8], is_place: impl Fn([u8; N]) -> bool) -> &[u8] {
    let places = bytes.as_chunks().0.iter().take_while(|place| is_place(**place)).count();
    &bytes[N * places..]
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} cannot be right"))
}

fn be16(bytes: &[u8], at: usize) -> io::Result<u16> {
    let two = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(wrong("a place in a page"))?;
    Ok(u16::from_be_bytes(*two))
}

fn be32(bytes: &[u8], at: usize) -> io::Result<u32> {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(wrong("a place in a page"))?;
    Ok(u32::from_be_bytes(*four))
}

/// SQLite's numbers of one to nine bytes, seven bits each and eight in the ninth; moves `at` behind it.
fn varint(bytes: &[u8], at: &mut usize) -> io::Result<u64> {
    let mut value = 0;
    for index in 0..9 {
        let byte = *bytes.get(*at).ok_or(wrong("a place in a page"))?;
        *at += 1;
        if index == 8 {
            return Ok(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn unused(path: &Path) -> u64 {
        let connection = Connection::open(path).unwrap();
        let mut select = connection.prepare("SELECT rootpage FROM sqlite_schema WHERE rootpage > 1").unwrap();
        let roots: Vec<u32> =
            select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        unused_bytes(path, &roots).unwrap()
    }

    /// A file with long and short rows, of which every third is deleted.
    fn deleted(path: &Path, secure: &str) {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "secure_delete", secure).unwrap();
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB, n TEXT UNIQUE)").unwrap();
        for id in 0..300_i64 {
            let blob = vec![0xab; [10, 600, 9000][id as usize % 3]];
            connection
                .execute("INSERT INTO t VALUES (?1, ?2, ?3)", (id, blob, format!("name {id}")))
                .unwrap();
        }
        connection.execute("VACUUM", []).unwrap();
        connection.execute("DELETE FROM t WHERE id % 4 = 1", []).unwrap();
        connection.execute("DELETE FROM t WHERE id > 250", []).unwrap();
    }

    #[test]
    fn deleted_rows_show_in_unused_parts_unless_they_were_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        deleted(&dir.path().join("plain"), "OFF");
        deleted(&dir.path().join("secure"), "ON");
        // Half of the rows that were deleted have 600 or 9000 bytes.
        assert!(unused(&dir.path().join("plain")) > 100_000);
        let secure = dir.path().join("secure");
        let connection = Connection::open(&secure).unwrap();
        connection.execute_batch("PRAGMA secure_delete = ON; VACUUM").unwrap();
        drop(connection);
        assert_eq!(unused(&secure), 0);
    }

    #[test]
    fn eight_bytes_in_a_free_page_show_and_seven_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g");
        deleted(&path, "ON");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA secure_delete = ON; VACUUM; DROP TABLE t").unwrap();
        drop(connection);
        assert_eq!(unused(&path), 0);
        let whole = fs_err::read(&path).unwrap();
        for (written, expected) in
            [(&b"Anna Be"[..], 0), (b"Anna Ber", 8), (b"Anna\0Ber", 8), (b"Anna\0\0Be", 0)]
        {
            let mut bytes = whole.clone();
            let end = bytes.len();
            bytes[end - written.len()..].copy_from_slice(written);
            fs_err::write(&path, bytes).unwrap();
            assert_eq!(unused(&path), expected);
        }
    }

    #[test]
    fn only_stretches_of_eight_bytes_are_remains() {
        for (bytes, expected) in [
            (&[][..], 0),
            (&[0; 100], 0),
            (&[1; 7], 0),
            (&[1; 8], 8),
            (&[1; 20], 20),
            (&[1, 0, 1, 0, 1, 0, 1, 0, 1], 9), // a single zero may be part of it
            (&[1, 1, 1, 1, 0, 0, 1, 1, 1, 1], 0),
            (&[0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1], 8),
        ] {
            assert_eq!(remains(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_laid_out_so_is_an_error_and_no_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g");
        deleted(&path, "ON");
        let whole = fs_err::read(&path).unwrap();
        let damaged = dir.path().join("damaged");
        for step in 0..400 {
            let mut bytes = whole.clone();
            for place in 0..40 {
                let at = (step * 7919 + place * 104_729) % bytes.len();
                bytes[at] = (step + place) as u8;
            }
            bytes.truncate(bytes.len() - step % 700);
            fs_err::write(&damaged, bytes).unwrap();
            let _: io::Result<u64> = unused_bytes(&damaged, &[2, 3, 99]);
        }
        assert!(unused_bytes(&damaged, &[1_000_000]).is_err());
        fs_err::write(&damaged, "short").unwrap();
        assert!(unused_bytes(&damaged, &[]).is_err());
    }
}
