"""The configurations of nginx and HAProxy that Portico is compared with.

Both are given what makes them fast (one worker, upstream keep-alive, no access log) and the work
that Portico does too: a table of hosts, and the request headers that ingress-nginx sets.
"""

import os

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
  proxy_temp_path {directory}/proxy;
  client_body_temp_path {directory}/body;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{ listen 127.0.0.1:{port} default_server; server_name _; return 404; }}
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
  server {{ listen 127.0.0.1:{port}; server_name {host}; location / {{ proxy_pass http://{name}; }} }}
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
  http-request set-header X-Request-ID %[uuid()]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Scheme http
  http-request set-header X-Scheme http
  use_backend %[req.hdr(host),lower,map_str({map},none)]
backend none
  http-request return status 404
{backends}"""


def nginx(routes, buffering="on"):
    """A writer of the configuration that leads each host of `routes` to its address."""
    def write(directory, port):
        names = _backend_names(routes)
        return _write(directory, "nginx.conf", NGINX.format(
            directory=directory, port=port, buffering=buffering,
            upstreams="".join(NGINX_UPSTREAM.format(name=name, address=address)
                              for address, name in names.items()),
            servers="".join(NGINX_SERVER.format(port=port, host=host, name=names[address])
                            for host, address in routes.items())))
    return write


def haproxy(routes, reuse="safe"):
    def write(directory, port):
        names = _backend_names(routes)
        table = _write(directory, "hosts.map", "".join(
            f"{host} {names[address]}\n" for host, address in routes.items()))
        return _write(directory, "haproxy.cfg", HAPROXY.format(
            port=port, map=table, reuse=reuse,
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
