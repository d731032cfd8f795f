//! Frames: how one typed message lies on a stream. One byte of message version, four bytes of length (little endian),
//! then postcard. The length is checked against the message's own limit before anything is allocated.

use iroh::endpoint::{ReadError, ReadExactError, RecvStream, SendStream, WriteError};
use rayswarm_model::FailureKind;
use serde::{Serialize, de::DeserializeOwned};

/// Version of all messages under today's ALPNs; raised when a message changes its bytes.
pub const MESSAGE_VERSION: u8 = 3;

/// Bytes before the postcard body.
pub(crate) const HEADER_BYTES: usize = 5;

/// A message that may cross the network.
pub trait Message: Serialize + DeserializeOwned + Send + Sync {
    /// Its name in errors.
    const NAME: &'static str;
    /// The longest encoding anybody accepts.
    const BYTES_MAX: usize;
    /// Whether its contents keep their limits; the error says which does not.
    fn check(&self) -> Result<(), &'static str> {
        Ok(())
    }
    /// Cuts words for people to their limits before it is sent: what follows from a message never depends on them.
    fn cut_words(&mut self) {}
}

/// A frame could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Another message version.
    #[error("it speaks message version {got}, this node {MESSAGE_VERSION}; update the older of the two")]
    Version {
        /// The version found.
        got: u8,
    },
    /// Longer than the limit.
    #[error("{message} of {bytes} bytes; at most {bytes_max} are allowed")]
    TooLong {
        /// Which message.
        message: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The stream ended inside a frame.
    #[error("{message} was cut short")]
    Cut {
        /// Which message.
        message: &'static str,
    },
    /// Not an encoding of the message.
    #[error("{message} cannot be decoded")]
    Garbled {
        /// Which message.
        message: &'static str,
        /// Where decoding failed.
        #[source]
        source: postcard::Error,
    },
    /// Decoded, but beyond the protocol's limits.
    #[error("{message} is not acceptable: {why}")]
    Unacceptable {
        /// Which message.
        message: &'static str,
        /// Which limit.
        why: &'static str,
    },
    /// The stream broke while reading.
    #[error("the stream broke while reading")]
    Read(#[source] ReadError),
    /// The stream broke while writing.
    #[error("the stream broke while writing")]
    Write(#[source] WriteError),
}

impl FrameError {
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Version { .. } => FailureKind::Permanent,
            Self::TooLong { .. } | Self::Garbled { .. } | Self::Unacceptable { .. } => FailureKind::Malicious,
            // A peer that dies mid-message looks like this too.
            Self::Cut { .. } | Self::Read(_) | Self::Write(_) => FailureKind::Transient,
        }
    }
}

/// Encodes a message with its header.
pub(crate) fn encode<T: Message>(message: &T) -> Result<Vec<u8>, FrameError> {
    message
        .check()
        .map_err(|why| FrameError::Unacceptable { message: T::NAME, why })?;
    let header = vec![MESSAGE_VERSION, 0, 0, 0, 0];
    let mut bytes = postcard::to_extend(message, header).map_err(|source| FrameError::Garbled {
        message: T::NAME,
        source,
    })?;
    let body = bytes.len() - HEADER_BYTES;
    if body > T::BYTES_MAX {
        return Err(FrameError::TooLong {
            message: T::NAME,
            bytes: body,
            bytes_max: T::BYTES_MAX,
        });
    }
    // Limits are far below 4 GiB.
    bytes[1..HEADER_BYTES].copy_from_slice(&(body as u32).to_le_bytes());
    Ok(bytes)
}

/// The length of the body that follows `header`.
pub(crate) fn body_length<T: Message>(header: [u8; HEADER_BYTES]) -> Result<usize, FrameError> {
    let [version, length @ ..] = header;
    if version != MESSAGE_VERSION {
        return Err(FrameError::Version { got: version });
    }
    let bytes = u32::from_le_bytes(length) as usize;
    if bytes > T::BYTES_MAX {
        return Err(FrameError::TooLong {
            message: T::NAME,
            bytes,
            bytes_max: T::BYTES_MAX,
        });
    }
    Ok(bytes)
}

/// Decodes a body: the whole of it, within its limits.
pub(crate) fn decode_body<T: Message>(body: &[u8]) -> Result<T, FrameError> {
    let garbled = |source| FrameError::Garbled {
        message: T::NAME,
        source,
    };
    let (message, rest) = postcard::take_from_bytes::<T>(body).map_err(garbled)?;
    if !rest.is_empty() {
        return Err(FrameError::Unacceptable {
            message: T::NAME,
            why: "bytes follow its end",
        });
    }
    message
        .check()
        .map_err(|why| FrameError::Unacceptable { message: T::NAME, why })?;
    Ok(message)
}

/// Writes one frame. The stream stays open.
pub(crate) async fn write<T: Message>(stream: &mut SendStream, message: &T) -> Result<(), FrameError> {
    let bytes = encode(message)?;
    stream.write_all(&bytes).await.map_err(FrameError::Write)
}

/// Reads one frame. The caller sets the deadline.
pub(crate) async fn read<T: Message>(stream: &mut RecvStream) -> Result<T, FrameError> {
    let broken = |error| match error {
        ReadExactError::FinishedEarly(_) => FrameError::Cut { message: T::NAME },
        ReadExactError::ReadError(error) => FrameError::Read(error),
    };
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header).await.map_err(broken)?;
    let mut body = vec![0; body_length::<T>(header)?];
    stream.read_exact(&mut body).await.map_err(broken)?;
    decode_body(&body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note(String);
    impl Message for Note {
        const NAME: &'static str = "a note";
        const BYTES_MAX: usize = 16;
        fn check(&self) -> Result<(), &'static str> {
            if self.0.contains('!') { Err("it shouts") } else { Ok(()) }
        }
    }

    #[test]
    fn a_frame_is_version_length_and_postcard() {
        assert_eq!(
            encode(&Note("hi".into())).unwrap(),
            [MESSAGE_VERSION, 3, 0, 0, 0, 2, b'h', b'i']
        );
        assert_eq!(decode_body::<Note>(&[2, b'h', b'i']).unwrap(), Note("hi".into()));
    }

    #[test]
    fn limits_hold_on_both_sides() {
        assert!(matches!(
            encode(&Note("x".repeat(16))),
            Err(FrameError::TooLong { bytes: 17, .. })
        ));
        assert!(matches!(
            encode(&Note("hi!".into())),
            Err(FrameError::Unacceptable { .. })
        ));
        assert!(matches!(
            body_length::<Note>([MESSAGE_VERSION, 17, 0, 0, 0]),
            Err(FrameError::TooLong { bytes: 17, .. })
        ));
        assert!(matches!(
            body_length::<Note>([MESSAGE_VERSION, 255, 255, 255, 255]),
            Err(FrameError::TooLong { .. })
        ));
        assert!(matches!(
            body_length::<Note>([1, 3, 0, 0, 0]),
            Err(FrameError::Version { got: 1 })
        ));
        assert!(matches!(
            decode_body::<Note>(&[1, b'!']),
            Err(FrameError::Unacceptable { .. })
        ));
    }

    #[test]
    fn trailing_and_missing_bytes_are_refused() {
        assert!(matches!(
            decode_body::<Note>(&[1, b'a', 0]),
            Err(FrameError::Unacceptable { .. })
        ));
        assert!(matches!(
            decode_body::<Note>(&[9, b'a']),
            Err(FrameError::Garbled { .. })
        ));
    }
}
