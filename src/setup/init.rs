//! `init`: asks for the settings, tests them and writes the configuration. Every answer can be given as an option.

use crate::{
    cancel::Cancel,
    config::{Config, is_example},
    folders,
    pve::{Auth, Params, Pve, Settings, Trust, certificate, colons},
    setup::{
        agreement,
        ask::Person,
        check,
        clients::{self, CLIENTS, Client, Env},
        draft::Draft,
        file,
        finding::{Finding, Verdict},
        given::{Given, Stop},
        launch::Launch,
        network, recipe,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The environment of the command: what is given neither by options nor by questions.
pub struct InitContext<'a> {
    /// Looks up environment variables.
    pub env: Env<'a>,
    /// The operating system, as in `std::env::consts::OS`.
    pub system: &'a str,
    /// The path of this program.
    pub program: String,
}

/// The name of the cluster's CA file, on a node and beside the configuration.
const CA: &str = "pve-root-ca.pem";

/// Runs the command: asks, tests and writes.
///
/// # Errors
/// An option is missing or wrong, or something does not work: sentences. Only files that were agreed to before the
/// failure may have been written, such as the CA file.
pub fn run(given: &dyn Given, person: &mut Person<'_>, around: &InitContext<'_>) -> Result<(), Stop> {
    let client = given.value("--client").and_then(clients::find);
    if given.has("--remove") {
        return remove(given, person, around, client);
    }
    let (output, usual) = output(given, person, around)?;
    if client.is_none() && given.has("--write") {
        return Err(Stop::Usage("`--write` needs `--client`, the client whose file to change.".into()));
    }
    let home = folders::home(around.system, around.env).map(|home| home.display().to_string());
    let mut draft = Draft::new(&output, home);
    let pinned = server(given, person, &mut draft)?;
    login(given, person, &mut draft)?;
    if pinned {
        offer_ca(given, person, &mut draft)?;
    } else if given.has("--trust-ca") {
        person.say("The certificate is trusted without the cluster's CA, so the CA is not fetched.");
    }
    let access = person.word(
        "--access",
        given.value("--access"),
        "What may run",
        &["read-only", "standard", "full"],
        "standard",
    );
    let access = access.map_err(Stop::Usage)?;
    draft.set("access", access.as_str());
    let log = agreement::ask(given, person, &mut draft, &access, around.env)?;
    let known: Vec<&str> = recipe::toolsets().into_iter().collect();
    let toolsets = person.word(
        "--toolsets",
        given.value("--toolsets"),
        "Which toolsets, separated by commas",
        &known,
        "core",
    );
    let toolsets = toolsets.map_err(Stop::Usage)?;
    draft.set("toolsets", toolsets.split(',').map(str::trim).collect::<Vec<_>>());
    person.say("\nTesting:");
    if !works(person, &draft)? && !given.has("--force") {
        let anyway = person.agrees("--force", "A test failed. Write the configuration anyway?", false);
        if !anyway.map_err(Stop::Usage)? {
            return Err(Stop::Failed(
                "Nothing was written, because a test failed; `--force` writes the configuration anyway."
                    .into(),
            ));
        }
    }
    if let Some(log) = log {
        log.make(person, &draft)?;
    }
    draft.keep().map_err(Stop::Failed)?;
    person.say(&format!("\nWrote `{}`, {}", output.display(), readers(&output, around)));
    let arguments =
        if usual { Vec::new() } else { vec!["--config".to_owned(), output.display().to_string()] };
    connect(given, person, around, client, &arguments)
}

/// Removes the server from a client's file.
fn remove(
    given: &dyn Given,
    person: &mut Person<'_>,
    around: &InitContext<'_>,
    client: Option<&Client>,
) -> Result<(), Stop> {
    let client = client
        .ok_or_else(|| Stop::Usage("`--remove` needs `--client`, the client whose file to change.".into()))?;
    if given.has("--write") {
        return Err(Stop::Usage("`--remove` removes the server and `--write` adds it; use only one.".into()));
    }
    let file = client.file(around.system, around.env).ok_or_else(|| {
        Stop::Usage(format!(
            "`{}` is not set, so the file of {} cannot be found.",
            folders::home_variable(around.system),
            client.title
        ))
    })?;
    person.say(&clients::remove(client, &file).map_err(Stop::Failed)?);
    Ok(())
}

/// Who can read the file: the end of a sentence.
fn readers(output: &Path, around: &InitContext<'_>) -> String {
    let profile = folders::home(around.system, around.env);
    if around.system != folders::WINDOWS || profile.is_some_and(|profile| output.starts_with(profile)) {
        return "which only you can read.".into();
    }
    format!(
        "which is outside of your profile: others can read it unless the permissions of its folder prevent it. To prevent it, run: icacls \"{}\" /inheritance:r /grant:r \"%USERNAME%:F\"",
        output.display()
    )
}

/// Where the file is written, and whether the server finds it there without `--config`.
fn output(
    given: &dyn Given,
    person: &mut Person<'_>,
    around: &InitContext<'_>,
) -> Result<(PathBuf, bool), Stop> {
    let usual = folders::config(around.system, around.env)
        .map(|folder| folder.join("proxmox-mcp").join("config.json"));
    // A file beside the binary is found first, and `setup.sh` puts the example there.
    let beside = Path::new(&around.program).with_file_name("config.json");
    let usual = if beside.is_file() { Some(beside) } else { usual };
    let output = match (given.value("--output"), &usual) {
        (Some(text), _) => std::path::absolute(text).map_err(|error| {
            Stop::Usage(format!("`--output` is `{text}`, which is not a path ({error})."))
        })?,
        (None, Some(usual)) => usual.clone(),
        (None, None) => {
            return Err(Stop::Usage(format!(
                "`--output` is missing, and there is no default because `{}` is not set.",
                folders::home_variable(around.system)
            )));
        }
    };
    let is_example = fs::read_to_string(&output).is_ok_and(|text| is_example(&text));
    if output.exists() && !is_example && !given.has("--force") {
        let question = format!("`{}` already exists. Overwrite it?", output.display());
        if !(person.there && person.agrees("--force", &question, false).map_err(Stop::Usage)?) {
            return Err(Stop::Failed(format!(
                "`{}` already exists and was not changed; `--force` overwrites it, `--output` writes another file.",
                output.display()
            )));
        }
    }
    let is_usual = usual.as_deref() == Some(&*output);
    Ok((output, is_usual))
}

/// Asks for the host and which certificate to trust. Returns whether the certificate was pinned.
fn server(given: &dyn Given, person: &mut Person<'_>, draft: &mut Draft) -> Result<bool, Stop> {
    let question = "A node of the cluster (name or address)";
    let host = person.text("--host", given.value("--host"), question, None).map_err(Stop::Usage)?;
    draft.set("host", host);
    if let Some(port) = given.value("--port") {
        let number = port.parse::<u16>().ok().filter(|port| *port != 0);
        draft.set(
            "port",
            number.ok_or_else(|| {
                Stop::Usage(format!("`--port` is `{port}`, but must be a number from 1 to 65535."))
            })?,
        );
    }
    let settings = draft.load().map_err(Stop::Usage)?.settings;
    let Some(host) = settings.hosts.first().cloned() else {
        return Err(Stop::Usage("`--host` is missing.".into()));
    };
    let mut problem = None;
    let address = network::reach(&settings, &host, &mut |finding| {
        if finding.verdict == Verdict::Failure {
            problem = Some(finding);
        }
    });
    let Some(address) = address else { return Err(Stop::Failed(told(problem.as_ref()))) };
    let shown = certificate::shown(&host, address, settings.connect_timeout)
        .map_err(|problem| Stop::Failed(format!("`{}:{}`: {problem}", host.name, host.port)))?;
    person.say(&network::describe(&shown));
    if given.has("--insecure") {
        draft.set("ssl_verify", false);
        return Ok(false);
    }
    if let Some(file) = given.value("--ca-file") {
        let path = std::path::absolute(file).unwrap_or_else(|_| file.into());
        draft.set("ca_file", path.display().to_string());
        return Ok(false);
    }
    if let Some(fingerprint) = given.value("--fingerprint") {
        draft.set("fingerprint", fingerprint);
        draft.load().map_err(Stop::Usage)?;
        if fingerprint.replace(':', "").eq_ignore_ascii_case(&colons(&shown.fingerprint).replace(':', "")) {
            return Ok(true);
        }
        return Err(Stop::Failed(format!(
            "The certificate does not match `--fingerprint` ({fingerprint}): compare it with `pvenode cert info` on the node. If it differs there too, somebody may be intercepting the connection."
        )));
    }
    let mut trusted = false;
    network::trust(&settings, &host, &shown, &mut |finding| trusted = finding.verdict != Verdict::Failure);
    if trusted && !given.has("--trust-ca") {
        person.say("This computer trusts its issuer, so nothing needs to be pinned.");
        return Ok(false);
    }
    if !person.there {
        return Err(Stop::Usage(format!(
            "This computer does not trust the certificate. Compare the fingerprint with `pvenode cert info` on the node and give `--fingerprint {}`, or `--ca-file`.",
            colons(&shown.fingerprint)
        )));
    }
    person.say("Compare it with the output of `pvenode cert info` on the node (pve-ssl.pem, or pveproxy-ssl.pem if there is one).");
    // A certificate is never trusted by default.
    let defaults = std::mem::replace(&mut person.defaults, false);
    let same = person.agrees("--fingerprint", "Is it the same fingerprint?", false);
    person.defaults = defaults;
    if !same.map_err(Stop::Usage)? {
        return Err(Stop::Failed("No credentials were sent and nothing was written.".into()));
    }
    draft.set("fingerprint", colons(&shown.fingerprint));
    Ok(true)
}

fn told(finding: Option<&Finding>) -> String {
    let Some(finding) = finding else { return "The host cannot be reached.".into() };
    let remedy = finding.remedy.as_ref().map_or_else(String::new, |remedy| format!(" → {remedy}"));
    format!("{}{remedy}", finding.detail)
}

/// Asks for the API token, or for the user and password.
fn login(given: &dyn Given, person: &mut Person<'_>, draft: &mut Draft) -> Result<(), Stop> {
    let by_option = if given.value("--user").is_some() {
        Some("password")
    } else {
        given.value("--token-id").map(|_| "token")
    };
    let way = person.word(
        "--token-id",
        by_option,
        "Log in by API token or by password",
        &["token", "password"],
        "token",
    );
    let usage = Stop::Usage;
    if way.map_err(usage)? == "password" {
        let user =
            person.text("--user", given.value("--user"), "The user, as name@realm", None).map_err(usage)?;
        draft.set("user", user);
        draft.set("password", secret(given, person, "password", "The password").map_err(usage)?);
        if let Some(file) = given.value("--totp-file") {
            draft.set("totp", by_file(file));
        }
    } else {
        let question =
            "The API token's id, as user@realm!name (`proxmox-mcp token-recipe` shows how to create one)";
        let id = person.text("--token-id", given.value("--token-id"), question, None).map_err(usage)?;
        draft.set("token_id", id);
        draft
            .set("token_secret", secret(given, person, "token-secret", "The token's secret").map_err(usage)?);
    }
    draft.load().map(drop).map_err(usage)
}

/// A secret as it is written to the configuration: where it is kept, or the value itself.
fn secret(given: &dyn Given, person: &mut Person<'_>, name: &str, question: &str) -> Result<Value, String> {
    let option = format!("--{name}-file");
    if let Some(variable) = given.value(&format!("--{name}-env")) {
        return Ok(json!({"env": variable}));
    }
    match given.value(&option) {
        Some("-") => {
            let mut line = String::new();
            person
                .input
                .read_line(&mut line)
                .map_err(|error| format!("Standard input cannot be read ({error})."))?;
            match line.trim() {
                "" => Err(format!("`{option}` is `-`, but standard input is empty.")),
                line => Ok(line.into()),
            }
        }
        Some(file) => Ok(by_file(file)),
        None => Ok(person.secret(&option, question)?.expose().into()),
    }
}

fn by_file(file: &str) -> Value {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.into());
    json!({"file": path.display().to_string()})
}

