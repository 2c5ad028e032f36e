//! The parameters of `MAIL FROM` and `RCPT TO`: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), AUTH (RFC 4954), and
//! what DSN (RFC 3461) and REQUIRETLS (RFC 8689) add.
//!
//! The last two are not announced, and are read all the same: a client that sends them unasked is told what is wrong with
//! their values, and what it said is kept with the message.

use super::dsn_params::{self, Notify, OriginalRecipient, Return};
use super::path;
use super::xtext;
use crate::envelope::ReversePath;

/// What a client said of the message to come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailParams {
    /// The size it declares, in octets.
    pub size: Option<u64>,
    /// What it declares the body to be.
    pub body: Option<Body>,
    /// It declared `SMTPUTF8`.
    pub smtputf8: bool,
    /// Who submitted the message first, as far as the client knows; null when it does not (RFC 4954 §5).
    pub auth: Option<ReversePath>,
    /// What a report is to bring back.
    pub ret: Option<Return>,
    /// What the sender calls this message in reports: printable ASCII, at most 100 octets as xtext.
    pub envelope_id: Option<Box<str>>,
    /// It declared `REQUIRETLS`.
    pub require_tls: bool,
}

/// What a client declares a body to be (RFC 6152). `BINARYMIME` is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// `BODY=7BIT`.
    SevenBit,
    /// `BODY=8BITMIME`.
    EightBitMime,
}

/// What a client said of a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RcptParams {
    /// When the sender wants a report.
    pub notify: Option<Notify>,
    /// Whom the sender wrote to.
    pub original: Option<OriginalRecipient>,
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
    for (keyword, value) in each(text) {
        match keyword.to_ascii_uppercase().as_str() {
            "SIZE" => once("SIZE", &mut params.size, value.and_then(size))?,
            "BODY" => once("BODY", &mut params.body, value.and_then(body))?,
            "AUTH" => once("AUTH", &mut params.auth, value.and_then(submitter))?,
            "RET" => once("RET", &mut params.ret, value.and_then(Return::named))?,
            "ENVID" => {
                let id = value.and_then(dsn_params::envelope_id);
                once("ENVID", &mut params.envelope_id, id)?;
            }
            "SMTPUTF8" => params.smtputf8 = flag("SMTPUTF8", value)?,
            "REQUIRETLS" => params.require_tls = flag("REQUIRETLS", value)?,
            _ => return Err(ParamError::Unknown),
        }
    }
    Ok(params)
}

/// Reads the parameters of `RCPT TO`.
///
/// # Errors
/// [`ParamError`] for the first that cannot be obeyed.
pub fn rcpt(text: &str) -> Result<RcptParams, ParamError> {
    let mut params = RcptParams::default();
    for (keyword, value) in each(text) {
        match keyword.to_ascii_uppercase().as_str() {
            "NOTIFY" => once("NOTIFY", &mut params.notify, value.and_then(Notify::read))?,
            "ORCPT" => {
                let original = value.and_then(OriginalRecipient::read);
                once("ORCPT", &mut params.original, original)?;
            }
            _ => return Err(ParamError::Unknown),
        }
    }
    Ok(params)
}

/// `keyword[=value]`, parted by blanks.
fn each(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split([' ', '\t'])
        .filter(|param| !param.is_empty())
        .map(|param| match param.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (param, None),
        })
}

/// Puts a value in its place; `read` is none when it was malformed.
fn once<T>(name: &'static str, place: &mut Option<T>, read: Option<T>) -> Result<(), ParamError> {
    let value = read.ok_or(ParamError::Value { name })?;
    match place.replace(value) {
        Some(_) => Err(ParamError::Repeated { name }),
        None => Ok(()),
    }
}

fn flag(name: &'static str, value: Option<&str>) -> Result<bool, ParamError> {
    match value {
        Some(_) => Err(ParamError::Value { name }),
        None => Ok(true),
    }
}

fn size(value: &str) -> Option<u64> {
    let digits = value.len() <= 20 && value.bytes().all(|octet| octet.is_ascii_digit());
    value.parse().ok().filter(|_| digits)
}

fn body(value: &str) -> Option<Body> {
    [("7BIT", Body::SevenBit), ("8BITMIME", Body::EightBitMime)]
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(value))
        .map(|(_, body)| body)
}

/// `<>` or a mailbox, as xtext.
fn submitter(value: &str) -> Option<ReversePath> {
    let text = xtext::decode(value).ok()?;
    match text.as_ref() {
        "<>" => Some(ReversePath::Null),
        "" => None,
        mailbox => path::reverse(mailbox).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_mail_are_read() {
        let check = |text: &str, expected: Result<MailParams, ParamError>| {
            assert_eq!(mail(text), expected, "{text:?}");
        };
        let value = |name| Err(ParamError::Value { name });
        let repeated = |name| Err(ParamError::Repeated { name });
        check("", Ok(MailParams::default()));
        let all = MailParams {
            size: Some(12),
            body: Some(Body::EightBitMime),
            smtputf8: true,
            auth: Some(ReversePath::Mailbox("e+mc2@example.com".parse().unwrap())),
            ret: Some(Return::Headers),
            envelope_id: Some("QQ 1".into()),
            require_tls: true,
        };
        check(
            "size=12 Body=8bitmime smtputf8 AUTH=e+2Bmc2@example.com ret=hdrs ENVID=QQ+201 RequireTLS",
            Ok(all),
        );
        let some = MailParams {
            size: Some(12),
            body: Some(Body::SevenBit),
            auth: Some(ReversePath::Null),
            ..MailParams::default()
        };
        check("SIZE=12  BODY=7BIT\tAUTH=<>", Ok(some));
        check("SIZE=", value("SIZE"));
        check("SIZE", value("SIZE"));
        check("SIZE=-1", value("SIZE"));
        check("SIZE=+1", value("SIZE"));
        check("SIZE=99999999999999999999", value("SIZE")); // over 64 bits
        check("SIZE=1 SIZE=2", repeated("SIZE"));
        check("BODY=BINARYMIME", value("BODY"));
        check("BODY=7BIT BODY=7BIT", repeated("BODY"));
        check("SMTPUTF8=yes", value("SMTPUTF8"));
        check("AUTH=", value("AUTH"));
        check("AUTH=nobody", value("AUTH"));
        check("AUTH=a@example.com+0D+0A", value("AUTH"));
        check("RET=ALL", value("RET"));
        check("ENVID=a+0D+0ABcc:x", value("ENVID"));
        check("REQUIRETLS=no", value("REQUIRETLS"));
        check("MT-PRIORITY=3", Err(ParamError::Unknown));
    }

    #[test]
    fn the_parameters_of_rcpt_are_read() {
        let check = |text: &str, expected: Result<RcptParams, ParamError>| {
            assert_eq!(rcpt(text), expected, "{text:?}");
        };
        check("", Ok(RcptParams::default()));
        let never = RcptParams {
            notify: Notify::read("NEVER"),
            original: OriginalRecipient::read("rfc822;a@example.com"),
        };
        check("NOTIFY=never ORCPT=rfc822;a@example.com", Ok(never));
        check("NOTIFY", Err(ParamError::Value { name: "NOTIFY" }));
        check("ORCPT=x", Err(ParamError::Value { name: "ORCPT" }));
        let twice = "NOTIFY=NEVER NOTIFY=NEVER";
        check(twice, Err(ParamError::Repeated { name: "NOTIFY" }));
        check("SIZE=1", Err(ParamError::Unknown));
    }
}
