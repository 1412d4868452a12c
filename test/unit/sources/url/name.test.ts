import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBinfmtctlError } from '../../../../src/errors.ts';
import { parseSource } from '../../../../src/sources/index.ts';
import {
  fileNameOf,
  parseUrlSource,
  printAddress,
  printUrlSource,
} from '../../../../src/sources/url/name.ts';

const HEX = '0123456789abcdef'.repeat(4);
const refusal = (message: RegExp, hint: RegExp) =>
  expect.objectContaining({
    code: 'BAD_SOURCE',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });

describe('parseUrlSource', () => {
  it.each([
    ['https://host/a/qemu-arm', 'https://host/a/qemu-arm', null, 'qemu-arm'],
    ['http://host:8080/a?token=secret', 'http://host:8080/a', null, 'a'],
    ['https://[::1]:8/a%20b', 'https://[::1]:8/a%20b', null, 'a b'],
    ['file:///srv/a%20b.deb', '/srv/a b.deb', '/srv/a b.deb', 'a b.deb'],
    ['FILE://localhost/x', '/x', '/x', 'x'],
  ])('parses %s', (address, printed, path, name) => {
    const source = parseUrlSource(`${address}#sha256=${HEX.toUpperCase()}`, { allowUnverified: false });
    expect(source).toMatchObject({ path, sha256: HEX });
    expect([printAddress(source), fileNameOf(source)]).toEqual([printed, name]);
  });

  it('prints a parsed URL unchanged', () => {
    const part = fc.stringMatching(/^[\w.-]{1,20}$/);
    const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
    const scheme = fc.constantFrom('https://host.example/', 'http://127.0.0.1:81/', 'file:///');
    fc.assert(
      fc.property(scheme, fc.array(part, { minLength: 1 }), hex, (start, parts, sha256) => {
        const source = parseUrlSource(`${start}a${parts.join('/')}#sha256=${sha256}`, {
          allowUnverified: false,
        });
        const printed = printUrlSource(source, sha256);
        expect(parseUrlSource(printed.replace('url:', ''), { allowUnverified: false })).toEqual(source);
      }),
    );
  });

  it('accepts any text or throws BAD_SOURCE with a one-line message and a hint', () => {
    const piece = fc.constantFrom(
      'https://',
      'http:',
      'file://',
      '/',
      '..',
      '#',
      'sha256=',
      HEX,
      '@',
      '%00',
      '\\',
    );
    const text = fc.array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 8 });
    fc.assert(
      fc.property(text, fc.boolean(), (parts, allowUnverified) => {
        try {
          const { url, path, sha256 } = parseUrlSource(parts.join(''), { allowUnverified });
          expect(['https:', 'http:', 'file:']).toContain(url.protocol);
          expect(`${url.username}${url.password}${url.hash}`).toBe('');
          expect(path === null).toBe(url.protocol !== 'file:');
          if (!allowUnverified) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
        } catch (error) {
          if (!isBinfmtctlError(error)) throw error;
          expect(error.code).toBe('BAD_SOURCE');
          expect(error.message).not.toContain('\n');
          expect(error.hint).not.toBe('');
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    '',
    'host/file',
    '/srv/file',
    'ftp://host/file',
    'data:,x',
    'https:host/file',
    'https:///file',
    'https://host/a b',
    'https://good\\@evil/file',
    'https://ho\tst/',
    'http://host:99999/',
  ])('refuses the URL %j', (text) => {
    expect(() => parseUrlSource(`${text}#sha256=${HEX}`, { allowUnverified: true })).toThrow(
      refusal(/invalid URL/, /url:https:\/\/HOST\/FILE#sha256=HEX/),
    );
  });

  it.each([
    'file://host/x',
    'file://./x',
    'file:///a?b',
    'file:///a%2fb',
    'file:///a%00',
    'file:///a%0Ab',
    'file:///%zz',
  ])('refuses the file: URL %s', (text) => {
    expect(() => parseUrlSource(`${text}#sha256=${HEX}`, { allowUnverified: true })).toThrow(
      refusal(/invalid file: URL/, /absolute path/),
    );
  });

  it.each([
    '',
    'sha256',
    `sha256=${HEX}0`,
    `sha256=${HEX.slice(1)}`,
    `sha512=${HEX}`,
    `sha256=${HEX}&x`,
    `sha256=${HEX}#`,
  ])('refuses the fragment #%s with and without allowUnverified', (fragment) => {
    for (const allowed of [true, false])
      expect(() => parseUrlSource(`https://host/x#${fragment}`, { allowUnverified: allowed })).toThrow(
        refusal(/invalid sha256/, /64 hexadecimal digits/),
      );
  });

  it('refuses credentials without printing them', () => {
    const parse = () =>
      parseUrlSource(`https://me:password@host/x#sha256=${HEX}`, { allowUnverified: false });
    expect(parse).toThrow(
      refusal(/^source url:https:\/\/… contains credentials$/, /download the file yourself/),
    );
  });

  it('says how to get a missing sha256', () => {
    const parse = (text: string) => () => parseUrlSource(text, { allowUnverified: false });
    expect(parse('https://host/x')).toThrow(
      refusal(
        /https:\/\/host\/x has no sha256/,
        /`curl -fsSL https:\/\/host\/x \| sha256sum`.*--allow-unverified/,
      ),
    );
    expect(parse('https://host/x?token=secret')).toThrow(
      refusal(/x has no sha256$/, /`curl -fsSL URL \| sha256sum`/),
    );
    expect(parse("https://host/it's;x")).toThrow(
      refusal(/has no sha256/, /curl -fsSL 'https:\/\/host\/it'\\''s;x' \|/),
    );
    expect(parse('file:///a%20b')).toThrow(
      refusal(/url:file:\/\/\/a%20b has no sha256/, /`sha256sum '\/a b'`/),
    );
  });

  it('accepts a missing sha256 only with allowUnverified, and never over remote plain HTTP', () => {
    for (const text of [
      'https://host/x',
      'file:///x',
      'http://127.0.0.1:1/x',
      'http://localhost/x',
      'http://[::1]/x',
    ])
      expect(parseUrlSource(text, { allowUnverified: true }).sha256).toBeNull();
    expect(() => parseUrlSource('http://host/x', { allowUnverified: true })).toThrow(
      refusal(/uses plain HTTP/, /use https:/),
    );
    expect(parseUrlSource(`http://host/x#sha256=${HEX}`, { allowUnverified: false }).sha256).toBe(HEX);
  });
});

describe('parseSource', () => {
  it('validates the value of url:', () => {
    const value = `https://host/x.tar#sha256=${HEX}`;
    expect(parseSource(`url:${value}`)).toEqual({ kind: 'url', value });
    expect(parseSource('url:https://host/x', { allowUnverified: true })).toEqual({
      kind: 'url',
      value: 'https://host/x',
    });
    expect(() => parseSource('url:https://host/x')).toThrow(refusal(/has no sha256/, /curl/));
    expect(() => parseSource('url')).toThrow(refusal(/invalid URL/, /url:/));
  });
});
