"""Certificates that are made for one test: an authority and what it signs, right or wrong."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Signs certificates and keeps them in a folder; `file` is what a gateway may trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name_of("Authority of one test")
        basic = x509.BasicConstraints(ca=True, path_length=None)
        own = start_certificate(self._name, self._name, self._key, DAY).add_extension(basic, critical=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def context_for(self, host: str, *, lasts: timedelta = DAY, is_self_signed: bool = False) -> ssl.SSLContext:
        """What a server shows that calls itself `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signer = (name_of(host), key) if is_self_signed else (self._name, self._key)
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = start_certificate(name_of(host), issuer, key, lasts).add_extension(names, critical=False)
        path = self._folder / f"{host}-{lasts.days}-{is_self_signed}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + certificate.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


def name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def start_certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    until = datetime.now(UTC) + lasts
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - 10 * DAY)
        .not_valid_after(until)
    )
