//! Which certificates are trusted, and what is reported about the others.

mod changing;
mod resuming;

use crate::tiny_http::{CLOSED_PORT, Server, data};
use proxmox_mcp::{
    cancel::Cancel,
    pve::{Auth, Error, Host, Method, Params, Pve, Settings, Trust, colons},
    secret::{Secret, SecretSource},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A cluster's CA, kept in a file during the test.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PemFile,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = pem_file(&issuer.pem());
        Authority { issuer, file }
    }

    fn trust(&self) -> Trust {
        self.file.trust()
    }
}

/// A file that is removed at the end of the test.
struct PemFile(PathBuf);

impl PemFile {
    fn trust(&self) -> Trust {
        Trust::CaFile(self.0.clone())
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn pem_file(text: &str) -> PemFile {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name =
        format!("proxmox-mcp-test-{}-{}.pem", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    let path = std::env::temp_dir().join(name);
    fs::write(&path, text).unwrap();
    PemFile(path)
}

/// The certificate that a server presents, and whether it has the matching key.
struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

fn identity(name: &str, expired: bool, authority: Option<&Authority>) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    let certificate = match authority {
        Some(authority) => params.signed_by(&key, &authority.issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    Identity { certificate: certificate.der().clone(), pem: certificate.pem(), key }
}

impl Identity {
    fn fingerprint(&self) -> [u8; 32] {
        ::ring::digest::digest(&::ring::digest::SHA256, &self.certificate).as_ref().try_into().unwrap()
    }

    fn config(&self, tls12: bool) -> Arc<ServerConfig> {
        serve(&self.certificate, &self.key, tls12)
    }
}

/// Presents one certificate to every client, even with a key that does not match.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn serve(certificate: &CertificateDer<'static>, key: &KeyPair, tls12: bool) -> Arc<ServerConfig> {
    let provider = ring::default_provider();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider.key_provider.load_private_key(key).unwrap();
    let shown = Shown(Arc::new(CertifiedKey::new(vec![certificate.clone()], key)));
    let versions: &[_] = if tls12 { &[&rustls::version::TLS12] } else { &[&rustls::version::TLS13] };
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    Arc::new(config)
}

fn client(server: &Server, trust: Trust) -> Pve {
    let auth = Auth::Token { id: "a@pve!t".into(), secret: SecretSource::Value(Secret::new("s3cret")) };
    let host = Host { name: "127.0.0.1".into(), port: server.port, plain: false };
    Pve::new(Settings::new(vec![host], auth, trust))
}

/// Sends a request over both TLS versions; `words` appear in the error.
#[track_caller]
fn check(shown: &Identity, trust: Trust, words: Option<&[&str]>) {
    for tls12 in [false, true] {
        let server = Server::secure(shown.config(tls12), |_| data("7"));
        let pve = client(&server, trust.clone());
        let result = pve.send(&Cancel::new(), Method::Post, "/x", &Params::new());
        match (result, words) {
            (Ok(reply), None) => assert_eq!(reply.data, "7"),
            (Err(error @ Error::Tls { .. }), Some(words)) => {
                let text = error.to_string();
                for words in words {
                    assert!(text.contains(words), "{text:?} lacks {words:?}");
                }
                assert!(text.contains(&colons(&shown.fingerprint())), "{text}");
                assert!(!error.may_have_been_carried_out());
                assert_eq!(server.seen().len(), 0, "nothing is said to a stranger");
            }
            (result, _) => panic!("{result:?}"),
        }
    }
}

#[test]
fn each_kind_of_trust_meets_each_kind_of_certificate() {
    let authority = Authority::new();
    let good = identity("127.0.0.1", false, Some(&authority));
    let other_name = identity("other.example", false, Some(&authority));
    let expired = identity("127.0.0.1", true, Some(&authority));
    let lonely = identity("127.0.0.1", false, None);

    check(&good, authority.trust(), None);
    check(&good, Trust::System, Some(&["CA that is not trusted", "pve-root-ca.pem"]));
    check(&good, Authority::new().trust(), Some(&["is not trusted:"]));
    check(&other_name, authority.trust(), Some(&["not valid for the name `127.0.0.1`"]));
    check(&expired, authority.trust(), Some(&["has expired"]));
    check(&lonely, authority.trust(), Some(&["is not trusted:"]));
    check(&lonely, pem_file(&lonely.pem).trust(), None);

    for shown in [&good, &other_name, &expired, &lonely] {
        check(shown, Trust::Fingerprint(shown.fingerprint()), None);
        check(shown, Trust::Anything, None);
    }
    let expected = colons(&good.fingerprint());
    check(
        &lonely,
        Trust::Fingerprint(good.fingerprint()),
        Some(&["has the fingerprint", "expects", &expected]),
    );
}

#[test]
fn a_copied_certificate_without_its_key_is_not_believed() {
    let pinned = identity("127.0.0.1", false, None);
    let thief = KeyPair::generate().unwrap();
    for trust in [Trust::Fingerprint(pinned.fingerprint()), Trust::Anything] {
        for tls12 in [false, true] {
            let server = Server::secure(serve(&pinned.certificate, &thief, tls12), |_| data("7"));
            let error = client(&server, trust.clone()).get(&Cancel::new(), "/x", &Params::new()).unwrap_err();
            assert!(matches!(error, Error::Tls { .. }), "{error:?}");
            assert_eq!(server.seen().len(), 0);
        }
    }
}

#[test]
fn a_port_without_tls_and_a_useless_ca_file_are_named() {
    let plain = Server::new(|connection| {
        connection.read_until(|bytes| bytes.len() == 5);
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        connection.hold();
    });
    let error = client(&plain, Trust::Anything).get(&Cancel::new(), "/x", &Params::new()).unwrap_err();
    assert!(matches!(error, Error::Tls { seen: None, .. }), "{error:?}");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    for (file, words) in [
        (PemFile("/nonexistent/ca.pem".into()), "cannot be read"),
        (pem_file("no certificate"), "no usable certificate"),
        (pem_file("-----BEGIN CERTIFICATE-----\nAAAA"), "PEM"),
    ] {
        let error = client(&plain, file.trust()).get(&Cancel::new(), "/x", &Params::new()).unwrap_err();
        assert!(matches!(error, Error::Setup { .. }) && error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_kept_connection_is_used_again_over_tls() {
    let authority = Authority::new();
    for tls12 in [false, true] {
        let server =
            Server::secure(identity("127.0.0.1", false, Some(&authority)).config(tls12), |_| data("7"));
        let pve = client(&server, authority.trust());
        for _ in 0..3 {
            pve.get(&Cancel::new(), "/x", &Params::new()).unwrap();
        }
        assert_eq!(server.connections(), 1, "TLS 1.2: {tls12}");
    }
}

#[track_caller]
fn check_probe(
    trust: Trust,
    shown: &Identity,
    version: &'static str,
    permissions: &'static str,
    expected: &[(&str, bool, &str)],
) {
    let server = Server::secure(shown.config(false), move |request| match request.line() {
        "GET /api2/extjs/access/domains" => data("[]"),
        "GET /api2/extjs/version" if version.is_empty() => {
            crate::tiny_http::answer("401 invalid token value!", "", "")
        }
        "GET /api2/extjs/version" => data(version),
        "GET /api2/extjs/access/permissions" => data(permissions),
        other => panic!("{other}"),
    });
    let steps = client(&server, trust).probe(&Cancel::new());
    assert_eq!(steps.len(), expected.len(), "{steps:?}");
    for (step, (name, ok, words)) in steps.iter().zip(expected) {
        assert_eq!((step.name, step.ok), (*name, *ok), "{steps:?}");
        assert!(
            step.detail.contains(words) && step.detail.ends_with('.'),
            "{:?} lacks {words:?}",
            step.detail
        );
    }
    if !server.seen().is_empty() {
        assert_eq!(server.seen()[0].header("authorization"), None);
    }
}

#[test]
fn the_probe_names_each_step_and_stops_at_the_first_failure() {
    let authority = Authority::new();
    let shown = identity("127.0.0.1", false, Some(&authority));
    let version = r#"{"version":"9.2.11","release":"9.2"}"#;
    let reach = ("reach", true, "127.0.0.1:");
    let fingerprint = colons(&shown.fingerprint());
    let tls = ("tls", true, &*fingerprint);
    let login = ("login", true, "`a@pve!t`");
    let told = ("version", true, "9.2.11");
    let granted = r#"{"/":{"VM.Audit":1,"Sys.Audit":1},"/vms/1":{}}"#;
    check_probe(
        authority.trust(),
        &shown,
        version,
        granted,
        &[reach, tls, login, told, ("permissions", true, "2 on `/`")],
    );
    check_probe(
        authority.trust(),
        &shown,
        version,
        "{}",
        &[reach, tls, login, told, ("permissions", false, "privilege separation")],
    );
    check_probe(authority.trust(), &shown, "", "{}", &[reach, tls, ("login", false, "invalid token value!")]);
    check_probe(Trust::System, &shown, version, "{}", &[reach, ("tls", false, &fingerprint)]);
    let closed = CLOSED_PORT;
    let host = Host { name: "127.0.0.1".into(), port: closed, plain: false };
    let auth = Auth::Missing("Nothing is set.".into());
    let steps = Pve::new(Settings::new(vec![host], auth, Trust::System)).probe(&Cancel::new());
    assert!(steps.len() == 1 && steps[0].name == "reach" && !steps[0].ok, "{steps:?}");
}