#[derive(Deserialize)]
struct Row {
    filename: Option<String>,
    pem: Option<String>,
}

/// Fetches the cluster's CA over the pinned connection and, if wanted, trusts it instead of the pinned certificate.
fn offer_ca(given: &dyn Given, person: &mut Person<'_>, draft: &mut Draft) -> Result<(), Stop> {
    let must = given.has("--trust-ca");
    let config = draft.load().map_err(Stop::Failed)?;
    let pve = Pve::new(config.settings.clone());
    let rows = pve
        .get(&Cancel::new(), "/nodes/localhost/certificates/info", &Params::new())
        .and_then(|reply| reply.parse::<Vec<Row>>());
    let pem = match rows {
        Ok(rows) => rows.into_iter().find(|row| row.filename.as_deref() == Some(CA)).and_then(|row| row.pem),
        Err(error) if must => {
            return Err(Stop::Failed(format!("The cluster's CA cannot be fetched: {error}")));
        }
        // The test that follows reports what is wrong.
        Err(_) => return Ok(()),
    };
    let Some(pem) = pem.filter(|pem| vouches(draft, &config, pem)) else {
        let why = "The certificate of this host is not signed by the cluster's own CA, so it stays pinned";
        return if must {
            Err(Stop::Failed(format!("{why}; leave `--trust-ca` out.")))
        } else {
            person.say(&format!("{why}."));
            Ok(())
        };
    };
    person.say("The certificate is signed by the cluster's own CA. Node certificates are renewed every two years, and a pinned fingerprint no longer matches then; the CA stays the same.");
    if !must
        && !person
            .agrees(
                "--trust-ca",
                "Trust the CA instead of pinning the certificate?",
                person.there || person.defaults,
            )
            .map_err(Stop::Usage)?
    {
        return Ok(());
    }
    let name = ca_name(&draft.folder(), &pem);
    let path = draft.folder().join(&name);
    file::replace(&path, pem.as_bytes())
        .map_err(|error| Stop::Failed(format!("`{}` cannot be written ({error}).", path.display())))?;
    person.say(&format!("Saved the CA as `{}`.", path.display()));
    draft.unset("fingerprint");
    draft.set("ca_file", name);
    Ok(())
}

