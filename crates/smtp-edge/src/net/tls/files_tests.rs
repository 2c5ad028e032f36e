//! Files as administrators leave them: good pairs, halves, mix-ups.

use std::fs::{Permissions, set_permissions};

use tempfile::TempDir;

use super::*;

/// A folder with the files of a certificate, and settings that name them.
pub(in crate::net) struct Folder {
    folder: TempDir,
    pub(in crate::net) settings: TlsSettings,
}

impl Folder {
    /// With a fresh pair.
    pub(in crate::net) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| Some(folder.path().join(name));
        let settings = TlsSettings {
            certificate: path("certificate.pem"),
            key: path("key.pem"),
            client_ca: None,
            require_client_certificate: false,
        };
        let folder = Self { folder, settings };
        folder.issue();
        folder
    }

    /// Writes another pair in place of the one that is there, and gives its certificate.
    pub(in crate::net) fn issue(&self) -> CertificateDer<'static> {
        let (certificate, key) = pair();
        self.write("certificate.pem", &certificate.pem());
        self.write("key.pem", &key);
        set_permissions(self.path("key.pem"), Permissions::from_mode(0o600)).unwrap();
        certificate.der().clone()
    }

    pub(in crate::net) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(in crate::net) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(in crate::net) fn files(&self) -> TlsFiles {
        TlsFiles::named(&self.settings, Listed::None)
            .unwrap()
            .unwrap()
    }
}

fn pair() -> (rcgen::Certificate, String) {
    let made = rcgen::generate_simple_self_signed(vec!["edge.test".to_owned()]).unwrap();
    (made.cert, made.signing_key.serialize_pem())
}

#[test]
fn a_pair_is_read_with_or_without_an_authority() {
    let mut folder = Folder::new();
    assert!(folder.files().read().unwrap().authority.is_none());
    folder.write("ca.pem", &pair().0.pem());
    folder.settings.client_ca = Some(folder.path("ca.pem"));
    assert!(folder.files().read().unwrap().authority.is_some());
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = Folder::new();
    let rows = [
        (0o600, true),
        (0o400, true),
        (0o640, true), // the group of those who may read it
        (0o660, false),
        (0o644, false),
        (0o604, false),
        (0o602, false),
    ];
    for (mode, expected) in rows {
        set_permissions(folder.path("key.pem"), Permissions::from_mode(mode)).unwrap();
        let found = folder.files().read();
        assert_eq!(found.is_ok(), expected, "{mode:o}");
        assert!(matches!(found, Ok(_) | Err(TlsError::Visible { .. })));
    }
}

#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    let check = |name: &str, content: Option<&str>, message: &str| {
        let folder = Folder::new();
        match content {
            Some(content) => folder.write(name, content),
            None => std::fs::remove_file(folder.path(name)).unwrap(),
        }
        let error = folder.files().read().unwrap_err().to_string();
        assert!(error.contains(message), "{name}: {error}");
        assert!(error.contains(name), "{name}: {error}");
    };
    let (certificate, key) = pair();
    check("certificate.pem", None, "cannot read");
    check("certificate.pem", Some(""), "must hold PEM");
    check("certificate.pem", Some(&key), "must hold PEM");
    check("certificate.pem", Some(&certificate.pem()), "made for");
    check("key.pem", None, "cannot read");
    check("key.pem", Some(&certificate.pem()), "must hold PEM");
    check("key.pem", Some(&key), "made for");
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    check("key.pem", Some(&encrypted), "unencrypted");
}

#[test]
fn settings_that_contradict_themselves_are_refused() {
    let path = || Some(PathBuf::from("x.pem"));
    let check = |certificate, key, client_ca, required, listed, expected: &str| {
        let settings = TlsSettings {
            certificate,
            key,
            client_ca,
            require_client_certificate: required,
        };
        let found = match TlsFiles::named(&settings, listed) {
            Ok(None) => "off".to_owned(),
            Ok(Some(files)) => format!("{:?}", files.asked),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{settings:?}: {found}");
    };
    check(None, None, None, false, Listed::None, "off");
    check(None, None, None, false, Listed::Some, "off");
    check(path(), path(), None, false, Listed::None, "No");
    check(path(), path(), None, false, Listed::Some, "Optional");
    check(path(), path(), path(), false, Listed::None, "Optional");
    check(path(), path(), path(), true, Listed::Some, "Required");
    check(path(), None, None, false, Listed::None, "set both");
    check(None, path(), None, false, Listed::None, "set both");
    check(
        None,
        None,
        path(),
        false,
        Listed::None,
        "take out tls.client_ca",
    );
    check(path(), path(), None, true, Listed::None, "name the file");
}
