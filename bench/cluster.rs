//! A sample cluster in a process of its own, so that its work and memory are not counted as the server's.

use proxmox_mcp::{
    demo::{Options, Seen, Server, Tls},
    pve::Params,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

/// A running sample cluster. Dropping it stops it.
pub(crate) struct Cluster {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(crate) address: String,
    pub(crate) id: String,
    pub(crate) secret: String,
    /// The certificate in PEM; empty without TLS.
    certificate: String,
}

impl Cluster {
    /// Starts this program again as a cluster with this many guests.
    pub(crate) fn start(guests: usize, tls: bool, gzip: bool) -> io::Result<Cluster> {
        // Connections stay open while something else is measured.
        Cluster::with(guests, tls, gzip, Duration::from_secs(120), 1)
    }

    /// Starts this program again as a cluster with this many guests on this many nodes, without TLS.
    pub(crate) fn wide(guests: usize, nodes: usize) -> io::Result<Cluster> {
        Cluster::launch(&[
            guests.to_string(),
            "false".into(),
            "false".into(),
            "120".into(),
            "1".into(),
            nodes.to_string(),
        ])
    }

    /// Like [`Cluster::start`], but with the time after which idle connections are closed, and the speed of the
    /// cluster's clock as a multiple of real time.
    pub(crate) fn with(
        guests: usize,
        tls: bool,
        gzip: bool,
        idle: Duration,
        clock_speed: u32,
    ) -> io::Result<Cluster> {
        let (idle, speed) = (idle.as_secs().to_string(), clock_speed.to_string());
        Cluster::launch(&[guests.to_string(), tls.to_string(), gzip.to_string(), idle, speed])
    }

    fn launch(words: &[String]) -> io::Result<Cluster> {
        let mut child = Command::new(env::current_exe()?)
            .arg("--cluster")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let (mut output, mut line) = (BufReader::new(output), String::new());
        output.read_line(&mut line)?;
        let mut words: Vec<String> = serde_json::from_str(&line)?;
        let mut next = || if words.is_empty() { String::new() } else { words.remove(0) };
        let (address, id, secret, certificate) = (next(), next(), next(), next());
        Ok(Cluster { child, output, address, id, secret, certificate })
    }

    /// The number of requests that it has received; it counts up to 1000.
    pub(crate) fn requests(&mut self) -> io::Result<usize> {
        self.child.stdin.as_mut().ok_or_else(|| io::Error::other("closed"))?.write_all(b"\n")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.trim().parse().map_err(io::Error::other)
    }

    /// The paths, with their queries, that were asked for since the last call of this method; at most the last 1000.
    pub(crate) fn paths(&mut self) -> io::Result<Vec<String>> {
        self.child.stdin.as_mut().ok_or_else(|| io::Error::other("closed"))?.write_all(b"paths\n")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Writes a configuration for the real binary, which trusts this cluster's certificate, into `folder`.
    pub(crate) fn configuration(
        &self,
        folder: &std::path::Path,
        name: &str,
        toolsets: &str,
    ) -> io::Result<PathBuf> {
        let authority = folder.join(format!("{name}.pem"));
        fs::write(&authority, &self.certificate)?;
        let file = folder.join(format!("{name}.json"));
        let settings = serde_json::json!({
            "host": self.address, "token_id": self.id, "token_secret": self.secret,
            "ca_file": authority, "toolsets": [toolsets], "confirm": "token",
        });
        fs::write(&file, settings.to_string())?;
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(file)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The cluster's process: prints its address, answers the line `paths` with the paths asked for since, and any other with
/// the number of requests received, and ends when its input ends.
pub(crate) fn serve(words: &[String]) -> io::Result<()> {
    let flag = |place: usize| words.get(place).is_some_and(|word| word == "true");
    let number = |place: usize| words.get(place).and_then(|word| word.parse::<u32>().ok()).unwrap_or(0);
    let guests = number(0) as usize;
    let (tls, certificate) = if flag(1) {
        let (config, pem) = certificate().map_err(io::Error::other)?;
        (Some(Tls::new(config)), pem)
    } else {
        (None, String::new())
    };
    let (idle, clock_speed) = (Duration::from_secs(number(3).into()), number(4).into());
    let usual = Options::default();
    let nodes = usual.nodes.max(number(5) as usize);
    let server = Server::start(Options { guests, nodes, tls, gzip: flag(2), idle, clock_speed, ..usual })?;
    let (id, secret) = server.token();
    println!("{}", serde_json::json!([server.address().to_string(), id, secret.expose(), certificate]));
    for line in io::stdin().lines() {
        match line?.as_str() {
            "paths" => {
                let paths: Vec<String> = server.take_requests().iter().map(path).collect();
                println!("{}", serde_json::json!(paths));
            }
            _ => println!("{}", server.requests().len()),
        }
    }
    Ok(())
}

/// A request's path with its query.
fn path(request: &Seen) -> String {
    let mut params = Params::new();
    for (name, value) in &request.pairs {
        params.push(name, value.as_str());
    }
    let query = params.encode();
    [request.path.as_str(), &query].join(if query.is_empty() { "" } else { "?" })
}

fn certificate() -> Result<(Arc<ServerConfig>, String), Box<dyn std::error::Error + Send + Sync>> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    Ok((Arc::new(config), cert.pem()))
}
