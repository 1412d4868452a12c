import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookUp, parseHelperAnswer } from '../../../../src/oci/registry/docker-config.ts';

const auth = (text: string) => Buffer.from(text).toString('base64');
const find = (config: unknown, registry = 'quay.io', repository = 'a/b') =>
  lookUp(JSON.stringify(config), registry, repository);
const password = (username: string, secret: string) => ({
  login: { kind: 'password', username, password: secret },
});

describe('lookUp', () => {
  it('finds credentials by host, also under the keys of old Docker versions', () => {
    expect(find({ auths: { 'quay.io': { auth: auth('me:a:b') } } })).toEqual(password('me', 'a:b'));
    expect(find({ auths: { 'https://quay.io/v2/': { auth: auth('me:x') } } })).toEqual(password('me', 'x'));
    const hub = { auths: { 'https://index.docker.io/v1/': { username: 'me', password: 'x' } } };
    expect(find(hub, 'docker.io')).toEqual(password('me', 'x'));
    expect(find(hub)).toBeNull();
  });

  it('prefers credentials of a repository to those of its registry', () => {
    const auths = { 'quay.io': { auth: auth('host:x') }, 'quay.io/a': { auth: auth('path:x') } };
    expect(find({ auths })).toEqual(password('path', 'x'));
    expect(find({ auths }, 'quay.io', 'ab/c')).toEqual(password('host', 'x'));
  });

  it("returns the registry's helper, or the default helper if no credentials are stored", () => {
    const config = { credHelpers: { 'quay.io': 'gcr' }, credsStore: 'desktop', auths: { 'x.example': {} } };
    expect(find(config)).toEqual({ helper: 'gcr', server: 'quay.io' });
    expect(find(config, 'docker.io')).toEqual({ helper: 'desktop', server: 'https://index.docker.io/v1/' });
    expect(find(config, 'x.example')).toEqual({ helper: 'desktop', server: 'x.example' });
  });

  it('finds tokens', () => {
    expect(find({ auths: { 'quay.io': { identitytoken: 't', auth: auth('me:x') } } })).toEqual({
      login: { kind: 'refresh', token: 't' },
    });
    expect(find({ auths: { 'quay.io': { registrytoken: 't' } } })).toEqual({
      login: { kind: 'bearer', token: 't' },
    });
  });

  it.each([
    ['invalid JSON', '{'],
    ['a list', '[]'],
    ['lists within', '{"auths": [], "credHelpers": []}'],
    ['numbers', '{"auths": {"quay.io": {"auth": 1, "username": 2, "password": 3}}, "credsStore": 4}'],
    ['no colon', `{"auths": {"quay.io": {"auth": "${auth('me')}"}}}`],
    ['a helper that is a path', '{"credsStore": "../../bin/sh", "credHelpers": {"quay.io": "/bin/sh"}}'],
    ['prototype names', '{"credHelpers": {}, "auths": {"__proto__": {"auth": "bWU6eA=="}}}'],
  ])('finds nothing in %s', (_, text) => {
    expect(lookUp(text, 'quay.io', 'a/b')).toBeNull();
    expect(lookUp(text, 'constructor', 'toString')).toBeNull();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.string(), (text, name) => {
        lookUp(text, name, name);
        lookUp(`{"auths": ${text}, "credHelpers": ${text}}`, name, name);
        parseHelperAnswer(text);
      }),
    );
  });
});

describe('parseHelperAnswer', () => {
  it('returns a password, an identity token, or null', () => {
    const answer = (Username: unknown, Secret: unknown) =>
      parseHelperAnswer(JSON.stringify({ Username, Secret }));
    expect(answer('me', 'x')).toEqual({ kind: 'password', username: 'me', password: 'x' });
    expect(answer('<token>', 'x')).toEqual({ kind: 'refresh', token: 'x' });
    expect([answer('me', ''), answer(1, 'x'), parseHelperAnswer('not found')]).toEqual([null, null, null]);
  });
});
