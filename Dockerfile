# The command in a container: docker run --privileged --rm IMAGE install arm64 --source dir:/emulators
# BASE needs Node 20.18.1 or later, sh, unshare and flock (util-linux) and chroot (coreutils); for the default source also apt.
ARG BASE=docker.io/library/node:20-bookworm-slim
FROM ${BASE}
COPY dist/*.cjs /usr/local/lib/binfmtctl/dist/
COPY profiles /usr/local/lib/binfmtctl/profiles
COPY LICENSE /usr/local/share/doc/binfmtctl/LICENSE
RUN ln -s ../lib/binfmtctl/dist/cli.cjs /usr/local/bin/binfmtctl
ENTRYPOINT ["/usr/local/bin/binfmtctl"]
CMD ["status"]
