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
      'a container has another user than root',
      { container: 'docker', root: false },
      /not mounted/,
      /as its root, without --user and with --privileged/,
    ],
    [
      'the kernel has one instance only',
      { initialUserNamespace: false, ownInstance: false },
      /not mounted/,
      /before Linux 6\.7/,
    ],
    [
      'the mount namespace is not ours',
      { initialUserNamespace: false, mountFailure: 'permission denied' },
      /cannot be mounted/,
      /unshare -Urm/,
    ],
    ['the directory is missing', { place: 'missing' }, /no such directory/, /--binfmt-dir/],
    ['the directory is in use', { place: 'used' }, /something else/, /--binfmt-dir/],
    ['an ordinary user asks', { root: false }, /not mounted/, /as root/],
  ])('says what to do where %s', (_, some, reason, hint) => {
    const error = absenceError(facts(some));
    expect(error.code).toBe('NO_BINFMT_MISC');
    expect(error.message).toMatch(/^no binfmt_misc at \/d: it /);
    expect(error.message).toMatch(reason);
    expect(error.hint).toMatch(hint);
  });

  it('never advises to mount over a directory in use', () => {
    expect(absenceError(facts({ place: 'used' })).hint).not.toContain('mount -t');
  });
});
