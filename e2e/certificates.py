"""Certificates for tests and the demo, by openssl."""

import dataclasses
import pathlib
import ssl
import subprocess
import tempfile


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
    kind = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["-newkey", "rsa:2048"]}
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / name for name in ("tls.crt", "tls.key")]
        command = ["openssl", "req", "-x509", "-nodes", *kind[algorithm], "-days", str(days), "-subj", f"/CN={names[0]}"]
        command += ["-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)]
        subprocess.run([*command, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        return Pair(*(file.read_text() for file in files))


def anything():
    """A context that accepts every certificate, to look at it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
