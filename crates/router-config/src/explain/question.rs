//! What is asked: about mail from an address or about a message, about recipients, about a client.
//!
//! A question travels as parameters, so that `keymgmt` can put to a running server what it would else answer itself.

use std::borrow::Cow;
use std::net::AddrParseError;

use common_config::name::{DomainName, KeyName, NameError};
use common_config::user_name::UserNameError;

use super::query::Parameters;
use crate::certificate::CertificateFingerprintError;
use crate::client::{Client, ClientCertificate, Issuer};
use crate::identity::{self, Identity, IdentityError};
use crate::signing_policy::SigningPolicy;

/// A question. Each part that is there has its part of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// Whose mail is asked about.
    pub author: Option<Author>,
    /// Domains of recipients.
    pub to: Vec<DomainName>,
    /// A client.
    pub client: Option<Client>,
}

/// Whose mail is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// Mail from this domain.
    Domain(DomainName),
    /// A message with these fields, each as it stands after the colon.
    Message {
        /// Its From fields.
        from: Vec<Vec<u8>>,
        /// Its Sender fields.
        sender: Vec<Vec<u8>>,
    },
}

impl Author {
    /// The domain of an address, or a domain alone.
    ///
    /// # Errors
    ///
    /// [`QuestionError::Domain`].
    pub fn address(text: &str) -> Result<Self, QuestionError> {
        address_domain(text).map(Self::Domain)
    }

    /// The domain that mail is from.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] for a message that does not say so.
    pub fn domain(&self) -> Result<DomainName, IdentityError> {
        self.identity().map(|(domain, _)| domain)
    }

    /// The domain that mail is from, and for a message the field that says so.
    pub(super) fn identity(&self) -> Result<(DomainName, Option<Identity>), IdentityError> {
        match self {
            Self::Domain(domain) => Ok((domain.clone(), None)),
            Self::Message { from, sender } => {
                let from: Vec<&[u8]> = from.iter().map(Vec::as_slice).collect();
                let sender: Vec<&[u8]> = sender.iter().map(Vec::as_slice).collect();
                let identity = identity::identify(&from, &sender)?;
                Ok((identity.domain.clone(), Some(identity)))
            }
        }
    }
}

impl Question {
    /// Reads parameters.
    ///
    /// # Errors
    ///
    /// [`QuestionError`], which says what to ask instead.
    pub fn read(parameters: &Parameters) -> Result<Self, QuestionError> {
        let mut question = Self::default();
        let mut client = ClientAsked::default();
        for (name, value) in parameters.iter() {
            let text = String::from_utf8_lossy(value);
            match name {
                ADDRESS if question.author.is_none() => {
                    question.author = Some(Author::address(&text)?);
                }
                MESSAGE | FROM | SENDER => question.ask_field(name, value)?,
                TO => question.ask_recipient(&text)?,
                FROM_IP if client.address.is_none() => client.address = Some(text),
                IDENTITY if client.identity.is_none() => client.identity = Some(text),
                CERTIFICATE if client.certificate.is_none() => client.certificate = Some(text),
                BY_AUTHORITY => client.issuer = Issuer::Authority,
                ADDRESS if matches!(question.author, Some(Author::Message { .. })) => {
                    return Err(QuestionError::TwoAuthors);
                }
                ADDRESS | FROM_IP | IDENTITY | CERTIFICATE => {
                    return Err(QuestionError::Twice(name.to_owned()));
                }
                _ => return Err(QuestionError::Unknown(name.to_owned())),
            }
        }
        question.client = client.read()?;
        if question == Self::default() {
            return Err(QuestionError::Nothing);
        }
        Ok(question)
    }

    /// Asks about a message that has this field, or about one that has neither From nor Sender.
    fn ask_field(&mut self, name: &str, value: &[u8]) -> Result<(), QuestionError> {
        let author = self.author.get_or_insert_with(|| Author::Message {
            from: Vec::new(),
            sender: Vec::new(),
        });
        match (author, name) {
            (Author::Domain(_), _) => return Err(QuestionError::TwoAuthors),
            (Author::Message { from, .. }, FROM) => from.push(value.to_owned()),
            (Author::Message { sender, .. }, SENDER) => sender.push(value.to_owned()),
            (Author::Message { .. }, _) => {}
        }
        Ok(())
    }

