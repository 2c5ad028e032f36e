//! The parameters of a question as the query of an HTTP request: names and values, percent-encoded.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// Names and values, in their order. A value is octets: a field of a message need not be text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Vec<u8>)>);

impl Parameters {
    /// Reads the part of a URL behind the `?`. A `+` is a blank, as forms write it.
    #[must_use]
    pub fn decode(query: &str) -> Self {
        let decoded = |text: &str| -> Vec<u8> {
            let text = text.replace('+', " ");
            percent_decode_str(&text).collect()
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = String::from_utf8_lossy(&decoded(name)).into_owned();
            (name, decoded(value))
        };
        Self(pairs.map(pair).collect())
    }

    /// Writes what [`Parameters::decode`] reads.
    #[must_use]
    pub fn encode(&self) -> String {
        let encoded = |octets: &[u8]| percent_encode(octets, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name.as_bytes()), encoded(value)))
            .collect();
        pairs.join("&")
    }

    /// Takes the first one of that name out, if there is one; its value as text.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(other, _)| other == name)?;
        let (_, value) = self.0.remove(place);
        Some(String::from_utf8_lossy(&value).into_owned())
    }

    /// The name of the first one, if there is one.
    #[must_use]
    pub fn first_name(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| name.as_str())
    }

    /// Adds one.
    pub fn push(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_forms_and_programs_write_it() {
        let check = |query: &str, expected: &[(&str, &[u8])]| {
            let found = Parameters::decode(query);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
            assert_eq!(Parameters::decode(&found.encode()), found, "{query}");
        };
        check("", &[]);
        check("&&", &[]);
        check(
            "a=1&b=&c&a=2",
            &[("a", b"1"), ("b", b""), ("c", b""), ("a", b"2")],
        );
        check("from=%20a+b%3D%26%2b", &[("from", b" a b=&+")]);
        check("from=a=b", &[("from", b"a=b")]);
        check("%66rom=%ff%0d%0A\u{e9}", &[("from", b"\xff\r\n\xc3\xa9")]);
        check("a=%zz%4", &[("a", b"%zz%4")]);
    }

    #[test]
    fn one_is_taken_out() {
        let mut parameters = Parameters::decode("a=1&format=json&a=2");
        assert_eq!(parameters.take("format").as_deref(), Some("json"));
        assert_eq!(parameters.take("format"), None);
        assert_eq!(parameters, Parameters::decode("a=1&a=2"));
    }
}
