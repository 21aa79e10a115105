//! The binary with a folder of its own, and certificates of every kind for the servers that it connects to.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A folder that is removed at the end of the test; it is the binary's home directory.
pub struct Home(PathBuf);

impl Home {
    pub fn new() -> Home {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("proxmox-mcp-home-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Home(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Creates a file with that content that only its owner can read.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        mode(&path, 0o600);
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs the binary without any of this machine's configuration.
    pub fn run(&self, arguments: &[&str], input: &str) -> Ran {
        self.run_with(arguments, input, &[])
    }

    /// Runs it with additional environment variables.
    pub fn run_with(&self, arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proxmox-mcp"));
        bare(command.args(arguments)).env("HOME", &self.0);
        if cfg!(windows) {
            // As on other systems, so that tests find files in the same place.
            command.env("USERPROFILE", &self.0).env("APPDATA", self.path(".config"));
        }
        command.envs(variables.iter().copied());
        command.env("PLANTED_SECRET", "planted-in-the-environment").current_dir(&self.0);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that does not read its input may have ended by then.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs the binary at a terminal and types this text; `None` if this machine has no `script` command.
    #[cfg(target_os = "linux")]
    pub fn at_terminal(&self, arguments: &[&str], typed: &str) -> Option<Ran> {
        let words = [env!("CARGO_BIN_EXE_proxmox-mcp")].into_iter().chain(arguments.iter().copied());
        let line: Vec<String> = words.map(|word| format!("'{word}'")).collect();
        let mut command = Command::new("script");
        bare(command.args(["-qec", &line.join(" "), "/dev/null"])).env("HOME", &self.0).current_dir(&self.0);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else {
            println!("skipped: there is no `script` here to make a terminal");
            return None;
        };
        let mut input = child.stdin.take().unwrap();
        let _ = input.write_all(typed.as_bytes());
        let output = child.wait_with_output().unwrap();
        drop(input);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Some(Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) })
    }

    /// Runs `check --json` with that configuration.
    pub fn check(&self, config: &Value) -> (Option<i32>, Vec<Value>) {
        let file = self.file("config.json", &config.to_string());
        let ran = self.run(&["check", "--json", "--config", file.to_str().unwrap()], "");
        let steps = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        (ran.code, steps)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes this machine's environment from a command, except for what Windows needs.
pub fn bare(command: &mut Command) -> &mut Command {
    command.env_clear();
    let kept: &[&str] = if cfg!(windows) { &["SystemRoot", "WINEPREFIX", "WINEDEBUG", "PATH"] } else { &[] };
    command.envs(kept.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
}

#[cfg(unix)]
pub fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
pub fn mode(_: &Path, _: u32) {}

/// Checks the permissions of a file, on systems that have them.
#[track_caller]
pub fn has_mode(path: &Path, expected: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, expected);
    }
    #[cfg(not(unix))]
    assert!(path.exists(), "{} with the mode {expected:o}", path.display());
}

/// The result of a run.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A cluster's CA.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Proxmox Virtual Environment");
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for that name, and the configuration for a server that uses it.
    pub fn server(&self, name: &str, last_year: i32) -> (String, Arc<ServerConfig>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(last_year, 1, 1);
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate: CertificateDer<'static> = params.signed_by(&key, &self.0).unwrap().der().clone();
        let digest = ::ring::digest::digest(&::ring::digest::SHA256, &certificate);
        let fingerprint: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        (fingerprint.join(":"), Arc::new(config))
    }
}