    /// The parameters that [`Question::read`] takes for this question.
    pub fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::default();
        match &self.author {
            None => {}
            Some(Author::Domain(domain)) => parameters.push(ADDRESS, domain.as_str()),
            Some(Author::Message { from, sender }) => {
                parameters.push(MESSAGE, "");
                for field in from {
                    parameters.push(FROM, field.as_slice());
                }
                for field in sender {
                    parameters.push(SENDER, field.as_slice());
                }
            }
        }
        for domain in &self.to {
            parameters.push(TO, domain.as_str());
        }
        let Some(client) = &self.client else {
            return parameters;
        };
        parameters.push(FROM_IP, client.address.to_string());
        if let Some(user) = &client.identity {
            parameters.push(IDENTITY, user.as_str());
        }
        if let Some(certificate) = &client.certificate {
            parameters.push(CERTIFICATE, certificate.fingerprint.to_string());
            match certificate.issuer {
                Issuer::Authority => parameters.push(BY_AUTHORITY, ""),
                Issuer::Unknown => {}
            }
        }
        parameters
    }

    /// Asks about a recipient as well: an address, or a domain alone.
    ///
    /// # Errors
    ///
    /// [`QuestionError::Domain`].
    pub fn ask_recipient(&mut self, text: &str) -> Result<(), QuestionError> {
        self.to.push(address_domain(text)?);
        Ok(())
    }

    /// Whether it asks where mail goes or who may send, which `[router]` says.
    pub fn is_about_routes(&self) -> bool {
        !self.to.is_empty() || self.client.is_some()
    }

    /// The keys that an answer speaks of, in the order of the signatures.
    pub fn keys(&self, policy: &SigningPolicy) -> Vec<KeyName> {
        let Some(Ok((domain, _))) = self.author.as_ref().map(Author::identity) else {
            return Vec::new();
        };
        let signatures = policy.explain(&domain).signatures;
        signatures.into_iter().map(|one| one.key).collect()
    }
}

/// A client as the parameters describe it.
#[derive(Debug)]
struct ClientAsked<'a> {
    address: Option<Cow<'a, str>>,
    identity: Option<Cow<'a, str>>,
    certificate: Option<Cow<'a, str>>,
    issuer: Issuer,
}

impl Default for ClientAsked<'_> {
    fn default() -> Self {
        Self {
            address: None,
            identity: None,
            certificate: None,
            issuer: Issuer::Unknown,
        }
    }
}

impl ClientAsked<'_> {
    fn read(self) -> Result<Option<Client>, QuestionError> {
        let Some(address) = self.address else {
            return match (self.identity, self.certificate, self.issuer) {
                (None, None, Issuer::Unknown) => Ok(None),
                (Some(_), _, _) | (_, Some(_), _) | (_, _, Issuer::Authority) => {
                    Err(QuestionError::NoAddress)
                }
            };
        };
        let address = address.parse().map_err(|source| QuestionError::Address {
            text: address.into_owned(),
            source,
        })?;
        let identity = self.identity.map(|text| text.parse());
        let identity = identity.transpose().map_err(QuestionError::Identity)?;
        let certificate = self.certificate.map(|text| text.parse()).transpose();
        let certificate = certificate.map_err(QuestionError::Certificate)?;
        Ok(Some(Client {
            address,
            identity,
            certificate: certificate.map(|fingerprint| ClientCertificate {
                fingerprint,
                issuer: self.issuer,
            }),
        }))
    }
}

/// The domain of an address, or a domain alone.
///
/// # Errors
///
/// [`QuestionError::Domain`].
pub fn address_domain(text: &str) -> Result<DomainName, QuestionError> {
    let address = text.trim().trim_start_matches('<').trim_end_matches('>');
    let domain = address
        .rsplit_once('@')
        .map_or(address, |(_, domain)| domain);
    domain.parse().map_err(|source| QuestionError::Domain {
        text: domain.to_owned(),
        source,
    })
}

