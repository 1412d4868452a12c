import { describe, expect, it } from 'vitest';
import type { Rule } from '../../../src/rule/types.ts';
import {
  decodeRegistration,
  encodeRegistration,
  type Registration,
} from '../../../src/state/registration.ts';

const rule: Rule = {
  name: 'qemu-arm',
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1, 2), mask: Uint8Array.of(255, 3) },
  interpreter: '/usr/bin/qemu-arm',
  flags: ['P', 'F'],
};
const registration: Registration = {
  arch: 'arm',
  rule,
  emulator: { profile: 'qemu', sha256: 'ab'.repeat(32), version: null },
  registered: true,
  persisted: [{ path: '/etc/binfmt.d/qemu-arm.conf', previous: null }],
};
const text = encodeRegistration(registration);

describe('the text of a registration', () => {
  it('contains everything, including the replaced entry', () => {
    expect(decodeRegistration(text)).toMatchObject(registration);
    const replacing = { ...registration, replaced: { ...rule, interpreter: '/old' } };
    expect(decodeRegistration(encodeRegistration(replacing))).toMatchObject(replacing);
  });

  it('is JSON with its version first, and ends with a newline', () => {
    expect(text).toMatch(/^\{\n "schema": "binfmtctl\/registration\/1",\n/);
    expect(text.endsWith('}\n')).toBe(true);
  });

  it.each([
    ['of another version', text.replace('registration/1', 'registration/2')],
    ['without an architecture', text.replace('"arch"', '"ark"')],
    ['without a digest', text.replace('"sha256"', '"sha"')],
    ['with a path that is no boot file', text.replace('/etc/binfmt.d/', '/etc/cron.d/')],
    ['with a path out of the directory', text.replace('/etc/binfmt.d/', '/etc/binfmt.d/../')],
    ['that is truncated', text.slice(0, -5)],
  ])('is rejected: %s', (_, other) => {
    expect(other).not.toBe(text);
    expect(decodeRegistration(other)).toBeNull();
  });
});
