import { describe, expect, it } from 'vitest';
import { recogniseForm } from '../../../src/transfer/recognise.ts';

describe('recogniseForm', () => {
  it.each([
    ['qemu-arm', 'package qemu-user-static\ninterpreter /usr/bin/qemu-arm\nmagic AB\n', 'binfmt-support'],
    ['qemu-arm', 'Package x\nEXTENSION jar\n', 'binfmt-support'],
    ['jar', ':\nextension\n0\njar\n\n/usr/bin/jexec\n', 'admin'],
    ['a.yaml', ':\nmagic\n0\nAB\n\n/bin/cat\n', 'admin'],
    ['a.conf', 'p\r\nmagic\r\n0\r\nAB\r\n', 'admin'],
    ['go.yaml', 'kind: format\nid: go\n', 'profile'],
    ['go.yml', '', 'profile'],
    ['a.conf', '# rules\n:a:E::a::/bin/a:\n', 'binfmt.d'],
    ['a.conf', '', 'binfmt.d'],
    ['rules', ':a:E::a::/bin/a:\n', 'register'],
    ['rules', '', 'register'],
  ])('detects %s with %j as %s', (name, text, form) => {
    expect(recogniseForm(name, Buffer.from(text))).toBe(form);
  });
});
