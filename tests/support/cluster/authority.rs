//! The authority that signs the certificates of a cluster: made anew for each, and made again from
//! its key alone.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate authority.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its private key, both PEM.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) pem: String,
    pub(crate) key: String,
}

impl Authority {
    /// With a new key.
    pub(crate) fn new() -> Self {
        Self::by(KeyPair::generate().unwrap())
    }

    /// The one that has this private key, PEM.
    pub(crate) fn of(key: &str) -> Self {
        Self::by(KeyPair::from_pem(key).unwrap())
    }

    fn by(key: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("countersign-test-authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let pem = issuer.pem();
        Self { issuer, pem }
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The same, DER.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Its private key.
    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// For a server on the loopback address.
    pub(crate) fn server(&self) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("server", &[]);
        params.subject_alt_names = vec![
            SanType::IpAddress([127, 0, 0, 1].into()),
            SanType::DnsName("localhost".try_into().unwrap()),
        ];
        self.leaf(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For a user of this name, who is in these groups.
    pub(crate) fn client(&self, name: &str, groups: &[&str]) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name, groups);
        self.leaf(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn leaf(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> Leaf {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Leaf { pem, key: key.serialize_pem() }
    }
}

impl Leaf {
    /// The certificate, for TLS.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()]
    }

    /// The key, for TLS.
    pub(crate) fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

fn named(name: &str, groups: &[&str]) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    // A name holds one value of each type; a second group would take the place of the first.
    assert!(groups.len() < 2, "{groups:?}");
    for group in groups {
        named.push(DnType::OrganizationName, *group);
    }
    named
}
