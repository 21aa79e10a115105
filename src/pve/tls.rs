//! Verification of server certificates, and error messages for when it fails.
//!
//! Creates rustls configurations and messages; opens no connection. Whatever is trusted, the server must prove with its
//! handshake signature that it has the certificate's private key.

use super::{Trust, in_flight};
use ring::digest;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    ProtocolVersion, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{self, CryptoProvider},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use std::{fmt::Write, fs, io, path::Path, sync::Arc};

/// The TLS configuration that trusts the certificates that `trust` selects.
///
/// # Errors
/// The CA file or the certificate store cannot be used.
pub(super) fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let belief = match trust {
        Trust::System => {
            let roots = or_bundled(rustls_native_certs::load_native_certs().certs);
            TrustPolicy::Roots { verifier: verifier(roots, &provider)?, exactly: Vec::new() }
        }
        Trust::CaFile(path) => {
            let certificates = read_ca_file(path)?;
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates.iter().cloned());
            if roots.is_empty() {
                return Err(format!(
                    "The CA file `{}` contains no usable certificate; give the cluster's `/etc/pve/pve-root-ca.pem`.",
                    path.display()
                ));
            }
            TrustPolicy::Roots { verifier: verifier(roots, &provider)?, exactly: certificates }
        }
        Trust::Fingerprint(fingerprint) => TrustPolicy::Fingerprint(*fingerprint),
        Trust::Anything => TrustPolicy::Anything,
    };
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map_err(|error| format!("TLS cannot be set up ({error})."))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(CertificateVerifier { belief, provider }))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().map_err(
        |error| format!("The trusted certificates cannot be used ({error}); set `ca_file` or `fingerprint`."),
    )
}

/// The system's root certificates, or the bundled ones if it has none (a minimal host, a scratch container).
fn or_bundled(certificates: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn read_ca_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = fs::read(path).map_err(|error| {
        format!("The CA file `{}` cannot be read ({error}); correct `ca_file`.", path.display())
    })?;
    CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().map_err(|error| {
        format!("The CA file `{}` is not in PEM format ({error}); correct `ca_file`.", path.display())
    })
}

/// The SHA-256 fingerprint of a certificate.
pub(super) fn fingerprint_of(certificate: &[u8]) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
    fingerprint
}

/// A fingerprint in Proxmox's notation: `AB:CD:…`.
#[must_use]
pub fn colons(fingerprint: &[u8; 32]) -> String {
    let mut text = String::with_capacity(95);
    for (index, byte) in fingerprint.iter().enumerate() {
        let _ = write!(text, "{}{byte:02X}", if index == 0 { "" } else { ":" });
    }
    text
}

#[derive(Debug)]
enum TrustPolicy {
    /// Signed by one of the roots, or identical to one of the certificates in `exactly`.
    Roots {
        verifier: Arc<WebPkiServerVerifier>,
        exactly: Vec<CertificateDer<'static>>,
    },
    Fingerprint([u8; 32]),
    Anything,
}

