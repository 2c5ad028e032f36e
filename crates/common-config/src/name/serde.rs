//! Names in settings and in output: as text.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DomainName, KeyName, NameError, Selector};

macro_rules! as_text {
    ($($name:ty: $expected:literal;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(NameVisitor { expected: $expected, name: PhantomData })
            }
        }
    )*};
}

as_text! {
    DomainName: "a domain name";
    Selector: "a selector";
    KeyName: "the name of a key";
}

struct NameVisitor<T> {
    expected: &'static str,
    name: PhantomData<T>,
}

impl<T: FromStr<Err = NameError>> Visitor<'_> for NameVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|error| {
            let expected = format!("{} ({error})", self.expected);
            E::invalid_value(Unexpected::Str(text), &expected.as_str())
        })
    }
}
