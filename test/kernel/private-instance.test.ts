import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const written = (path: string) => () => writeFileSync(path, readFileSync(path));

it('tests can change only limits of their user namespace, not other sysctls', () => {
  expect(written('/proc/sys/kernel/panic')).toThrow(expect.objectContaining({ code: 'EROFS' }));
  expect(written('/proc/sys/user/max_user_namespaces')).not.toThrow();
});

it('the user namespace of tests is not mistaken for the initial one', () => {
  expect(readFileSync('/proc/self/uid_map', 'utf8')).not.toContain('4294967295');
});
