import { describe, expect, it } from 'vitest';
import { loaderErrno } from '../../../../src/rule/execution/loader.ts';

/** An ELF header of any length, with class and machine. */
function header(size: number, elfClass: number, machine = 62): Uint8Array {
  const head = new Uint8Array(size);
  head.set([0x7f, 0x45, 0x4c, 0x46, elfClass]);
  head.set([machine & 0xff, machine >> 8], 18);
  return head;
}
const native = (head: Uint8Array) => ({ head, native: true });

describe('loaderErrno', () => {
  it.each([
    [1, 52],
    [2, 64],
    [0, 64],
    [3, 64],
  ])('requires a header for a program of class %i: %i bytes', (elfClass, size) => {
    expect(loaderErrno(header(64, elfClass), native(header(size, elfClass)))).toBeNull();
    expect(loaderErrno(header(64, elfClass), native(header(size - 1, elfClass)))).toBe('EIO');
  });

  it('ignores the class of the loader', () => {
    expect(loaderErrno(header(64, 2), native(header(64, 1)))).toBeNull();
  });

  it('requires the larger header for a program without a class', () => {
    expect(loaderErrno(new Uint8Array(), native(header(63, 2)))).toBe('EIO');
  });

  it.each([0, 1, 2, 3])('refuses a file that is not ELF: byte %i', (at) => {
    const head = header(64, 2);
    head[at] = 0;
    expect(loaderErrno(header(64, 2), native(head))).toBe('ELIBBAD');
  });

  it.each([63, 62 + 256])('refuses a loader of another machine: %i', (machine) => {
    expect(loaderErrno(header(64, 2), native(header(64, 2, machine)))).toBe('ELIBBAD');
  });

  it('refuses a loader that is not native', () => {
    expect(loaderErrno(header(64, 2), { head: header(64, 2), native: false })).toBe('ELIBBAD');
  });
});
