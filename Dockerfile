# The container image: docker run --privileged --rm IMAGE install --all
# Its context is made by scripts/release (OUT/image/PLATFORM/): nothing is run and nothing fetched here.
# BASE needs Node 20.18.1 or later as /nodejs/bin/node or on PATH, the C library of Debian 12 or a later one, and /tmp.
ARG BASE=gcr.io/distroless/nodejs20-debian12
FROM ${BASE}
ARG BASE
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="binfmtctl" \
      org.opencontainers.image.description="Registers emulators with binfmt_misc and proves that they work: run any Linux program on any Linux machine" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-2.0-only AND GPL-2.0-or-later" \
      binfmtctl.licenses="/licenses" \
      binfmtctl.sources="/licenses/SOURCES"
# What changes least comes first, so that a new version of the program brings a small layer.
COPY emulators/ /usr/bin/
COPY tools/ /usr/libexec/binfmtctl/
COPY licenses/ /licenses/
COPY program/ /usr/lib/binfmtctl/
ENV PATH=/usr/libexec/binfmtctl:/nodejs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    BINFMTCTL_IMAGE=1
USER 0:0
ENTRYPOINT ["node", "/usr/lib/binfmtctl/dist/cli.cjs"]
# Without a command: what runs here, as JSON, as in the image tonistiigi/binfmt.
CMD []
