import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../src/formats/auth-challenge.ts';
import { parseReference } from '../../../src/formats/oci-reference.ts';
import { endpointsOf } from '../../../src/formats/registry-mirrors.ts';
import { parseRetryAfter } from '../../../src/system/http-retry.ts';

describe('parseChallenges', () => {
  it('reads one with parameters, quoted and not, and several', () => {
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

  it('takes the first of two parameters, and no name that every object has', () => {
    const [challenge] = parseChallenges('Bearer realm="a",realm="b",__proto__="c"');
    expect(challenge?.parameters['realm']).toBe('a');
    expect(parseChallenges('Bearer x=1')[0]?.parameters['toString']).toBeUndefined();
  });

  it('ends at what cannot be read', () => {
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
  const origins = (reference: string, mirrors = '', daemon = '') =>
    endpointsOf(parseReference(reference), mirrors, daemon).map(
      ({ registry, origin, repository }) => `${registry} ${origin} ${repository}`,
    );

  it('leads to the registry itself; by plain HTTP only on this machine, or where it is said', () => {
    expect(origins('busybox')).toEqual(['docker.io https://registry-1.docker.io library/busybox']);
    expect(origins('localhost:5000/x')).toEqual(['localhost:5000 http://localhost:5000 x']);
    expect(origins('https://localhost:5000/x')).toEqual(['localhost:5000 https://localhost:5000 x']);
    expect(origins('lan:5000/x')).toEqual(['lan:5000 https://lan:5000 x']);
    expect(origins('http://lan:5000/x')).toEqual(['lan:5000 http://lan:5000 x']);
  });

  it('leads to mirrors first: those of the user, then those of Docker', () => {
    const mirrors = 'ghcr.io=cache.example/ghcr, docker.io=http://cache:5000';
    expect(origins('ghcr.io/a/b', mirrors)).toEqual([
      'cache.example https://cache.example ghcr/a/b',
      'ghcr.io https://ghcr.io a/b',
    ]);
    const daemon = '{"registry-mirrors": ["https://mirror.example/", 7, "ftp://x"]}';
    expect(origins('a/b', mirrors, daemon)).toEqual([
      'cache:5000 http://cache:5000 a/b',
      'mirror.example https://mirror.example a/b',
      'docker.io https://registry-1.docker.io a/b',
    ]);
    expect(origins('ghcr.io/a/b', '', daemon)).toEqual(['ghcr.io https://ghcr.io a/b']);
    expect(origins('a/b', '', 'no JSON')).toHaveLength(1);
  });

  it.each([
    'mirror.example',
    'docker.io=',
    'docker.io=ftp://x',
    'docker.io=https://user@x',
    'docker.io=x/../y?',
  ])('refuses the mirror %j', (mirror) => {
    expect(() => origins('a/b', mirror)).toThrow(expect.objectContaining({ code: 'BAD_SOURCE' }));
  });
});

describe('parseRetryAfter', () => {
  it('reads seconds and dates', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(parseRetryAfter('12', now)).toBe(12_000);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
    expect(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    expect([parseRetryAfter(undefined, now), parseRetryAfter('soon', now)]).toEqual([undefined, undefined]);
  });
});
