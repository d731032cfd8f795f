//! Lists that are read no further than their limit: a list of empty things takes many times the memory of its bytes.

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

/// Reads a list of at most `MAX` items, for `#[serde(deserialize_with)]`.
pub(crate) fn at_most<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MAX: usize>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(AtMost::<T, MAX>(PhantomData))
}

struct AtMost<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for AtMost<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        // More than bytes are left is announced as nothing, and found out at the end of the bytes.
        let announced = items.size_hint().unwrap_or_default();
        if announced > MAX {
            return Err(A::Error::invalid_length(announced, &self));
        }
        let mut list = Vec::with_capacity(announced);
        while let Some(item) = items.next_element()? {
            if list.len() == MAX {
                return Err(A::Error::invalid_length(MAX + 1, &self));
            }
            list.push(item);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::Serialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Names(#[serde(deserialize_with = "at_most::<_, _, 3>")] Vec<String>);

    #[test]
    fn a_list_within_its_limit_comes_back_and_a_longer_one_does_not() {
        let read = |count: usize| {
            let names = Names(vec![String::new(); count]);
            let bytes = postcard::to_stdvec(&names).unwrap();
            postcard::from_bytes::<Names>(&bytes).map(|read| assert_eq!(read, names))
        };
        assert!(read(0).is_ok() && read(3).is_ok());
        assert!(read(4).is_err());
    }

    #[test]
    fn a_list_that_announces_more_than_there_is_takes_no_memory_for_it() {
        assert!(postcard::from_bytes::<Names>(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]).is_err());
        assert!(postcard::from_bytes::<Names>(&[3, 0, 0]).is_err());
    }
}
