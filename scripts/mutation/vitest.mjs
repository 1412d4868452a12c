// Implements the parts of vitest that the unit tests use, to run them hundreds of times in one process.
import { chai, customMatchers, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
chai.expect.extend(chai.expect, customMatchers);

/** Returns replacements for vitest's functions, and the list of tests that they fill. */
export function testApi() {
  const tests = [];
  const names = [];
  const it = (name, run) => tests.push({ name: [...names, name].join(' > '), run });
  const describe = (name, body) => {
    names.push(name);
    body();
    names.pop();
  };
  const each = (declare) => (table) => (name, body) => {
    for (const row of table) declare(name, () => body(...(Array.isArray(row) ? row : [row])));
  };
  const api = {
    expect: chai.expect,
    it: Object.assign(it, { each: each(it) }),
    describe: Object.assign(describe, { each: each(describe) }),
  };
  return { api, tests };
}
