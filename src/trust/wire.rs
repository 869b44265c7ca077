//! The data types of the SSH protocols (RFC 4251, section 5): read without trusting a length, and
//! to the last byte.

/// What is left of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire<'a>(&'a [u8]);

/// The message is shorter than it says, or longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Misframed;

impl<'a> Wire<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `count` bytes as they are.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Misframed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Misframed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// `byte`.
    pub(crate) fn byte(&mut self) -> Result<u8, Misframed> {
        self.take(1)?.first().copied().ok_or(Misframed)
    }

    /// `uint32`.
    pub(crate) fn uint32(&mut self) -> Result<u32, Misframed> {
        let bytes = self.take(4)?.try_into().map_err(|_| Misframed)?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// `string`.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], Misframed> {
        let count = usize::try_from(self.uint32()?).map_err(|_| Misframed)?;
        self.take(count)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Misframed> {
        if self.0.is_empty() { Ok(()) } else { Err(Misframed) }
    }
}

/// Two `string`s and nothing else: the form of a signature (algorithm, signature) and of an Ed25519
/// key (algorithm, point).
pub(crate) fn pair(bytes: &[u8]) -> Result<(&[u8], &[u8]), Misframed> {
    let mut wire = Wire::new(bytes);
    let pair = (wire.string()?, wire.string()?);
    wire.end()?;
    Ok(pair)
}

/// Appends a `string`. Nothing here is near 4 GiB; a longer text would not be framed, so that no
/// reader accepts it.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        let mut out = Vec::new();
        push_string(&mut out, b"abc");
        assert_eq!(Wire::new(&out).string(), Ok(&b"abc"[..]));
        for cut in 0..out.len() {
            assert_eq!(Wire::new(&out[..cut]).string(), Err(Misframed), "{cut}");
        }
        assert_eq!(Wire::new(&[0xff; 8]).string(), Err(Misframed));
        assert_eq!(Wire::new(&[0]).end(), Err(Misframed));
    }
}
