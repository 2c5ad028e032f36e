//! What real files hold, and that they come back as they were.

use proptest::prelude::*;

use super::*;

fn parse(bytes: &[u8]) -> Result<NotesIni, NotesIniError> {
    NotesIni::parse(Path::new("notes.ini"), bytes)
}

/// The settings of `bytes`, as `line name value`.
fn check(bytes: &[u8], expected: &[(usize, &str, &str)]) {
    let file = parse(bytes).unwrap();
    let found: Vec<(Origin, &str, &str)> = file
        .entries()
        .iter()
        .map(|e| (e.origin.clone(), e.name.as_str(), e.value.as_str()))
        .collect();
    let expected: Vec<(Origin, &str, &str)> = expected
        .iter()
        .map(|(line, name, value)| (Origin::line(Path::new("notes.ini"), *line), *name, *value))
        .collect();
    assert_eq!(found, expected, "{}", String::from_utf8_lossy(bytes));
    assert_eq!(file.to_bytes(), bytes, "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn a_domino_server_s_file_loads() {
    let file = b"[Notes]\r\n\
        Directory=/local/notesdata\r\n\
        KitType=2\r\n\
        ;DKIM_KEY_old.example=1\r\n\
        \r\n\
        ServerTasks=Replica,Router,Update\r\n\
        Owner=CN=M\xfcller/O=Acme\r\n\
        SharedFolder=\\\\server\\share\\\r\n\
        dkim_key_acme.com=acme.net;12345 , 67890\r\n\
        a line that is no setting\r\n\
        RouterDKIMSigning = 2\r\n";
    check(
        file,
        &[
            (2, "Directory", "/local/notesdata"),
            (3, "KitType", "2"),
            (6, "ServerTasks", "Replica,Router,Update"),
            (7, "Owner", "CN=M\u{fc}ller/O=Acme"),
            (8, "SharedFolder", "\\\\server\\share\\"),
            (9, "dkim_key_acme.com", "acme.net;12345 , 67890"),
            (11, "RouterDKIMSigning", "2"),
        ],
    );
}

#[test]
fn marks_endings_and_blanks_do_not_matter() {
    check(b"", &[]);
    check(b"\xef\xbb\xbfA=1", &[(1, "A", "1")]);
    check(b"A=1\nB=2", &[(1, "A", "1"), (2, "B", "2")]);
    check(b"A=1\r\nB=2\n", &[(1, "A", "1"), (2, "B", "2")]);
    check(b"  A =  1 \n", &[(1, "A", "1")]);
    check(b"A=\n", &[(1, "A", "")]);
    check(b"A=1 ; not a comment\n", &[(1, "A", "1 ; not a comment")]);
    check(b"A=1\na=2\n", &[(1, "A", "1"), (2, "a", "2")]);
    check(b"=1\n# A=1\n ; B=2\n[DKIM_KEY_x]\n", &[]);
    check(b"A=1\\\nB=2\n", &[(1, "A", "1\\"), (2, "B", "2")]);
}

#[test]
fn lines_of_ours_must_be_whole() {
    let refused = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
    assert_eq!(
        refused(b"A\nDKIM_KEY_acme.com\n"),
        "notes.ini:2: DKIM_KEY_acme.com has no value: write DKIM_KEY_acme.com=\u{2026}, or take the line out"
    );
    assert_eq!(
        refused(b"\nA\nRouterDKIMSigning 1\n"),
        "notes.ini:3: RouterDKIMSigning has no value: write RouterDKIMSigning=\u{2026}, or take the line out"
    );
    assert_eq!(
        refused(b"DKIM_Key_M\xfcller.example=1"),
        "notes.ini:1: DKIM_Key_M\u{fc}ller.example is not written in UTF-8: write the domain with A-labels (xn--\u{2026})"
    );
    assert_eq!(
        refused(b"\xff\xfeA\0=\0"),
        "notes.ini is in UTF-16: save it as UTF-8"
    );
}

#[test]
fn setting_a_name_touches_its_lines_alone() {
    let set = |bytes: &[u8], name: &str, value: &str| {
        let mut file = parse(bytes).unwrap();
        file.set(name, value).unwrap();
        String::from_utf8(file.to_bytes()).unwrap()
    };
    assert_eq!(set(b"A=1\r\nB=2\r\na=3\r\n", "a", "4"), "a=4\r\nB=2\r\n");
    assert_eq!(set(b"A=1\r\nB=2", "b", "3"), "A=1\r\nb=3");
    assert_eq!(set(b"A=1\n", "B", "2"), "A=1\nB=2\n");
    assert_eq!(set(b"A=1", "B", "2"), "A=1\nB=2\n");
    assert_eq!(set(b"", "B", "2"), "B=2\n");

    let mut file = parse(b"").unwrap();
    for (name, value) in [
        ("A\nB", "1"),
        ("A", "1\n2"),
        (";A", "1"),
        ("[A", "1"),
        ("A=B", "1"),
        ("", "1"),
        ("A", " 1"),
    ] {
        assert!(file.set(name, value).is_err(), "{name:?} {value:?}");
    }
    assert_eq!(file.to_bytes(), b"");
}

proptest! {
    #[test]
    fn any_file_that_loads_comes_back(bytes in proptest::collection::vec(
        prop_oneof![3 => any::<u8>(), 2 => Just(b'='), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(b';')], 0..200,
    )) {
        if let Ok(file) = parse(&bytes) {
            prop_assert_eq!(file.to_bytes(), bytes);
        }
    }

    #[test]
    fn what_is_set_is_read_back(settings in proptest::collection::vec(
        ("[A-Za-z_$][A-Za-z0-9_.$]{0,12}", "([!-~äß]([ -~äß]{0,20}[!-~äß])?)?"), 0..12,
    )) {
        let mut file = parse(b"[Notes]\r\n").unwrap();
        let mut expected: Vec<(String, String)> = Vec::new();
        for (name, value) in settings {
            file.set(&name, &value).unwrap();
            match expected.iter_mut().find(|(found, _)| found.eq_ignore_ascii_case(&name)) {
                Some(old) => *old = (name, value),
                None => expected.push((name, value)),
            }
        }
        let again = parse(&file.to_bytes()).unwrap();
        let found: Vec<(String, String)> =
            again.entries().iter().map(|e| (e.name.clone(), e.value.clone())).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(again.to_text(), file.to_text());
    }
}
