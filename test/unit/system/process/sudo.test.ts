import { describe, expect, it } from 'vitest';
import { rootCommand } from '../../../../src/system/process/sudo.ts';

const ENVIRONMENT = {
  ...{ PATH: '/bin', HOME: '/home/me', LANG: 'C', GITHUB_TOKEN: 'secret', NODE_OPTIONS: '--inspect' },
  ...{ https_proxy: 'http://a', NO_PROXY: 'b', SSL_CERT_FILE: '/c', DOCKER_CONFIG: '/d', LD_PRELOAD: 'e' },
  ...{ BINFMTCTL_REGISTRY_MIRRORS: 'f', MY_HTTP_PROXY: 'g' },
};

describe('rootCommand', () => {
  it('is the program itself for root, with a minimal environment', () => {
    expect(rootCommand(0, ENVIRONMENT, ['/node', 'cli', 'status'])).toEqual({
      file: '/node',
      args: ['cli', 'status'],
      env: {
        ...{ PATH: '/bin', HOME: '/home/me', LANG: 'C', https_proxy: 'http://a', NO_PROXY: 'b' },
        ...{ SSL_CERT_FILE: '/c', DOCKER_CONFIG: '/d', BINFMTCTL_REGISTRY_MIRRORS: 'f' },
      },
    });
  });

  it('is sudo for other users, with names of variables but no values on the command line', () => {
    const { file, args, env } = rootCommand(1000, ENVIRONMENT, ['/node', 'cli']);
    expect([file, ...args]).toEqual([
      ...['sudo', '--non-interactive'],
      '--preserve-env=BINFMTCTL_REGISTRY_MIRRORS,DOCKER_CONFIG,NO_PROXY,SSL_CERT_FILE,https_proxy',
      ...['--', '/node', 'cli'],
    ]);
    expect(Object.keys(env)).not.toContain('GITHUB_TOKEN');
  });

  it('omits --preserve-env without variables, because not every sudoers file allows it', () => {
    expect(rootCommand(1000, { PATH: '/bin' }, ['/node'])).toEqual({
      file: 'sudo',
      args: ['--non-interactive', '--', '/node'],
      env: { PATH: '/bin' },
    });
  });
});