/// Whether the host's certificate is signed by this CA, tested over a separate connection without credentials.
fn vouches(draft: &Draft, config: &Config, pem: &str) -> bool {
    let path = draft.folder().join(format!("{CA}.draft-{}", std::process::id()));
    let mut settings = Settings::clone(&config.settings);
    settings.trust = Trust::CaFile(path.clone());
    settings.auth = Auth::Missing("This step does not log in.".into());
    let written = file::replace(&path, pem.as_bytes());
    let steps = Pve::new(settings).probe(&Cancel::new());
    let _ = fs::remove_file(&path);
    written.is_ok() && steps.iter().any(|step| step.name == "tls" && step.ok)
}

/// A name for the CA's file beside the configuration that is not used by another CA.
fn ca_name(folder: &Path, pem: &str) -> String {
    let free = |name: &String| fs::read_to_string(folder.join(name)).map_or(true, |there| there == pem);
    let numbered = (2..100).map(|number| format!("pve-root-ca-{number}.pem"));
    std::iter::once(CA.to_owned()).chain(numbered).find(free).unwrap_or_else(|| CA.to_owned())
}

/// Tests the draft, step by step. Returns whether nothing failed.
fn works(person: &mut Person<'_>, draft: &Draft) -> Result<bool, Stop> {
    let config = draft.load().map_err(Stop::Failed)?;
    let mut fine = true;
    let _ = check::connection(config, &mut |finding: Finding| {
        fine &= finding.verdict != Verdict::Failure;
        person.say(&draft.named(&finding.to_string()));
    });
    Ok(fine)
}

