import { describe, expect, it } from 'vitest';
import { inNamespaces } from '../../../../src/system/namespace/namespaces.ts';

describe('inNamespaces', () => {
  it('returns a command unchanged if no namespace is requested', () => {
    expect(inNamespaces({}, ['true', '-x'])).toEqual(['true', '-x']);
  });

  it('does not propagate mounts of a mount namespace', () => {
    expect(inNamespaces({ mount: true }, ['true'])).toEqual([
      'unshare',
      '--mount',
      '--propagation',
      'private',
      '--',
      'true',
    ]);
  });

  it('separates options of the command from those of unshare', () => {
    const command = inNamespaces({ user: true }, ['--help']);
    expect(command.slice(command.indexOf('--'))).toEqual(['--', '--help']);
    expect(command).toContain('--map-root-user');
  });
});
