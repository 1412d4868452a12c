import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../../../src/net/retry.ts';
import { parseReference } from '../../../../src/oci/reference.ts';
import { parseChallenges } from '../../../../src/oci/registry/auth-challenge.ts';
import { containerdHosts } from '../../../../src/oci/registry/containerd-hosts.ts';
import { placesFor, registryRules } from '../../../../src/oci/registry/containers-registries.ts';
import { endpointsOf, type MirrorSettings } from '../../../../src/oci/registry/mirrors.ts';

describe('parseChallenges', () => {
  it('parses quoted and unquoted parameters, and several challenges', () => {
    expect(
      parseChallenges(
        'Bearer realm="https://auth.example/token", service=registry ,scope="repository:a/b:pull,push"',
      ),
    ).toEqual([
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.example/token',
          service: 'registry',
          scope: 'repository:a/b:pull,push',
        },
      },
    ]);
    expect(
      parseChallenges('Basic realm="a \\"b\\"", Bearer REALM=c').map(({ scheme, parameters }) => [
        scheme,
        parameters['realm'],
      ]),
    ).toEqual([
      ['basic', 'a "b"'],
      ['bearer', 'c'],
    ]);
  });

  it('uses the first of two equal parameters, and is safe from prototype names', () => {
    const [challenge] = parseChallenges('Bearer realm="a",realm="b",__proto__="c"');
    expect(challenge?.parameters['realm']).toBe('a');
    expect(parseChallenges('Bearer x=1')[0]?.parameters['toString']).toBeUndefined();
  });

  it('stops at invalid text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseChallenges(text)));
    for (const text of [
      'Bearer realm="',
      `Bearer realm="${'\\"'.repeat(4000)}`,
      'a='.repeat(4000),
      ' '.repeat(8000),
    ])
      parseChallenges(text);
    expect(parseChallenges('x '.repeat(10_000))).toEqual([]);
  });
});

describe('endpointsOf', () => {
  const none: MirrorSettings = { mirrors: '', daemon: '', containerd: [], containers: null };
  const origins = (reference: string, settings: Partial<MirrorSettings> = {}) =>
    endpointsOf(parseReference(reference), { ...none, ...settings }).map(
      ({ registry, origin, api, repository, mayBePlain, namespace }) =>
        `${registry} ${origin}${api} ${repository}${mayBePlain ? ', or plain' : ''}${namespace ? ` of ${namespace}` : ''}`,
    );

  it('returns the registry: over TLS, with plain HTTP only for this machine or http://', () => {
    expect(origins('busybox')).toEqual(['docker.io https://registry-1.docker.io/v2 library/busybox']);
    expect(origins('localhost:5000/x')).toEqual(['localhost:5000 https://localhost:5000/v2 x, or plain']);
    expect(origins('https://localhost:5000/x')).toEqual(['localhost:5000 https://localhost:5000/v2 x']);
    expect(origins('lan:5000/x')).toEqual(['lan:5000 https://lan:5000/v2 x']);
    expect(origins('http://lan:5000/x')).toEqual(['lan:5000 http://lan:5000/v2 x']);
  });

  it("lists mirrors first: the user's, then Docker's", () => {
    const mirrors = 'ghcr.io=cache.example/ghcr, docker.io=http://cache:5000';
    expect(origins('ghcr.io/a/b', { mirrors })).toEqual([
      'cache.example https://cache.example/v2 ghcr/a/b',
      'ghcr.io https://ghcr.io/v2 a/b',
    ]);
    const daemon = '{"registry-mirrors": ["https://mirror.example/", 7, "ftp://x"]}';
    expect(origins('a/b', { mirrors, daemon })).toEqual([
      'cache:5000 http://cache:5000/v2 a/b',
      'mirror.example https://mirror.example/v2 a/b',
      'docker.io https://registry-1.docker.io/v2 a/b',
    ]);
    expect(origins('ghcr.io/a/b', { daemon })).toEqual(['ghcr.io https://ghcr.io/v2 a/b']);
    expect(origins('a/b', { daemon: 'no JSON' })).toHaveLength(1);
  });

  it("lists containerd's hosts with the registry's name", () => {
    const containerd = containerdHosts(
      parse(`
server = "https://docker.io"
[host."https://cache.example/hub"]
capabilities = ["pull", "resolve"]
[host."http://10.0.0.1:5000/x/v2"]
override_path = true
[host."https://push.example"]
capabilities = ["push"]
`),
    );
    expect(origins('a/b', { containerd })).toEqual([
      'cache.example https://cache.example/hub/v2 a/b of docker.io',
      '10.0.0.1:5000 http://10.0.0.1:5000/x/v2 a/b of docker.io',
      'docker.io https://registry-1.docker.io/v2 a/b',
    ]);
  });

  it('applies the rule of registries.conf with the longest prefix', () => {
    const rules = registryRules([
      parse(`
[[registry]]
location = "docker.io"
blocked = true
[[registry]]
prefix = "example.com"
location = "registry.example.com:5000/all"
[[registry]]
prefix = "example.com/team"
location = "lan:5000/team"
insecure = true
[[registry.mirror]]
location = "cache.example/copies"
[[registry.mirror]]
location = "digests.example"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "*.wild.example"
mirror-by-digest-only = true
[[registry.mirror]]
location = "cache.example/wild"
`),
      parse('[[registry]]\nlocation = "docker.io"\n'),
    ]);
    const asked = (text: string) => origins(text, { containers: placesFor(rules, parseReference(text)) });
    expect(asked('example.com/a/b')).toEqual([
      'registry.example.com:5000 https://registry.example.com:5000/v2 all/a/b',
    ]);
    expect(asked('example.com/team/a')).toEqual([
      'cache.example https://cache.example/v2 copies/a',
      'lan:5000 https://lan:5000/v2 team/a, or plain',
    ]);
    expect(asked('example.com/teams/a')).toHaveLength(1);
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(asked(`a.wild.example/x@${digest}`)).toEqual([
      'cache.example https://cache.example/v2 wild/x',
      'a.wild.example https://a.wild.example/v2 x',
    ]);
    expect(asked('a.wild.example/x')).toHaveLength(1);
    // A later file replaces the blocking rule.
    expect(asked('a/b')).toHaveLength(1);
    expect(asked('ghcr.io/a/b')).toEqual(['ghcr.io https://ghcr.io/v2 a/b']);
  });

  it('refuses an image that registries.conf blocks', () => {
    const rules = registryRules([parse('[[registry]]\nprefix = "ghcr.io/bad"\nblocked = true\n')]);
    const reference = parseReference('ghcr.io/bad/x');
    expect(() => endpointsOf(reference, { ...none, containers: placesFor(rules, reference) })).toThrow(
      expect.objectContaining({ code: 'BAD_SOURCE', message: expect.stringContaining('blocks') }),
    );
  });

  it.each([
    'mirror.example',
    'docker.io=',
    'docker.io=ftp://x',
    'docker.io=https://user@x',
    'docker.io=x/../y?',
  ])('refuses the mirror %j', (mirror) => {
    expect(() => origins('a/b', { mirrors: mirror })).toThrow(
      expect.objectContaining({ code: 'BAD_SOURCE' }),
    );
  });
});

describe('parseRetryAfter', () => {
  it('parses seconds and dates', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(parseRetryAfter('12', now)).toBe(12_000);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
    expect(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    expect([parseRetryAfter(undefined, now), parseRetryAfter('soon', now)]).toEqual([undefined, undefined]);
  });
});
