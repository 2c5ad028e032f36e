//! From figment's error to ours: where, which key, what was found, what was expected.

use figment::error::{Actual, Error, Kind};

use super::layer::Layer;
use super::notes;
use crate::error::SettingsError;
use crate::origin::Origin;

/// The error, with the origin that the winning layer has for its key.
pub(super) fn explain(error: &Error, layers: &[Layer]) -> SettingsError {
    let path = error.path.as_slice();
    let origin = origin(path, layers);
    let value_at = || {
        let value = layers.iter().rev().find_map(|layer| layer.value(path));
        value.map_or_else(|| "nothing".to_owned(), |value| actual(&value.to_actual()))
    };
    let (found, expected) = match &error.kind {
        Kind::UnknownField(name, known) => return unknown_key(origin, path, name, known),
        Kind::MissingField(name) => {
            let mut path = path.to_vec();
            path.push(name.to_string());
            return SettingsError::MissingKey {
                origin,
                key: key(&path),
            };
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            (actual(found), in_words(expected))
        }
        Kind::InvalidLength(found, expected) => (format!("{found} items"), expected.clone()),
        Kind::UnknownVariant(found, known) => (format!("{found:?}"), one_of(known)),
        Kind::Message(message) => (value_at(), in_words(message)),
        Kind::DuplicateField(name) => (format!("{name} twice"), "it once".to_owned()),
        Kind::ISizeOutOfRange(number) => (number.to_string(), "a smaller number".to_owned()),
        Kind::USizeOutOfRange(number) => (number.to_string(), "a smaller number".to_owned()),
        Kind::Unsupported(found) => (actual(found), "a value of another kind".to_owned()),
        Kind::UnsupportedKey(found, expected) => (actual(found), expected.to_string()),
    };
    let key = key(path);
    SettingsError::BadValue {
        origin,
        key,
        found,
        expected,
    }
}

/// The place of the path in the highest layer that has it, or else of the table it would be in.
fn origin(path: &[String], layers: &[Layer]) -> Origin {
    let mut path = path;
    loop {
        let found = layers.iter().rev().find_map(|layer| {
            layer.value(path)?;
            layer.origin(path)
        });
        match (found, path) {
            (Some(origin), _) => return origin.clone(),
            (None, []) => return Origin::Default,
            (None, [parents @ .., _]) => path = parents,
        }
    }
}

fn unknown_key(origin: Origin, path: &[String], name: &str, known: &[&str]) -> SettingsError {
    let mut known: Vec<String> = known.iter().map(|key| (*key).to_owned()).collect();
    if path.len() == 1 {
        known.extend([notes::PATH_KEY.to_owned(), notes::TABLE_KEY.to_owned()]);
    }
    let nearest = known
        .iter()
        .map(|key| (strsim::damerau_levenshtein(key, name), key))
        .filter(|(distance, key)| *distance <= (key.len() / 3).max(2))
        .min()
        .map(|(_, key)| key.clone());
    SettingsError::UnknownKey {
        origin,
        key: key(path),
        nearest,
        known,
    }
}

/// A path as people write it: `listen.addresses[0]`.
pub(super) fn key(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        if !text.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            text.push_str(&format!("[{part}]"));
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(part);
        }
    }
    text
}

/// What was found, as it is written in a settings file.
pub(super) fn actual(found: &Actual) -> String {
    match found {
        Actual::Bool(truth) => truth.to_string(),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        Actual::Char(character) => format!("{:?}", character.to_string()),
        Actual::Str(text) => format!("{text:?}"),
        Actual::Unit | Actual::Option => "nothing".to_owned(),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        Actual::Other(text) => text.clone(),
        Actual::Bytes(_)
        | Actual::NewtypeStruct
        | Actual::Enum
        | Actual::UnitVariant
        | Actual::NewtypeVariant
        | Actual::TupleVariant
        | Actual::StructVariant => "a value of another kind".to_owned(),
    }
}

fn one_of(known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
    known.join(" or ")
}

/// What serde and the standard library call the things that are expected, in words of a settings file.
fn in_words(expected: &str) -> String {
    let text = match expected {
        "u8" => "a number from 0 to 255",
        "u16" => "a number from 0 to 65535",
        "u32" => "a number from 0 to 4294967295",
        "u64" | "usize" => "a number, 0 or more",
        "a string" | "path string" => "text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list such as [\"a\", \"b\"]",
        "socket address" | "invalid socket address syntax" => {
            "an address and a port such as \"127.0.0.1:25\""
        }
        "IP address" | "invalid IP address syntax" => "an IP address",
        other => match other.strip_prefix("struct ") {
            Some(_) => "a table",
            None => other,
        },
    };
    text.to_owned()
}
