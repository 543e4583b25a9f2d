"""Versions, ciphers, sessions and OCSP by the ConfigMap, by annotations and by Secrets."""

import base64
import secrets
import socket
import ssl
import subprocess
import threading

import certificates
import manifests
import portico
import pytest
import wire
from manifests import config_map, ingress, path, rule, served, tls_secret

HOST = "set.test"
OTHER = "other.set.test"
SETTINGS = ("--configmap", "default/settings")


@pytest.fixture(scope="module")
def pair():
    return certificates.self_signed(HOST, OTHER, algorithm="rsa")


@pytest.fixture
def site(folder, echo, pair):
    folder.write("echo.yaml", *served("echo", echo.port)).write("secret.yaml", tls_secret("pair", pair))
    annotations = {"ssl-ciphers": "ECDHE-RSA-AES256-GCM-SHA384"}
    folder.write("i.yaml", ingress("i", rule(HOST, path("/", "echo")), tls={"pair": [HOST]}))
    folder.write("o.yaml", ingress("o", rule(OTHER, path("/", "echo")), tls={"pair": [OTHER]}, annotations=annotations))
    return folder


def shake_hands(program, name, session=None, context=None, **settings):
    """(cipher, version, whether it was resumed, the session, its context)"""
    context = context or certificates.anything()
    for key, value in settings.items():
        setattr(context, key, value)
    with socket.create_connection(program.https, timeout=wire.SECONDS) as plain:
        with context.wrap_socket(plain, server_hostname=name, session=session) as secured:
            secured.sendall(wire.request(name or HOST, "/", "Connection: close"))
            while secured.recv(4096):
                pass
            return secured.cipher()[0], secured.version(), secured.session_reused, secured.session, context


def is_refused(program, name, **settings):
    try:
        shake_hands(program, name, **settings)
    except ssl.SSLError:
        return True
    return False


def test_versions_follow_the_configmap(site):
    site.write("settings.yaml", config_map("settings", ssl_protocols="TLSv1.3"))
    with portico.Portico(site, *SETTINGS) as program:
        assert shake_hands(program, HOST)[1] == "TLSv1.3"
        assert is_refused(program, HOST, maximum_version=ssl.TLSVersion.TLSv1_2)
        site.write("settings.yaml", config_map("settings", ssl_protocols="TLSv1.2"))
        portico.eventually(lambda: shake_hands(program, HOST)[1] == "TLSv1.2", what="the other version")


def test_older_versions_are_refused_and_said_to_be(site):
    site.write("settings.yaml", config_map("settings", ssl_protocols="TLSv1 TLSv1.2"))
    with portico.Portico(site, *SETTINGS) as program:
        assert shake_hands(program, HOST)[1] == "TLSv1.2"
        program.wait_for_log("ssl-protocols")


def test_ciphers_are_the_hosts_else_the_controllers(site):
    site.write("settings.yaml", config_map("settings", ssl_ciphers="ECDHE-RSA-CHACHA20-POLY1305"))
    with portico.Portico(site, *SETTINGS) as program:
        twelve = {"maximum_version": ssl.TLSVersion.TLSv1_2}
        assert shake_hands(program, HOST, **twelve)[0] == "ECDHE-RSA-CHACHA20-POLY1305"
        assert shake_hands(program, OTHER, **twelve)[0] == "ECDHE-RSA-AES256-GCM-SHA384"


def test_unknown_names_can_be_refused(site):
    site.write("settings.yaml", config_map("settings", ssl_reject_handshake="true"))
    with portico.Portico(site, *SETTINGS) as program:
        assert shake_hands(program, HOST)[1] == "TLSv1.3"
        assert is_refused(program, "nobody.test") and is_refused(program, None)


def test_no_session_is_resumed_without_tickets(site):
    site.write("settings.yaml", config_map("settings", ssl_session_tickets="false"))
    with portico.Portico(site, *SETTINGS) as program:
        *_, session, context = shake_hands(program, HOST, maximum_version=ssl.TLSVersion.TLSv1_2)
        assert not shake_hands(program, HOST, session, context)[2]


def ticket_secret(*keys):
    data = {f"{number}.key": base64.b64encode(key).decode() for number, key in enumerate(keys)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": manifests.metadata("tickets"), "data": data}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_replicas_resume_each_others_sessions_also_while_keys_change(site, version):
    old, new = secrets.token_bytes(80), secrets.token_bytes(80)
    site.write("tickets.yaml", ticket_secret(old))
    shared = ("--tls-ticket-keys-secret", "default/tickets")
    with portico.Portico(site, *shared) as one, portico.Portico(site, *shared) as two, portico.Portico(site) as alone:
        *_, session, context = shake_hands(one, HOST, maximum_version=version)
        assert shake_hands(two, HOST, session, context)[2]
        assert not shake_hands(two, OTHER, session, context)[2]
        assert not shake_hands(alone, HOST, session, context)[2]
        site.write("tickets.yaml", ticket_secret(new, old))
        for _ in range(20):
            assert shake_hands(two, HOST, session, context)[2]

        def is_sealed_anew():
            *_, renewed, own = shake_hands(one, HOST, maximum_version=version)
            site.write("tickets.yaml", ticket_secret(new))
            return shake_hands(two, HOST, renewed, own)[2] and not shake_hands(two, HOST, session, context)[2]

        portico.eventually(is_sealed_anew, what="the new key")


def stapled(program):
    command = ["openssl", "s_client", "-connect", "{}:{}".format(*program.https), "-servername", HOST, "-status"]
    return "OCSP Response Status: successful" in subprocess.run(command, input="", capture_output=True, text=True, timeout=portico.COMMAND_SECONDS).stdout


def test_an_ocsp_response_of_the_secret_is_stapled(site):
    authority = certificates.Authority()
    leaf = authority.issue("leaf")
    secret = tls_secret("pair", certificates.Pair(leaf.certificate + authority.certificate, leaf.key))
    secret["data"] = {"tls.ocsp": base64.b64encode(authority.ocsp_response("leaf")).decode()}
    site.write("secret.yaml", secret)
    with portico.Portico(site) as program:
        assert stapled(program)
        authority.revoke("leaf")
        secret["data"] = {"tls.ocsp": base64.b64encode(authority.ocsp_response("leaf")).decode()}
        site.write("secret.yaml", secret)
        portico.eventually(lambda: not stapled(program), what="the end of stapling")
        program.wait_for_log("tls.ocsp does not say that the certificate is good")


def test_a_certificate_is_replaced_under_load_without_one_failed_handshake(site, pair):
    pairs = [pair, certificates.self_signed(HOST, OTHER)]
    stop, failures, done = threading.Event(), [], []

    def load(program):
        while not stop.is_set():
            try:
                shake_hands(program, HOST)
                done.append(1)
            except OSError as error:
                failures.append(error)

    with portico.Portico(site) as program:
        threads = [threading.Thread(target=load, args=(program,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in range(10):
                before = len(done)
                site.write("secret.yaml", tls_secret("pair", pairs[number % 2]))
                portico.eventually(lambda before=before: failures or len(done) > before + 8, what="handshakes")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert not failures and len(done) > 80
