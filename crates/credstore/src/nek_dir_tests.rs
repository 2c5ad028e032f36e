use std::fs::{Permissions, metadata, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

fn name(text: &str) -> NekName {
    text.parse().unwrap()
}

fn fresh() -> (TempDir, NekDir) {
    let data = tempfile::tempdir().unwrap();
    let neks = NekDir::new(data.path().join("nek"));
    (data, neks)
}

#[test]
fn what_was_created_opens_again_and_is_the_owners_alone() {
    let (_data, neks) = fresh();
    assert!(neks.list().unwrap().is_empty());
    let made = neks.create(&name("Mail")).unwrap();
    let opened = neks.open(&name("mail")).unwrap();
    assert_eq!(made.fingerprint(), opened.fingerprint());
    assert_eq!(neks.list().unwrap(), [name("mail")]);
    assert_eq!(neks.find(made.fingerprint()).unwrap().name(), &name("mail"));
    let mode = |path: &Path| metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&neks.file(&name("mail"))), 0o600);
    assert_eq!(mode(neks.path()), 0o700);
}

#[test]
fn an_existing_nek_is_never_overwritten() {
    let (_data, neks) = fresh();
    let first = neks.create(&name("mail")).unwrap();
    assert!(matches!(
        neks.create(&name("mail")),
        Err(NekError::Exists { .. })
    ));
    assert_eq!(
        neks.open(&name("mail")).unwrap().fingerprint(),
        first.fingerprint()
    );
}

#[test]
fn a_nek_that_others_can_read_is_refused_with_the_command_to_run() {
    let (_data, neks) = fresh();
    neks.create(&name("mail")).unwrap();
    let path = neks.file(&name("mail"));
    for mode in [0o640, 0o604, 0o440, 0o666] {
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = neks.open(&name("mail")).unwrap_err().to_string();
        assert!(
            error.contains(&format!("chmod 600 '{}'", path.display())),
            "{error}"
        );
    }
}

#[test]
fn a_credential_may_be_shown_to_the_group_and_comes_first() {
    let (data, neks) = fresh();
    neks.create(&name("mail")).unwrap();
    let (_other, elsewhere) = fresh();
    let credential = elsewhere.create(&name("mail")).unwrap();
    set_permissions(elsewhere.file(&name("mail")), Permissions::from_mode(0o440)).unwrap();
    let both = neks
        .clone()
        .with_credentials_directory(Some(elsewhere.path().to_owned()));
    assert_eq!(
        both.open(&name("mail")).unwrap().fingerprint(),
        credential.fingerprint()
    );

    set_permissions(elsewhere.file(&name("mail")), Permissions::from_mode(0o444)).unwrap();
    assert!(matches!(
        both.open(&name("mail")),
        Err(NekError::Permissions { mode: 0o444, .. })
    ));

    let absent = neks.with_credentials_directory(Some(data.path().join("absent")));
    assert!(absent.open(&name("mail")).is_ok());
}

#[test]
fn a_file_that_cannot_be_used_is_named_where_the_right_one_is_missing() {
    let (_data, neks) = fresh();
    let wanted = neks.create(&name("wanted")).unwrap().fingerprint();
    neks.create(&name("other")).unwrap();
    write(neks.path().join("README.txt"), "not a key").unwrap();
    write(neks.path().join("UPPER.nek"), "not a key").unwrap();
    set_permissions(neks.file(&name("wanted")), Permissions::from_mode(0o644)).unwrap();
    let error = neks.find(wanted).unwrap_err();
    let source = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(
        source.contains("wanted.nek") && source.contains("chmod"),
        "{error}: {source}"
    );
}

#[test]
fn export_and_import_carry_the_key_to_another_folder() {
    let (data, neks) = fresh();
    let nek = neks.create(&name("mail")).unwrap();
    let file = data.path().join("mail.export");
    let passphrase = Secret::new(b"correct horse".to_vec());
    neks.export(&name("mail"), &passphrase, &file).unwrap();
    assert!(matches!(
        neks.export(&name("mail"), &passphrase, &file),
        Err(NekError::FileExists { .. })
    ));
    assert!(matches!(
        neks.import(&file, &passphrase, None),
        Err(NekError::Exists { .. })
    ));
    let (_elsewhere, others) = fresh();
    let imported = others.import(&file, &passphrase, None).unwrap();
    assert_eq!(imported.fingerprint(), nek.fingerprint());
    assert_eq!(
        others.open(&name("mail")).unwrap().fingerprint(),
        nek.fingerprint()
    );
}
