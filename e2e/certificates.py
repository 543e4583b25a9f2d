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
