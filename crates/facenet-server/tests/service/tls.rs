//! TLS.

use std::sync::Arc;

use facenet_server::{Server, StartError, TlsFiles};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::client::{ask, making};
use crate::fake::{Fake, Gate};

#[test]
fn a_client_that_trusts_the_certificate_is_answered_and_plain_text_is_not() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let service = making()
        .with(|settings, dir| {
            let files = TlsFiles { certificate: dir.join("cert.pem"), key: dir.join("key.pem") };
            fs_err::write(&files.certificate, made.cert.pem()).unwrap();
            fs_err::write(&files.key, made.signing_key.serialize_pem()).unwrap();
            settings.tls = Some(files);
        })
        .start();
    let root = Certificate::from_der(made.cert.der()).to_owned();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&[root]))
        .unversioned_rustls_crypto_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
        .build();
    let agent = ureq::Agent::config_builder().tls_config(tls).build().into();
    let port = service.address().rsplit(':').next().unwrap().to_owned();
    let answer = ask(&agent, &format!("https://localhost:{port}/v1/health"), "GET", &[], b"");
    answer.expect(200);
    let plain = service.raw(b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(!plain.contains("200 OK"), "{plain}");
}

#[test]
fn files_that_are_no_certificate_are_named() {
    let making = making().with(|settings, dir| {
        fs_err::write(dir.join("cert.pem"), "no certificate").unwrap();
        settings.tls = Some(TlsFiles { certificate: dir.join("cert.pem"), key: dir.join("gone.pem") });
    });
    let refused = Server::start(making.settings, Box::new(Fake::new(Gate::default()))).err();
    assert!(matches!(refused, Some(StartError::Tls(_))), "{refused:?}");
}