/// Shows the configuration for a client, and adds it to the client's file if wanted.
fn connect(
    given: &dyn Given,
    person: &mut Person<'_>,
    around: &InitContext<'_>,
    client: Option<&'static Client>,
    arguments: &[String],
) -> Result<(), Stop> {
    let names: Vec<&str> = CLIENTS.iter().map(|client| client.name).chain(["none"]).collect();
    let client = match client {
        Some(client) => client,
        None => {
            let name = person
                .word("--client", None, "Which client will use it", &names, "none")
                .map_err(Stop::Usage)?;
            match clients::find(&name) {
                Some(client) => client,
                None => return Ok(()),
            }
        }
    };
    let launch = Launch::of(&around.program, around.system);
    let file = client.file(around.system, around.env);
    let place = file.as_ref().map_or_else(String::new, |file| format!(" (`{}`)", file.display()));
    person.say(&format!("\nFor {}, add to its configuration{place}:\n", client.title));
    person.say(&client.snippet(&launch, arguments));
    if let Some(command) = client.command(around.system, &launch, arguments) {
        person.say(&format!("or run: {command}\n"));
    }
    let Some(file) = file else { return Ok(()) };
    let question = format!("Add it to `{}` now?", file.display());
    if !given.has("--write") && !person.agrees("--write", &question, false).map_err(Stop::Usage)? {
        return Ok(());
    }
    let done = clients::write(client, &file, &launch, arguments).map_err(Stop::Failed)?;
    person.say(&done);
    Ok(())
}
