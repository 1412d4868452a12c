import { describe, expect, it } from 'vitest';
import { inNamespaces } from '../../../../src/system/namespace/namespaces.ts';

describe('inNamespaces', () => {
  it('leaves a command alone where no namespace is asked for', () => {
    expect(inNamespaces({}, ['true', '-x'])).toEqual(['true', '-x']);
  });

  it('keeps mounts of a mount namespace to itself', () => {
    expect(inNamespaces({ mount: true }, ['true'])).toEqual([
      'unshare',
      '--mount',
      '--propagation',
      'private',
      '--',
      'true',
    ]);
  });

  it('takes no option of the command for its own', () => {
    const command = inNamespaces({ user: true }, ['--help']);
    expect(command.slice(command.indexOf('--'))).toEqual(['--', '--help']);
    expect(command).toContain('--map-root-user');
  });
});
