import { describe, expect, it } from 'vitest';
import { maskSecrets, withoutGrant } from '../../../src/text/secrets.ts';

describe('maskSecrets', () => {
  it.each([
    ['oci:https://user:secret@host/image', 'oci:https://***@host/image'],
    ['oci:https://user:se/cr@et@host/image', 'oci:https://***@host/image'],
    ['oci:user:secret@host/image', 'oci:***@host/image'],
    ['ftp://token@host/x, dir:/srv', 'ftp://***@host/x, dir:/srv'],
    ['unknown source "s3://user:secret@host/x"', 'unknown source "s3://***@host/x"'],
    ['http://user:secret@proxy:3128', 'http://***@proxy:3128'],
    ['url:https://host/a?X-Amz-Signature=abc#sha256=00', 'url:https://host/a?***#sha256=00'],
  ])('masks %s', (text, masked) => {
    expect(maskSecrets(text)).toBe(masked);
    expect(maskSecrets(masked)).toBe(masked);
  });

  it.each([
    `oci:https://host:5000/image@sha256:${'0'.repeat(64)}`,
    `oci:host:5000/image:tag@sha256:${'0'.repeat(64)}`,
    `oci:image:tag@sha256:${'0'.repeat(64)}`,
    'dir:/srv/emulators',
    'apt:trixie',
    'cannot fetch https://host:8080/a/b: nothing listens there',
  ])('leaves %s', (text) => {
    expect(maskSecrets(text)).toBe(text);
  });
});

describe('withoutGrant', () => {
  const hash = `#sha256=${'0'.repeat(64)}`;

  it.each([
    'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=abc',
    'Expires=1&GoogleAccessId=a%40b&Signature=abc',
    'sv=2024&sig=abc%3D',
    'file=a&private_token=abc',
    'api%5fkey=abc',
  ])('removes the query %s', (query) => {
    expect(withoutGrant(`url:https://host/a?${query}${hash}`)).toBe(`url:https://host/a${hash}`);
  });

  it.each([
    `url:https://host/a?file=qemu&version=2${hash}`,
    `url:https://host/a${hash}`,
    'dir:/a?token=b',
    'apt',
  ])('leaves %s', (source) => {
    expect(withoutGrant(source)).toBe(source);
  });
});
