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
  upstream backend {{
    server 127.0.0.1:{backend_port};
    keepalive 320;
    keepalive_requests 1000000000;
    keepalive_timeout 60s;
  }}
  server {{ listen 127.0.0.1:{port} default_server; server_name _; return 404; }}
{servers}}}
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
backend app
  server app 127.0.0.1:{backend_port} pool-max-conn -1
backend none
  http-request return status 404
"""


def nginx(hosts, backend_port, buffering="on"):
    def write(directory, port):
        servers = "".join(
            f"  server {{ listen 127.0.0.1:{port}; server_name {host}; "
            f"location / {{ proxy_pass http://backend; }} }}\n" for host in hosts)
        return _write(directory, "nginx.conf", NGINX.format(
            directory=directory, port=port, backend_port=backend_port, servers=servers,
            buffering=buffering))
    return write


def haproxy(hosts, backend_port, reuse="safe"):
    def write(directory, port):
        table = _write(directory, "hosts.map", "".join(f"{host} app\n" for host in hosts))
        return _write(directory, "haproxy.cfg", HAPROXY.format(
            port=port, map=table, backend_port=backend_port, reuse=reuse))
    return write


def _write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path
