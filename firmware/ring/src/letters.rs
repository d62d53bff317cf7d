//! One letter a camera, for file names.

/// More cameras than letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} cameras are configured; file names can tell 36 apart")]
pub struct TooManyCameras(pub usize);

/// A letter for each camera, in the order given: the first letter or digit of its name, upper case,
/// that no earlier camera has; else the first free one of A to Z and 0 to 9. Accented and other
/// non-ASCII letters are passed over.
pub fn assign_letters<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<u8>, TooManyCameras> {
    let mut letters: Vec<u8> = Vec::new();
    let names: Vec<&str> = names.into_iter().collect();
    for name in &names {
        let own = name
            .bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| byte.to_ascii_uppercase());
        let letter = own
            .chain(b'A'..=b'Z')
            .chain(b'0'..=b'9')
            .find(|letter| !letters.contains(letter))
            .ok_or(TooManyCameras(names.len()))?;
        letters.push(letter);
    }
    Ok(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::is_camera_letter;
    use proptest::prelude::*;

    #[test]
    fn letters_come_from_the_names() {
        let letters = |names: &[&str]| {
            String::from_utf8(assign_letters(names.iter().copied()).unwrap()).unwrap()
        };
        assert_eq!(letters(&["front", "rear"]), "FR");
        assert_eq!(letters(&["front", "floor", "f", "ff"]), "FLAB");
        assert_eq!(letters(&["2nd", "-n-", "\u{e9}t\u{e9}", ""]), "2NTA");
        assert_eq!(letters(&["abc", "a", "b", "c"]), "ABCD");
    }

    #[test]
    fn the_thirty_seventh_camera_is_refused() {
        assert!(assign_letters(["cam"; 36]).is_ok());
        assert_eq!(assign_letters(["cam"; 37]), Err(TooManyCameras(37)));
    }

    proptest! {
        #[test]
        fn never_shared_and_stable_as_cameras_are_added(
            names in proptest::collection::vec("\\PC{0,6}", 0..=36)
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let letters = assign_letters(names.iter().copied()).unwrap();
            let mut unique = letters.clone();
            unique.sort_unstable();
            unique.dedup();
            prop_assert_eq!(unique.len(), names.len());
            prop_assert!(letters.iter().all(|&letter| is_camera_letter(letter)));
            let fewer = names.len() / 2;
            let before = assign_letters(names.iter().take(fewer).copied()).unwrap();
            prop_assert_eq!(&letters[..fewer], &before[..]);
        }
    }
}