/// What cannot be answered as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// Nothing is asked.
    #[error(
        "nothing is asked: name an {ADDRESS}, a recipient ({TO}), a client ({FROM_IP}), or the fields of a message ({FROM}, \
         {SENDER})"
    )]
    Nothing,
    /// A parameter that means nothing.
    #[error(
        "{0:?} is no parameter of a question; there are {ADDRESS}, {TO}, {FROM_IP}, {IDENTITY}, {CERTIFICATE}, {BY_AUTHORITY}, {MESSAGE}, {FROM} and {SENDER}"
    )]
    Unknown(String),
    /// A parameter that may stand once.
    #[error("{0} is there twice: ask one question for each")]
    Twice(String),
    /// An address and a message.
    #[error("{ADDRESS} and the fields of a message are there: ask about one of them")]
    TwoAuthors,
    /// What should be a domain is none.
    #[error("{text:?} is no domain; write it like renovations.com")]
    Domain {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// A client without an address.
    #[error("{IDENTITY} and {CERTIFICATE} are a client's: name its address as well ({FROM_IP})")]
    NoAddress,
    /// What should be a client's user is no name of one.
    #[error("{IDENTITY} is no name of a user")]
    Identity(#[source] UserNameError),
    /// What should be a client's certificate is no fingerprint.
    #[error("{CERTIFICATE} is no fingerprint of a certificate")]
    Certificate(#[source] CertificateFingerprintError),
    /// What should be a client's address is none.
    #[error("{text:?} is no IP address; write it like 192.0.2.1 or 2001:db8::1")]
    Address {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        source: AddrParseError,
    },
}

const ADDRESS: &str = "address";
const MESSAGE: &str = "message";
const FROM: &str = "from";
const SENDER: &str = "sender";
const TO: &str = "to";
const FROM_IP: &str = "from_ip";
const IDENTITY: &str = "identity";
const CERTIFICATE: &str = "certificate";
const BY_AUTHORITY: &str = "by_authority";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_reads_as_it_was_written() {
        let message = |from: &[&[u8]], sender: &[&[u8]]| {
            let owned = |fields: &[&[u8]]| fields.iter().map(|field| field.to_vec()).collect();
            Some(Author::Message {
                from: owned(from),
                sender: owned(sender),
            })
        };
        let mut whole = Question {
            author: Author::address("<jo@renovations.com>").ok(),
            client: Some(Client {
                address: "2001:db8::1".parse().unwrap(),
                identity: Some("Jo Doe/Acme".parse().unwrap()),
                certificate: Some(ClientCertificate {
                    fingerprint: "01".repeat(32).parse().unwrap(),
                    issuer: Issuer::Authority,
                }),
            }),
            ..Question::default()
        };
        for recipient in ["partner.example", "x@b\u{fc}cher.example"] {
            whole.ask_recipient(recipient).unwrap();
        }
        let of = |author| Question {
            author,
            ..Question::default()
        };
        for question in [
            whole,
            of(message(
                &[b" a@b.example,\r\n c@d.example", b"\xff"],
                &[b"& = + %"],
            )),
            of(message(&[], &[])), // a message without From, which cannot be signed
        ] {
            let query = question.parameters().encode();
            assert_eq!(
                Question::read(&Parameters::decode(&query)),
                Ok(question),
                "{query}"
            );
        }
    }

    #[test]
    fn what_cannot_be_answered_is_refused_with_what_to_ask() {
        let check = |query: &str, expected: &str| {
            let found = Question::read(&Parameters::decode(query)).unwrap_err();
            assert!(found.to_string().contains(expected), "{query}: {found}");
        };
        check("", "nothing is asked");
        check("domain=a.example", "\"domain\" is no parameter");
        check("%0a", "\"\\n\" is no parameter");
        check(
            "address=a.example&address=b.example",
            "address is there twice",
        );
        check("from_ip=::1&from_ip=::1", "from_ip is there twice");
        check("address=a.example&from=x", "ask about one of them");
        check("from=x&address=a.example", "ask about one of them");
        check("to=a..b", "\"a..b\" is no domain");
        check("to=%ff", "is no domain");
        check("from_ip=10.0.0.0/8", "no IP address");
        check("identity=app1", "name its address as well");
        check("by_authority", "name its address as well");
        check("from_ip=::1&identity=all", "no name of a user");
        check("from_ip=::1&certificate=01", "no fingerprint");
    }

    #[test]
    fn the_domain_of_an_address() {
        let check = |text: &str, expected: Option<&str>| {
            let found = address_domain(text).ok();
            assert_eq!(found.as_ref().map(DomainName::as_str), expected, "{text}");
        };
        check("user@Renovations.com", Some("renovations.com"));
        check("<\"odd@local\"@renovations.com>", Some("renovations.com"));
        check("renovations.com", Some("renovations.com"));
        check("user@", None);
        check("a b", None);
    }
}
