import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { isBootFile } from '../../../src/boot/paths.ts';
import { ruleSchema } from '../../../src/rule/schema.ts';
import {
  decodeRegistration,
  encodeRegistration,
  type Registration,
} from '../../../src/state/registration.ts';
import { parseJson } from '../../../src/text/json.ts';
import { rule } from '../rule/arbitraries.ts';

const schema = v.object({
  schema: v.literal('binfmtctl/registration/1'),
  arch: v.string(),
  rule: ruleSchema,
  emulator: v.object({ profile: v.string(), sha256: v.string(), version: v.nullable(v.string()) }),
  registered: v.boolean(),
  persisted: v.array(
    v.object({ path: v.pipe(v.string(), v.check(isBootFile)), previous: v.nullable(v.string()) }),
  ),
  replaced: v.optional(ruleSchema),
});

const registration: fc.Arbitrary<Registration> = fc
  .record({
    arch: fc.string(),
    rule,
    emulator: fc.record({ profile: fc.string(), sha256: fc.string(), version: fc.option(fc.string()) }),
    registered: fc.boolean(),
    persisted: fc.array(
      fc.record({
        path: fc.constantFrom('/etc/binfmt.d/a.conf', '/var/lib/binfmts/b'),
        previous: fc.option(fc.string()),
      }),
      { maxLength: 2 },
    ),
    replaced: fc.option(rule, { nil: undefined }),
  })
  .map(({ replaced, ...rest }) => (replaced === undefined ? rest : { ...rest, replaced }));

/** Values that another program may have written. */
const strange = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1.5,
    '',
    'x',
    '0',
    'AB',
    'ab',
    'magic',
    'extension',
    '/etc/passwd',
    '/etc/binfmt.d/../x',
  ),
  fc.constantFrom<unknown>(
    [],
    {},
    [null],
    ['F', 'F'],
    ['X'],
    [1],
    { type: 'magic' },
    { path: '/etc/binfmt.d/x' },
  ),
);

/** Replaces or removes one value anywhere in a document. */
function spoil(document: unknown, place: number, value: unknown): unknown {
  let at = 0;
  const walk = (node: unknown): unknown => {
    if (at++ === place) return value;
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, each]) => [key, walk(each)]));
  };
  return walk(document);
}

describe('decodeRegistration', () => {
  it('reads what encodeRegistration has written', () => {
    fc.assert(
      fc.property(registration, (each) => {
        expect(decodeRegistration(encodeRegistration(each))).toEqual(each);
      }),
    );
  });

  it('accepts and rejects the same documents as a schema', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        registration,
        fc.nat(30),
        fc.oneof(strange, fc.constant(undefined)),
        (each, place, value) => {
          const text = JSON.stringify(spoil(parseJson(encodeRegistration(each)), place, value)) ?? '';
          const parsed = v.safeParse(schema, parseJson(text));
          const found = decodeRegistration(text);
          if (!parsed.success) refused++;
          expect(found !== null).toBe(parsed.success);
          if (parsed.success) expect({ schema: 'binfmtctl/registration/1', ...found }).toEqual(parsed.output);
        },
      ),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  it.each(['', 'null', '[]', '{}', '"x"', '{"schema":"binfmtctl/registration/2"}', '{'])(
    'refuses %s',
    (text) => {
      expect(decodeRegistration(text)).toBeNull();
    },
  );
});
