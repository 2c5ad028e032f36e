//! Whether the client that handed in a message may have it signed: the question before every signature, put by the
//! envelope's source and the message's identity, whenever the message is signed.

use common_config::name::DomainName;
use router_config::identity::signing_identity;
use router_config::{FaultClass, Otherwise, RouterConfig, SenderDecision};

use super::state::SigningFault;
use crate::envelope::Source;

/// What its client means for a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is signed as the policy says.
    Signed,
    /// It goes without a signature; the domain is the one that it is from, when it has one.
    Unsigned(Option<DomainName>),
    /// It is refused, with the reason for the log.
    Refused(SigningFault, Box<str>),
}

/// Asks the rules of `router.senders`. `from` and `sender` are what stands after the colon of each field of that name.
/// Our own reports are free.
#[must_use]
pub fn standing(
    router: &RouterConfig,
    source: &Source,
    from: &[&[u8]],
    sender: &[&[u8]],
) -> Standing {
    let client = match source {
        Source::Client { client, .. } => client,
        Source::Ourselves => return Standing::Signed,
    };
    let domain = signing_identity(from, sender).ok();
    let explained = router.explain_sender(client, domain.as_ref());
    match explained.decision {
        SenderDecision::Free | SenderDecision::Within => Standing::Signed,
        SenderDecision::Outside(Otherwise::Unsigned) => Standing::Unsigned(domain),
        SenderDecision::Outside(Otherwise::Refuse) => {
            let why = explained.to_string().into();
            let fault = SigningFault {
                class: FaultClass::SenderRule,
                domain,
                key: None,
            };
            Standing::Refused(fault, why)
        }
    }
}

#[cfg(test)]
#[path = "sender_tests.rs"]
mod tests;
