"""Throw-away certificates: a right one and the usual wrong ones."""

import datetime
import ipaddress
import os
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CERTIFICATES = ("good", "expired", "self_signed", "wrong_host")

_DAY = datetime.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, public_key,
             first: datetime.datetime,
             last: datetime.datetime) -> x509.CertificateBuilder:
    return (x509.CertificateBuilder().subject_name(subject)
            .issuer_name(issuer).public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(first).not_valid_after(last))


def _key_usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs,
        content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False)


class Authority:
    """A certificate authority that lives as long as its directory."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="clerk-standin-")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Clerk stand-in CA")
        now = datetime.datetime.utcnow()
        public = self._key.public_key()
        self._certificate = (
            _builder(self._name, self._name, public, now - _DAY, now + 7 * _DAY)
            .add_extension(x509.BasicConstraints(True, 0), critical=True)
            .add_extension(_key_usage(True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public),
                           critical=False)
            .sign(self._key, hashes.SHA256()))
        self.ca_file = self._write("ca.pem", self._pem(self._certificate))

    def close(self) -> None:
        self._directory.cleanup()

    def context(self, certificate: str = "good") -> ssl.SSLContext:
        """A server's TLS settings with the certificate of this kind."""
        if certificate not in CERTIFICATES:
            raise ValueError(f"no certificate named {certificate}")
        key = ec.generate_private_key(ec.SECP256R1())
        chain = self._write(
            certificate + ".pem",
            self._pem(self._leaf(certificate, key)) + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    def _leaf(self, kind: str, key) -> x509.Certificate:
        now = datetime.datetime.utcnow()
        first, last = now - 2 * _DAY, now + 7 * _DAY
        if kind == "expired":
            last = now - _DAY
        names: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        if kind == "wrong_host":
            names = [x509.DNSName("elsewhere.example.test")]
        subject = _name("Clerk stand-in")
        own = kind == "self_signed"
        signer = key if own else self._key
        return (_builder(subject, subject if own else self._name,
                         key.public_key(), first, last)
                .add_extension(x509.SubjectAlternativeName(names),
                               critical=False)
                .add_extension(x509.BasicConstraints(False, None),
                               critical=True)
                .add_extension(_key_usage(False), critical=True)
                .add_extension(x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
                .add_extension(
                    x509.AuthorityKeyIdentifier.from_issuer_public_key(
                        signer.public_key()), critical=False)
                .sign(signer, hashes.SHA256()))

    @staticmethod
    def _pem(certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _write(self, name: str, data: bytes) -> str:
        path = os.path.join(self._directory.name, name)
        with open(path, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as out:
            out.write(data)
        return path
