//! Lists in pages: what a form narrows one down to, where the next page begins, and a page's address.

#[cfg(feature = "credits")]
use crate::clock::Timestamp;
#[cfg(feature = "credits")]
use crate::error::{Error, Result};

/// How many rows to ask for so that a page of `most` knows whether more follow.
pub(crate) fn one_more(most: usize) -> i64 {
    i64::try_from(most).map_or(i64::MAX, |most| most.saturating_add(1))
}

/// Leaves the rows that fit on a page, and gives the last of them where more follow.
pub(crate) fn cut<T>(rows: &mut Vec<T>, most: usize) -> Option<&T> {
    let has_more = rows.len() > most;
    rows.truncate(most);
    rows.last().filter(|_| has_more)
}

/// `path` with those of `pairs` that say something as its query.
#[cfg(any(feature = "admin", feature = "billing", feature = "services"))]
pub(crate) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = serde_urlencoded::to_string(pairs.collect::<Vec<_>>());
    // Pairs of texts can always be written as a query.
    match query.unwrap_or_default().as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds what a person typed anywhere, as it stands and in either
/// case; empty where nothing was typed.
pub(crate) fn holding(typed: &str) -> String {
    pattern("%", typed)
}

/// [`holding`], for what begins so.
#[cfg(feature = "billing")]
pub(crate) fn beginning(typed: &str) -> String {
    pattern("", typed)
}

fn pattern(before: &str, typed: &str) -> String {
    let typed = typed.trim().to_lowercase();
    if typed.is_empty() {
        return typed;
    }
    let literal = typed
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    format!("{before}{literal}%")
}

/// What `parse` makes of a field; none where that is empty.
///
/// # Errors
/// 404 when it makes nothing of it: no form of ours sends that.
#[cfg(feature = "credits")]
pub(crate) fn narrowed<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).ok_or_else(Error::not_found)
}

/// From the first instant of one day to the first after another, each none where its field is empty.
///
/// # Errors
/// 404 for what is no day.
#[cfg(feature = "credits")]
pub(crate) fn days(from: &str, until: &str) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
    const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
    let from = narrowed(from, Timestamp::of_day)?;
    let until = narrowed(until, Timestamp::of_day)?;
    Ok((from, until.map(|day| day.plus(DAY))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_whether_more_follow() {
        for (rows, left, last) in [
            (vec![], vec![], None),
            (vec![1, 2], vec![1, 2], None),
            (vec![1, 2, 3], vec![1, 2], Some(2)),
        ] {
            let mut rows = rows;
            assert_eq!(cut(&mut rows, 2).copied(), last);
            assert_eq!(rows, left);
        }
    }

    #[cfg(any(feature = "admin", feature = "billing", feature = "services"))]
    #[test]
    fn what_says_nothing_is_in_no_address() {
        assert_eq!(address("/a", &[("q", "")]), "/a");
        let pairs = [("q", "x & y"), ("state", ""), ("before", "1")];
        assert_eq!(address("/a", &pairs), "/a?q=x+%26+y&before=1");
    }

    #[test]
    fn what_was_typed_is_found_as_it_stands() {
        assert_eq!(holding(" "), "");
        assert_eq!(holding(r" 50%_\Ada "), r"%50\%\_\\ada%");
    }

    #[cfg(feature = "credits")]
    #[test]
    fn the_last_day_is_included() {
        let day = |text| Timestamp::of_day(text);
        let both = days("2026-11-20", "2026-11-21").unwrap();
        assert_eq!(both, (day("2026-11-20"), day("2026-11-22")));
        assert_eq!(days("", "").unwrap(), (None, None));
        assert!(days("soon", "").is_err());
    }
}
