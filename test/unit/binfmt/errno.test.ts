import { describe, expect, it } from 'vitest';
import { commandError, KNOWN_ERRNOS, openRegisterError, registerError } from '../../../src/binfmt/errno.ts';
import { formatRegister } from '../../../src/rule/register.ts';
import type { Flag, Rule } from '../../../src/rule/types.ts';

const rule = (flags: Flag[] = [], name = 'n'): Rule => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(1, 2), mask: null },
  interpreter: '/bin/emulator',
  flags,
});

const registering = (errno: string, flags: Flag[] = [], name = 'n') =>
  registerError(errno, rule(flags, name), formatRegister(rule(flags)));

const FALLBACK = openRegisterError('EUNHEARDOF', '/d');

describe('errors of the kernel', () => {
  const all = [
    ...KNOWN_ERRNOS.openRegister().map(
      (errno) => ['opening register', errno, openRegisterError(errno, '/d')] as const,
    ),
    ...KNOWN_ERRNOS.register().map((errno) => ['registering', errno, registering(errno, ['F'])] as const),
    ...KNOWN_ERRNOS.command().map(
      (errno) => ['removing', errno, commandError(errno, 'remove', 'n')] as const,
    ),
  ];

  it.each(all)('say what failed while %s with %s, and what to do', (_, errno, error) => {
    expect(error.message).toMatch(/^cannot (open|register|remove) .*["/].*: .{10,} \(E[A-Z0-9]+\)$/);
    expect(error.message).toContain(errno);
    expect(error.hint?.length).toBeGreaterThan(8);
    expect(error.hint).not.toBe(FALLBACK.hint);
  });

  it('keep an unknown errno', () => {
    expect(FALLBACK).toMatchObject({ code: 'KERNEL_REFUSED' });
    expect(FALLBACK.message).toContain('EUNHEARDOF');
    expect(FALLBACK.hint).toBeTruthy();
  });

  it('keep their cause', () => {
    const cause = new Error('x');
    expect(openRegisterError('EACCES', '/d', cause).cause).toBe(cause);
  });
});

describe('registerError', () => {
  it('names an interpreter that flag F cannot open', () => {
    for (const errno of ['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ETXTBSY', 'ENOSPC']) {
      expect(registering(errno, ['F']).message).toContain('"/bin/emulator"');
    }
  });

  it('reports a too long name rather than the interpreter', () => {
    const error = registering('ENAMETOOLONG', ['F'], 'n'.repeat(256));
    expect(error.message).toMatch(/name is longer than 255/);
  });

  it('has a code of its own for an existing entry', () => {
    expect(registering('EEXIST', ['F']).code).toBe('ENTRY_EXISTS');
  });

  it('gives the reason for EINVAL, which the kernel does not', () => {
    const string = Uint8Array.from(Buffer.from(':n:M:256:A::/bin/emulator:'));
    const error = registerError('EINVAL', rule(), string);
    expect(error.code).toBe('KERNEL_REFUSED');
    expect(error.message).toMatch(/256/);
  });

  it('suggests that the kernel is too old if the rule is valid', () => {
    const long: Rule = {
      ...rule(),
      pattern: { type: 'magic', offset: 127, magic: Uint8Array.of(1, 2), mask: null },
    };
    expect(registerError('EINVAL', long, formatRegister(long)).hint).toContain('Linux 5.1');
    expect(registering('EINVAL', ['F']).hint).toContain('Linux 4.8');
  });
});

describe('commandError', () => {
  it('reports a missing entry, not a missing binfmt_misc', () => {
    expect(commandError('ENOENT', 'enable', 'n').code).toBe('ENTRY_NOT_FOUND');
    expect(openRegisterError('ENOENT', '/d').code).toBe('NO_BINFMT_MISC');
  });

  it.each([
    ['EACCES', 'NO_PRIVILEGE'],
    ['EROFS', 'READ_ONLY'],
  ])('maps %s to %s', (errno, code) => {
    expect(commandError(errno, 'disable', 'n').code).toBe(code);
    expect(openRegisterError(errno, '/d').code).toBe(code);
  });
});
