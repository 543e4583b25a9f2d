"""The configurations of nginx and HAProxy that Portico is compared with.

Both are given what makes them fast (one worker, upstream keep-alive, no access log) and the work
that Portico does too: a table of hosts, and the request headers that ingress-nginx sets.
"""

import os
from dataclasses import dataclass


# Portico's order, so that all encrypt with the same cipher.
CIPHER_SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"


@dataclass
class Secure:
    """A second listener, with TLS 1.2 and 1.3 and both versions of HTTP."""
    port: int
    certificate: str  # files; HAProxy wants both in one
    key: str
    both: str


NGINX = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log crit;
worker_rlimit_nofile 16384;
events {{
  worker_connections 8192;
  multi_accept on;
}}
http {{
  access_log off;
  tcp_nodelay on;
  server_tokens off;
  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  reset_timedout_connection on;
  server_names_hash_max_size 8192;
  server_names_hash_bucket_size 128;
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Connection "";
  proxy_set_header X-Request-ID $request_id;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Scheme $scheme;
  proxy_set_header X-Scheme $scheme;
  proxy_buffering {buffering};
  proxy_buffer_size {buffer_size};
  proxy_buffers 8 {buffer_size};
  proxy_temp_path {directory}/proxy;
  client_body_temp_path {directory}/body;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
{secure}  server {{ {default_listen} server_name _; return 404; }}
{upstreams}{servers}}}
"""

NGINX_UPSTREAM = """\
  upstream {name} {{
    server {address};
    keepalive 320;
    keepalive_requests 1000000000;
    keepalive_timeout 60s;
  }}
"""

NGINX_SERVER = """\
  server {{ {listen} server_name {host}; location / {{ proxy_pass http://{name}; }} }}
"""

NGINX_SECURE = """\
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers on;
  ssl_conf_command Ciphersuites {suites};
  ssl_session_cache shared:SSL:10m;
  ssl_session_tickets off;
  ssl_buffer_size 16k;
  http2_max_concurrent_streams 128;
"""

HAPROXY = """\
global
  nbthread 1
  maxconn 8192
  no strict-limits
defaults
  mode http
  option http-keep-alive
  http-reuse {reuse}
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  timeout http-keep-alive 75s
frontend hosts
  bind 127.0.0.1:{port}
{secure}  http-request set-header X-Request-ID %[uuid()]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto {scheme}
  http-request set-header X-Forwarded-Scheme {scheme}
  http-request set-header X-Scheme {scheme}
  use_backend %[req.hdr(host),lower,map_str({map},none)]
backend none
  http-request return status 404
{backends}"""


def nginx(routes, buffering="on", buffer_size="4k", secure=None):
    """A writer of the configuration that leads each host of `routes` to its address."""
    def write(directory, port):
        names = _backend_names(routes)
        return _write(directory, "nginx.conf", NGINX.format(
            directory=directory, buffering=buffering, buffer_size=buffer_size,
            default_listen=_nginx_listen(port, secure, " default_server"),
            secure=NGINX_SECURE.format(suites=CIPHER_SUITES, **vars(secure)) if secure else "",
            upstreams="".join(NGINX_UPSTREAM.format(name=name, address=address)
                              for address, name in names.items()),
            servers="".join(NGINX_SERVER.format(listen=_nginx_listen(port, secure), host=host,
                                                name=names[address])
                            for host, address in routes.items())))
    return write


def _nginx_listen(port, secure, more=""):
    plain = f"listen 127.0.0.1:{port}{more};"
    return plain + (f" listen 127.0.0.1:{secure.port} ssl http2{more};" if secure else "")


def haproxy(routes, reuse="safe", secure=None):
    def write(directory, port):
        names = _backend_names(routes)
        table = _write(directory, "hosts.map", "".join(
            f"{host} {names[address]}\n" for host, address in routes.items()))
        bind = (f"  bind 127.0.0.1:{secure.port} ssl crt {secure.both} alpn h2,http/1.1 "
                f"ssl-min-ver TLSv1.2 ciphersuites {CIPHER_SUITES}\n") if secure else ""
        return _write(directory, "haproxy.cfg", HAPROXY.format(
            port=port, secure=bind, scheme="https" if secure else "http", map=table, reuse=reuse,
            backends="".join(f"backend {name}\n  server {name} {address} pool-max-conn -1\n"
                             for address, name in names.items())))
    return write


def _backend_names(routes):
    return {address: f"app{i}" for i, address in enumerate(dict.fromkeys(routes.values()))}


def _write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path
