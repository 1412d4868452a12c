/** Plans of scripts for tests. */

import type { RootFacts } from '../../../../src/enter/mounts/root-mounts.ts';
import type { EnterPlan, EnterTools } from '../../../../src/enter/script/enter-script.ts';
import type { Rule } from '../../../../src/rule/types.ts';

export const tools: EnterTools = {
  sh: '/bin/sh',
  unshare: '/bin/unshare',
  mount: '/bin/mount',
  setpriv: '/bin/setpriv',
  cp: '/bin/cp',
  ln: '/bin/ln',
  mkdir: '/bin/mkdir',
  nsenter: '/bin/nsenter',
  hostname: '/bin/hostname',
  ip: '/sbin/ip',
  setarch: '/bin/setarch',
};

export const ruleOf = (name: string, interpreter = `/usr/bin/${name}`): Rule => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: Uint8Array.of(0x7f, 0x45), mask: null },
  interpreter,
  flags: ['F'],
});

export const facts: RootFacts = {
  places: { proc: 'proc', sys: 'sys', dev: 'dev', run: 'run', tmp: 'tmp' },
  userNamespace: false,
  realDevices: true,
  nodes: ['null', 'tty'],
  procOfHost: false,
  instance: null,
  newNetwork: false,
  hasTtyGroup: true,
  terminal: null,
  sysFlags: [],
  sysOfHost: false,
  sysMounts: [],
  binds: [],
};

export const enterPlan: EnterPlan = {
  root: '/srv/root',
  facts,
  newUserNamespace: false,
  isJob: false,
  isLocked: true,
  madeFirst: [],
  made: { directories: [], files: [] },
  becomesRoot: false,
  rules: null,
  emulators: [],
  withheld: 'sys_ptrace',
  ephemeral: false,
  harmless: [],
  readOnly: null,
  hostname: null,
  account: null,
  personality32: false,
  umask: '0022',
  tools,
};
