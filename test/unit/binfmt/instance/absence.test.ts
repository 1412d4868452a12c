import { describe, expect, it } from 'vitest';
import { type AbsenceFacts, absenceError } from '../../../../src/binfmt/instance/absence.ts';

const facts = (some: Partial<AbsenceFacts> = {}): AbsenceFacts => ({
  directory: '/d',
  place: 'empty',
  supported: true,
  container: null,
  root: true,
  initialUserNamespace: true,
  ownInstance: true,
  mountFailure: null,
  ...some,
});

describe('absenceError', () => {
  it.each<[string, Partial<AbsenceFacts>, RegExp, RegExp]>([
    ['it is not mounted', {}, /not mounted/, /mount -t binfmt_misc binfmt_misc \/d/],
    [
      'the module is missing',
      { supported: false, place: 'missing' },
      /running kernel/,
      /modprobe binfmt_misc/,
    ],
    [
      'the host of a container lacks it',
      { supported: false, container: 'docker' },
      /running kernel/,
      /host of this container/,
    ],
    [
      'a container may not mount',
      { container: 'docker', mountFailure: 'mount: /d: permission denied.' },
      /permission denied/,
      /--privileged/,
    ],
    [
      'a container does not run as root',
      { container: 'docker', root: false },
      /not mounted/,
      /as root: without --user, with --privileged/,
    ],
    [
      'the kernel has only one instance',
      { initialUserNamespace: false, ownInstance: false },
      /not mounted/,
      /Linux 6\.7 and later/,
    ],
    [
      'the mount namespace is not ours',
      { initialUserNamespace: false, mountFailure: 'permission denied' },
      /cannot be mounted/,
      /unshare -Urm/,
    ],
    ['the directory is missing', { place: 'missing' }, /no such directory/, /--binfmt-dir/],
    ['the directory is in use', { place: 'used' }, /not empty/, /--binfmt-dir/],
    ['the user is not root', { root: false }, /not mounted/, /as root/],
  ])('has a hint if %s', (_, some, reason, hint) => {
    const error = absenceError(facts(some));
    expect(error.code).toBe('NO_BINFMT_MISC');
    expect(error.message).toMatch(/^no binfmt_misc at \/d: it /);
    expect(error.message).toMatch(reason);
    expect(error.hint).toMatch(hint);
  });

  it('never suggests mounting over a directory with files', () => {
    expect(absenceError(facts({ place: 'used' })).hint).not.toContain('mount -t');
  });
});
