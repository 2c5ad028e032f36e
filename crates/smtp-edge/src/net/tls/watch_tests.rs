//! Files that change, look by look.

use tokio_rustls::rustls::pki_types::CertificateDer;

use super::*;
use crate::clock::Clock;
use crate::net::tls::files::tests::Folder;

fn tls(folder: &Folder) -> Tls {
    let prepared = Tls::prepare(Some(folder.files())).unwrap();
    Tls::new(prepared, Clock::system())
}

/// Whether this certificate is shown to clients.
fn shows(tls: &Tls, certificate: &CertificateDer<'_>) -> bool {
    let config = tls.current().unwrap();
    format!("{:?}", config.config.cert_resolver).contains(&format!("{certificate:?}"))
}

#[test]
fn a_new_pair_is_in_force_once_it_has_come_to_rest() {
    let folder = Folder::new();
    let first = folder.issue();
    let tls = tls(&folder);
    tls.look();
    assert!(shows(&tls, &first));
    let second = folder.issue();
    tls.look();
    assert!(shows(&tls, &first)); // seen, and perhaps half written
    tls.look();
    assert!(shows(&tls, &second));
}

#[test]
fn a_broken_pair_changes_nothing_and_a_good_one_after_it_does() {
    let folder = Folder::new();
    let first = folder.issue();
    let tls = tls(&folder);
    folder.write("key.pem", "not a key");
    for _ in 0..3 {
        tls.look();
        assert!(shows(&tls, &first));
    }
    std::fs::remove_file(folder.path("certificate.pem")).unwrap();
    for _ in 0..3 {
        tls.look();
        assert!(shows(&tls, &first));
    }
    let second = folder.issue();
    tls.look();
    tls.look();
    assert!(shows(&tls, &second));
}

#[test]
fn tls_cannot_be_taken_from_a_socket_that_speaks_nothing_else() {
    let folder = Folder::new();
    let tls = tls(&folder);
    let off = || Tls::prepare(None).unwrap();
    assert!(tls.allows(&off()).is_ok());
    assert!(tls.need().is_ok());
    assert!(tls.allows(&off()).is_err());
    let never_on = Tls::new(off(), Clock::system());
    assert!(never_on.need().is_err());
}
