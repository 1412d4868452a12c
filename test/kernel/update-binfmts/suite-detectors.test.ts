/** The original's tests of detectors and --find, for the original and for ours. */
import { describe, expect, it } from 'vitest';
import { DONE, extensionEntry, MAKERS, startSuite } from './support/suite.ts';
import { runDetectorsOf } from './support/twins.ts';

describe.each(MAKERS)('detectors of %s', (maker) => {
  const { folder, update, detect, plant, admin, entry } = startSuite(maker);
  const at = (path: string): string => `${folder}/${path}`;
  const interpreter = (name: string): string => `#!/bin/sh\necho ${name}\nprintf '%s.' "$@"\n`;
  const asks = (word: string): string => `#!/bin/sh\nread first < "$1"\ntest "$first" = ${word}\n`;

  it('choose among formats of one extension', async () => {
    const formats = [
      { name: 'red', detector: at('bin/is-red') },
      { name: 'blue', detector: at('bin/is-blue') },
      { name: 'plain', detector: '' },
    ];
    for (const { name, detector } of formats) {
      const path = at(`bin/${name}`);
      await plant(`bin/${name}`, 'program', interpreter(name));
      if (detector !== '') await plant(`bin/is-${name}`, 'program', asks(name));
      const words = detector === '' ? [] : ['--detector', detector];
      expect(await update('--install', name, path, '--extension', 'paint', ...words)).toEqual(DONE);
      expect(admin(name)).toEqual([':', 'extension', '0', 'paint', '', path, detector, '', '', '']);
      // The last format has no detector, but the same magic as others.
      expect(entry(name)).toEqual(extensionEntry(runDetectorsOf(maker), 'paint'));
    }

    const [red, blue, other] = [at('red.paint'), at('blue.paint'), at('other.paint')];
    for (const word of ['red', 'blue', 'other']) await plant(`${word}.paint`, 'file', `${word}\n`);
    const ran = await detect(red, '--foo=bar', 'file', '--admindir=baz', '-v');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toBe(`red\n${red}.--foo=bar.file.--admindir=baz.-v.`);
    const second = await detect(blue, 'word');
    expect(second.status).toBe(0);
    expect(second.stdout).toBe(`blue\n${blue}.word.`);
    const alone = await detect(blue);
    expect(alone.status).toBe(0);
    expect(alone.stdout).toBe(`blue\n${blue}.`);
    const fallen = await detect(other);
    expect(fallen.status).toBe(0);
    expect(fallen.stdout).toBe(`plain\n${other}.`);
  });
});

describe.each(MAKERS)('--find of %s', (maker) => {
  const { folder, update } = startSuite(maker);

  it('prints the interpreter of an entry, or nothing', async () => {
    const target = `${folder}/targets/AB.foo`;
    expect(await update('--install', 'one', '/bin/sh', '--magic', 'ABC')).toEqual(DONE);
    const found = await update('--find', target);
    expect(found.status).toBe(0);
    expect(found.stdout).toBe('/bin/sh\n');
    expect(await update('--disable', 'one')).toEqual(DONE);
    const none = await update('--find', target);
    expect(none.status).toBe(0);
    expect(none.stdout).toBe('');
  });
});
