import { describe, expect, it } from 'vitest';
import { BinfmtctlError } from '../../../../src/errors.ts';
import { errnoOf, fileError } from '../../../../src/system/file/file-error.ts';

const failing = (code: string) => Object.assign(new Error(`${code}: …`), { code });

describe('fileError', () => {
  it.each([
    ['ENOSPC', 'FILE_FAILED', /no space/],
    ['EROFS', 'READ_ONLY', /read-only/],
    ['EACCES', 'NO_PRIVILEGE', /denied/],
    ['EPERM', 'NO_PRIVILEGE', /not permitted/],
    ['ENOENT', 'FILE_FAILED', /no such file/],
    ['EUNHEARDOF', 'FILE_FAILED', /EUNHEARDOF/],
  ])('says what %s means, on what, and what to do', (errno, code, reason) => {
    const cause = failing(errno);
    const error = fileError(cause, 'write /etc/x');
    expect(error).toMatchObject({ code, cause });
    expect(error.message).toMatch(/^cannot write \/etc\/x: /);
    expect(error.message).toMatch(reason);
    expect(error.hint).toBeTruthy();
  });

  it('returns a BinfmtctlError unchanged', () => {
    const error = new BinfmtctlError('LOCKED', 'held');
    expect(fileError(error, 'write /etc/x')).toBe(error);
  });
});

describe('errnoOf', () => {
  it('distinguishes errno errors from others', () => {
    expect(errnoOf(failing('EBUSY'))).toBe('EBUSY');
    expect(errnoOf(new Error('EBUSY'))).toBeNull();
    expect(errnoOf('EBUSY')).toBeNull();
  });
});
