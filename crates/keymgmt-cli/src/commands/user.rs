//! `user add`, `user passwd`, `user show`, `user delete`.

use std::path::Path;

use common_config::user_name::UserName;
use credstore::{CredStoreError, ScramVerifier, StoredUser};
use serde_json::{Value, json};

use crate::cli::User;
use crate::clock;
use crate::commands::show::with_faults;
use crate::context::Context;
use crate::exit::Failure;
use crate::input;
use crate::output::{Output, table};
use crate::passphrase::{self, Kind};

pub(crate) async fn run(context: &Context, noun: User) -> Result<Output, Failure> {
    match noun {
        User::Add {
            name,
            password_file,
        } => add(context, &name, password_file.as_deref()).await,
        User::Passwd {
            name,
            password_file,
        } => passwd(context, &name, password_file.as_deref()).await,
        User::Show { name } if input::is_all(&name) => all(context).await,
        User::Show { name } => show(context, &name).await,
        User::Delete { name } => delete(context, &name).await,
    }
}

async fn add(context: &Context, name: &str, file: Option<&Path>) -> Result<Output, Failure> {
    let name = input::user_name(name)?;
    let store = context.store().await?;
    // Before a password is asked for; the insertion checks again.
    if let Ok(existing) = store.user(&name).await {
        let name = existing.name().clone();
        return Err(CredStoreError::UserExists { name }.into());
    }
    let verifier = verifier(file)?;
    let user = store.add_user(&name, &verifier, clock::now()).await?;
    let text = format!(
        "Added user {name}\n\
         Who authenticates so may send through the edge, unless router.relay_authenticated is off, and sign for every \
         domain, unless a rule of router.senders names the user. See what holds with:\n  {}",
        context.command(&format!("explain --from-ip <address> --identity '{name}'"))
    );
    Ok(Output::text(text, json(&user)))
}

async fn passwd(context: &Context, name: &str, file: Option<&Path>) -> Result<Output, Failure> {
    let name = input::user_name(name)?;
    let store = context.store().await?;
    store.user(&name).await?; // before a password is asked for
    let verifier = verifier(file)?;
    let user = store.set_password(&name, &verifier, clock::now()).await?;
    let text = format!("Changed the password of user {name}\nThe old one is of no use any more.");
    Ok(Output::text(text, json(&user)))
}

fn verifier(file: Option<&Path>) -> Result<ScramVerifier, Failure> {
    let password = passphrase::chosen(Kind::Password, file)?;
    Ok(ScramVerifier::new(&password)?)
}

async fn show(context: &Context, name: &str) -> Result<Output, Failure> {
    let name: UserName = input::user_name(name)?;
    let store = context.store().await?;
    let user = store.user(&name).await?;
    let iterations = store.verifier(&user)?.iterations;
    let text = format!(
        "User: {name}\nMechanisms: SCRAM-SHA-256 ({iterations} iterations), PLAIN, LOGIN\nAdded: {}\nPassword set: {}",
        clock::shown(user.created()),
        clock::shown(user.changed()),
    );
    let mut json = json(&user);
    if let Value::Object(object) = &mut json {
        object.insert("iterations".to_owned(), iterations.into());
    }
    Ok(Output::text(text, json))
}

async fn all(context: &Context) -> Result<Output, Failure> {
    let store = context.store().await?;
    let mut rows = Vec::new();
    let mut list = Vec::new();
    let mut faults = Vec::new();
    for (name, user) in store.inspect_users().await? {
        match user {
            Ok(user) => {
                rows.push(vec![
                    name.into(),
                    clock::shown(user.created()),
                    clock::shown(user.changed()),
                ]);
                list.push(json(&user));
            }
            Err(error) => {
                let error = Failure::from(error);
                rows.push(vec![name.to_string(), "?".into(), "tampered with".into()]);
                list.push(json!({ "user": name, "error": error.line() }));
                faults.push(error);
            }
        }
    }
    if rows.is_empty() {
        let text = format!("There are no users in {}.", store.path().display());
        return Ok(Output::text(text, json!({ "users": [] })));
    }
    let text = table(&["User", "Added", "Password set"], rows);
    let output = Output::text(text, json!({ "users": list }));
    Ok(with_faults(output, &faults))
}

async fn delete(context: &Context, name: &str) -> Result<Output, Failure> {
    let name = input::user_name(name)?;
    context.store().await?.delete_user(&name).await?;
    let text = format!(
        "Deleted user {name}\nNobody can authenticate so any more. Rules of router.senders that name the user can go."
    );
    let json = json!({ "user": name.as_str(), "deleted": true });
    Ok(Output::text(text, json))
}

/// A user as programs read it.
fn json(user: &StoredUser) -> Value {
    json!({
        "user": user.name().as_str(),
        "created": clock::shown(user.created()),
        "changed": clock::shown(user.changed()),
    })
}
