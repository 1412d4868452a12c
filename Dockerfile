# The container image: docker build -t binfmtctl .
# docs/docker.md describes the build arguments.
# BUILDER requires Node 20.18.1 or later, npm, and apt of Debian or Ubuntu.
ARG BUILDER=docker.io/library/node:20-bookworm-slim
# BASE requires Node 20.18.1 or later as /nodejs/bin/node or on PATH, the C library of Debian 12 or later, and /tmp.
ARG BASE=gcr.io/distroless/nodejs20-debian12

# This stage runs on the architecture of the building machine, also if the image is for another one.
# If BUILDPLATFORM is unset, Docker's old builder names its own architecture "linux". buildah names it "local", and does not
# see OWN_PLATFORM here.
ARG OWN_PLATFORM=linux
FROM --platform=${BUILDPLATFORM:-${OWN_PLATFORM:-local}} ${BUILDER} AS contents
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build
# A source of emulators, as for `binfmtctl install --source`: apt, oci, dir:DIRECTORY of the build context.
ARG EMULATORS=apt
ARG TARGETARCH
RUN node scripts/image-contents.mjs /contents --source "$EMULATORS" --arch "$TARGETARCH"

# scripts/release builds only this stage, from contents that it created.
FROM ${BASE}
ARG BASE
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="binfmtctl" \
      org.opencontainers.image.description="Registers and verifies emulators with binfmt_misc, to run any Linux program on any Linux machine" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-2.0-only AND GPL-2.0-or-later" \
      binfmtctl.licenses="/licenses" \
      binfmtctl.sources="/licenses/SOURCES"
# The program is last: a new version then changes only a small layer.
COPY --from=contents /contents/emulators/ /usr/bin/
COPY --from=contents /contents/tools/ /usr/libexec/binfmtctl/
COPY --from=contents /contents/licenses/ /licenses/
COPY --from=contents /contents/program/ /usr/lib/binfmtctl/
ENV PATH=/usr/libexec/binfmtctl:/nodejs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    BINFMTCTL_IMAGE=1 \
    LANG=C.UTF-8
USER 0:0
ENTRYPOINT ["node", "/usr/lib/binfmtctl/dist/cli.cjs"]
# Without a command, the image prints the working platforms as JSON, like tonistiigi/binfmt.
CMD []
