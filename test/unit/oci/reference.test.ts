import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReference, printReference } from '../../../src/oci/reference.ts';
import { isHost, isLoopback, mayBeLoopback } from '../../../src/text/host.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

describe('parseReference', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36'],
    ['tonistiigi/binfmt', 'docker.io/tonistiigi/binfmt:latest'],
    ['index.docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['localhost/x', 'localhost/x:latest'],
    ['localhost:5000/x:y', 'localhost:5000/x:y'],
    ['GHCR.io/a/b/c', 'ghcr.io/a/b/c:latest'],
    ['[::1]:5000/x', '[::1]:5000/x:latest'],
    ['REGISTRY/x', 'REGISTRY/x:latest'],
    ['Index.Docker.io/x', 'docker.io/library/x:latest'],
    ['http://registry/x', 'http://registry/x:latest'],
    ['https://127.0.0.1:5000/a__b/c-d.e:T_1.x', 'https://127.0.0.1:5000/a__b/c-d.e:T_1.x'],
    [`quay.io/a/b@${DIGEST}`, `quay.io/a/b@${DIGEST}`],
    [`quay.io/a/b:tag@${DIGEST}`, `quay.io/a/b:tag@${DIGEST}`],
  ])('reads %s as Docker does', (text, full) => {
    expect(printReference(parseReference(text))).toBe(full);
  });

  it.each([
    '',
    ' ',
    'lower/Case',
    'UPPER',
    'a//b',
    '/a',
    'a/',
    'a:',
    'a:b:c',
    'a b',
    'a@sha256:123',
    `a@sha512:${'00'.repeat(64)}`,
    `a@${DIGEST.toUpperCase()}`,
    `a@${DIGEST}@${DIGEST}`,
    '../etc/passwd',
    'localhost:99999/x',
    'localhost:0/x',
    'host.example/..',
    'a.example/b?c=d',
    'a.example/b#c',
    'user@a.example/b',
    'ftp://a.example/b',
    'http://http://a/b',
    `${'a/'.repeat(200)}a`,
    'a\n/b',
    'host\0.example/a',
    `x:${'t'.repeat(129)}`,
    'ghcr.io',
    'registry.example:5000',
    'image.tar',
    `image.tar@${DIGEST}`,
  ])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'BAD_SOURCE' }));
  });

  it('throws BAD_SOURCE or returns a reference that survives printing', () => {
    const parts = fc.constantFrom(
      'a',
      'b.c',
      '/',
      ':',
      '@',
      '[::1]',
      '5000',
      'localhost',
      DIGEST,
      '-',
      '_',
      'A',
      '//',
      '..',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((list) => list.join('')),
        ),
        (text) => {
          try {
            const reference = parseReference(text);
            expect(parseReference(printReference(reference))).toEqual(reference);
            expect(new URL(`https://${reference.registry}/v2/${reference.repository}/x`).pathname).toBe(
              `/v2/${reference.repository}/x`,
            );
          } catch (error) {
            expect(error).toMatchObject({ code: 'BAD_SOURCE' });
          }
        },
      ),
    );
  });

  it('takes linear time for hostile names', () => {
    // Quadratic time would take hours.
    expect(() => parseReference(`${'a'.repeat(2_000_000)}!`)).toThrow();
    expect(() => parseReference(`${'a-'.repeat(1_000_000)}!`)).toThrow();
    expect(() => parseReference(`${'a.'.repeat(1_000_000)}/b`)).toThrow();
  });
});

describe('isHost and isLoopback', () => {
  it.each(['localhost', 'localhost:5000', '127.0.0.1', '127.1.2.3:1', '[::1]', '[::1]:443'])(
    '%s is loopback',
    (host) => {
      expect([isHost(host), isLoopback(host), mayBeLoopback(host)]).toEqual([true, true, true]);
    },
  );

  it.each(['localhost.example', '127.0.0.1.example', '128.0.0.1', '[::2]', 'a:5000'])(
    '%s is not loopback',
    (host) => {
      expect([isHost(host), isLoopback(host), mayBeLoopback(host)]).toEqual([true, false, false]);
    },
  );

  it.each([
    'http://127.1',
    'http://2130706433:80',
    'http://0.0.0.0',
    'http://[::]:1',
    'http://[::ffff:127.0.0.1]:1',
    'http://[::ffff:0.0.0.0]',
    'http://localhost.',
    'http://a.localhost:1',
  ])('%s may be loopback', (url) => {
    expect(mayBeLoopback(new URL(url).host)).toBe(true);
  });

  it.each(['', '-a', 'a-', 'a..b', 'a:', 'a:70000', 'a/b', '[::1', '[x]', 'a@b', 'ä'])(
    '%j is not a host',
    (host) => {
      expect(isHost(host)).toBe(false);
    },
  );
});
