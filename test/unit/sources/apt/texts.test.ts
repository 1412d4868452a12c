import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aptComplaints,
  encodeAptConf,
  parseStanzas,
  selectStanzas,
} from '../../../../src/sources/apt/texts.ts';

const stanza = (name: string, more = ''): string =>
  `Package: ${name}\nVersion: 1:7.2+dfsg-7\nSize: 62603724\n${more}`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('parseStanzas', () => {
  it('parses name, version, size and dependencies', () => {
    const text = `${stanza('qemu-user-static', 'Pre-Depends: dpkg (>= 1)\nDepends: qemu-user (>= 1:10), a | b:any\n')}\n${stanza('qemu-user')}`;
    expect(parseStanzas(text)).toEqual([
      {
        name: 'qemu-user-static',
        version: '1:7.2+dfsg-7',
        size: 62603724,
        depends: ['dpkg', 'qemu-user', 'a', 'b'].filter((name) => name.length > 1),
      },
      { name: 'qemu-user', version: '1:7.2+dfsg-7', size: 62603724, depends: [] },
    ]);
  });

  it('skips stanzas without name, version or size, and hostile ones', () => {
    const broken = [
      '',
      'Package: x1\nSize: 1',
      'Version: 1\nSize: 1',
      stanza('../x'),
      'Package: ab\nVersion: 1 -o X=y\nSize: 1',
      'Package: ab\nVersion: 1\nSize: x',
    ];
    expect(parseStanzas(broken.join('\n\n'))).toEqual([]);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseStanzas(text))));
  });
});

describe('selectStanzas', () => {
  const index = bytes(
    ['aaa', 'qemu-user', 'qemu-user-static', 'qemu-user', 'zzz'].map((name) => stanza(name)).join('\n'),
  );

  it('selects whole stanzas by exact name, in all versions', () => {
    const names = parseStanzas(selectStanzas(index, ['qemu-user'])).map(({ name }) => name);
    expect(names).toEqual(['qemu-user', 'qemu-user']);
  });

  it('selects the first and the last stanza', () => {
    expect(parseStanzas(selectStanzas(index, ['aaa', 'zzz'])).map(({ name }) => name)).toEqual([
      'aaa',
      'zzz',
    ]);
  });

  it('selects nothing if the index lacks the package', () => {
    expect(selectStanzas(index, ['qemu'])).toBe('');
    expect(selectStanzas(new Uint8Array(), ['qemu'])).toBe('');
  });

  it('agrees with parsing the whole index', () => {
    const name = fc.constantFrom('qemu-user', 'qemu-user-static', 'bash', 'qemu');
    fc.assert(
      fc.property(fc.array(name), fc.uniqueArray(name), (all, wanted) => {
        const text = all.map((each) => stanza(each)).join('\n');
        const expected = wanted.flatMap((each) => parseStanzas(text).filter((one) => one.name === each));
        expect(parseStanzas(selectStanzas(bytes(text), wanted))).toEqual(expected);
      }),
    );
  });
});

describe('encodeAptConf', () => {
  it('quotes values and clears options', () => {
    expect(encodeAptConf([['APT::Update'], ['Dir::State', '/tmp/a b'], ['Dir::Cache::pkgcache', '']])).toBe(
      '#clear APT::Update;\nDir::State "/tmp/a b";\nDir::Cache::pkgcache "";\n',
    );
  });

  it.each(['a"b', 'a\\b', 'a\nb'])('refuses the value %j', (value) => {
    expect(() => encodeAptConf([['Dir::State', value]])).toThrow(
      expect.objectContaining({ code: 'SOURCE_FAILED' }),
    );
  });
});

describe('aptComplaints', () => {
  it('returns each error once, or warnings if there are no errors', () => {
    expect(aptComplaints('W: odd\nE: bad\nE: bad\nReading\n')).toEqual(['bad']);
    expect(aptComplaints('W: odd\n')).toEqual(['odd']);
    expect(aptComplaints('Reading package lists...')).toEqual([]);
  });
});
