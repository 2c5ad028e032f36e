//! `explain`: which keys sign mail from an address or a message, why, in what condition they are, and what the server
//! would do with it; where mail to a recipient goes; who may send, and sign for what.
//!
//! The answer is router-config's, and it is asked of the settings files and the store, or of a running server.

mod forms;
mod running;

use common_config::name::KeyName;
use router_config::{
    Answer, Author, Client, ClientCertificate, ExplainedKey, Issuer, KeyHolder, Question,
};
use serde_json::{Map, Value};

use self::forms::{Forms, Shown};
use crate::cli::Explain;
use crate::context::Context;
use crate::exit::Failure;
use crate::key_condition;
use crate::message;
use crate::output::{Format, Output};
use crate::signing::{self, ServerPolicy};

pub(crate) async fn run(
    context: &Context,
    arguments: Explain,
    format: Format,
) -> Result<Output, Failure> {
    let message = arguments.message.as_deref().map(message::read);
    let message = message.transpose()?;
    let question = question(&arguments, message.as_deref())?;
    if arguments.running {
        return running::ask(context, arguments.admin, &question, format).await;
    }
    let policy = ServerPolicy::load(context)?;
    let keys = keys(context, &policy, &question.keys(&policy.signing)).await;
    let (signing, origins) = (&policy.signing, &policy.origins);
    let mut answer = Answer::about_mail(&question, signing, origins, keys, KeyHolder::Store);
    if question.is_about_routes() {
        answer = answer.with_routes(&question, policy.router()?);
    }
    let shown = match arguments.canonical {
        true => Shown::Octets,
        false => Shown::Names,
    };
    let forms = match (&message, &answer.mail) {
        (Some(message), Some(mail)) => Forms::of(message, mail, &policy, shown),
        (None, _) | (Some(_), None) => Forms::default(),
    };
    let mut json = object(&answer);
    json.extend(forms.json);
    let (text, json) = (answer.to_string() + &forms.text, Value::Object(json));
    Ok(match forms.octets.is_empty() {
        true => Output::text(text, json),
        false => Output::message([text.into_bytes(), forms.octets].concat(), json),
    })
}

fn question(arguments: &Explain, message: Option<&[u8]>) -> Result<Question, Failure> {
    let author = match (&arguments.address, message) {
        (Some(address), _) => Some(Author::address(address)?),
        (None, Some(message)) => Some(signing::author(message)?),
        (None, None) => None,
    };
    let mut question = Question {
        author,
        client: client(arguments),
        ..Question::default()
    };
    for recipient in &arguments.to {
        question.ask_recipient(recipient)?;
    }
    Ok(question)
}

fn client(arguments: &Explain) -> Option<Client> {
    let issuer = match arguments.by_authority {
        true => Issuer::Authority,
        false => Issuer::Unknown,
    };
    let certificate = |fingerprint| ClientCertificate {
        fingerprint,
        issuer,
    };
    Some(Client {
        address: arguments.from_ip?,
        identity: arguments.identity.clone(),
        certificate: arguments.certificate.map(certificate),
    })
}

async fn keys(context: &Context, policy: &ServerPolicy, names: &[KeyName]) -> Vec<ExplainedKey> {
    let mut keys = Vec::new();
    if names.is_empty() {
        return keys;
    }
    let store = context.store().await;
    let minimum = policy.signing.settings().rsa_minimum_bits;
    for name in names {
        keys.push(key_condition::look(&store, name, minimum).await);
    }
    keys
}

fn object(answer: &Answer) -> Map<String, Value> {
    match serde_json::to_value(answer) {
        Ok(Value::Object(object)) => object,
        // An answer is ours and always becomes an object.
        Ok(_) | Err(_) => Map::new(),
    }
}
