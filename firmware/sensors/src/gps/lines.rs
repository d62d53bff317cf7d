//! Lines out of a stream of bytes, none longer than a bound.

/// Puts pieces together to lines.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    line: Vec<u8>,
    most: usize,
    /// The rest of the line is not wanted.
    skipping: bool,
    /// Lines that were too long.
    overlong: u64,
}

impl Lines {
    pub(super) const fn new(most: usize) -> Self {
        Self {
            line: Vec::new(),
            most,
            skipping: false,
            overlong: 0,
        }
    }

    pub(super) const fn overlong(&self) -> u64 {
        self.overlong
    }

    /// Takes bytes, and hands over each line that they end, without its end.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (piece, behind) = rest.split_at(end);
            self.add(piece);
            if !self.skipping {
                each(self.line.trim_ascii_end());
            }
            self.line.clear();
            self.skipping = false;
            rest = behind.get(1..).unwrap_or_default();
        }
        self.add(rest);
    }

    fn add(&mut self, piece: &[u8]) {
        if self.skipping {
            return;
        }
        if self.line.len() + piece.len() > self.most {
            self.line.clear();
            self.skipping = true;
            self.overlong += 1;
            return;
        }
        self.line.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines_and_what_is_too_long_is_skipped() {
        for piece in 1..9 {
            let mut lines = Lines::new(5);
            let mut all = Vec::new();
            for bytes in b"one\r\n\ntoo long\nfive5\nhalf".chunks(piece) {
                lines.push(bytes, |line| all.push(line.to_vec()));
            }
            // A carriage return counts: what is just short enough is read however it comes.
            assert_eq!(all, [&b"one"[..], b"", b"five5"], "{piece}");
            assert_eq!(lines.overlong(), 1);
        }
    }
}
