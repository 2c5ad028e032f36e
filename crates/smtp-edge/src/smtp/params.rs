//! The parameters of `MAIL FROM`: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531).

/// What a client said of the message to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailParams {
    /// The size it declares, in octets.
    pub size: Option<u64>,
    /// It declared `BODY=8BITMIME`.
    pub eight_bit: bool,
    /// It declared `SMTPUTF8`.
    pub smtputf8: bool,
}

/// Why parameters cannot be obeyed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamError {
    /// We do not know it, so we did not offer it (RFC 5321 §4.1.1.11: 555).
    #[error("a parameter is not one that was offered")]
    Unknown,
    /// Its value is malformed.
    #[error("the value of the parameter {name} is malformed")]
    Value {
        /// The parameter.
        name: &'static str,
    },
    /// It came twice.
    #[error("the parameter {name} came twice")]
    Repeated {
        /// The parameter.
        name: &'static str,
    },
}

/// Reads the parameters of `MAIL FROM`.
///
/// # Errors
/// [`ParamError`] for the first that cannot be obeyed.
pub fn mail(text: &str) -> Result<MailParams, ParamError> {
    let mut params = MailParams::default();
    let mut body_seen = false;
    for param in text.split(' ').filter(|param| !param.is_empty()) {
        let (name, value) = match param.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (param, None),
        };
        match (name.to_ascii_uppercase().as_str(), value) {
            ("SIZE", Some(value)) => {
                let digits = !value.is_empty()
                    && value.len() <= 20
                    && value.bytes().all(|byte| byte.is_ascii_digit());
                let size = value.parse().ok().filter(|_| digits);
                let size = size.ok_or(ParamError::Value { name: "SIZE" })?;
                if params.size.replace(size).is_some() {
                    return Err(ParamError::Repeated { name: "SIZE" });
                }
            }
            ("BODY", Some(value)) => {
                params.eight_bit = match value.to_ascii_uppercase().as_str() {
                    "8BITMIME" => true,
                    "7BIT" => false,
                    _ => return Err(ParamError::Value { name: "BODY" }),
                };
                if std::mem::replace(&mut body_seen, true) {
                    return Err(ParamError::Repeated { name: "BODY" });
                }
            }
            ("SMTPUTF8", None) => params.smtputf8 = true,
            ("SIZE" | "BODY", None) => {
                return Err(ParamError::Value {
                    name: "SIZE or BODY",
                });
            }
            ("SMTPUTF8", Some(_)) => return Err(ParamError::Value { name: "SMTPUTF8" }),
            _ => return Err(ParamError::Unknown),
        }
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_offered_is_read_and_the_rest_is_refused() {
        let check = |text: &str, expected: Result<MailParams, ParamError>| {
            assert_eq!(mail(text), expected, "{text:?}");
        };
        check("", Ok(MailParams::default()));
        let all = MailParams {
            size: Some(12),
            eight_bit: true,
            smtputf8: true,
        };
        check("size=12 Body=8bitmime smtputf8", Ok(all));
        check(
            "SIZE=12  BODY=7BIT",
            Ok(MailParams {
                size: Some(12),
                ..MailParams::default()
            }),
        );
        check("SIZE=", Err(ParamError::Value { name: "SIZE" }));
        check("SIZE=-1", Err(ParamError::Value { name: "SIZE" }));
        check(
            "SIZE=99999999999999999999",
            Err(ParamError::Value { name: "SIZE" }),
        ); // over 64 bits
        check("SIZE=1 SIZE=2", Err(ParamError::Repeated { name: "SIZE" }));
        check("BODY=BINARYMIME", Err(ParamError::Value { name: "BODY" }));
        check("RET=FULL", Err(ParamError::Unknown)); // DSN is not offered
    }
}
