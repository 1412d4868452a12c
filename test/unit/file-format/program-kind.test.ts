import { describe, expect, it } from 'vitest';
import { describeFile, isDotNet, isScriptText } from '../../../src/file-format/program-kind.ts';

const bytes = (text: string, size = text.length): Uint8Array => {
  const all = new Uint8Array(Math.max(size, text.length));
  all.set(Array.from(text, (character) => character.charCodeAt(0)));
  return all;
};

/** A portable executable with an optional header of the given width, and perhaps a CLI header. */
function portable(magic: 0x10b | 0x20b, hasCli: boolean): Uint8Array {
  const file = bytes('MZ', 1024);
  const view = new DataView(file.buffer);
  view.setUint32(0x3c, 0x80, true);
  file.set(bytes('PE'), 0x80);
  view.setUint16(0x98, magic, true);
  if (hasCli) view.setUint32(0x98 + (magic === 0x20b ? 112 : 96) + 14 * 8, 0x2008, true);
  return file;
}

describe('describeFile', () => {
  it.each([
    ['a Windows program', portable(0x20b, false), 'a.exe'],
    ['a .NET program', portable(0x20b, true), 'a.exe'],
    ['a .NET program', portable(0x10b, true), 'a.dll'],
    ['a DOS program', bytes('MZ\x90\0', 64), 'a.com'],
    ['a Windows program', portable(0x10b, false).subarray(0, 0x100), 'cut.exe'],
    ['an APE program', bytes("MZqFpD='\n\0", 64), 'llamafile'],
    ['a Java class', bytes('\xca\xfe\xba\xbe\0\0\0\x41'), 'A.class'],
    ['a macOS program', bytes('\xca\xfe\xba\xbe\0\0\0\x02'), 'tool'],
    ['a Java archive', bytes('PK\x03\x04'), 'a.jar'],
    ['a zip archive', bytes('PK\x03\x04'), 'a.zip'],
    ['a WebAssembly module', bytes('\0asm\x01\0\0\0'), 'a.wasm'],
    ['a PNG image', bytes('\x89PNG\r\n\x1a\n'), 'a.png'],
    ['a PDF document', bytes('%PDF-1.7\n'), 'a.pdf'],
    ['a gzip file', bytes('\x1f\x8b\x08\0'), 'a.tar.gz'],
    ['a truncated ELF file', bytes('\x7fELF\x02\x01\x01'), 'a'],
    ['an ELF object file', bytes('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\xb7\0'), 'a.o'],
    [
      'an ELF file for an unknown architecture (e_machine 4711)',
      bytes('\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\x12\x67'),
      'a',
    ],
    ['a text file', bytes('echo hi\n'), 'a'],
    ['a text file', bytes(''), 'empty'],
  ])('describes %s', (what, head, path) => {
    expect(describeFile(head, path)).toBe(what);
  });

  it('returns null for other binary files', () => {
    expect(describeFile(bytes('\x01\x02\x03\x04'), 'a')).toBeNull();
  });
});

describe('isScriptText', () => {
  it.each([
    ['a script', 'echo hi\n', true],
    ['a script in Latin-1', '# caf\xe9\necho hi\n', true],
    ['a script with colours', 'echo "\x1b[1mhi"\r\n', true],
    ['an APE program', "MZqFpD='\n\0\x01", true],
    ['a zip archive without NUL', 'PK\x03\x04zip', false],
    ['an image without NUL', '\x89PNG\r\nxx', false],
    ['a document that looks like text', '%PDF-1.7\nhello\n', false],
    ['a file with NUL', 'echo\0', false],
  ])('is correct for %s', (_, text, expected) => {
    expect(isScriptText(bytes(text))).toBe(expected);
  });
});

describe('isDotNet', () => {
  it('is false for a header that points outside the file', () => {
    const file = bytes('MZ', 64);
    new DataView(file.buffer).setUint32(0x3c, 0xfffffff0, true);
    expect(isDotNet(file)).toBe(false);
  });
});
