//! The frames in which the engine sends output.
//!
//! Without a terminal, each line comes behind eight bytes: the stream (1 is standard output, 2 standard error), three
//! zeros, and the length in network order. With one, the bytes come as they are.
//! Source: Engine API reference, `ContainerAttach`, "Stream format".

use rhumb_backend::LogStream;

/// Lines out of bytes that come in pieces of any size.
pub(super) struct Frames {
    tty: bool,
    buffer: Vec<u8>,
}

const HEADER: usize = 8;

impl Frames {
    pub(super) fn new(tty: bool) -> Self {
        Self { tty, buffer: Vec::new() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Every line that is complete.
    pub(super) fn take(&mut self) -> Vec<(LogStream, Vec<u8>)> {
        let mut lines = Vec::new();
        let mut at = 0;
        while let Some((length, line)) = self.next(at) {
            lines.push(line);
            at += length;
        }
        self.buffer.drain(..at);
        lines
    }

    /// Every line that is left, the last one too.
    pub(super) fn finish(mut self) -> Vec<(LogStream, Vec<u8>)> {
        let mut lines = self.take();
        if self.tty && !self.buffer.is_empty() {
            lines.push((LogStream::Stdout, self.buffer));
        }
        lines
    }

    fn next(&self, at: usize) -> Option<(usize, (LogStream, Vec<u8>))> {
        let rest = self.buffer.get(at..)?;
        if self.tty {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            return Some((end + 1, (LogStream::Stdout, rest[..end].to_vec())));
        }
        let length = u32::from_be_bytes(rest.get(4..HEADER)?.try_into().ok()?) as usize;
        let payload = rest.get(HEADER..HEADER.checked_add(length)?)?;
        let stream = if rest[0] == 2 { LogStream::Stderr } else { LogStream::Stdout };
        Some((HEADER + length, (stream, payload.to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_whatever_the_pieces() {
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 2, b'a', b'\n'];
        bytes.extend([2, 0, 0, 0, 0, 0, 0, 1, b'b']);
        let mut frames = Frames::new(false);
        let mut lines = Vec::new();
        for byte in bytes {
            frames.push(&[byte]);
            lines.extend(frames.take());
        }
        assert_eq!(lines, [(LogStream::Stdout, b"a\n".to_vec()), (LogStream::Stderr, b"b".to_vec())]);
        assert!(frames.finish().is_empty());
    }

    #[test]
    fn a_terminal_has_no_frames() {
        let mut frames = Frames::new(true);
        frames.push(b"one\r\ntwo");
        let lines: Vec<_> = frames.finish().into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, [b"one\r".to_vec(), b"two".to_vec()]);
    }

    #[test]
    fn a_frame_that_never_ends_is_no_line() {
        let mut frames = Frames::new(false);
        frames.push(&[1, 0, 0, 0, 255, 255, 255, 255, b'a']);
        assert!(frames.take().is_empty());
    }
}
