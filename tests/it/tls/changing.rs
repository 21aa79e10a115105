//! Certificates that change while the client runs, and client certificates.

use super::*;
use proxmox_mcp::pve::ClientIdentity;
use rustls::{
    RootCertStore,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use std::{path::Path, sync::Mutex, time::Duration};

/// Presents the current certificate, and does not resume sessions.
#[derive(Debug, Clone)]
struct Switch(Arc<Mutex<Arc<CertifiedKey>>>);

impl ResolvesServerCert for Switch {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().unwrap()))
    }
}

fn certified(identity: &Identity) -> Arc<CertifiedKey> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let key = ring::default_provider().key_provider.load_private_key(key).unwrap();
    Arc::new(CertifiedKey::new(vec![identity.certificate.clone()], key))
}

impl Switch {
    fn server(first: &Identity) -> (Switch, Server) {
        let switch = Switch(Arc::new(Mutex::new(certified(first))));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(switch.clone()));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        (switch, Server::secure(Arc::new(config), |_| data("7")))
    }

    fn to(&self, identity: &Identity) {
        *self.0.lock().unwrap() = certified(identity);
    }
}

/// A client that opens a new connection for each request.
fn restless(server: &Server, trust: Trust) -> Pve {
    let auth = Auth::Token { id: "a@pve!t".into(), secret: SecretSource::Value(Secret::new("s3cret")) };
    let host = Host { name: "127.0.0.1".into(), port: server.port, plain: false };
    Pve::new(Settings { max_idle: Duration::ZERO, ..Settings::new(vec![host], auth, trust) })
}

fn ask(pve: &Pve) -> Result<String, Error> {
    let reply = pve.send(&Cancel::new(), Method::Post, "/x", &Params::new());
    reply.map(|reply| reply.data)
}

#[test]
fn a_renewed_certificate_of_the_same_authority_goes_unnoticed_and_a_pinned_one_does_not() {
    let authority = Authority::new();
    let (old, new) =
        (identity("127.0.0.1", false, Some(&authority)), identity("127.0.0.1", false, Some(&authority)));
    let (switch, server) = Switch::server(&old);
    let (trusting, pinning) =
        (restless(&server, authority.trust()), restless(&server, Trust::Fingerprint(old.fingerprint())));
    assert_eq!((ask(&trusting).unwrap(), ask(&pinning).unwrap()), ("7".into(), "7".into()));
    switch.to(&new);
    assert_eq!(ask(&trusting).unwrap(), "7");
    let error = ask(&pinning).unwrap_err();
    let text = error.to_string();
    for fingerprint in [old.fingerprint(), new.fingerprint()] {
        assert!(text.contains(&colons(&fingerprint)), "{text}");
    }
    assert!(text.contains("renewed") && !error.may_have_been_carried_out(), "{text}");
    assert_eq!(server.seen().len(), 3, "nothing was said to the stranger");
    switch.to(&old);
    assert_eq!(ask(&pinning).unwrap(), "7");
}

#[test]
fn a_new_authority_is_believed_as_soon_as_its_file_is_replaced() {
    let (old, new) = (Authority::new(), Authority::new());
    let file = pem_file(&old.issuer.pem());
    let (switch, server) = Switch::server(&identity("127.0.0.1", false, Some(&old)));
    let pve = restless(&server, file.trust());
    assert_eq!(ask(&pve).unwrap(), "7");
    switch.to(&identity("127.0.0.1", false, Some(&new)));
    assert!(matches!(ask(&pve).unwrap_err(), Error::Tls { .. }));
    fs::write(&file.0, new.issuer.pem()).unwrap();
    assert_eq!(ask(&pve).unwrap(), "7");
}

/// A server that requires client certificates issued by that authority.
fn guarded(authority: &Authority, shown: &Identity, tls12: bool) -> Server {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let versions: &[_] = if tls12 { &[&rustls::version::TLS12] } else { &[&rustls::version::TLS13] };
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_cert_resolver(Arc::new(Shown(certified(shown))));
    Server::secure(Arc::new(config), |_| data("7"))
}

/// The identity of a client, in two files.
fn client_files(authority: &Authority) -> (PemFile, PemFile) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    (pem_file(&certificate.pem()), pem_file(&key.serialize_pem()))
}

fn showing(server: &Server, trust: Trust, files: Option<(&Path, &Path)>) -> Pve {
    let auth = Auth::Token { id: "a@pve!t".into(), secret: SecretSource::Value(Secret::new("s3cret")) };
    let host = Host { name: "127.0.0.1".into(), port: server.port, plain: false };
    let client_identity =
        files.map(|(certificate, key)| ClientIdentity { certificate: certificate.into(), key: key.into() });
    Pve::new(Settings { client_identity, ..Settings::new(vec![host], auth, trust) })
}

#[test]
fn a_server_that_wants_a_certificate_gets_it_or_is_quoted() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let shown = identity("127.0.0.1", false, Some(&authority));
    let (certificate, key) = client_files(&authority);
    let (strange_certificate, strange_key) = client_files(&stranger);
    for tls12 in [false, true] {
        let server = guarded(&authority, &shown, tls12);
        let pve = showing(&server, authority.trust(), Some((&certificate.0, &key.0)));
        assert_eq!(ask(&pve).unwrap(), "7", "TLS 1.2: {tls12}");
        for files in [None, Some((&*strange_certificate.0, &*strange_key.0))] {
            let error = ask(&showing(&server, authority.trust(), files)).unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, Error::Tls { .. }) && text.contains("`client_certificate`"), "{error:?}");
            assert!(!error.may_have_been_carried_out());
        }
        assert_eq!(server.seen().len(), 1, "only who is known was heard");
    }
}

#[test]
fn files_that_hold_no_certificate_or_key_are_named_and_not_quoted() {
    let authority = Authority::new();
    let shown = identity("127.0.0.1", false, Some(&authority));
    let (certificate, key) = client_files(&authority);
    let (_, other_key) = client_files(&authority);
    let nonsense = pem_file("s3cret nonsense");
    let server = guarded(&authority, &shown, false);
    for (certificate, key, words) in [
        (&nonsense, &key, "`client_certificate` cannot be used"),
        (&certificate, &nonsense, "`client_key` cannot be used"),
        (&certificate, &other_key, "does not match the certificate"),
        (&certificate, &PemFile("/nonexistent/key.pem".into()), "cannot be read"),
    ] {
        let error = ask(&showing(&server, authority.trust(), Some((&certificate.0, &key.0)))).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Setup { .. }) && text.contains(words), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_eq!(server.connections(), 0);
}
