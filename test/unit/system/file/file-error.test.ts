import { describe, expect, it, vi } from 'vitest';
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
  ])('says what %s means, and on what', (errno, code, reason) => {
    const cause = failing(errno);
    const error = fileError(cause, 'write /etc/x');
    expect(error).toMatchObject({ code, cause });
    expect(error.message).toMatch(/^cannot write \/etc\/x: /);
    expect(error.message).toMatch(reason);
  });

  it('says what to do where that is known', () => {
    expect(fileError(failing('ENOSPC'), 'write /etc/x').hint).toMatch(/free some space/);
    expect(fileError(failing('ENOENT'), 'read /etc/x').hint).toBeUndefined();
  });

  it.each([
    [1000, 'run the command as root or as the owner of the file'],
    [0, undefined],
  ])('tells user %i to become root only if that can help', (uid, hint) => {
    const user = vi.spyOn(process, 'geteuid').mockReturnValue(uid);
    try {
      expect(fileError(failing('EACCES'), 'read /etc/x').hint).toBe(hint);
    } finally {
      user.mockRestore();
    }
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
