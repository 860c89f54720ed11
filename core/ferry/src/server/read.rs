//! Content of files: pieces, holes, hashes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::fs::SeekFrom;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::message::{BLOCK, Digest, PIECE, WINDOW_BLOCKS};

/// What is next in a file.
pub(super) enum Next {
    /// Bytes.
    Data(Vec<u8>),
    /// So many zeros.
    Zeros(u64),
    /// Nothing.
    End,
}

/// What comes at an offset, of at most so many bytes.
pub(super) fn next(file: &File, offset: u64, most: u64) -> io::Result<Next> {
    let hole = hole(file, offset)?.min(most);
    if hole > 0 {
        return Ok(Next::Zeros(hole));
    }
    let length = usize::try_from(most).unwrap_or(usize::MAX).min(PIECE);
    let mut data = vec![0; length];
    let filled = fill(file, &mut data, offset)?;
    data.truncate(filled);
    Ok(match data {
        data if data.is_empty() => Next::End,
        data if data.iter().all(|byte| *byte == 0) => Next::Zeros(data.len() as u64),
        data => Next::Data(data),
    })
}

/// How many bytes of nothing there are from an offset on, before data or the end.
fn hole(file: &File, offset: u64) -> io::Result<u64> {
    match rustix::fs::seek(file, SeekFrom::Data(offset)) {
        Ok(data) => Ok(data.saturating_sub(offset)),
        // No data behind it.
        Err(Errno::NXIO) => Ok(file.metadata()?.len().saturating_sub(offset)),
        // The file system does not know.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn fill(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The hashes of some blocks, as far as the file reaches.
pub(super) fn digests(file: &File, block: u64, blocks: u32) -> io::Result<Vec<Digest>> {
    let block_bytes = usize::try_from(BLOCK).unwrap_or(PIECE);
    let mut buffer = vec![0; block_bytes];
    let mut digests = Vec::new();
    for index in 0..u64::from(blocks.min(WINDOW_BLOCKS)) {
        let offset = block.checked_add(index).and_then(|block| block.checked_mul(BLOCK));
        let offset = offset.filter(|offset| i64::try_from(*offset).is_ok()).ok_or(Errno::INVAL)?;
        let filled = fill(file, &mut buffer, offset)?;
        if filled == 0 {
            break;
        }
        digests.push(Sha256::digest(&buffer[..filled]).into());
        if filled < block_bytes {
            break;
        }
    }
    Ok(digests)
}
