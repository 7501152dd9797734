//! Words of the command line as text, those that are not UTF-8 among them.
//!
//! Names of files are any bytes. A byte that is no part of UTF-8 becomes a character of its own, from the end of the last area
//! for private use, and that character's own bytes become such characters each, so that every word comes back as it was.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What a byte becomes, less the byte.
const FIRST: u32 = 0x10_FF00;

fn stands_for(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).expect("below the last character")
}

fn stood_for(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}

/// A word as text.
pub fn text(word: &OsStr) -> String {
    let mut text = String::with_capacity(word.len());
    for piece in word.as_bytes().utf8_chunks() {
        for character in piece.valid().chars() {
            match stood_for(character) {
                Some(_) => text.extend(character.to_string().bytes().map(stands_for)),
                None => text.push(character),
            }
        }
        text.extend(piece.invalid().iter().map(|&byte| stands_for(byte)));
    }
    text
}

/// The word that a text stands for: the name of a file.
pub fn name(text: &str) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match stood_for(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    OsString::from_vec(bytes)
}

/// A text as it is shown.
pub fn shown(text: &str) -> String {
    name(text).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back() {
        let own = stands_for(0xe9).to_string();
        for word in [
            &b""[..],
            b"draws.csv",
            "d\u{e9}j\u{e0} \u{10fffd}".as_bytes(),
            b"caf\xe9.csv",
            b"\xff\x80\xc3",
            own.as_bytes(),
        ] {
            let text = text(OsStr::from_bytes(word));
            assert_eq!(name(&text).as_bytes(), word);
            assert_eq!(shown(&text), String::from_utf8_lossy(word));
        }
    }
}
