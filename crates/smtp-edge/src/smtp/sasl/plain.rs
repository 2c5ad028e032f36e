//! PLAIN (RFC 4616): one response, `authzid NUL authcid NUL password`.

use credstore::Secret;

use super::exchange::{Fault, Step, user};

/// Takes the only response there is.
pub(super) fn respond(response: &Secret) -> Step {
    let mut parts = response.expose().split(|octet| *octet == 0);
    let parts = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(acting_for), Some(name), Some(password), None) = parts else {
        return Step::Failed(None, Fault::Malformed);
    };
    let name = match user(name) {
        Ok(name) => name,
        Err(fault) => return Step::Failed(None, fault),
    };
    if password.is_empty() {
        return Step::Failed(Some(name), Fault::Malformed);
    }
    // Nobody acts for others here; some clients name themselves twice.
    if !acting_for.is_empty() && user(acting_for).ok().as_ref() != Some(&name) {
        return Step::Failed(Some(name), Fault::OtherIdentity);
    }
    Step::Check {
        name,
        password: Secret::new(password.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(response: &str, expected: Result<(&str, &str), Fault>) {
        let found = match respond(&Secret::new(response.as_bytes().to_vec())) {
            Step::Check { name, password } => Ok((name.to_string(), password.expose().to_vec())),
            Step::Failed(_, fault) => Err(fault),
            other => panic!("{response:?}: {other:?}"),
        };
        let expected =
            expected.map(|(name, password)| (name.to_owned(), password.as_bytes().to_vec()));
        assert_eq!(found, expected, "{response:?}");
    }

    #[test]
    fn the_response_has_three_parts() {
        check("\0tim\0tanstaaftanstaaf", Ok(("tim", "tanstaaftanstaaf"))); // RFC 4616 §4
        check("tim\0tim\0secret", Ok(("tim", "secret")));
        check("TIM\0Tim\0Secret", Ok(("tim", "Secret"))); // one user, however it is written
        check("\0m\u{fc}ller\0p\u{e4}ss", Ok(("m\u{fc}ller", "p\u{e4}ss")));
        check("Ursel\0Kurt\0xipj3plmq", Err(Fault::OtherIdentity)); // RFC 4616 §4
        check("", Err(Fault::Malformed));
        check("tim\0secret", Err(Fault::Malformed));
        check("\0tim\0", Err(Fault::Malformed));
        check("\0\0secret", Err(Fault::Malformed));
        check("\0tim\0sec\0ret", Err(Fault::Malformed));
        check("\0tim\r\nx\0secret", Err(Fault::Malformed)); // it would stand in a log
        check(&format!("\0{}\0x", "a".repeat(256)), Err(Fault::Malformed));
    }
}
