/** Random files of an admin and an import directory, and what others do to entries. */
import fc from 'fast-check';
import type { Planted, Step } from './step.ts';
import * as values from './values.ts';

type Steps = fc.Arbitrary<Step>;

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
const blank = fc.constant('');

const plant = (path: values.Text, what: Planted, text: values.Text): Steps =>
  fc.record({ kind: fc.constant('plant' as const), path, what: fc.constant(what), text });

/** A name that may stand in a directory. */
const fileName = values.mostly(
  ['a', 'a', 'b', 'b', 'c'],
  ['d', 'a.tmp', 'b.tmp', 'x.tmp', 'é', ':', 'register', 'd e'],
);

const somewhere = (directory: string): values.Text => fileName.map((name) => `${directory}/${name}`);

const adminLines = (folder: string) =>
  fc
    .record({
      owner: values.mostly([':', 'p', 'q'], ['']),
      type: values.mostly(['magic', 'magic', 'extension'], ['', 'Magic', 'x']),
      offset: values.mostly(['0', '0', '1'], ['', '01', 'x']),
      magic: fc.oneof(values.magic, values.extension),
      mask: fc.oneof(fc.constant(''), values.mask),
      interpreter: values.interpreter(folder),
      detector: fc.oneof({ weight: 2, arbitrary: fc.constant('') }, values.detector(folder)),
      credentials: values.yes,
      preserve: values.yes,
      fixBinary: values.yes,
    })
    .map((fields) => Object.values(fields));

const adminText = (folder: string): values.Text =>
  fc
    .tuple(
      adminLines(folder),
      fc.oneof({ weight: 6, arbitrary: fc.constant(10) }, { weight: 2, arbitrary: fc.nat(10) }),
      values.mostly(['\n'], ['\r\n', ' \n', '\t\n', '\0\n', 'x\0y\n']),
      values.mostly([''], ['extra\n', '\n\n', '\0', 'x', '\n\nextra']),
      fc.boolean(),
    )
    .map(([lines, count, end, rest, isEnded]) => {
      const text =
        lines
          .slice(0, count)
          .map((line) => `${line}${end}`)
          .join('') + rest;
      return utf8(isEnded ? text : text.replace(/\n$/, ''));
    });

const formatLine = (folder: string): values.Text => {
  const key = (name: string, value: values.Text): values.Text => value.map((text) => `${name} ${text}`);
  return fc.oneof(
    key('magic', values.magic),
    key('mask', values.mask),
    key('offset', values.offset),
    key('extension', values.extension),
    key('detector', values.detector(folder)),
    key('credentials', values.yes),
    key('preserve', values.yes),
    key('fix_binary', values.yes),
    key('package', values.packageName),
    key('interpreter', values.interpreter(folder)),
    key('type', fc.constantFrom('magic', 'extension', 'Extension', '')),
    fc.constantFrom(
      '# a comment',
      'unknown key',
      'magic',
      'extension',
      'MAGIC zz',
      'magic\tzz',
      ' magic zz',
      'magic  zz',
    ),
    fc.constantFrom(
      '',
      '   ',
      'package :',
      'fix-binary yes',
      'interpreter',
      'type',
      'Package p ',
      'magic AB\0C',
      'mask ',
    ),
  );
};

/** What a file mostly says, in an order of chance, with lines more and lines fewer. */
const formatText = (folder: string): values.Text =>
  fc
    .tuple(
      fc.record({
        owner: values.packageName.map((text) => `package ${text}`),
        interpreter: values.interpreter(folder).map((text) => `interpreter ${text}`),
        spec: fc.oneof(
          { weight: 3, arbitrary: values.magic.map((text) => `magic ${text}`) },
          { weight: 1, arbitrary: values.extension.map((text) => `extension ${text}`) },
        ),
      }),
      fc.array(formatLine(folder), { maxLength: 3 }),
      fc.oneof({ weight: 8, arbitrary: fc.constant(9) }, { weight: 1, arbitrary: fc.nat(2) }),
      values.mostly(['\n'], ['\r\n', ' \n', '\n\n', '\t\n', '\0\n']),
      fc.oneof(
        { weight: 8, arbitrary: fc.constant('') },
        fc.constantFrom('detector /caf\xe9\n', 'interpreter /bin/caf\xe9\n'),
      ),
    )
    .map(([fields, others, left, end, latin1]) => {
      const lines = [...Object.values(fields).filter((_, index) => index !== left), ...others];
      return utf8(lines.map((line) => `${line}${end}`).join('')) + latin1;
    });

const oddities = (directory: string, folder: string): Steps =>
  fc.oneof(
    plant(somewhere(directory), 'folder', blank),
    plant(
      somewhere(directory),
      'link',
      fc.constantFrom('/nowhere', 'a', 'b', '/proc/self/mem', `${folder}/bin/good`),
    ),
    plant(somewhere(directory), 'file', fc.constantFrom('', '\n', '\0', '\n'.repeat(10), 'x'.repeat(70_000))),
    plant(somewhere(directory), 'nothing', blank),
  );

export const adminFiles = (folder: string): Steps =>
  fc.oneof(
    { weight: 5, arbitrary: plant(somewhere('admin'), 'file', adminText(folder)) },
    { weight: 2, arbitrary: oddities('admin', folder) },
    { weight: 1, arbitrary: plant(somewhere('plain'), 'file', adminText(folder)) },
  );

export const importFiles = (folder: string): Steps =>
  fc.oneof(
    { weight: 8, arbitrary: plant(somewhere('import'), 'file', formatText(folder)) },
    { weight: 1, arbitrary: oddities('import', folder) },
  );

/** Entries that are registered, switched and removed by hand; names of ours, too. */
export const kernelSteps = (folder: string): Steps => {
  const write = (name: values.Text, text: values.Text): Steps =>
    fc.record({ kind: fc.constant('write' as const), name, text });
  const pattern = fc.oneof(
    values.extension.map((text) => `E::${text}:`),
    fc
      .tuple(values.magic, fc.oneof(fc.constant(''), values.mask))
      .map(([magic, mask]) => `M::${magic}:${mask}`),
  );
  const rule = fc
    .tuple(fileName, pattern, values.interpreter(folder), fc.constantFrom('', '', 'P', 'OC', 'F'))
    .map(([name, match, path, flags]) => utf8(`:${name}:${match}:${path}:${flags}`));
  return fc.oneof(
    { weight: 4, arbitrary: write(fc.constant('register'), rule) },
    { weight: 4, arbitrary: write(fileName, fc.constantFrom('0', '1', '-1', '-1')) },
    { weight: 1, arbitrary: write(fc.constant('status'), fc.constantFrom('0', '0', '1')) },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: 'umount' }) },
    { weight: 1, arbitrary: plant(somewhere('fake'), 'file', fc.constantFrom('enabled\n', 'disabled\n')) },
    {
      weight: 1,
      arbitrary: plant(fc.constantFrom('fake/register', 'fake/status', 'admin'), 'nothing', blank),
    },
  );
};
