# The command in a container: docker run --privileged --rm IMAGE install arm64 --source dir:/emulators
# BASE needs Node 20.18.1 or later, sh, unshare and flock (util-linux) and chroot (coreutils); for the default source also apt.
ARG BASE=docker.io/library/node:20-bookworm-slim
FROM ${BASE}
COPY dist/cli.cjs dist/work.cjs /usr/local/lib/binfmtctl/
COPY LICENSE /usr/local/share/doc/binfmtctl/LICENSE
RUN ln -s ../lib/binfmtctl/cli.cjs /usr/local/bin/binfmtctl
ENTRYPOINT ["/usr/local/bin/binfmtctl"]
CMD ["status"]