/// The verifier of every connection. It records the server's fingerprint, trusted or not, so that a user can compare
/// and pin it.
#[derive(Debug)]
struct CertificateVerifier {
    belief: TrustPolicy,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for CertificateVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seen = fingerprint_of(end_entity);
        in_flight::with(|flight| flight.shown = Some(seen));
        match &self.belief {
            TrustPolicy::Anything => Ok(ServerCertVerified::assertion()),
            TrustPolicy::Fingerprint(expected) if *expected == seen => Ok(ServerCertVerified::assertion()),
            TrustPolicy::Fingerprint(expected) => Err(Error::General(format!(
                "{MISMATCH} its certificate has the fingerprint {}, but the configuration expects {}. If the \
                 certificate was renewed, compare the new one with `pvenode cert info` on the node and set \
                 `fingerprint` to it; if not, somebody may be intercepting the connection.",
                colons(&seen),
                colons(expected)
            ))),
            TrustPolicy::Roots { verifier, exactly } => {
                let verdict =
                    verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
                // webpki rejects a CA certificate as a server certificate, after it has checked the dates. Here the
                // user has configured exactly this certificate as the CA file, so it is accepted.
                if is_ca_as_server(&verdict) && exactly.iter().any(|known| known == end_entity) {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                    return Ok(ServerCertVerified::assertion());
                }
                verdict
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// How the message about a wrong fingerprint begins; rustls passes it on as the text of a general error.
const MISMATCH: &str = "it is not the pinned server:";

fn is_ca_as_server(verdict: &Result<ServerCertVerified, Error>) -> bool {
    let Err(Error::InvalidCertificate(CertificateError::Other(other))) = verdict else { return false };
    format!("{other:?}").contains("CaUsedAsEndEntity")
}

/// The TLS version and the certificate's fingerprint after a handshake, full or resumed.
pub(super) fn facts(connection: &ClientConnection) -> Option<(&'static str, [u8; 32])> {
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        _ => "TLS",
    };
    Some((version, fingerprint_of(connection.peer_certificates()?.first()?)))
}

/// Why a handshake failed and what to change, as the end of a sentence that begins with the host.
pub(super) fn explain(error: &io::Error, name: &str) -> String {
    use CertificateError as Bad;
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return format!("the TLS handshake broke off ({error}). Check that this port is the API's (8006).");
    };
    match error {
        Error::General(sentence) if sentence.starts_with(MISMATCH) => sentence.clone(),
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => format!(
            "its certificate is not valid for the name `{name}`. Use a name or address that is in the certificate, or pin it with `fingerprint`."
        ),
        Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "its certificate has expired. Renew it on the node (`pvecm updatecerts --force`), or pin it with `fingerprint`, which ignores dates.".into()
        }
        Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "its certificate is not valid yet. Correct the clocks of this computer and the node, or pin the certificate with `fingerprint`.".into()
        }
        Error::InvalidCertificate(Bad::UnknownIssuer) => {
            "its certificate is signed by a CA that is not trusted here. Set `ca_file` to a copy of the cluster's `/etc/pve/pve-root-ca.pem`, or pin the certificate with `fingerprint`.".into()
        }
        Error::InvalidCertificate(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is self-signed. Set `ca_file` to that certificate, or pin it with `fingerprint`.".into()
        }
        Error::InvalidMessage(_) => {
            "it does not speak TLS on this port. Check that the port is the API's (8006) and that no plain HTTP proxy is in between.".into()
        }
        Error::AlertReceived(alert) if judges_client(*alert) => no_entry(*alert),
        Error::InvalidCertificate(other) => {
            format!("its certificate cannot be trusted ({other}). Set `ca_file`, or pin it with `fingerprint`.")
        }
        other => format!("the TLS handshake failed ({other}). Check that this port is the API's (8006)."),
    }
}

/// Whether the server reports with this alert that the client certificate is missing or not accepted.
fn judges_client(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::HandshakeFailure
            | Alert::DecryptError
    )
}

fn no_entry(alert: AlertDescription) -> String {
    format!(
        "it rejected this client ({alert:?}): it requires a client certificate, or a different one. Set `client_certificate` and `client_key` to one that it accepts."
    )
}

/// Why the server rejected this client, if that is why an exchange over a new connection failed. In that case it never
/// processed the request.
pub(super) fn turned_away(error: &ureq::Error) -> Option<String> {
    let error = match error {
        ureq::Error::Rustls(error) => error,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref::<Error>()?,
        _ => return None,
    };
    match error {
        Error::AlertReceived(alert) if judges_client(*alert) => Some(no_entry(*alert)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_roots_gets_the_bundled_ones() {
        let bundled = or_bundled(Vec::new()).len();
        assert_eq!(bundled, webpki_roots::TLS_SERVER_ROOTS.len());
        assert!(100 < bundled);
        // A store without a valid certificate counts as empty.
        assert_eq!(or_bundled(vec![CertificateDer::from(vec![1, 2, 3])]).len(), bundled);
    }
}
