"""Certificates for tests and the demo, by openssl."""

import dataclasses
import pathlib
import ssl
import subprocess
import tempfile


KINDS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["-newkey", "rsa:2048"]}


@dataclasses.dataclass
class Pair:
    certificate: str
    key: str

    def context(self, **settings):
        """A client's context that trusts this certificate only."""
        context = ssl.create_default_context(cadata=self.certificate)
        for name, value in settings.items():
            setattr(context, name, value)
        return context


def self_signed(*names, algorithm="ec", days=30):
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / name for name in ("tls.crt", "tls.key")]
        command = ["openssl", "req", "-x509", "-nodes", *KINDS[algorithm], "-days", str(days), "-subj", f"/CN={names[0]}"]
        command += ["-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)]
        subprocess.run([*command, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        return Pair(*(file.read_text() for file in files))


def anything():
    """A context that accepts every certificate, to look at it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def issued(*names, algorithm="ec", days=365):
    """What a public authority would issue: (the authority's certificate, the Pair of a server that it signed)."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        root = [folder / name for name in ("root.crt", "root.key")]
        leaf = [folder / name for name in ("tls.crt", "tls.key")]
        request = ["openssl", "req", "-x509", "-nodes", *KINDS[algorithm], "-days", str(days)]
        subprocess.run([*request, "-subj", "/CN=authority", "-out", root[0], "-keyout", root[1]], check=True, capture_output=True)
        fields = [
            "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
            "authorityInfoAccess=OCSP;URI:http://127.0.0.1/",
            "extendedKeyUsage=serverAuth",
            "basicConstraints=critical,CA:FALSE",
        ]
        command = [*request, "-CA", root[0], "-CAkey", root[1], "-subj", f"/CN={names[0]}", "-out", leaf[0], "-keyout", leaf[1]]
        subprocess.run([*command, *(word for field in fields for word in ("-addext", field))], check=True, capture_output=True)
        return root[0].read_text(), Pair(*(file.read_text() for file in leaf))


class Authority:
    """Signs certificates and revokes them, by `openssl ca`; below `above`, or a root."""

    CONFIGURATION = """
[ca]
default_ca = this
[this]
dir = {0}
database = {0}/index.txt
new_certs_dir = {0}
serial = {0}/serial
certificate = {0}/ca.crt
private_key = {0}/ca.key
default_md = sha256
default_crl_days = 30
default_days = 30
unique_subject = no
policy = names
[names]
commonName = supplied
organizationName = optional
[authority]
basicConstraints = critical,CA:TRUE
"""

    def __init__(self, name="authority", above=None):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        (self.path / "index.txt").touch()
        (self.path / "serial").write_text("01\n")
        (self.path / "ca.cnf").write_text(self.CONFIGURATION.format(self.path))
        if above:
            pair = above.issue(name, "-extensions", "authority")
            self.chain = pair.certificate
        else:
            pair = self_signed(name)
            self.chain = ""
        end = "-----END CERTIFICATE-----\n"
        self.certificate = pair.certificate.split(end)[0] + end
        (self.path / "ca.crt").write_text(self.certificate)
        (self.path / "ca.key").write_text(pair.key)

    def _ca(self, *arguments):
        command = ["openssl", "ca", "-batch", "-config", self.path / "ca.cnf", *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def issue(self, name, *arguments, subject=None):
        """The certificate with what is above it, but for the root; `arguments` of `openssl ca`."""
        key, request, signed = (self.path / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        command = ["openssl", "req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command += ["-subj", subject or f"/CN={name}", "-keyout", key, "-out", request]
        subprocess.run(command, check=True, capture_output=True)
        self._ca("-notext", "-in", request, "-out", signed, *arguments)
        return Pair(signed.read_text() + self.chain, key.read_text())

    def expired(self, name):
        return self.issue(name, "-startdate", "20200101000000Z", "-enddate", "20200102000000Z")

    def revoke(self, name):
        self._ca("-revoke", self.path / f"{name}.crt")

    def revocations(self):
        self._ca("-gencrl", "-out", self.path / "ca.crl")
        return (self.path / "ca.crl").read_text()

    def ocsp_response(self, name, days=5):
        """What its responder says of a certificate that it issued, in DER."""
        response, authority, key = self.path / f"{name}.ocsp", self.path / "ca.crt", self.path / "ca.key"
        command = ["openssl", "ocsp", "-index", self.path / "index.txt", "-CA", authority, "-rsigner", authority, "-rkey", key]
        command += ["-issuer", authority, "-cert", self.path / f"{name}.crt", "-ndays", str(days), "-respout", response]
        subprocess.run(command, check=True, capture_output=True)
        return response.read_bytes()
