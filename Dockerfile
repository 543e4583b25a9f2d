# Portico's image: the program, the libraries it loads and CA certificates; no shell, no package manager.
#
#   docker build -t portico .        (podman and buildah take it too)
#
# The run-time root is made by e2e/image/root, and e2e/image_test.py runs the program in such a root as a cluster would.
ARG DEBIAN=docker.io/library/debian:12-slim

FROM ${DEBIAN} AS build
WORKDIR /src
# First what changes seldom: the packages are kept as a layer of their own.
COPY dev .
RUN ./dev deps build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN ./dev build release portico && e2e/image/root build/release/portico /root-fs

FROM scratch
LABEL org.opencontainers.image.title="portico" \
      org.opencontainers.image.description="Ingress controller and HTTP reverse proxy" \
      org.opencontainers.image.source="https://github.com/portico-proxy/portico" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="scratch"
COPY --from=build /root-fs /
USER 65532:65532
EXPOSE 8080 8443 10254
ENTRYPOINT ["/usr/local/bin/portico"]
CMD ["serve"]
