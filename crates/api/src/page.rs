//! Lists that come in pages.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is on it, in the list's order.
    pub items: Vec<T>,
    /// Asks for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// A list that is small enough for one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// All of it.
    pub items: Vec<T>,
}

/// Which page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items at most.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,15}$")]
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Items on a page when nobody says how many.
    pub const LIMIT: u32 = 100;
    /// Items on a page at most.
    pub const LIMIT_MAX: u32 = 1000;

    /// Items on this page at most.
    pub fn limit(&self) -> usize {
        Self::limit_of(self.limit)
    }

    /// Items at most on a page for which this many are asked.
    pub fn limit_of(asked: Option<u32>) -> usize {
        asked.unwrap_or(Self::LIMIT).clamp(1, Self::LIMIT_MAX) as usize
    }
}

impl<T> Page<T> {
    /// The items from `after` on, where `after` is the number of items on the pages before.
    pub fn cut(all: impl ExactSizeIterator<Item = T>, after: usize, limit: usize) -> Self {
        let more = all.len() > after.saturating_add(limit);
        Self {
            items: all.skip(after).take(limit).collect(),
            next_cursor: more.then(|| (after + limit).to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_and_end() {
        let page = |after| Page::cut(0..5, after, 2);
        assert_eq!((page(0).items, page(0).next_cursor), (vec![0, 1], Some("2".into())));
        assert_eq!((page(4).items, page(4).next_cursor), (vec![4], None));
        assert_eq!((page(9).items, page(9).next_cursor), (vec![], None));
        assert_eq!(Page::cut(0..4, 2, 2).next_cursor, None);
    }
}
